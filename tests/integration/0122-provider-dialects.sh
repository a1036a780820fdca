#!/usr/bin/env bash
# Each provider against the simulated backend in that server's own dialect, on a port that has nothing else: streamed and
# whole, however the stream is cut and padded. Texts, token counts and logprobs are checked against the backend's record.
source "$(dirname "$0")/lib.sh"
need python3 sqlite3
python3 - <<'X'
import json
with open("d.jsonl", "w") as f:
    for i in range(10):
        text = 'say "%d" twice, \\ é 😀 and\nthen some more words of it' % i
        f.write(json.dumps({"id": "c%d" % i, "input": text, "expected_output": text}) + "\n")
with open("choice.jsonl", "w") as f:
    for i in range(12):
        f.write(json.dumps({"id": "m%d" % i, "input": "Question %d is answered by" % i, "expected_output": "A",
                            "choices": [" one %d" % i, " number two", " 3", " the fourth one"]}) + "\n")
X
port_of() { sed -n "s/^$1 on //p" sim.out; }
listen=openai@0,vllm@0,sglang@0,tgi@0,llamacpp@0,ollama@0,anthropic@0
# run NAME DIALECT SETTINGS: a run on that port; the answers as they were sent, the tokens as they were counted there
run() {
    name=$1
    base=$(port_of "$2")
    case $2 in openai | vllm | sglang) base=$base/v1 ;; esac
    cat >c.yaml <<X
name: dialects
data_source: {source_type: jsonl, path: d.jsonl}
provider: {base_url: "$base", $3}
concurrency: 5
scorers: [{scorer_name: exact_match}]
X
    rm -f m.db*
    expect 0 timeout 100 "$MUSTER" run c.yaml --db sqlite:m.db -o o.json
    equal "$(json o.json '(d["totals"]["measured"], d["totals"]["passed"])')" "(10, 10)" "$name"
    # TGI's own API counts the end of the sequence as a token
    want=$tokens
    case $1 in "tgi native"*) want=$((tokens + 1)) ;; esac
    [ "$tokens" = 0 ] ||
        equal "$(sqlite3 m.db 'select distinct usage_tokens from result')" "$want" "tokens told to $name"
}
providers() {
    for stream in true false; do
        run "openai, stream $stream" openai "provider_type: openai, model: m, stream: $stream, logprobs: true"
        run "openai completions, stream $stream" openai \
            "provider_type: openai, api: completions, model: m, stream: $stream, logprobs: true, max_tokens: 500"
        for p in vllm sglang; do
            run "$p, stream $stream" $p "provider_type: $p, model: m, stream: $stream, logprobs: true, top_logprobs: 2"
        done
        for p in tgi llamacpp; do
            for api in chat native; do
                run "$p $api, stream $stream" $p \
                    "provider_type: $p, model: m, api: $api, stream: $stream, logprobs: true, top_logprobs: 2, max_tokens: 500"
            done
        done
        run "ollama, stream $stream" ollama "provider_type: ollama, model: m, stream: $stream, logprobs: true"
        run "anthropic, stream $stream" anthropic "provider_type: anthropic, model: m, max_tokens: 999, stream: $stream"
    done
}
# the tokens that the backend sent, and those that were stored: for each dialect the same
counted() {
    stop_sim
    python3 - <<'X' || fail "token counts differ from the backend's record"
import collections, json, sys
sent = collections.Counter()
for line in open("truth.jsonl"):
    r = json.loads(line)
    if r["case_id"] and r["status"] == 200:
        sent[r["case_id"]] += sum(e[2] for e in r["events"])
assert len(sent) == 10, sent
n = set(sent.values())
assert n == {20 * 15}, n
X
}

start_sim --echo --seed 3 --listen $listen --truth truth.jsonl
tokens=15
providers
counted
# the same answers, on a bad road: odd line ends, keep-alives, torn and swollen events, thoughts first
tokens=0
start_sim --echo --seed 3 --listen $listen --crlf --ping-every 2 --split-writes 3 --tokens-per-event 2 \
    --tokens-per-event-max 5 --reasoning --ttft-ms 2 --itl-ms 1 --burst 3 --prefill-stall-ms 1 --head-late
providers
stop_sim

# log-likelihoods are functions of the text: every route that gives them gives the same
start_sim --seed 3 --listen $listen
first=
for p in openai:openai:completions vllm:vllm:prompt_logprobs vllm:vllm:echo sglang:sglang: tgi:tgi:; do
    IFS=: read -r provider dialect route <<<"$p"
    base=$(port_of "$dialect")
    case $dialect in openai | vllm | sglang) base=$base/v1 ;; esac
    more=
    [ "$provider" = vllm ] && more=", loglik_route: $route"
    cat >c.yaml <<X
name: likely
data_source: {source_type: jsonl, path: choice.jsonl, field_mapping: {choices: choices}}
request: multiple_choice
provider: {provider_type: $provider, base_url: "$base", model: m$more}
scorers: [{scorer_name: loglik_choice, on_missing: fail}]
X
    rm -f l.db*
    "$MUSTER" run c.yaml --db sqlite:l.db -o o.json >out 2>err
    code=$?
    [ "$code" -le 1 ] || { fail "log-likelihoods of $p: exit $code: $(tail -n 2 err | tr '\n' ' ')"; continue; }
    python3 - >numbers <<'X'
import json, sqlite3
for case, steps in sorted(sqlite3.connect("l.db").execute("select case_id, steps from result")):
    print(case, [(round(s["loglikelihood"], 4), s["loglik_tokens"]) for s in json.loads(steps)["steps"]])
X
    [ "$(wc -l <numbers)" = 12 ] || fail "$p: $(wc -l <numbers) cases have log-likelihoods"
    [ -n "$first" ] || { first=$p; cp numbers expected; }
    cmp -s numbers expected || fail "log-likelihoods of $p are others than those of $first: $(diff numbers expected | head -n 4)"
done

# vectors: the same text, the same vector, whoever gives it
for p in openai vllm sglang llamacpp ollama; do
    base=$(port_of $p)
    case $p in openai | vllm | sglang) base=$base/v1 ;; esac
    cat >c.yaml <<X
name: near
data_source: {source_type: jsonl, path: d.jsonl, field_mapping: {actual_output: expected_output}}
scorers: [{scorer_name: cosine, threshold: 0.999, embeddings: {provider_type: $p, base_url: "$base", model: m}}]
X
    expect 0 "$MUSTER" run c.yaml --db sqlite:e.db -o o.json
    equal "$(json o.json 'd["totals"]["passed"]')" 10 "vectors of $p"
done
done_testing
