#!/usr/bin/env bash
# Every dialect of the simulated backend asked with curl, an HTTP client that no part of this program is in; the answers
# are read with Python's JSON. Whole and streamed answers agree, and log-probabilities of a text do so in all dialects.
source "$(dirname "$0")/lib.sh"
need curl python3
ulimit -n 1024
start_sim --seed 7 --tokens-min 12 --tokens-max 12 --dimensions 8 \
    --listen openai@0,vllm@0,sglang@0,tgi@0,llamacpp@0,ollama@0,anthropic@0,tei@0
base=${url%/v1}
at() { sed -n "s/^$1 on //p" sim.out; }
# ask DIALECT PATH BODY: answer in `got`, status in `code`
ask() {
    where=$base
    [ "$1" = any ] || where=$(at "$1")
    if [ -n "${3:-}" ]; then
        code=$(curl -sS -o got -w '%{http_code}' -H 'Content-Type: application/json' -d "$3" "$where$2") || fail "curl $2"
    else
        code=$(curl -sS -o got -w '%{http_code}' "$where$2") || fail "curl $2"
    fi
    [ "$code" = "${want_code:-200}" ] || fail "$1 $2 answered $code: $(head -c 300 got)"
}
# check EXPRESSION: true of d, the answer; data(s) gives the SSE events of one
check() {
    python3 - "$1" <<'X' || fail "$where: $1: $(head -c 400 got)"
import json, math, sys
raw = open("got", "rb").read().decode()
def events():
    return [json.loads(l[5:]) for l in raw.splitlines() if l.startswith("data:") and l[5:].strip() != "[DONE]"]
def lines():
    return [json.loads(l) for l in raw.splitlines() if l.strip()]
try:
    d = json.loads(raw)
except ValueError:
    d = None
sys.exit(0 if eval(sys.argv[1]) else 1)
X
}
keep() { python3 -c 'import json,sys
raw = open("got").read()
events = [json.loads(l[5:]) for l in raw.splitlines() if l.startswith("data:") and l[5:].strip() != "[DONE]"]
lines = [json.loads(l) for l in raw.splitlines() if l.strip().startswith("{")]
d = json.loads(raw) if not events and len(lines) < 2 else None
print(json.dumps(eval(sys.argv[1])))' "$1"; }

user='"messages":[{"role":"user","content":"say something"}]'

# --- OpenAI and its flavours
for d in any openai vllm sglang tgi llamacpp ollama; do
    ask $d /v1/chat/completions "{\"model\":\"m\",$user,\"logprobs\":true,\"top_logprobs\":2}"
    check 'd["object"] == "chat.completion" and d["usage"]["completion_tokens"] == 12'
    check 'len(d["choices"][0]["logprobs"]["content"]) == 12'
    whole=$(keep 'd["choices"][0]["message"]["content"]')
    ask $d /v1/chat/completions "{\"model\":\"m\",$user,\"stream\":true,\"stream_options\":{\"include_usage\":true}}"
    streamed=$(keep '"".join(c["delta"].get("content") or "" for e in events for c in e["choices"])')
    equal "$streamed" "$whole" "text of $d, streamed"
    check 'raw.rstrip().endswith("data: [DONE]") and events()[-1]["usage"]["completion_tokens"] == 12'
    check '[c["finish_reason"] for e in events() for c in e["choices"] if c["finish_reason"]] == ["stop"]'
    ask $d /v1/completions '{"model":"m","prompt":"once upon a time","max_tokens":5,"stream":true}'
    check '[c["finish_reason"] for e in events() for c in e["choices"] if c["finish_reason"]] == ["length"]'
done
ask vllm /v1/chat/completions "{\"model\":\"m\",$user,\"stream\":true,\"return_token_ids\":true,\"stream_options\":{\"include_usage\":true,\"continuous_usage_stats\":true}}"
check 'sum(len(c.get("token_ids", [])) for e in events() for c in e["choices"]) == 12 and len(events()[0]["prompt_token_ids"]) > 2'
check '[e["usage"]["completion_tokens"] for e in events()][:3] == [0, 1, 2]'
check 'events()[-2]["choices"][0]["stop_reason"] is None and events()[-2]["choices"][0]["finish_reason"] == "stop"'
ask openai /v1/chat/completions "{\"model\":\"m\",$user,\"n\":3,\"stop\":\"e\"}"
check 'len(d["choices"]) == 3 and all("e" not in c["message"]["content"] for c in d["choices"])'
tool='"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"x":{"type":"integer"}}}}}]'
ask openai /v1/chat/completions "{\"model\":\"m\",$user,$tool,\"tool_choice\":\"required\",\"stream\":true}"
check 'isinstance(json.loads("".join(t["function"]["arguments"] for e in events() for c in e["choices"] for t in c["delta"].get("tool_calls", [])))["x"], int)'
ask openai /v1/chat/completions "{\"model\":\"m\",$user,\"response_format\":{\"type\":\"json_object\"}}"
check 'isinstance(json.loads(d["choices"][0]["message"]["content"]), dict)'
want_code=400 ask openai /v1/chat/completions '{"model":"m"}'
check 'd["error"]["param"] == "messages"'
want_code=400 ask sglang /v1/chat/completions '{"model":"m"}'
check 'd["object"] == "error" and d["code"] == 400'
want_code=404 ask openai /api/chat "{\"model\":\"m\",$user}"

# --- log-probabilities of one text: a number per token, the same everywhere
text="The cat sat on the mat and slept"
ask vllm /v1/completions "{\"model\":\"m\",\"prompt\":\"$text\",\"echo\":true,\"logprobs\":1,\"max_tokens\":0}"
check 'd["choices"][0]["text"] == "'"$text"'" and d["choices"][0]["logprobs"]["text_offset"][:3] == [0, 3, 7]'
check 'all(t in top for t, top in list(zip(d["choices"][0]["logprobs"]["tokens"], d["choices"][0]["logprobs"]["top_logprobs"]))[1:])'
numbers=$(keep 'd["choices"][0]["logprobs"]["token_logprobs"]')
echo "$numbers" | python3 -c 'import json,sys; n=json.load(sys.stdin); sys.exit(0 if n[0] is None and len(n) > 7 and len(set(n)) == len(n) else 1)' || fail "numbers $numbers"
ask vllm /v1/completions "{\"model\":\"m\",\"prompt\":\"$text\",\"prompt_logprobs\":2,\"max_tokens\":1}"
equal "$(keep '[None] + [next(iter(p.values()))["logprob"] for p in d["choices"][0]["prompt_logprobs"][1:]]')" "$numbers" "prompt_logprobs"
ask sglang /generate "{\"text\":\"$text\",\"return_logprob\":true,\"logprob_start_len\":0,\"sampling_params\":{\"max_new_tokens\":1}}"
equal "$(keep '[t[0] for t in d["meta_info"]["input_token_logprobs"]]')" "$numbers" "sglang's numbers"
ask tgi /generate "{\"inputs\":\"$text\",\"parameters\":{\"details\":true,\"decoder_input_details\":true,\"max_new_tokens\":1}}"
equal "$(keep '[t["logprob"] for t in d["details"]["prefill"]]')" "$numbers" "tgi's numbers"
ask vllm /tokenize "{\"model\":\"m\",\"prompt\":\"$text\"}"
ids=$(keep 'd["tokens"]')
ask vllm /v1/completions "{\"model\":\"m\",\"prompt\":$ids,\"echo\":true,\"logprobs\":1,\"max_tokens\":0}"
equal "$(keep 'd["choices"][0]["logprobs"]["token_logprobs"]')" "$numbers" "numbers by token ids"
ask vllm /detokenize "{\"model\":\"m\",\"tokens\":$ids}"
check 'd["prompt"] == "'"$text"'"'
want_code=400 ask sglang /v1/completions '{"prompt":"a","max_tokens":0}'
want_code=400 ask llamacpp /v1/completions '{"prompt":"a","echo":true}'

# --- SGLang
ask sglang /generate '{"text":"once upon","stream":true,"return_logprob":true,"sampling_params":{"max_new_tokens":4}}'
check 'len(events()) == 4 and events()[3]["text"].startswith(events()[2]["text"]) and raw.rstrip().endswith("[DONE]")'
check 'events()[-1]["meta_info"]["finish_reason"] == {"type": "length", "length": 4} and events()[0]["meta_info"]["finish_reason"] is None'
check '[len(e["meta_info"]["output_token_logprobs"]) for e in events()] == [1, 2, 3, 4]'
ask sglang /generate '{"input_ids":[[300,400],[500]],"sampling_params":{"max_new_tokens":2}}'
check 'len(d) == 2 and d[0]["meta_info"]["prompt_tokens"] == 2'
ask sglang /get_server_info
check 'd["is_generation"]'

# --- TGI
ask tgi /generate '{"inputs":"once upon","parameters":{"details":true,"max_new_tokens":20}}'
check 'd["details"]["finish_reason"] == "eos_token" and d["details"]["tokens"][-1]["special"]'
whole=$(keep 'd["generated_text"]')
ask tgi /generate_stream '{"inputs":"once upon","parameters":{"max_new_tokens":20,"top_n_tokens":2}}'
check 'len(events()) == 13 and events()[-1]["details"]["generated_tokens"] == 13 and len(events()[0]["top_tokens"]) == 2'
equal "$(keep '"".join(e["token"]["text"] for e in events if not e["token"]["special"])')" "$whole" "text of tgi, streamed"
ask tgi /generate_stream '{"inputs":"once upon","parameters":{"max_new_tokens":3}}'
check 'len(events()) == 3 and events()[-1]["details"]["finish_reason"] == "length" and events()[-1]["generated_text"]'
ask tgi /info
check 'd["max_total_tokens"] > 0'
want_code=400 ask tgi /generate '{"inputs":1}'
check 'd["error_type"] == "validation"'

# --- llama.cpp
ask llamacpp /completion '{"prompt":"once upon","n_predict":6,"n_probs":3}'
check 'd["stop_type"] == "limit" and d["timings"]["predicted_n"] == 6 and len(d["completion_probabilities"]) == 6'
whole=$(keep 'd["content"]')
ask llamacpp /completion '{"prompt":"once upon","n_predict":6,"stream":true,"return_tokens":true,"return_progress":true}'
equal "$(keep '"".join(e["content"] for e in events)')" "$whole" "text of llama.cpp, streamed"
check 'events()[-1]["stop"] and not events()[1]["stop"] and "prompt_progress" in events()[0] and len(events()[1]["tokens"]) == 1'
ask llamacpp /props
check 'd["default_generation_settings"]["n_ctx"] > 0'
ask llamacpp /tokenize '{"content":"a b","with_pieces":true}'
check '[t["piece"] for t in d["tokens"]] == ["a", " b"]'
ask llamacpp /embedding '{"content":"a b"}'
check 'len(d[0]["embedding"][0]) == 8'

# --- Ollama
ask ollama /api/chat "{\"model\":\"m\",$user,\"stream\":false,\"logprobs\":true}"
check 'd["done"] and d["done_reason"] == "stop" and d["eval_count"] == 12 and len(d["logprobs"]) == 12'
whole=$(keep 'd["message"]["content"]')
ask ollama /api/chat "{\"model\":\"m\",$user}"
equal "$(keep '"".join(l["message"]["content"] for l in lines)')" "$whole" "text of ollama, streamed"
check '[l["done"] for l in lines()] == [False] * 12 + [True]'
ask ollama /api/chat "{\"model\":\"m\",$user,\"options\":{\"num_predict\":3},$tool}"
check 'lines()[-1]["done_reason"] == "length" and len(lines()) == 4'
ask ollama /api/generate '{"model":"m","prompt":"once","stream":false,"format":"json"}'
check 'isinstance(json.loads(d["response"]), dict)'
ask ollama /api/embed '{"model":"m","input":["a","b"]}'
check 'len(d["embeddings"]) == 2 and len(d["embeddings"][0]) == 8'
ask ollama /api/tags
check 'd["models"][0]["name"]'
ask ollama /api/version
want_code=400 ask ollama /api/chat '{"model":"m"}'
check 'isinstance(d["error"], str)'

# --- Anthropic
ask anthropic /v1/messages "{\"model\":\"m\",\"max_tokens\":50,$user}"
check 'd["type"] == "message" and d["stop_reason"] == "end_turn" and d["usage"]["output_tokens"] == 12'
whole=$(keep 'd["content"][0]["text"]')
ask anthropic /v1/messages "{\"model\":\"m\",\"max_tokens\":50,$user,\"stream\":true}"
equal "$(keep '"".join(e["delta"].get("text", "") for e in events if e["type"] == "content_block_delta")')" "$whole" "text of anthropic, streamed"
check '[e["type"] for e in events() if e["type"] != "content_block_delta"] == ["message_start", "ping", "content_block_start", "content_block_stop", "message_delta", "message_stop"]'
ask anthropic /v1/messages "{\"model\":\"m\",\"max_tokens\":50,$user,\"stream\":true,\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"string\"}}}}],\"tool_choice\":{\"type\":\"any\"}}"
check 'json.loads("".join(e["delta"].get("partial_json", "") for e in events() if e["type"] == "content_block_delta"))["x"]'
check '[e["delta"]["stop_reason"] for e in events() if e["type"] == "message_delta"] == ["tool_use"]'
ask anthropic /v1/messages/count_tokens "{\"model\":\"m\",$user}"
check 'd["input_tokens"] > 2'
want_code=400 ask anthropic /v1/messages "{\"model\":\"m\",$user}"
check 'd["error"]["type"] == "invalid_request_error"'

# --- vectors: of unit length, functions of the text, near where the words are the same
ask openai /v1/embeddings '{"model":"m","input":["the big cat","the big dog","seven of nine","the big cat"]}'
check 'all(abs(sum(x * x for x in e["embedding"]) - 1) < 1e-4 for e in d["data"]) and d["data"][0]["embedding"] == d["data"][3]["embedding"]'
check '(lambda v: sum(map(lambda p: p[0] * p[1], zip(v[0], v[1]))) > sum(map(lambda p: p[0] * p[1], zip(v[0], v[2]))))([e["embedding"] for e in d["data"]])'
first=$(keep 'd["data"][0]["embedding"]')
ask tei /embed '{"inputs":"the big cat"}'
equal "$(keep 'd[0]')" "$first" "the vector by /embed"
ask vllm /pooling '{"model":"m","input":"the big cat","task":"token_embed"}'
check 'len(d["data"][0]["data"]) == 3 and len(d["data"][0]["data"][0]) == 8'
ask openai /v1/embeddings '{"model":"m","input":"the big cat","encoding_format":"base64"}'
python3 - "$first" <<'X' || fail "the base64 vector is another"
import base64, json, struct, sys
b = base64.b64decode(json.load(open("got"))["data"][0]["embedding"])
v = struct.unpack("<8f", b)
sys.exit(0 if all(abs(x - y) < 1e-5 for x, y in zip(v, json.loads(sys.argv[1]))) else 1)
X
ask vllm /score '{"model":"m","text_1":"the cat","text_2":["the cat","nine"]}'
check 'abs(d["data"][0]["score"] - 1) < 1e-4 and d["data"][1]["score"] < 0.99'

# --- all on one port: the body tells two of one path apart
ask any /generate '{"inputs":"x","parameters":{"max_new_tokens":1}}'
check '"generated_text" in d'
ask any /generate '{"text":"x","sampling_params":{"max_new_tokens":1}}'
check '"meta_info" in d'
ask any /tokenize '{"content":"a b"}'
check 'len(d["tokens"]) == 2'
ask any /version
for d in any vllm sglang tgi llamacpp; do
    ask $d /metrics
    grep -qE '^(vllm:|sglang:|tgi_|llamacpp:)[a-z_]+\{model_name="sim"' got || fail "$d: no metrics: $(head -c 200 got)"
    ask $d /health
done
ask any /metrics
says got 'vllm:request_success_total{model_name="sim",finished_reason="stop"}'
done_testing
