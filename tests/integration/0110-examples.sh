#!/bin/bash
# The example configurations run as their comments say, and every field of the JSON documents stands in its page.
. "$(dirname "$0")/lib.sh"
need python3
cp -r "$MUSTER_SOURCE/configs" .
export MUSTER_DB=sqlite:x.db
start_sim --replies configs/data/quickstart_replies.jsonl --ttft-ms 5 --itl-ms 1
BASE_URL=$url MODEL=m expect 0 "$MUSTER" run configs/server.yaml -o server.json
equal "$(json server.json 'd["totals"]["passed"]')" 30 "answers of a server"
expect 2 env -u BASE_URL MODEL=m "$MUSTER" run configs/server.yaml
says err 'environment variable "BASE_URL" is not set'
# the server of a local checkpoint, by a program of its name
mkdir bin
printf '#!/bin/bash\nexec "%s" sim --replies configs/data/quickstart_replies.jsonl --model "$2" --port "${@: -1}"\n' "$MUSTER" >bin/vllm
chmod +x bin/vllm
CHECKPOINT=./mine PATH=$PWD/bin:$PATH expect 0 "$MUSTER" run configs/local-model.yaml -o local.json
equal "$(json local.json 'd["totals"]["passed"]')" 30 "answers of a local checkpoint"
expect 0 "$MUSTER" run configs/gate.yaml --json --no-progress
cp out gate.json
equal "$(json gate.json 'd["totals"]["pass_rate"]')" 1.0 "pass rate of the gate"
# a gate that does not hold
sed 's/max_p99_ms: 1000/max_p99_ms: 0.01/' configs/gate.yaml > tight.yaml
expect 1 "$MUSTER" run tight.yaml --json
equal "$(json out '[s["passed"] for s in d["scorer_summaries"] if s["scope"] == "run"]')" "[False]" "the gate"
expect 1 "$MUSTER" run configs/targets.yaml -o targets.json
equal "$(json targets.json '[(t["label"], t["passed"]) for t in d["targets"]]')" "[('large', 30), ('small', 24)]" "two models"
expect 1 "$MUSTER" run configs/recorded.yaml -o recorded.json
equal "$(json recorded.json 'd["totals"]["passed"]')" 8 "right among the recorded answers"
expect 0 "$MUSTER" show latest --worst 3
says out "FAIL  rec-04"
says out "FAIL  rec-09"
says out "PASS  rec-01"
expect 0 "$MUSTER" show latest --case rec-04
says out "49 seats"
gzip configs/data/recorded.jsonl
sed 's/recorded.jsonl$/&.gz/' configs/recorded.yaml > gz.yaml
expect 1 "$MUSTER" run gz.yaml --json
equal "$(json out 'd["dataset"]["digest"]')" "$(json recorded.json 'd["dataset"]["digest"]')" "digest"
sed '/actual_output/d' configs/recorded.yaml | sed 's/recorded.jsonl$/&.gz/' > none.yaml
expect 2 "$MUSTER" run none.yaml -o none.json
says out "no recorded answer"
equal "$(json none.json 'list(d["outcome_reasons"])')" "['bad_case']" "reasons"
expect 0 "$MUSTER" list --json
cp out list.json
python3 - "$MUSTER_SOURCE/docs/reference/json.md" server.json gate.json targets.json recorded.json none.json list.json <<'X' || fail "a field without a word"
import json, re, sys
page = set(re.findall(r"`([a-z0-9_]+)`", open(sys.argv[1]).read()))
seen = set()
def walk(v):
    todo = [v]
    while todo:
        v = todo.pop()
        if isinstance(v, dict):
            for k, w in v.items():
                seen.add(k)
                if k != "breakdown":
                    todo.append(w)
        elif isinstance(v, list):
            todo.extend(v)
for path in sys.argv[2:]:
    walk(json.load(open(path)))
print("not in json.md:", sorted(seen - page))
sys.exit(bool(seen - page) or len(seen) < 60)
X
done_testing
