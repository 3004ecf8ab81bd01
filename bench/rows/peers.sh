# The program beside Python clients that do the same work: the same prompts, the same server, the same number of requests.

row_peers() {
    local python n in_flight=1024 ours_us ours_rate client us rate
    if ! python=$(bench/peers/setup "$build/peers"); then
        say "peers: skipped, see above"
        return 0
    fi
    n=$(scaled 20480 4096)
    rm -f "$work"/first.*
    "$python" -B bench/peers/capture.py "$build/generator" generate "$(chunks "$n")" -o "$work/first.jsonl" --provider openai \
        --base-url http://127.0.0.1:PORT/v1 --model m --workers 1 --progress none >"$work/template.json"
    start_server --latency-ms 200 --answer-bytes 2000
    program generate "$(chunks "$n")" "$in_flight"
    ours_us=$(calc "($(num user_us <"$work/run.json") + $(num sys_us <"$work/run.json")) / $n" %.0f)
    ours_rate=$(calc "$n / $(num seconds <"$work/run.json")" %.0f)
    for client in aiohttp openai; do
        server_forget
        "$python" -B "bench/peers/client_$client.py" --base-url "http://127.0.0.1:$port/v1" --chunks "$(chunks "$n")" \
            --template "$work/template.json" --output "$work/peer.jsonl" --in-flight "$in_flight" >"$work/peer.json" ||
            fail "the $client peer failed"
        [ "$(num requests <"$work/peer.json")" = "$n" ] || say "peers: $client: $(cat "$work/peer.json")"
        us=$(calc "($(num user_us <"$work/peer.json") + $(num sys_us <"$work/peer.json")) / $n" %.0f)
        rate=$(calc "$n / $(num seconds <"$work/peer.json")" %.0f)
        report peers "$n requests, $in_flight in flight, 200 ms: the program beside Python, $(peer_name "$client")" \
            "$ours_rate/s, $ours_us us of CPU a request" "$rate/s, $us us" \
            "$(calc "$ours_rate / $rate" %.1f) times the rate, 1/$(calc "$us / $ours_us" %.1f) of the CPU" \
            "$(holds "$ours_rate > $rate && $ours_us < $us")"
    done
    stop_server
}

peer_name() {
    case "$1" in
    aiohttp) echo "asyncio + $(sed -n 's/==/ /p' bench/peers/requirements.txt | grep aiohttp)" ;;
    openai) echo "$(sed -n 's/==/ /p' bench/peers/requirements.txt | grep openai) (AsyncOpenAI)" ;;
    esac
}
