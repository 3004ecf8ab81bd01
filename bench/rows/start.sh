# Memory, the start, and a finished run again.

row_memory() {
    local n rss
    for n in $(scaled "20000 200000" "2000 20000"); do
        start_server --latency-ms 20 --answer-bytes 600
        program pipeline "$(chunks "$n")" 256
        stop_server
        rss=$(calc "$(num peak_rss_kb <"$work/run.json") / 1024" %.1f)
        report memory "peak memory, $n chunks through \`pipeline\` at 256 in flight ($(num seconds <"$work/run.json") s)" \
            "$rss MB" "96 MB" "$(calc "$rss / 96")" "$(holds "$rss <= 96")"
    done
}

row_startup() {
    local i n table what ms
    for ((i = 0; i < 21; i++)); do
        "$build/bench/measure" "$build/generator" --version 2>/dev/null | num seconds
    done >"$work/version"
    ms=$(calc "$(median <"$work/version") * 1000")
    report startup "\`generator --version\`" "$ms ms" "10 ms" "$(calc "$ms / 10")" "$(holds "$ms <= 10")"
    n=$(scaled 100000 10000)
    if command -v node >/dev/null && [ -d test/node_modules/@lancedb/lancedb ]; then
        table=$work/table.lancedb
        what="LanceDB table"
        node bench/make-table.mjs "$(chunks "$n")" "$table" >&2
    else
        say "node or test/node_modules is missing (scripts/setup brings both): a JSON Lines file instead of a table"
        table=$(chunks "$n")
        what="JSON Lines file"
    fi
    for ((i = 0; i < 11; i++)); do
        rm -f "$work"/first.*
        "$build/bench/first_request" "$build/generator" generate "$table" -o "$work/first.jsonl" --provider openai \
            --base-url http://127.0.0.1:PORT/v1 --model m --progress none 2>/dev/null | num ms
    done >"$work/first-ms"
    [ -s "$work/first-ms" ] || fail "the program sends no request for $table"
    ms=$(median <"$work/first-ms")
    report startup "first request after the start, $what of $n rows" "$ms ms" "50 ms" "$(calc "$ms / 50")" \
        "$(holds "$ms <= 50")"
}

row_rerun() {
    local n rate
    n=$(scaled 100000 20000)
    start_server --latency-ms 50 --answer-bytes 2000
    program generate "$(chunks "$n")" 1024
    mv "$work/out.jsonl" "$work/before.jsonl"
    [ ! -e "$work/before.ledger" ] || rm -f "$work"/before.ledger*
    mv "$work/out.ledger" "$work/before.ledger"
    program generate "$(chunks "$n")" 1024 --ledger "$work/before.ledger"
    cmp -s "$work/out.jsonl" "$work/before.jsonl" || fail "the second run wrote other bytes than the first"
    [ "$(server_stat requests)" = "$n" ] || fail "the second run sent requests"
    stop_server
    rate=$(calc "$n / $(num seconds <"$work/run.json")" %.0f)
    report rerun "a finished \`generate\` of $n calls run again, all from the ledger" "$rate calls/s" "50000 calls/s" \
        "$(calc "$rate / 50000")" "$(holds "$rate >= 50000")"
}
