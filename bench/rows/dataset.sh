# A million records: export, stats and dedup, each beside a Python script that does the same with its usual libraries.

records() { # N: the file of N records
    [ -s "$work/records-$1.jsonl" ] || "$build/bench/make_records" "$1" >"$work/records-$1.jsonl"
    echo "$work/records-$1.jsonl"
}

megabytes() { calc "$(stat -c %s "$1") / 1000000" %.0f; }

measured() { # name, command...: its figures in $work/NAME.json; a failure ends the bench
    local name=$1
    shift
    "$build/bench/measure" "$@" >"$work/$name.json" 2>"$work/$name.err" || fail "cannot measure: $(cat "$work/$name.err")"
    [ "$(num exit <"$work/$name.json")" = 0 ] || fail "$name ended with an error: $(tail -n 3 "$work/$name.err")"
}

seconds_of() { num seconds <"$work/$1.json"; }
rss_of() { calc "$(num peak_rss_kb <"$work/$1.json") / 1024" %.0f; }

# measured_median NAME RUNS COMMAND...: the run whose time is the median
measured_median() {
    local name=$1 runs=$2 i
    shift 2
    : >"$work/$name.all"
    for ((i = 0; i < runs; i++)); do
        measured "$name" "$@"
        printf '%s %s\n' "$(seconds_of "$name")" "$(cat "$work/$name.json")" >>"$work/$name.all"
    done
    sort -n "$work/$name.all" | sed -n "$(((runs + 1) / 2))s/^[^ ]* //p" >"$work/$name.json"
}

dataset_row() { # what, ours, peer, name of the peer, share of the work that the peer did, limit of memory, MB (0: seconds)
    local what=$1 ours=$2 peer=$3 name=$4 share=$5 rss_limit=$6 mb=$7 here there ratio limit reached
    ratio=$(calc "$(seconds_of "$peer") / $share / $(seconds_of "$ours")" %.1f)
    if [ "$mb" != 0 ]; then
        here="$(calc "$mb / $(seconds_of "$ours")" %.0f) MB/s"
        there="$(calc "$mb * $share / $(seconds_of "$peer")" %.0f) MB/s"
        limit="200 MB/s"
        reached=$(holds "$mb / $(seconds_of "$ours") >= 200 && $(rss_of "$ours") <= $rss_limit")
    else
        here="$(calc "$(seconds_of "$ours")" %.1f) s"
        there="$(calc "$(seconds_of "$peer")" %.0f) s for $(calc "$share * 100" %.0f) % of them"
        limit="60 s"
        reached=$(holds "$(seconds_of "$ours") <= 60 && $(rss_of "$ours") <= $rss_limit")
    fi
    report dataset "$what" "$here, $(rss_of "$ours") MB" "$limit, $rss_limit MB; $name: $there, $(rss_of "$peer") MB" \
        "$ratio times the rate of Python" "$reached"
}

row_dataset() {
    local python n input mb some
    if ! python=$(bench/peers/setup "$build/peers"); then
        say "dataset: skipped, see above"
        return 0
    fi
    n=$(scaled 1000000 100000)
    input=$(records "$n")
    mb=$(megabytes "$input")
    cat "$input" >/dev/null
    measured_median export "$repeat" "$build/generator" export "$input" -o "$work/exported.jsonl" -f chatml --quiet
    [ "$(wc -l <"$work/exported.jsonl")" = "$n" ] || fail "export lost rows"
    measured peer_export "$python" -B bench/peers/dataset_export.py "$input" "$work/peer.jsonl"
    [ "$(wc -l <"$work/peer.jsonl")" = "$n" ] || fail "the peer of export lost rows"
    rm -f "$work/exported.jsonl" "$work/peer.jsonl"
    dataset_row "\`export\` of $n records ($mb MB) to chatml" export peer_export "Python, json" 1 64 "$mb"

    measured_median stats "$repeat" "$build/generator" stats "$input" --quiet
    measured peer_stats "$python" -B bench/peers/dataset_stats.py "$input"
    dataset_row "\`stats\` of the same, the duplicates included (Python: without the near ones)" stats peer_stats \
        "Python, json and collections" 1 1024 "$mb"

    measured dedup "$build/generator" dedup "$input" -o "$work/unique.jsonl" --quiet
    some=$((n / 20))
    measured peer_dedup "$python" -B bench/peers/dataset_dedup.py "$(records "$some")" "$work/peer.jsonl"
    say "dedup kept $(wc -l <"$work/unique.jsonl") of $n, the peer $(wc -l <"$work/peer.jsonl") of $some"
    dataset_row "\`dedup\` of $n questions, 5 % of them repeated" dedup peer_dedup \
        "$(sed -n 's/==/ /p' bench/peers/requirements.txt | grep datasketch) MinHashLSH" 0.05 1024 0
    rm -f "$work/unique.jsonl" "$work/peer.jsonl" "$input"
}
