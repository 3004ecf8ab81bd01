#!/bin/sh
# Builds and installs liblnc afresh, then a program against the installed tree by pkg-config alone.
# usage: run.sh SOURCE_DIR WORK_DIR CC
set -eu
source=$1 work=$2 cc=$3
rm -rf "$work"
cmake -S "$source" -B "$work/build" -DCMAKE_C_COMPILER="$cc" -DCMAKE_BUILD_TYPE=Release -DLNC_BUILD_TESTS=OFF \
    -DCMAKE_INSTALL_PREFIX="$work/root" > "$work.log"
cmake --build "$work/build" -j 2 >> "$work.log"
cmake --install "$work/build" >> "$work.log"
pc=$(dirname "$(find "$work/root" -name lnc.pc)")
export PKG_CONFIG_PATH="$pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
# shellcheck disable=SC2046 # flags are words
"$cc" -std=c11 -Wall -Wextra -Werror "$source/test/consumer/consumer.c" -o "$work/consumer" \
    $(pkg-config --cflags --libs --static lnc)
table="$source/test/data/2.2/chunks.lance"
rows=$("$work/consumer" "$table")
[ "$rows" = "$("$work/root/bin/lnc" count "$table")" ] || { echo "the consumer read $rows rows"; exit 1; }
[ "$rows" -gt 0 ]
if "$work/consumer" "$source/test" 2> "$work/error"; then echo "a folder without tables was opened"; exit 1; fi
grep -q . "$work/error"
[ -f "$work/root/share/man/man1/lnc.1" ] && [ -f "$work/root/include/lnc/lnc_arrow.h" ]
echo "the consumer read $rows rows, lnc $(pkg-config --modversion lnc)"
