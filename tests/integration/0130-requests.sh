#!/bin/bash
# Cases in several requests: conversations, log-likelihoods, multiple choice, perplexity. Live numbers equal the same
# numbers recorded; a run killed in the middle of its conversations resumes to the same table.
. "$(dirname "$0")/lib.sh"
need python3 sqlite3
start_sim --echo --ttft-ms 3 --itl-ms 1
python3 - <<'X'
import json
with open("talk.jsonl", "w") as f:
    for i in range(60):
        f.write(json.dumps({"id": "t%d" % i, "turns": ["say %d" % i, "say it again", "last %d" % i],
                            "expected_output": "last %d" % i}) + "\n")
with open("choice.jsonl", "w") as f:
    for i in range(40):
        f.write(json.dumps({"id": "c%d" % i, "question": "Question %d is" % i, "answer": "BDAC"[i % 4],
                            "endings": ["one %d" % i, "number two", "3", "the fourth one"]}) + "\n")
with open("text.jsonl", "w") as f:
    for i in range(5):
        f.write(json.dumps({"id": "p%d" % i, "input": " ".join("word%d" % (i * k) for k in range(1, 60))}) + "\n")
X
provider="provider: {provider_type: openai, base_url: \"$url\", model_name: m}"

# conversations: the backend's own answers stand between the turns, each turn has its own stamps
cat > talk.yaml <<X
name: talk
data_source: {source_type: jsonl, path: talk.jsonl}
request: conversation
$provider
concurrency: 7
scorers: [{scorer_name: exact_match}, {scorer_name: ttft, threshold: 0}]
X
expect 0 "$MUSTER" run talk.yaml -o talk.json
equal "$(json talk.json 'd["totals"]["passed"]')" 60 "conversations"
equal "$(sqlite3 muster.db "select count(*), min(attempts), max(json_array_length(steps, '$.steps')) from result")" \
    "60|3|3" "three requests a case"
equal "$(sqlite3 muster.db "select count(*) from result r, json_each(r.steps, '$.steps') s
    where json_extract(s.value, '$.ttft_ns') > 1000000 and json_extract(s.value, '$.text') like 'say %'")" 120 "turns"
equal "$(sqlite3 muster.db "select count(*) from result where ttft_ns = json_extract(steps, '$.steps[2].ttft_ns')
    and event_count = (select sum(json_extract(value, '$.events')) from json_each(steps, '$.steps'))")" 60 \
    "the row is the last turn, the events are all"
expect 0 "$MUSTER" rescore latest -c talk.yaml -o again.json
equal "$(json again.json 'd["totals"]["passed"]')" 60 "rescored"

# kill -9 in the middle of conversations
cat > kill.yaml <<X
name: kill
data_source: {source_type: jsonl, path: talk.jsonl}
request: conversation
$provider
concurrency: 2
scorers: [{scorer_name: exact_match}]
X
killed=0
for round in 1 2 3; do
    rm -f m.db*
    "$MUSTER" run kill.yaml --db sqlite:m.db --no-progress >out 2>err &
    pid=$!
    for i in $(seq 200); do
        n=$(sqlite3 -readonly m.db 'select count(*) from result' 2>/dev/null || echo 0)
        [ "${n:-0}" -ge $((round * 10)) ] && break
        sleep 0.02
    done
    kill -9 "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    [ "$(sqlite3 m.db 'select count(*) from result')" -lt 60 ] && killed=$((killed + 1))
    expect 0 "$MUSTER" run --resume latest --db sqlite:m.db --no-progress
    equal "$(sqlite3 m.db "select count(*), count(distinct case_no), sum(passed), sum(json_array_length(steps, '$.steps'))
        from result")" "60|60|60|180" "round $round: every conversation once and whole"
done
[ "$killed" -gt 0 ] || fail "no kill fell into the run"

# multiple choice: live, then the same log-likelihoods as recorded ones
scorers='scorers:
  - {scorer_name: loglik_choice, on_missing: fail}
  - {scorer_name: loglik_choice, metric: acc_norm, label: norm, on_missing: fail}
  - {scorer_name: loglik_choice, metric: acc_bytes, label: bytes, on_missing: fail}'
