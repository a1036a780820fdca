#!/bin/bash
# Where output goes: closed, full, a folder, a file that is needed. One sentence, no harm, and before the work where it
# can be known.
. "$(dirname "$0")/lib.sh"
need python3 sqlite3
for i in $(seq 200); do echo "{\"id\":\"c$i\",\"input\":\"q\",\"expected_output\":\"x\",\"actual_output\":\"x\"}"; done > d.jsonl
cat > c.yaml <<'X'
name: places
data_source: {source_type: jsonl, path: d.jsonl}
scorers: [{tier: L1, scorer_name: exact_match}]
X
cp d.jsonl d.before
cp c.yaml c.before
# a place that cannot be, or a file that is needed: told before anything is done
ln d.jsonl hardlink.jsonl
for place in '' "$tmp" "$tmp/no/such/x.json" d.jsonl hardlink.jsonl c.yaml ./c.yaml muster.db "$tmp/muster.db"; do
    [ -e muster.db ] || [ "$place" != "$tmp/muster.db" ] || "$MUSTER" run c.yaml > first.out 2>&1
    expect 2 timeout 60 "$MUSTER" run c.yaml -o "$place"
    one_error
    says err '-o "'
done
cmp -s d.jsonl d.before || fail "the dataset was overwritten"
cmp -s c.yaml c.before || fail "the configuration was overwritten"
equal "$(sqlite3 muster.db 'select count(*) from run')" 1 "runs after refused places"
expect 2 "$MUSTER" run --resume latest -o muster.db
one_error

# full and closed places: what is stored stays stored, nothing is printed into a file of ours
expect 4 "$MUSTER" run c.yaml -o /dev/full
one_error
"$MUSTER" run c.yaml --json > /dev/full 2> err
equal $? 4 "exit code with a full standard output"
one_error
"$MUSTER" show latest > /dev/full 2> err
equal $? 4 "exit code of show with a full standard output"
one_error
rm -f muster.db*
"$MUSTER" run c.yaml -v -o o.json < /dev/null >&- 2>&-
"$MUSTER" run c.yaml -v -o p.json <&- >&- 2>&-
"$MUSTER" run --no-such-option <&- >&- 2>&-
for file in o.json p.json; do
    equal "$(json $file 'd["totals"]["passed"]')" 200 "$file, written with closed descriptors"
done
equal "$(sqlite3 muster.db 'pragma integrity_check')" ok "database written with closed descriptors"
equal "$(sqlite3 muster.db 'select count(*) from result')" 400 "rows written with closed descriptors"

# what a sentence quotes cannot drive the terminal
esc=$(printf '\033[31m')
for args in "show $esc" "run $esc.yaml" "run c.yaml --db sqlite:$esc/x" "list --db sqlite:$esc"; do
    expect 2 "$MUSTER" $args
    grep -qF "$esc" err && fail "an escape sequence came through: $args"
done
done_testing
