#!/bin/bash
# muster list and muster show: stored runs, one run, its cases, as text and as JSON; what cannot be found.
. "$(dirname "$0")/lib.sh"
need python3
cat > d.jsonl <<'X'
{"id":"a","input":"one","expected_output":"one","actual_output":"one"}
{"id":"b","input":"two","expected_output":"two","actual_output":"three"}
{"id":"c","input":"esc","expected_output":"x","actual_output":"\u001b[2Jx\u0000y"}
X
cat > c.yaml <<'X'
name: shelf
data_source: {source_type: jsonl, path: d.jsonl}
scorers: [{tier: L1, scorer_name: exact_match}]
X
expect 2 "$MUSTER" list --db sqlite:none.db
one_error
expect 1 "$MUSTER" run c.yaml --db sqlite:m.db
expect 1 "$MUSTER" run c.yaml --db sqlite:m.db --limit 2
expect 0 "$MUSTER" list --db sqlite:m.db
equal "$(wc -l <out)" 3 "lines of the list"
says out shelf
expect 0 "$MUSTER" list --db sqlite:m.db --json -n 1
equal "$(json out 'len(d)')" 1 "runs"
equal "$(json out 'd[0]["measured"]')" 2 "the newest comes first"
equal "$(json out 'd[0]["exit_code"]')" 1 "its exit code"
id=$(json out 'd[0]["run_id"]')
expect 0 env MUSTER_DB=sqlite:m.db "$MUSTER" show "$id"
says out "1 of 2 measured cases failed"
expect 0 "$MUSTER" show 1 --failed --db sqlite:m.db
says out "FAIL  b"
says_not out "PASS  a"
grep -q "$(printf '\033')" out && fail "model text reached the terminal as it was"
says out '\x1b[2Jx\x00y'
expect 0 "$MUSTER" show 1 --worst 1 --db sqlite:m.db
says out "FAIL  b"
says_not out "FAIL  c"
expect 0 "$MUSTER" show 1 --worst 1000 --json --db sqlite:m.db
equal "$(json out '[r["case_id"] for r in d]')" "['b', 'c', 'a']" "worst first"
expect 2 "$MUSTER" show 1 --worst 0 --db sqlite:m.db
expect 2 "$MUSTER" show 1 --worst 2 --failed --db sqlite:m.db
expect 0 "$MUSTER" show 1 --case c --db sqlite:m.db
says_not out "FAIL  b"
says out '\x1b[2J'
expect 0 "$MUSTER" show latest --case a --json --db sqlite:m.db
equal "$(json out '[r["case_id"] for r in d]')" "['a']" "one result"
expect 0 "$MUSTER" show latest --json --db sqlite:m.db
equal "$(json out 'd["totals"]["passed"]')" 1 "passed in the document"
equal "$(json out 'd["results"][1]["scores"][0]["score"]')" 0.0 "score in the document"
expect 2 "$MUSTER" show run_ --db sqlite:m.db
says err "more than one run"
expect 2 "$MUSTER" show 99 --db sqlite:m.db
says err "no run"
expect 2 "$MUSTER" show latest --case zz --db sqlite:m.db
says err 'no result of case "zz"'
expect 2 "$MUSTER" show --db sqlite:m.db
echo "no database" > x.db
expect 2 "$MUSTER" show latest --db sqlite:x.db
one_error
expect 2 "$MUSTER" show latest --db mysql://host/db
one_error
# people's own SQL over the scores
if command -v sqlite3 >/dev/null; then
    equal "$(sqlite3 m.db 'SELECT count(*) FROM score WHERE passed = 0 AND run_no = 1')" 2 "view of scores"
fi
done_testing
