#!/bin/sh
# conformance.sh LNC_CONFORM OUTDIR: lets the official client write tables and compares what liblnc reads from them.
# Exit status: 0 equal, 1 different, 77 skipped because node or the client is not installed.
set -eu
conform=$1
out=$2
here=$(dirname "$0")

command -v node >/dev/null 2>&1 || { echo "SKIPPED: node is not installed"; exit 77; }
: "${GEN_NODE_MODULES:=${LNC_NODE_MODULES_DEFAULT:-$PWD}}"
[ -d "$GEN_NODE_MODULES" ] || { echo "SKIPPED: $GEN_NODE_MODULES does not exist (npm install in test/)"; exit 77; }
export GEN_NODE_MODULES RUST_LOG=error

rm -rf "$out"
mkdir -p "$out"
status=0
node "$here/make_tables.mjs" "$out" || status=$?
[ "$status" -eq 0 ] || exit "$status"
"$conform" "$out/legacy" "$out/2.0" "$out/2.1" "$out/2.2" "$out/default" || status=$?
[ "$status" -ne 0 ] || rm -rf "$out"
exit "$status"