map='field_mapping: {input: question, expected_output: answer, choices: endings}'
cat > choice.yaml <<X
name: choice
data_source: {source_type: jsonl, path: choice.jsonl, $map}
request: multiple_choice
$provider
$scorers
X
"$MUSTER" run choice.yaml --db sqlite:c.db -o live.json >out 2>err
equal "$(json live.json '(d["totals"]["total"], d["outcomes"])')" "(40, {'scored': 40})" "all choices measured"
python3 - <<'X'
import json, sqlite3
rows = {r[0]: json.loads(r[1]) for r in sqlite3.connect("c.db").execute("select case_id, steps from result")}
with open("recorded.jsonl", "w") as f:
    for line in open("choice.jsonl"):
        c = json.loads(line)
        steps = rows[c["id"]]["steps"]
        assert [s["text"] for s in steps] == c["endings"]
        c["actual_output"] = steps[rows[c["id"]]["scored"]]["text"]
        c["metadata"] = {"loglikelihoods": [s["loglikelihood"] for s in steps]}
        f.write(json.dumps(c) + "\n")
X
cat > recorded.yaml <<X
name: recorded
data_source: {source_type: jsonl, path: recorded.jsonl, $map}
$scorers
X
"$MUSTER" run recorded.yaml --db sqlite:c.db -o recorded.json >out 2>err
key='{r["case_id"]: [(s["score"], s["passed"]) for s in r["scores"]] for r in d["results"]}'
json live.json "$key" >a.txt
json recorded.json "$key" >b.txt
cmp -s a.txt b.txt || fail "live and recorded choices differ: $(head -c 300 a.txt) / $(head -c 300 b.txt)"
[ -s a.txt ] && grep -q '1.0' a.txt && grep -q '0.0' a.txt || fail "no choice is right, or all are"

# perplexity: whole and by windows, live and recorded
for window in "" ", window: 100" ", window: 120, stride: 120"; do
    cat > text.yaml <<X
name: text
data_source: {source_type: jsonl, path: text.jsonl}
request: {kind: perplexity$window}
$provider
scorers: [{scorer_name: perplexity}, {scorer_name: perplexity, unit: byte, label: byte}]
X
    rm -f p.db*
    expect 0 "$MUSTER" run text.yaml --db sqlite:p.db -o p.json
    equal "$(json p.json 'd["outcomes"]')" "{'scored': 5}" "perplexity$window"
    python3 - "$window" <<'X' || failures=$((failures + 1))
import json, math, sqlite3, sys
for steps, scores, text in sqlite3.connect("p.db").execute("select steps, scores, text from result"):
    steps, scores = json.loads(steps)["steps"], json.loads(scores)
    total, tokens = sum(s["loglikelihood"] for s in steps), sum(s["loglik_tokens"] for s in steps)
    assert (len(steps) > 2) == bool(sys.argv[1]), len(steps)
    assert tokens >= 58, tokens
    for score, units, name in ((scores[0], tokens, "token"), (scores[1], len(text), "byte")):
        got = score["breakdown"][name + "_perplexity"]
        assert abs(got - math.exp(-total / units)) < 1e-6 * got, (got, total, units)
X
done

# prompt_logprobs tell nothing of the token that opens a text: it is not counted, and the others are the same as echoed
sed -e 's/provider_type: openai/provider_type: vllm/' -e 's/perplexity, window: 120, stride: 120/perplexity/' \
    text.yaml >vllm.yaml
rm -f p.db*
sed 's/perplexity, window: 120, stride: 120/perplexity/' text.yaml >whole.yaml
expect 0 "$MUSTER" run whole.yaml --db sqlite:p.db -o p.json
expect 0 "$MUSTER" run vllm.yaml --db sqlite:p.db -o v.json
key='sorted((r["case_id"], round(r["scores"][0]["breakdown"]["token_perplexity"], 3)) for r in d["results"])'
equal "$(json v.json "$key")" "$(json p.json "$key")" "perplexity by either route"
equal "$(json v.json 'd["outcomes"]')" "{'scored': 5}" "perplexity by prompt_logprobs"

# what a provider has no route for is refused before anything is asked
cat > none.yaml <<X
name: none
data_source: {source_type: jsonl, path: choice.jsonl, $map}
request: multiple_choice
provider: {provider_type: anthropic, base_url: "$url", model_name: m, max_tokens: 5}
scorers: [{scorer_name: loglik_choice}]
X
if "$MUSTER" list-providers 2>/dev/null | grep -q anthropic; then
    expect 2 "$MUSTER" run none.yaml
    one_error
    says err "no route for log-likelihoods"
fi
done_testing
