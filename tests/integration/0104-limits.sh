#!/bin/bash
# Limits of the process: a sentence and exit code 4, the run is closed in the store, and it goes on without them.
. "$(dirname "$0")/lib.sh"
need python3 sqlite3
python3 - <<'X'
import json
with open("d.jsonl", "w") as f:
    for i in range(5000):
        f.write(json.dumps({"id": str(i), "input": "q" * 200, "expected_output": "x", "actual_output": "x"}) + "\n")
X
cat > c.yaml <<'X'
name: limits
data_source: {source_type: jsonl, path: d.jsonl}
scorers: [{tier: L1, scorer_name: exact_match}]
X
end() { sqlite3 m.db "select state || ' ' || coalesce(exit_code, 'none') from run"; }
# too few descriptors for the sockets, but enough for the store
for files in 12 16 20; do
    rm -f m.db*
    (ulimit -n $files; exec timeout 60 "$MUSTER" run c.yaml --db sqlite:m.db > out 2> err)
    code=$?
    equal $code 4 "exit code with $files descriptors"
    one_error
    grep -q 'ulimit -n' err || fail "with $files descriptors the reason is not told: $(tail -n 1 err)"
    [ -e m.db ] && fail "a run with $files descriptors left a store"
done
(ulimit -n 64; expect 0 "$MUSTER" run c.yaml --db sqlite:m.db)
equal "$(end)" "2 0" "state and exit code of the run with 64 descriptors"

# files may not grow over a limit
rm -f m.db*
(ulimit -f 1000; exec timeout 60 "$MUSTER" run c.yaml --db sqlite:m.db > out 2> err)
equal $? 4 "exit code with a limit of file size"
one_error
tail -n 1 err | grep -q 'size limit' || fail "the reason is not told: $(tail -n 1 err)"
expect 0 "$MUSTER" run --resume latest --db sqlite:m.db
equal "$(sqlite3 m.db 'select count(*), count(distinct case_no) from result')" "5000|5000" "rows after resume"
(ulimit -f 300; exec timeout 60 "$MUSTER" run --resume latest --db sqlite:m.db -o o.json > out 2> err)
equal $? 4 "exit code with a limit of file size for -o"
one_error
[ -e o.json ] || [ -e o.json.part ] && fail "half of a document was left"
done_testing
