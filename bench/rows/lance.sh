# The Lance reader beside the official client: the same table, the same columns, turn by turn.

lance_pair() { # table, columns...: both figures of one turn to $work/lnc.json and $work/client.json
    "$build/bench/lance_scan" "$work/lance-$1" text_chunks "${@:2}" >"$work/lnc.json" || fail "lance_scan failed"
    GEN_NODE_MODULES=${GEN_NODE_MODULES:-$top/test/node_modules} node bench/lance-scan.mjs "$work/lance-$1" text_chunks "${@:2}" >"$work/client.json" ||
        fail "the official client failed"
}

row_lance() {
    local n small i ours theirs rss first
    if ! command -v node >/dev/null || [ ! -d "${GEN_NODE_MODULES:-test/node_modules}/@lancedb/lancedb" ]; then
        say "lance: node or test/node_modules is missing (scripts/setup brings both): the row is left out"
        return 0
    fi
    n=$(scaled 1000000 100000)
    small=$((n / 10))
    for i in "$small" "$n"; do
        GEN_NODE_MODULES=${GEN_NODE_MODULES:-$top/test/node_modules} node --max-old-space-size=6000 bench/lance-table.mjs "$i" "$work/lance-$i" >&2
    done
    lance_pair "$n" id content source_file # warms the cache
    for ((i = 0; i < 2 * repeat + 1; i++)); do
        lance_pair "$n" id content source_file
        [ "$(num rows <"$work/lnc.json")" = "$n" ] && [ "$(num rows <"$work/client.json")" = "$n" ] &&
            [ "$(num bytes <"$work/lnc.json")" = "$(num bytes <"$work/client.json")" ] || fail "the readers do not agree"
        for who in lnc client; do
            num seconds <"$work/$who.json" >>"$work/$who-seconds"
            num first_row_ms <"$work/$who.json" >>"$work/$who-first"
        done
    done
    ours=$(calc "$n / $(median <"$work/lnc-seconds")" %.0f)
    theirs=$(calc "$n / $(median <"$work/client-seconds")" %.0f)
    report lance "rows read of $n ($(calc "$(num bytes <"$work/lnc.json") / 1e6" %.0f) MB of text, vectors beside it), file cache warm, beside @lancedb/lancedb" \
        "$ours rows/s" "$theirs rows/s" "$(calc "$ours / $theirs")" "$(holds "$ours >= 2 * $theirs")"
    rss=$(calc "$(num peak_rss_kb <"$work/lnc.json") / 1024" %.1f)
    report lance "peak memory of that scan (the client: $(calc "$(num peak_rss_kb <"$work/client.json") / 1024" %.0f) MB)" \
        "$rss MB" "64 MB" "$(calc "$rss / 64")" "$(holds "$rss <= 64")"
    lance_pair "$small" id content source_file
    first=$(calc "$(num peak_rss_kb <"$work/lnc.json") / 1024" %.1f)
    report lance "peak memory, a tenth of the rows" "$first MB" "$rss MB" "$(calc "$rss / $first")" "$(holds "$rss <= 1.25 * $first + 1")"
    ours=$(median <"$work/lnc-first")
    theirs=$(median <"$work/client-first")
    report lance "from opening the table to its first rows" "$ours ms" "5 ms" "$(calc "$ours / 5")" "$(holds "$ours <= 5")"
    report lance "the same beside @lancedb/lancedb" "$ours ms" "$(calc "$theirs" %.1f) ms" "$(calc "$theirs / $ours" %.0f)" "$(holds "$theirs >= 10 * $ours")"
    rm -rf "$work/lance-$small" "$work/lance-$n"
}
