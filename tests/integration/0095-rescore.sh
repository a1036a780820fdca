#!/bin/bash
# muster rescore: other scorers over stored answers. The same verdicts as scoring them in a run; nothing is asked again.
. "$(dirname "$0")/lib.sh"
need python3 sqlite3
start_sim --echo --ttft-ms 5 --itl-ms 1
python3 - <<'X'
import json
with open("d.jsonl", "w") as f:
    for i in range(300):
        f.write(json.dumps({"id": "r%d" % i, "input": "say %d" % i, "expected_output": "say %d" % (i if i % 3 else -1),
                            "metadata": {"n": i}}) + "\n")
X
cat > c.yaml <<X
name: asked
data_source: {source_type: jsonl, path: d.jsonl}
provider: {provider_type: openai, base_url: "$url", model_name: m, logprobs: true}
concurrency: 30
repeats: 2
scorers: [{tier: L1, scorer_name: length, min_length: 1}]
X
expect 0 "$MUSTER" run c.yaml
stop_sim
cat > s.yaml <<'X'
name: scored anew
scorers:
  - {tier: L1, scorer_name: exact_match}
  - {tier: L1, scorer_name: contains, label: holds}
  - {tier: L4, scorer_name: ttft, max_ttft_ms: 10000}
X
expect 1 "$MUSTER" rescore latest --config s.yaml -o o.json
equal "$(json o.json '(d["config_name"], d["totals"]["total"], d["totals"]["passed"])')" "('scored anew', 600, 400)" "rescored"
equal "$(json o.json '[s["scorer"] for s in d["scorer_summaries"]]')" "['exact_match', 'holds', 'ttft']" "scorers"
equal "$(json o.json 'all(r["ttft_ms"] > 1 and r["scores"][2]["state"] == "ok" for r in d["results"])')" True "stamps survive"
# the old run is as it was; the events of both are the same bytes
equal "$(sqlite3 muster.db 'select count(*) from run')" 2 "runs"
equal "$(sqlite3 muster.db 'select count(*) from result a join result b on a.case_no=b.case_no and a.repeat_no=b.repeat_no
    where a.run_no=1 and b.run_no=2 and a.events=b.events and a.text=b.text and a.case_id=b.case_id')" 600 "same answers"
equal "$(sqlite3 muster.db "select json_extract(case_extra, '$.metadata.n') from result where run_no=2 and case_no=7 and repeat_no=0")" \
    7 "metadata survives"
expect 2 "$MUSTER" rescore nothing --config s.yaml
one_error
expect 2 "$MUSTER" rescore latest --config missing.yaml
one_error
expect 2 "$MUSTER" rescore latest
expect 2 "$MUSTER" rescore latest -c s.yaml --db sqlite:none.db
[ -e none.db ] && fail "a missing database was made"
done_testing
