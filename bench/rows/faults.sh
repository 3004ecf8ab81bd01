# Faults and refusals: nothing lost, nothing twice, and how fast the throughput comes back.

# Not drawn at random. Those of the first line mean that the account, the key, the model or the address is wrong, at which
# a run rightly stops (exit status 5; tests show each). The next are no answers of this protocol, or of streams alone. A
# hanging or refusing server and a Retry-After of a century are tests of waiting, and slow_down asks for half the rate for
# a quarter of an hour: drawn at random, it would measure nothing but obedience.
not_drawn="429quota 429credit 402 402retry 400credit 401 403 404model redirect 400param
recitation ctxwindow continuation ssecomments ssecrlf sseutf8 sseerror ssenodone ssecut ssetwo ssestall
hang refuse 429absurd slowdown"
faults_max=96    # rules that fakellm takes in one run

# fault_options SHARE NAME...: options by which one request in SHARE meets one of the faults, each as often as the others
fault_options() {
    local share=$1 each name
    shift
    each=$(calc "1 - exp(log(1 - $share) / $#)" %.6f)
    for name in "$@"; do printf -- '--fault %s:%s ' "$name" "$each"; done
}

# Ends of the items by the program's own account, checked against the files: sets n_in, n_produced, n_filtered, n_failed.
read_account() {
    local account
    account=$(tr -d ' \n' <"$work/out_summary.json")
    n_in=$(printf '%s' "$account" | sed 's/.*"stages":\[{//' | num in)
    n_produced=$(printf '%s' "$account" | sed 's/.*"stages":\[{//' | num produced)
    n_filtered=$(sum_of filtered)
    n_failed=$(sum_of failed)
    n_skipped=$(sum_of skipped)
}
sum_of() { # the numbers of an object of the account, added
    printf '%s' "$account" | sed -n "s/.*\"stages\":\[{.*\"$1\":{\([^}]*\)}.*/\1/p" | tr ',' '\n' |
        awk -F: '{ n += $2 } END { print n + 0 }'
}

# The chunks that have rows in the output: none in two places, and none of them among the failures.
check_none_twice() {
    local rows
    [ -e "$work/out.jsonl" ] || { echo "not known, the run was interrupted"; return 0; }
    sed -n 's/.*"chunk_id":"\([^"]*\)".*/\1/p' "$work/out.jsonl" >"$work/rows"
    uniq <"$work/rows" | sort >"$work/produced"
    rows=$(wc -l <"$work/out.jsonl")
    [ "$(sort -u "$work/out.jsonl" | wc -l)" = "$rows" ] || { echo "a row is there twice"; return 0; }
    [ -z "$(uniq -d "$work/produced")" ] || { echo "a chunk is produced in two places"; return 0; }
    [ "$(wc -l <"$work/produced")" = "$n_produced" ] || { echo "the output has other chunks than the account"; return 0; }
    if [ -e "$work/out_failures.jsonl" ]; then
        [ "$(wc -l <"$work/out_failures.jsonl")" = "$n_failed" ] || { echo "a failure has no name"; return 0; }
        sed -n 's/.*"\(chunk-[0-9]*\)".*/\1/p' "$work/out_failures.jsonl" | sort -u >"$work/failed"
        [ -z "$(comm -12 "$work/produced" "$work/failed")" ] || { echo "a chunk is produced and failed"; return 0; }
    elif [ "$n_failed" != 0 ]; then
        echo "failures without a file"
        return 0
    fi
    echo no
}

faults_once() { # name of the kinds, their names...
    local what=$1 n options twice sent again
    shift
    n=$(scaled 3000 1000)
    read -r -a options <<<"$(fault_options 0.30 "$@")"
    start_server --latency-ms 50 --answer-bytes 2000 --slow-ms 1 --late-ms 2000 --retry-after 0 "${options[@]}"
    longest_s=300 program_any_end generate "$(chunks "$n")" 512 --timeout 20
    sent=$(server_stat requests)
    again=$(server_stat paid_again)
    stop_server
    read_account
    twice=$(check_none_twice)
    report faults "$n chunks at 512 in flight, 30 % of the answers with one of $# faults ($what), $sent requests, $(num seconds <"$work/run.json") s" \
        "$n_produced produced, $n_filtered filtered by a rule, $n_failed failed by name, $n_skipped skipped; twice: $twice; answers the server charged for again after a fault: $again" \
        "$n accounted, none twice" "$(calc "($n_produced + $n_filtered + $n_failed) / $n" %.4f)" \
        "$(holds "$n_produced + $n_filtered + $n_failed == $n && \"$twice\" == \"no\"")"
}

