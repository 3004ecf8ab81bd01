# What the rows of bench/run share. Read by bench/run; expects build, work, quick, and the working folder at the top.

fail() { printf 'bench: %s\n' "$*" >&2; exit 1; }
say() { printf 'bench: %s\n' "$*" >&2; }

num() { sed -n "s/.*\"$1\":\([0-9.][0-9.]*\).*/\1/p" | head -n 1; }    # a number of a JSON object on standard input
calc() { awk "BEGIN { printf \"${2:-%.2f}\", $1 }"; }
holds() { awk "BEGIN { exit !($1) }" && echo yes || echo NO; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
scaled() { if [ "$quick" = yes ]; then echo "$2"; else echo "$1"; fi; }    # whole amount, quick amount

server_pid=
start_server() { # options of fakellm
    local tries=0
    : >"$work/port"
    "$build/test/support/fakellm" --die-with-parent "$@" >"$work/port" 2>"$work/fakellm.err" &
    server_pid=$!
    until grep -q ':[0-9]' "$work/port"; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || fail "fakellm does not start: $(head -n 1 "$work/fakellm.err")"
        sleep 0.05
    done
    port=$(sed -n 's/.*:\([0-9]*\).*/\1/p' "$work/port" | head -n 1)
}

stop_server() {
    [ -n "$server_pid" ] || return 0
    kill "$server_pid" 2>/dev/null || true
    wait "$server_pid" 2>/dev/null || true
    server_pid=
}

server_ask() { # method, path: the body
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf '%s %s HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Length: 0\r\n\r\n' "$1" "$2" >&3
    tr -d '\r' <&3 | sed '1,/^$/d'
    exec 3<&-
}
server_stat() { server_ask GET /fake/stats | num "$1"; }
server_forget() { server_ask POST /fake/reset >/dev/null; }
server_seconds() { # good, limited or failed: one number a second, a line each
    server_ask GET /fake/seconds | sed -n "s/.*\"$1\":\[\([0-9,]*\)\].*/\1/p" | tr ',' '\n'
}

chunks() { # N: the file of the first N chunks
    [ -s "$work/chunks-$1.jsonl" ] || "$build/bench/make_chunks" "$1" >"$work/chunks-$1.jsonl"
    echo "$work/chunks-$1.jsonl"
}

# Runs the program on a corpus and leaves the judgement of its end to the caller: command, chunks, requests in flight,
# more options. Its figures go to $work/run.json, its account to $work/out_summary.json. It is interrupted after
# $longest_s seconds, so that a run that stands still is a figure and no hanging bench.
program_any_end() {
    local command=$1 input=$2 in_flight=$3
    shift 3
    rm -f "$work"/out.* "$work"/out_*
    "$build/bench/measure" timeout -s INT "${longest_s:-900}" "$build/generator" "$command" "$input" -o "$work/out.jsonl" --provider "${provider:-openai}" \
        --base-url "http://127.0.0.1:$port${base_path-/v1}" --model m --workers "$in_flight" --ledger "$work/out.ledger" \
        --progress none "$@" >"$work/run.json" 2>"$work/run.err" || fail "cannot measure: $(cat "$work/run.err")"
}

program() { # the same; anything but a whole success ends the bench
    program_any_end "$@"
    [ "$(num exit <"$work/run.json")" = 0 ] || fail "generator $1 ended with an error: $(cat "$work/run.err")"
}

floor() { # requests, in flight, bytes of a request's body, more options
    local requests=$1 in_flight=$2 bytes=$3
    shift 3
    "$build/bench/floor" --url "http://127.0.0.1:$port/v1/chat/completions" --requests "$requests" \
        --in-flight "$in_flight" --body-bytes "$bytes" "$@"
}

report() { # row, what, measured, limit or peer, ratio, reached
    printf '%-13s %-66s %s | %s | %s | %s\n' "$1" "$2" "$3" "$4" "$5" "$6"
    printf '| %s | %s | %s | %s | %s | `bench/run %s` |\n' "$2" "$3" "$4" "$5" "$6" "$1" >>"$work/table.md"
}

# Answers a second between 25 % and 75 % of a run, from the server's log.
steady_rate() {
    sed -n 's/.*"ms":\([0-9]*\),"took_ms":\([0-9]*\).*"status":200.*/\1 \2/p' "$1" | awk '{ print $1 + $2 }' | sort -n |
        awk '{ t[NR] = $1 } END { a = int(NR / 4); b = int(NR * 3 / 4); printf "%.1f", (b - a) * 1000 / (t[b] - t[a]) }'
}
