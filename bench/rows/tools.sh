# Tools: round trips of calls with our own server through our own client, and the static verification of records.

row_tools() {
    local n window rate tmp="$work/hdf5" server="$build/generator-hdf5-mcp"
    [ -x "$server" ] || { say "tools: skipped, generator-hdf5-mcp was not built"; return 0; }
    mkdir -p "$tmp"
    n=$(scaled 20000 2000)
    for window in 1 8; do
        rate=$(for _ in $(seq "$repeat"); do
            "$build/bench/mcp_calls" "$n" "$window" open_file '{"path":"simulation.h5"}' list_keys '{"path":"/"}' \
                "$server" --data-dir "$tmp" --samples 2>"$work/tools.err" | num calls_a_second
        done | median)
        [ -n "$rate" ] || fail "cannot call the HDF5 server: $(cat "$work/tools.err")"
        report tools "\`tools/call\` of generator-hdf5-mcp over stdio, $window at once" "$rate calls/s" "1000 calls/s" \
            "$(calc "$rate / 1000" %.1f)" "$(holds "$rate >= 1000")"
    done
    n=$(scaled 100000 10000)
    "$build/bench/climb" "$n" test/data/tool/records.jsonl >"$work/climb.json" || fail "cannot verify records"
    rate=$(num seconds <"$work/climb.json")
    report tools "static verification of $n tool records" "$(calc "$rate" %.1f) s" "10 s for 100,000" \
        "$(calc "$n / 10000 / $rate" %.1f)" "$(holds "$rate * 100000 / $n <= 10")"
}
