#!/bin/sh
# Builds and installs liblnc afresh, as a static and as a shared library, moves the installed tree, and builds programs of a stranger
# against it: by pkg-config alone, by find_package, and with liblnc as a folder of the project; in C and, with a compiler for it, C++.
# usage: run.sh SOURCE_DIR WORK_DIR CC
set -eu
source=$1 work=$2 cc=$3
table="$source/test/data/2.2/chunks.lance"
warnings="-Wall -Wextra -Wpedantic -Werror"
rm -rf "$work"
mkdir -p "$work"

fail() { echo "$*"; exit 1; }

# reads PROGRAM...: it counts the rows of the table.
reads() {
    n=$("$@" "$table") || fail "$*: failed"
    [ "$n" = "$rows" ] || fail "$*: read $n rows of $rows"
}

for kind in static shared; do
    shared=OFF
    [ $kind = static ] || shared=ON
    build=$work/$kind-build root=$work/$kind
    cmake -S "$source" -B "$build" -DCMAKE_C_COMPILER="$cc" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=$shared -DLNC_WERROR=ON \
        -DLNC_BUILD_TESTS=OFF > "$work/log"
    cmake --build "$build" -j 2 >> "$work/log"
    cmake --install "$build" --prefix "$root-here" >> "$work/log"
    mv "$root-here" "$root"
    pc=$(dirname "$(find "$root" -name lnc.pc)")
    lib=$(dirname "$pc")
    PKG_CONFIG_PATH="$pc${PKG_CONFIG_PATH_BEFORE:=${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}}"
    LD_LIBRARY_PATH=$lib
    export PKG_CONFIG_PATH LD_LIBRARY_PATH
    static=
    [ $kind = shared ] || static=--static
    rows=$("$root/bin/lnc" count "$table")
    [ "$rows" -gt 0 ]
    # shellcheck disable=SC2046,SC2086 # flags are words
    "$cc" -std=c11 $warnings "$source/test/consumer/consumer.c" -o "$work/consumer" $(pkg-config --cflags --libs $static lnc)
    reads "$work/consumer"
    if command -v c++ > /dev/null; then
        # shellcheck disable=SC2046,SC2086
        c++ -std=c++17 $warnings "$source/test/consumer/consumer.cpp" -o "$work/consumer++" $(pkg-config --cflags --libs $static lnc)
        reads "$work/consumer++"
    else
        echo "no c++: C++ was not tried"
    fi
    cmake -S "$source/test/consumer" -B "$work/package-$kind" -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$root" > "$work/log"
    cmake --build "$work/package-$kind" >> "$work/log"
    reads "$work/package-$kind/consumer"
done

# What a shared library shows is what the headers declare, and nothing else.
sed -n 's/.*LNC_API [^(]*[ *]\(lnc_[a-z0-9_]*\)(.*/\1/p' "$source"/include/lnc/*.h | sort > "$work/declared"
nm -D --defined-only "$lib/liblnc.so" | awk '{print $3}' | sort > "$work/shown"
diff "$work/declared" "$work/shown" || fail "declared (<) and shown (>) differ"

cmake -S "$source/test/consumer" -B "$work/folder" -DCMAKE_C_COMPILER="$cc" -DLNC_SOURCE="$source" > "$work/log"
cmake --build "$work/folder" -j 2 >> "$work/log"
reads "$work/folder/consumer"

if "$work/consumer" "$source/test" 2> "$work/error"; then fail "a folder without tables was opened"; fi
grep -q . "$work/error"
[ -f "$root/share/man/man1/lnc.1" ] && [ -f "$root/include/lnc/lnc_arrow.h" ]
echo "the consumers read $rows rows, lnc $(pkg-config --modversion lnc)"
