#!/bin/bash
# The disk fills up in the middle of a run: one sentence, exit code 4, what was committed stays, resume goes on.
. "$(dirname "$0")/lib.sh"
need python3 sqlite3 mount
mkdir small
mount -t tmpfs -o size=6m muster-test small 2>/dev/null || skip "needs the right to mount a tmpfs"
trap 'umount "$tmp/small" 2>/dev/null; cleanup' EXIT
python3 - <<'X'
import json
with open("d.jsonl", "w") as f:
    for i in range(20000):
        f.write(json.dumps({"id": str(i), "input": "q" * 200, "expected_output": "x", "actual_output": "x" * 300}) + "\n")
X
cat > c.yaml <<'X'
name: full
data_source: {source_type: jsonl, path: d.jsonl}
scorers: [{tier: L1, scorer_name: length, min_length: 1}]
X
expect 4 timeout 60 "$MUSTER" run c.yaml --db sqlite:small/m.db
one_error
grep -qiE 'full|no space' err || fail "does not say that the disk is full: $(tail -n 2 err)"
before=$(sqlite3 small/m.db 'select count(*) from result' 2>sqlite.err) || fail "store unreadable after disk full: $(cat sqlite.err)"
[ "${before:-0}" -gt 0 ] || fail "nothing was kept"
[ "${before:-0}" -lt 20000 ] || fail "the disk was not full"
mount -o remount,size=200m small
expect 0 timeout 120 "$MUSTER" run --resume latest --db sqlite:small/m.db -o o.json
equal "$(json o.json 'd["totals"]["total"]')" 20000 "cases after resume"
equal "$(sqlite3 small/m.db 'select count(*), count(distinct case_no) from result')" "20000|20000" "rows after resume"
done_testing
