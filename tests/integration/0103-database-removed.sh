#!/bin/bash
# The database is deleted or replaced under a run: commits that nobody will ever read are no pass.
. "$(dirname "$0")/lib.sh"
need python3
python3 - <<'X'
import json
with open("d.jsonl", "w") as f:
    for i in range(3000):
        f.write(json.dumps({"id": str(i), "input": "q%d" % i, "expected_output": "q%d" % i}) + "\n")
X
cat > c.yaml <<'X'
name: removed
data_source: {source_type: jsonl, path: d.jsonl}
provider: {provider_type: openai, model: m}
simulate: {echo: true, ttft_ms: 20, itl_ms: 0}
concurrency: 16
scorers: [{tier: L1, scorer_name: exact_match}]
X
for how in 'rm -f m.db m.db-wal m.db-shm' 'mv m.db other.db' 'cp m.db n.db; mv n.db m.db'; do
    rm -f m.db* other.db*
    timeout 100 "$MUSTER" run c.yaml --db sqlite:m.db --no-progress > out 2> err &
    pid=$!
    for _ in $(seq 400); do # a first commit
        [ "$(stat -c %s m.db-wal 2>/dev/null || echo 0)" -gt 200000 ] && break
        sleep 0.02
    done
    bash -c "$how"
    wait $pid
    equal $? 4 "exit code after: $how"
    one_error
    says err 'm.db'
    says err 'removed or replaced'
done
done_testing
