#!/bin/bash
# Cases over 64 KiB and results over 512 KiB travel as chunks, in one process too, and arrive whole.
. "$(dirname "$0")/lib.sh"
need python3
python3 - <<'X'
import json, random
random.seed(7)
with open("d.jsonl", "w") as f:
    for i, n in enumerate([10, 60_000, 66_000, 300_000, 700_000, 2_000_000, 4_000_000, 20]):
        text = "".join(random.choice("abcdefghij klmnop\n\u00e9") for _ in range(n))
        f.write(json.dumps({"id": "L%d" % i, "input": text, "expected_output": text, "actual_output": text}) + "\n")
X
cat > c.yaml <<'X'
name: large
data_source: {source_type: jsonl, path: d.jsonl}
scorers: [{tier: L1, scorer_name: exact_match}, {tier: L1, scorer_name: length, min_length: 1}]
X
expect 0 "$MUSTER" run c.yaml -o o.json
equal "$(json o.json 'd["totals"]["passed"]')" 8 "recorded: passed"
python3 - <<'X' || fail "texts differ"
import json, sys
want = {r["id"]: r for r in map(json.loads, open("d.jsonl"))}
got = json.load(open("o.json"))["results"]
sys.exit(any(r["actual_output"] != want[r["case_id"]]["actual_output"] for r in got) or len(got) != 8)
X
# the same through HTTP
start_sim --echo
cat > h.yaml <<X
name: large over http
data_source: {source_type: jsonl, path: d.jsonl}
provider: {provider_type: openai, base_url: "$url", model_name: m, stream: false}
scorers: [{tier: L1, scorer_name: exact_match}]
X
expect 0 "$MUSTER" run h.yaml -o o.json
equal "$(json o.json 'd["totals"]["passed"]')" 8 "asked: passed"
sed -i 's/stream: false/stream: true/' h.yaml
expect 0 "$MUSTER" run h.yaml -o o.json --limit 5
equal "$(json o.json 'd["totals"]["passed"]')" 5 "streamed: passed"
done_testing
