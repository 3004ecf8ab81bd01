#!/bin/sh
# conformance.sh LNC_CONFORM OUTDIR: lets official clients write tables and compares what liblnc reads from them: the newest client of
# npm, two older ones, and the Python client.
# Exit status: 0 equal, 1 different, 77 skipped because node or the newest client is not installed. An older client or the Python
# client that is not there is skipped with a line that says so.
#   GEN_NODE_MODULES   node_modules with the newest client
#   LNC_CLIENTS        folder for the older clients (default: ~/.cache/lnc-clients); each is installed once, by npm
#   LNC_OFFLINE=1      installs nothing
#   LNC_PYTHON         a python that has pylance (default: python3)
#   LNC_RANDOM         how many random tables it writes in each storage version (default: 8), LNC_SEED which (default: 1)
set -eu
conform=$1
out=$2
here=$(dirname "$0")
export RUST_LOG=error

say() { printf '%s\n' "$*"; }

command -v node >/dev/null 2>&1 || { say "SKIPPED: node is not installed"; exit 77; }
: "${GEN_NODE_MODULES:=${LNC_NODE_MODULES_DEFAULT:-$PWD}}"
[ -d "$GEN_NODE_MODULES" ] || { say "SKIPPED: $GEN_NODE_MODULES does not exist (npm install in test/)"; exit 77; }
clients=${LNC_CLIENTS:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/lnc-clients}

# Writes with one client and compares: name, node_modules or python, program, arguments.
check() {
    name=$1
    shift
    status=0
    rm -rf "${out:?}/$name"
    mkdir -p "$out/$name"
    "$@" "$out/$name" >"$out/$name.log" 2>&1 || status=$?
    grep -v " WARN " "$out/$name.log" | tail -n 5 | sed "s|^|$name: |" || true
    [ "$status" -eq 0 ] || return "$status"
    "$conform" "$out/$name"/*/ || return 1
    rm -rf "${out:?}/$name"
}

install() { # version, version of apache-arrow: 0 if the client is there afterwards
    folder=$clients/$1
    [ ! -f "$folder/.ok" ] || return 0
    [ "${LNC_OFFLINE:-}" != 1 ] && command -v npm >/dev/null 2>&1 || return 1
    rm -rf "$folder"
    mkdir -p "$folder" || return 1
    say '{"private":true,"type":"module"}' >"$folder/package.json"
    (cd "$folder" && timeout 240 npm install --no-audit --no-fund --legacy-peer-deps --omit=dev --loglevel=error "@lancedb/lancedb@$1" "apache-arrow@$2") \
        >"$folder/install.log" 2>&1 && : >"$folder/.ok"
}

rm -rf "$out"
mkdir -p "$out"
status=0
GEN_NODE_MODULES=$GEN_NODE_MODULES check newest node "$here/make_tables.mjs" || status=$?
[ "$status" -eq 0 ] || exit "$status"
for pair in 0.13.0:17.0.0 0.10.0:17.0.0; do # the default of the first is 2.0, of the second 0.1
    version=${pair%:*}
    if install "$version" "${pair#*:}"; then
        GEN_NODE_MODULES=$clients/$version check "$version" node "$here/make_tables.mjs" || status=1
    else
        say "SKIPPED: client $version is not in $clients and could not be installed"
    fi
done
python=${LNC_PYTHON:-python3}
if "$python" -c 'import lance' >/dev/null 2>&1; then
    check python "$python" "$here/make_tables.py" || status=1
    check random "$python" "$here/make_tables.py" --random "${LNC_SEED:-1}" "${LNC_RANDOM:-8}" || status=1
    if "$python" -c 'import lancedb' >/dev/null 2>&1; then
        check lancedb "$python" "$here/tables_lancedb.py" || status=1
    else
        say "SKIPPED: $python has no lancedb (pip install lancedb)"
    fi
else
    say "SKIPPED: $python has no pylance (pip install pylance; LNC_PYTHON names another python)"
fi
exit "$status"
