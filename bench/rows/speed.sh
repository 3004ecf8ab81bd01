# CPU of a request and throughput beside the bare client (bench/floor.c) and the ideal.

# CPU beside the bare client, in alternating pairs on one server: row, limit of the ratio, name of the answers,
# option of the bare client or nothing, options of the program.
cpu_pairs() {
    local row=$1 limit=$2 name=$3 bare_option=$4 n in_flight=1024 i what body us bare split=
    shift 4
    n=$(scaled 40960 10240)
    for what in user sys bare_user bare_sys us bare; do : >"$work/$what"; done
    start_server --latency-ms 200 --answer-bytes 2000
    for ((i = 0; i < repeat; i++)); do
        server_forget
        program generate "$(chunks "$n")" "$in_flight" "$@"
        [ "$(server_stat requests)" = "$n" ] || fail "the program did not send one request a chunk"
        # The same bytes on the wire: what came in, less the head of the bare client's requests.
        body=$(calc "$(server_stat bytes_in) / $n - 150" %.0f)
        # shellcheck disable=SC2086
        floor "$n" "$in_flight" "$body" $bare_option >"$work/floor.json"
        for what in user sys; do
            calc "$(num ${what}_us <"$work/run.json") / $n" >>"$work/$what"
            num "${what}_us_per_request" <"$work/floor.json" >>"$work/bare_$what"
            echo >>"$work/$what"
        done
        calc "($(num user_us <"$work/run.json") + $(num sys_us <"$work/run.json")) / $n" >>"$work/us"
        echo >>"$work/us"
        num cpu_us_per_request <"$work/floor.json" >>"$work/bare"
    done
    stop_server
    us=$(median <"$work/us")
    bare=$(median <"$work/bare")
    split="user $(median <"$work/user") + system $(median <"$work/sys")"
    report "$row" "CPU of a completed request, $name, everything included, beside the bare libcurl + libuv client" \
        "$us us ($split)" "$bare us (user $(median <"$work/bare_user") + system $(median <"$work/bare_sys"))" \
        "$(calc "$us / $bare") (limit $limit)" "$(holds "$us <= $limit * $bare")"
}

row_cpu() { cpu_pairs cpu 1.3 "whole answers" ""; }
row_cpu_stream() { cpu_pairs cpu_stream 2 "streamed answers (the bare client only receives the events)" --stream --stream on; }

latency() { # row, in flight, latency in ms, requests
    local ideal steady whole
    rm -f "$work/server.log"
    start_server --latency-ms "$3" --answer-bytes 2000 --log "$work/server.log"
    program generate "$(chunks "$4")" "$2"
    stop_server
    ideal=$(calc "$2 * 1000 / $3" %.1f)
    steady=$(steady_rate "$work/server.log")
    whole=$(calc "$4 / $(num seconds <"$work/run.json")" %.1f)
    report "$1" "$2 requests in flight, $3 ms, 2 KB answers, steady state (whole run: $whole/s)" "$steady/s" "$ideal/s" \
        "$(calc "$steady / $ideal" %.3f) (limit 0.95)" "$(holds "$steady >= 0.95 * $ideal")"
}

row_latency1024() { latency latency1024 1024 200 "$(scaled 61440 20480)"; }
row_latency4096() { latency latency4096 4096 500 "$(scaled 81920 32768)"; }

# The same with 10,000, with the bare client on the same server, and every connection error counted.
row_inflight10000() {
    local k=10000 n ideal files steady bare errors most
    files=$(ulimit -Hn)
    # The program and the server each need a descriptor a request; both raise their own soft limit to the hard one.
    if [ "$files" != unlimited ] && [ "$files" -lt 10100 ]; then
        say "inflight10000: skipped. The hard limit of open files is $files, and each process needs 10,100: raise it with" \
            "LimitNOFILE= in the systemd unit, nofile in /etc/security/limits.conf, or docker run --ulimit nofile=20000"
        return 0
    fi
    n=$(scaled 80000 40000)
    rm -f "$work/server.log"
    start_server --latency-ms 1000 --answer-bytes 2000 --log "$work/server.log"
    program generate "$(chunks "$n")" "$k"
    # Failed connections by the program's account, and by the server's requests sent twice and answers nobody took.
    errors=$(sed -n 's/.*"transport": *\([0-9]*\).*/\1/p' "$work/out_summary.json" | head -n 1)
    errors=$((${errors:-0} + $(server_stat requests) - n + $(server_stat abandoned)))
    most=$(server_stat max_concurrent)
    stop_server
    steady=$(steady_rate "$work/server.log")
    rm -f "$work/server.log"
    start_server --latency-ms 1000 --answer-bytes 2000 --log "$work/server.log"
    floor "$n" "$k" 5800 --multi-handles 64 >"$work/floor.json"
    stop_server
    bare=$(steady_rate "$work/server.log")
    ideal=$k.0
    report inflight10000 "$k requests in flight (most seen by the server: $most), 1 s, 2 KB answers, steady state; connection errors: $errors; open-file limit $files" \
        "$steady/s" "$ideal/s (bare client: $bare/s)" "$(calc "$steady / $ideal" %.3f) (limit 0.95)" \
        "$(holds "$steady >= 0.95 * $ideal && $errors == 0")"
    report inflight10000 "the same run: peak memory of the program" "$(calc "$(num peak_rss_kb <"$work/run.json") / 1024" %.0f) MB" \
        "$(calc "$(num peak_rss_kb <"$work/floor.json") / 1024" %.0f) MB (bare client)" "-" "(no limit)"
}