row_faults() {
    local kinds drawn=() name
    kinds=$("$build/test/support/fakellm" --list-faults)
    for name in $kinds; do
        case " $(echo "$not_drawn" | tr '\n' ' ') " in *" $name "*) ;; *) drawn+=("$name") ;; esac
    done
    local half=$(((${#drawn[@]} + 1) / 2))
    if [ "${#drawn[@]}" -le "$faults_max" ]; then
        faults_once "all kinds" "${drawn[@]}"
    else
        faults_once "connections and statuses" "${drawn[@]:0:half}"
        faults_once "answers" "${drawn[@]:half}"
    fi
}

# Seconds from the end of the faults until a second reaches 0.9 of the undisturbed rate and the one after it as well.
row_recovery() {
    local n calm_rate from=4 until=9 name faults seconds lowest
    n=$(scaled 100000 60000)
    start_server --latency-ms 100 --answer-bytes 2000
    program generate "$(chunks "$n")" 256
    calm_rate=$(server_seconds good | sed '1d;$d' | median)
    stop_server
    for name in "503 429 reset 500" "429bare" "close"; do
        # shellcheck disable=SC2086
        faults=$(fault_options 0.30 $name)
        # shellcheck disable=SC2086
        start_server --latency-ms 100 --answer-bytes 2000 --fault-from-ms $((from * 1000)) --fault-until-ms $((until * 1000)) $faults
        program_any_end generate "$(chunks "$n")" 256 --timeout 20
        server_seconds good >"$work/seconds"
        stop_server
        lowest=$(sed -n "$((from + 1)),${until}p" "$work/seconds" | sort -n | head -n 1)
        seconds=$(awk -v from="$until" -v want="$calm_rate" \
            '{ v[NR - 1] = $1 } END { for (s = from; s + 1 < NR; s++) if (v[s] >= 0.9 * want && v[s + 1] >= 0.9 * want) {
            print s - from; exit } print 999 }' "$work/seconds")
        report recovery "256 in flight, 100 ms, 30 % faults ($name) from second $from to $until; undisturbed $calm_rate/s, lowest second within the faults $lowest/s" \
            "back at 0.9 after $([ "$seconds" = 999 ] && echo "more than the run" || echo "$seconds s")" "5 s" \
            "$(calc "$seconds / 5" %.1f)" "$(holds "$seconds <= 5")"
    done
}

# Requests refused with 429, of all requests from one second after the beginning of the storm to the end of the run.
wasted() { # second from which to count
    paste "$work/good" "$work/refused" | awk -v from="$1" 'NR > from { good += $1; bad += $2 }
        END { all = good + bad; printf "%.2f %d %d", (all > 0 ? 100 * bad / all : 0), bad, all }'
}

storm() { # what, column of the seconds, second from which to count, chunks
    local share bad all
    server_seconds good >"$work/good"
    server_seconds "$2" >"$work/refused"
    stop_server
    read -r share bad all <<<"$(wasted "$3")"
    report storm "429 storm, $1: refused after its first second ($(num seconds <"$work/run.json") s, exit $(num exit <"$work/run.json"))" \
        "$share % ($bad of $all)" "5 %" "$(calc "$share / 5")" \
        "$(holds "$share <= 5 && $(num exit <"$work/run.json") == 0")"
}

row_storm() {
    local n from=3 name header
    n=$(scaled 20000 8000)
    # A server that takes 1,000 a second from a program that would send ten times as many.
    start_server --latency-ms 50 --answer-bytes 500 --rpm 60000 --burst-s 1
    program_any_end generate "$(chunks "$n")" 512 --timeout 20
    storm "1,000/s allowed, rate-limit headers and Retry-After" limited 1
    start_server --latency-ms 50 --answer-bytes 500 --rpm 60000 --burst-s 1
    provider=ollama base_path='' program_any_end generate "$(chunks "$n")" 512 --timeout 20
    storm "1,000/s allowed, Retry-After alone (Ollama's protocol)" limited 1
    # Everything is refused for five seconds.
    for name in "429 Retry-After" "429ms retry-after-ms" "429bare nothing"; do
        header=${name#* }
        start_server --latency-ms 50 --answer-bytes 500 --retry-after 2 --fault "${name%% *}:1" \
            --fault-from-ms $((from * 1000)) --fault-until-ms $((from * 1000 + 5000))
        program_any_end generate "$(chunks "$((n * 4))")" 256 --timeout 20
        storm "everything refused for 5 s, told $header" failed $((from + 1))
    done
}
