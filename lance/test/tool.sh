#!/bin/sh
# The program lnc: what it writes and how it ends.
# usage: tool.sh LNC DATA_DIR
lnc=$1 data=$2
out=$(mktemp) err=$(mktemp)
trap 'rm -f "$out" "$err"' EXIT
failed=0

# expect STATUS OUTPUT ERROR_PART ARGUMENTS...
expect() {
    status=$1 text=$2 part=$3
    shift 3
    "$lnc" "$@" > "$out" 2> "$err"
    got=$?
    if [ $got -ne "$status" ] || [ "$(cat "$out")" != "$text" ] || { [ -n "$part" ] && ! grep -qF -- "$part" "$err"; } ||
        { [ -z "$part" ] && [ -s "$err" ]; }; then
        echo "lnc $*: status $got, output:"; head -c 600 "$out"; head -c 600 "$err"
        failed=1
    fi
}

refs=$data/refs
expect 0 'b
c
ns1$deep$inner
ns1$inner
top' '' tables "$refs"
expect 0 6 '' count "$refs/b.lance"
expect 0 3 '' count "$refs/b.lance" --version 1
expect 0 3 '' count --tag one "$refs/b.lance"
expect 0 9 '' count --branch feature/x-1 "$refs" --table b
expect 0 '{"a":1}
{"a":2}' '' cat "$refs" --table 'ns1$deep$inner'
expect 0 '{"s":"x","a":1}
{"s":null,"a":2}' '' head -n 2 --columns s,a "$refs/b.lance"
expect 0 '{"a":1}' '' head -n 1 --column a "$refs/b.lance"
expect 0 '' '' head -n 0 "$refs/b.lance"
expect 0 '{"name":"a","type":"int64","nullable":true,"readable":true}
{"name":"s","type":"string","nullable":true,"readable":true}' '' schema "$refs/b.lance"
expect 0 '{"name":"br","branch":"feature/x-1","version":3}
{"name":"one","branch":null,"version":1}' '' tags "$refs/b.lance"
expect 0 '{"name":"feature/x-1","from_branch":null,"from_version":2}
{"name":"sub","from_branch":"feature/x-1","from_version":3}' '' branches "$refs/b.lance"
expect 0 '{"version":1,"time":"2026-11-23T00:11:20.388822Z","rows":3,"tags":["one"]}
{"version":2,"time":"2026-11-23T00:11:20.416427Z","rows":6}' '' versions "$refs/b.lance"
expect 0 '{"id":0,"tags":[],"meta":{"a":0,"b":"b0"}}
{"id":1,"tags":["tag0"],"meta":{"a":1,"b":"b1"}}' '' head -n 2 --columns id,tags,meta "$data/2.2/nested.lance"

expect 0 '{"wide":{"$d":"0.00000"},"price":[{"$d":"-0.090"},null]}
{"wide":{"$d":"-10000000000000000000000000.00000"},"price":[{"$d":"-0.089"},null]}
{"wide":{"$d":"-20000000000000000000000000.00000"},"price":[{"$d":"-0.086"},null]}
{"wide":{"$d":"-30000000000000000000000000.00000"},"price":null}' '' head -n 4 --columns wide,price "$data/python/2.2/vectors.lance"
expect 1 '' 'a blob lies outside of the table (file:///' cat --columns b "$data/python/2.2/blobs_external.lance"
expect 0 '{"id":0}
{"id":1}' '' cat "$data/python/2.2/blobs_external.lance"
expect 0 '{"name":"id","type":"int64","nullable":true,"readable":true}
{"name":"b","type":"struct","nullable":true,"readable":true,"blob":true}' '' schema "$data/python/2.2/blobs_external.lance"

expect 1 '' 'outside of its directory' count "$refs/c.lance"
expect 0 4 '' count --follow-base-paths "$refs/c.lance"
expect 1 '' 'has no version 9; it has: 1, 2' count "$refs/b.lance" --version 9
expect 1 '' 'no tag' count "$refs/b.lance" --tag nowhere
expect 1 '' "has no column 'z'; it has: a, s" cat --columns a,z "$refs/b.lance"
expect 1 '' 'name one of' count "$refs"
expect 1 '' 'no table' count "$refs" --table nowhere
expect 1 '' 'No such file' tables "$refs/nowhere"
expect 1 '' 'storage version 2.3' cat "$data/2.3/newer.lance"
expect 2 '' 'a command is missing'
expect 2 '' 'no command' shuffle "$refs"
expect 2 '' 'needs the path of a table' count
expect 2 '' 'one path is enough' count a b
expect 2 '' 'needs a number' head -n x a
expect 2 '' 'needs a number' head -n 99999999999999999999 a
expect 2 '' 'needs a number' count --version 0 a
expect 2 '' 'lacks its value' count a --tag
expect 2 '' 'empty value' count --tag '' a
expect 2 '' 'count has no use for -n' count -n 1 a
expect 2 '' 'cat has no use for -n' cat -n 1 a
expect 2 '' 'schema has no use for --columns' schema --columns x a
expect 2 '' 'tables has no use for --tag' tables --tag x a
expect 2 '' 'takes no value' count --follow-base-paths=1 a
expect 2 '' 'asked for twice' cat --column a --columns s,a "$refs/b.lance"
expect 2 '' 'give one of them only' count --tag one --version 1 "$refs/b.lance"
expect 0 3 '' count --tag=one "$refs/b.lance"
expect 2 '' 'no option' count --nowhere x a
expect 2 '' 'empty name' cat --columns a,,b a

"$lnc" -V | grep -q '^lnc [0-9]' || { echo "no version"; failed=1; }
"$lnc" --help | grep -q '^usage: lnc' || { echo "no help"; failed=1; }
if [ -w /dev/full ] && "$lnc" cat "$refs/b.lance" > /dev/full 2> "$err"; then echo "a full disk was not noticed"; failed=1; fi
# Every sample line is JSON, if there is something to check it with.
if command -v python3 > /dev/null; then
    for table in "$data"/*/types.lance; do
        "$lnc" cat "$table" | python3 -c 'import json, sys
for line in sys.stdin: json.loads(line)' || { echo "$table: no JSON"; failed=1; }
    done
fi
exit $failed
