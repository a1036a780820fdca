#!/bin/bash
# Stored exchanges in place of a server: tries in their order, times as they were, errors, and files that are wrong.
. "$(dirname "$0")/lib.sh"
need python3
export MUSTER_DB=sqlite:r.db
cat > x.jsonl <<'X'
{"id": "a", "status": 429, "body": "{\"error\":{\"message\":\"slow down\"}}", "retry_after_ms": 1}
{"id": "a", "headers": {"server": "eng/1.0"}, "body": "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Au\"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"!\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n", "pieces": [[5000000, 58], [9000000, 10]]}

{"input": "two?", "split": "body", "body_base64": "eyJjaG9pY2VzIjpbeyJtZXNzYWdlIjp7ImNvbnRlbnQiOiIyIn0sImZpbmlzaF9yZWFzb24iOiJzdG9wIn1dfQ=="}
{"id": "c", "error": "connection reset"}
X
cat > c.yaml <<'X'
name: replay
data_source:
  source_type: inline
  records:
    - {id: a, input: "gold?", expected_output: "Au!"}
    - {id: b, input: "two?", expected_output: "2"}
    - {id: c, input: x, expected_output: x}
    - {id: d, input: y, expected_output: y}
provider: {name: recorded, exchanges: x.jsonl, model: m, retry_base_ms: 1, max_retries: 1}
scorers: [{scorer_name: exact_match, tier: L1}]
min_coverage: 0
X
expect 0 "$MUSTER" run c.yaml -o o.json
equal "$(json o.json 'sorted((k, v) for k, v in d["outcomes"].items() if v)')" \
    "[('bad_case', 1), ('connection_lost', 1), ('scored', 2)]" "outcomes"
equal "$(json o.json 'd["totals"]["passed"]')" 2 "right answers"
says out 'no exchange of case "d", repeat 0, step 0 is stored'
expect 0 "$MUSTER" show latest --case a
says out "first token 5.0 ms, end to end 9.0 ms"
# each wrong file is told by its line
wrong() { # wrong LINE SENTENCE
    printf '%s\n' '{"id": "z", "body": "x"}' "$1" > x.jsonl
    expect 2 "$MUSTER" run c.yaml
    says err "exchanges \"x.jsonl\" line 2: "
    says err "$2"
}
wrong '{"id": "a"' "expected"
wrong '[1]' "an exchange is an object"
wrong '{"body": "x"}' "neither id nor input"
wrong '{"id": "a", "split": "tcp"}' 'split is "tcp"'
wrong '{"id": "a", "body": "ab", "pieces": [[1, 3]]}' "pieces[0]"
wrong '{"id": "a", "body": "ab", "pieces": [[5, 1], [4, 1]]}' "pieces[1]"
wrong '{"id": "a", "body_base64": "a b"}' "no base64"
wrong '{"id": "a", "status": 1234}' "status 1234"
: > x.jsonl
expect 2 "$MUSTER" run c.yaml
says err 'exchanges "x.jsonl" hold none'
rm x.jsonl
expect 2 "$MUSTER" run c.yaml
says err 'could not open exchanges "x.jsonl"'
# from a run that kept its raw answers: the same answers at the same times
start_sim --itl-ms 2 --ttft-ms 5 --ping-every 3
python3 - <<'X'
import json
with open("d.jsonl", "w") as f:
    for i in range(8):
        f.write(json.dumps({"id": "k%d" % i, "input": "é %d" % i, "expected_output": "x"}) + "\n")
X
for p in "openai, max_tokens: 9" "ollama, max_tokens: 9" "anthropic, max_tokens: 9" "openai, stream: false"; do
    as=${p%%,*}
    cat > k.yaml <<X
name: kept
data_source: {source_type: jsonl, path: d.jsonl}
provider: {provider_type: $p, base_url: "$url", model: m}
scorers: [{tier: L1, scorer_name: length, min: 1}]
keep_raw: true
X
    sed "s|^provider: .*|provider: {provider_type: recorded, as: $as, exchanges: y.jsonl, model: m}|" k.yaml > again.yaml
    expect 0 "$MUSTER" run k.yaml
    expect 0 "$MUSTER" exchanges latest -o y.jsonl
    says err "8 exchanges"
    expect 0 "$MUSTER" latency latest --json
    cp out first.json
    equal "$(json first.json 'd["measured"]')" 8 "measured answers of $p"
    expect 0 "$MUSTER" run again.yaml
    expect 0 "$MUSTER" latency latest --json
    same='(d["measured"], d["events"], [d["latency"][k] for k in ("ttft", "ttfo", "e2e", "tpot", "token_gap")])'
    equal "$(json out "$same")" "$(json first.json "$same")" "latency of $p, replayed"
done
stop_sim
expect 2 "$MUSTER" exchanges nothing
sed '/keep_raw/d' again.yaml > plain.yaml
expect 0 "$MUSTER" run plain.yaml
expect 2 "$MUSTER" exchanges latest
says err "kept no raw answers"
done_testing
