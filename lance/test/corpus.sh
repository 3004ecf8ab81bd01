#!/bin/sh
# corpus.sh LNC_CONFORM DIR [OUT]: the conformance table of a corpus that lance-corpus/make_corpus.mjs wrote (DIR/<client>/<storage version>/),
# a row a client and storage version, as Markdown. Each table is compared in every column and row, in two batch sizes; what
# differs goes to OUT (default: a new temporary file, which the last line on standard error names), with its reason where it is one of the known exceptions.
# Exit status: 0 all equal but for the known exceptions, 1 something else differs, 2 usage.
set -eu
[ $# -ge 2 ] || { sed -n '2,5s/^# //p' "$0"; exit 2; }
conform=$1
dir=$2
out=${3:-$(mktemp -t corpus-different.XXXXXX)}
: >"$out"

# Tables that need not be equal: a pattern of the path (below DIR) or of the message, and why.
reason() {
    case "$1" in
    *"storage version 2.3"*) echo "storage version 2.3 is refused: unstable" ;;
    *"base path"*) echo "a shallow clone: base paths are refused unless asked for" ;;
    ldb-0.37.1/legacy/dict_null.lance*) echo "the client answered from its own write cache (lance-format.md 13)" ;;
    *) echo "" ;;
    esac
}

printf '| client | storage version | tables equal | rows | refused as 2.3 | other known exceptions | different | without expected rows |\n|---|---|---|---|---|---|---|---|\n'
status=0
equal_all=0 rows_all=0 newer_all=0 known_all=0 bad_all=0
for path in "$dir"/*/*/; do
    name=${path#"$dir"/}
    name=${name%/}
    text=$("$conform" "$path" 2>&1) || true
    set -- $(printf '%s\n' "$text" | sed -n 's/^\([0-9]*\) tables equal (\([0-9]*\) rows), [0-9]* different, \([0-9]*\) without.*/\1 \2 \3/p')
    [ $# = 3 ] || { echo "corpus.sh: $path: $text" >&2; exit 1; }
    newer=0 known=0 bad=0
    while IFS= read -r line; do
        case "$line" in DIFFERENT*) ;; *) continue ;; esac
        line=${line#DIFFERENT }
        line=${line#"$dir"/}
        why=$(reason "$(printf '%s' "$line" | sed 's|//*|/|g')")
        case "$why" in
        "") bad=$((bad + 1)) status=1 ;;
        *2.3*) newer=$((newer + 1)) ;;
        *) known=$((known + 1)) ;;
        esac
        printf '%s [%s]\n' "$line" "${why:-NOT KNOWN}" >>"$out"
    done <<EOF
$text
EOF
    printf '| %s | %s | %s | %s | %s | %s | %s | %s |\n' "${name%/*}" "${name#*/}" "$1" "$2" "$newer" "$known" "$bad" "$3"
    equal_all=$((equal_all + $1)) rows_all=$((rows_all + $2)) newer_all=$((newer_all + newer)) known_all=$((known_all + known)) bad_all=$((bad_all + bad))
done
printf '| all | | %s | %s | %s | %s | %s | |\n' "$equal_all" "$rows_all" "$newer_all" "$known_all" "$bad_all"
if [ -s "$out" ]; then echo "corpus.sh: what differs is in $out" >&2; fi
exit $status
