#!/bin/bash
# Real answers of four models: verdicts against the recorded ones, from recorded answers and asked over HTTP.
. "$(dirname "$0")/lib.sh"
need python3
[ -r "$MUSTER_TEST_DATA/gsm8k/test.jsonl" ] || skip "no data at $MUSTER_TEST_DATA/gsm8k"
python3 - "$MUSTER_TEST_DATA/gsm8k" <<'X' || exit 1
import json, sys
gold = {r["question"]: r["answer"] for r in map(json.loads, open(sys.argv[1] + "/test.jsonl"))}
rows = [json.loads(l) for l in open(sys.argv[1] + "/example_model_solutions.jsonl")]
rows = [r for r in rows if r["question"] in gold]
print(len(rows), "rows join by question")
assert len(rows) > 0
for model in ["6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"]:
    with open(model + ".jsonl", "w") as f, open(model + ".asked.jsonl", "w") as a, \
         open(model + ".replies.jsonl", "w") as p, open(model + ".verdicts.json", "w") as v:
        for i, r in enumerate(rows):
            row = {"id": "g%d" % i, "input": r["question"], "expected_output": gold[r["question"]]}
            a.write(json.dumps(row) + "\n")
            p.write(json.dumps({"id": row["id"], "reply": r[model]["solution"]}) + "\n")
            row["actual_output"] = r[model]["solution"]
            f.write(json.dumps(row) + "\n")
        json.dump({"g%d" % i: r[model]["is_correct"] for i, r in enumerate(rows)}, v)
X
compare() {
    python3 - "$1" "$2" <<'X' || fail "$2: verdicts differ"
import json, sys
want = json.load(open(sys.argv[1] + ".verdicts.json"))
got = {r["case_id"]: r["passed"] for r in json.load(open("o.json"))["results"]}
bad = [k for k in want if got.get(k) != want[k]]
print("%-28s accuracy %d/%d = %.4f  disagreements %d %s" % (sys.argv[2], sum(got.values()), len(got),
      sum(got.values()) / len(got), len(bad), bad[:5]))
sys.exit(len(bad) > 0 or len(got) != len(want))
X
}
for model in 6b_finetuning 6b_verification 175b_finetuning 175b_verification; do
    cat > c.yaml <<X
name: gsm8k $model
data_source: {source_type: jsonl, path: $model.jsonl}
scorers: [{tier: L1, scorer_name: numeric, filter: flexible}]
X
    expect 1 "$MUSTER" run c.yaml -o o.json --db sqlite:g.db
    compare "$model" "$model recorded"
    start_sim --replies "$model.replies.jsonl"
    cat > c.yaml <<X
name: gsm8k $model asked
data_source: {source_type: jsonl, path: $model.asked.jsonl}
provider: {provider_type: openai, base_url: "$url", model_name: m}
concurrency: 32
scorers: [{tier: L1, scorer_name: numeric, filter: flexible}]
X
    expect 1 "$MUSTER" run c.yaml -o o.json --db sqlite:g.db
    compare "$model" "$model over HTTP"
    stop_sim
done
done_testing
