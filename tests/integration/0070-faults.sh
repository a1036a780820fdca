#!/bin/bash
# A backend that misbehaves: every case ends in one typed outcome, never in a wrong answer.
. "$(dirname "$0")/lib.sh"
need python3
python3 - <<'X'
import json
with open("d.jsonl", "w") as f:
    for i in range(60):
        f.write(json.dumps({"id": "f%d" % i, "input": "say %d" % i, "expected_output": "say %d" % i}) + "\n")
X
run() { # run OPTIONS-OF-SIM -- PROVIDER-PARAMETERS EXPECTED-EXIT
    start_sim --echo $1
    cat > c.yaml <<X
name: faults
data_source: {source_type: jsonl, path: d.jsonl}
provider: {provider_type: openai, base_url: "$url", model_name: m, $2}
concurrency: 30
min_coverage: 0.99
scorers: [{tier: L1, scorer_name: exact_match}]
X
    expect "$3" timeout 100 "$MUSTER" run c.yaml -o o.json --db sqlite:f.db
    stop_sim
}
outcomes() { json o.json 'sorted((k, v) for k, v in d["outcomes"].items() if v)'; }
run "--p-429 0.2 --p-500 0.2 --p-cut 0.1 --retry-after-s 0.05" "max_retries: 12, retry_base_ms: 5" 0
equal "$(outcomes)" "[('scored', 60)]" "faults that retries overcome"
run "--p-hang-before 0.3" "first_token_timeout: 0.3, max_retries: 0" 3
json o.json 'd["outcomes"].get("timeout", 0) > 5 and d["totals"]["failed"] == 0' | grep -q True || fail "timeouts: $(outcomes)"
run "--p-hang-after 0.3" "idle_timeout: 0.3, max_retries: 0" 3
json o.json 'd["outcomes"].get("timeout", 0) > 5 and d["totals"]["failed"] == 0' | grep -q True || fail "idle: $(outcomes)"
run "--p-malformed 0.3" "max_retries: 0" 3
json o.json 'd["outcomes"].get("provider_error", 0) > 5 and d["totals"]["failed"] == 0' | grep -q True || fail "malformed: $(outcomes)"
run "--p-cut 0.3" "max_retries: 0" 3
json o.json 'd["outcomes"].get("connection_lost", 0) > 5 and d["totals"]["failed"] == 0' | grep -q True || fail "cut: $(outcomes)"
done_testing
