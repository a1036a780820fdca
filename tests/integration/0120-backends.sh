#!/bin/bash
# Each provider over sockets: the simulated backend in its dialects, streamed and whole, with faults; and three small
# services that are no inference servers, as configs/services/ describes them.
. "$(dirname "$0")/lib.sh"
need python3
export MUSTER_DB=sqlite:b.db
python3 - <<'X'
import json
with open("d.jsonl", "w") as f:
    for i in range(12):
        text = 'say "%d" \\ é 😀\nand more' % i
        f.write(json.dumps({"id": "c%d" % i, "input": text, "expected_output": text}, ensure_ascii=i % 2 == 0) + "\n")
X
run() { # run EXPECTED-EXIT PROVIDER-SETTINGS
    cat > c.yaml <<X
name: backends
data_source: {source_type: jsonl, path: d.jsonl}
provider: {base_url: "$url", $2}
concurrency: 6
scorers: [{tier: L1, scorer_name: exact_match}, {tier: L4, scorer_name: ttft, max_ttft_ms: 60000, on_missing: skip}]
X
    expect "$1" timeout 100 "$MUSTER" run c.yaml -o o.json
}
whole() { # every answer came back as it was sent, and was counted
    equal "$(json o.json '(d["totals"]["measured"], d["totals"]["passed"])')" "(12, 12)" "$1"
}
outcome() { json o.json 'sorted(k for k, v in d["outcomes"].items() if v)'; }

start_sim --echo --ttft-ms 3 --itl-ms 1
for stream in true false; do
    run 0 "provider_type: ollama, model: m, stream: $stream"
    whole "ollama, stream $stream"
    run 0 "provider_type: ollama, model: m, endpoint: generate, stream: $stream"
    whole "ollama generate, stream $stream"
    run 0 "provider_type: anthropic, model: m, max_tokens: 999, stream: $stream"
    whole "anthropic, stream $stream"
done
run 0 'provider_type: http, path: /chat/completions, model: m, body: {model: "{{model}}", messages: "{{messages}}"},
       text_path: choices.0.message.content, finish_path: choices.0.finish_reason,
       completion_tokens_path: usage.completion_tokens'
whole "http"
run 0 'provider_type: http, path: /chat/completions, stream: sse, end_data: "[DONE]",
       body: {model: m, stream: true, messages: "{{messages}}"}, text_path: choices.0.delta.content'
whole "http, events"
run 0 'provider_type: http, path: /../api/chat, stream: ndjson, end_path: done,
       body: {model: m, messages: [{role: user, content: "{{input}}"}]}, text_path: message.content'
whole "http, lines"
stop_sim
# cut and broken answers are never taken for whole ones
start_sim --echo --p-cut 1 --ttft-ms 1
for p in "ollama, model: m" "anthropic, model: m, max_tokens: 99"; do
    run 4 "provider_type: $p, max_retries: 0"
    equal "$(outcome)" "['connection_lost']" "cut answers of $p"
done
stop_sim
start_sim --echo --p-error 1
for p in "ollama, model: m" "anthropic, model: m, max_tokens: 99"; do
    run 4 "provider_type: $p, max_retries: 0"
    equal "$(outcome)" "['provider_error']" "errors in the answers of $p"
done
stop_sim
# silence before the first token ends by the first-token timer, in lines as in events
start_sim --echo --p-hang-before 1
for p in "ollama, model: m" "anthropic, model: m, max_tokens: 99"; do
    run 4 "provider_type: $p, max_retries: 0, first_token_timeout: 0.3"
    equal "$(outcome)" "['timeout']" "silence of $p"
done
stop_sim

# a service by name
cat > s.yaml <<'X'
name: by name
data_source: {source_type: inline, records: [{input: q, expected_output: q}]}
provider: {provider_type: sarmalink, model: smart, max_retries: 0}
scorers: [{tier: L1, scorer_name: exact_match}]
X
expect 2 env -u SARMALINK_API_KEY SARMALINK_BASE_URL=http://127.0.0.1:1/v1 "$MUSTER" run s.yaml
says err 'environment variable "SARMALINK_API_KEY", which is not set'
start_sim --echo --api-key k-1
SARMALINK_API_KEY=k-1 SARMALINK_BASE_URL=$url expect 0 "$MUSTER" run s.yaml
SARMALINK_API_KEY=k-2 SARMALINK_BASE_URL=$url expect 4 "$MUSTER" run s.yaml
SARMALINK_API_KEY=k-2 SARMALINK_BASE_URL=nowhere expect 2 "$MUSTER" run s.yaml
says err "SARMALINK_BASE_URL"
stop_sim

# services of one's own
cat > services.py <<'X'
import http.server, json, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        counts = {"messages": 2, "tool_invocations": 1}
        path, _, query = self.path.partition("?only=")
        self.answer(200 if path == "/api/runs/run-1/summary" else 404, {"count": counts.get(query, 0)})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/internal/service-user":
            known = self.headers["Authorization"] == "Bearer t-1" and asked["kind"] == "service"
            self.answer(201 if known else 401, {"user": {"name": asked["name"]}} if known else {"detail": "who are you"})
            return
        right = (self.path == "/api/chat/sync" and self.headers["Cookie"] == "session=s-1"
                 and self.headers["X-Run-Id"].startswith("muster-") and asked["agent"] == "xagent")
        if not right:
            self.answer(403, {"error": "no session"})
        elif asked["message"] == 'What time is "it"?\nIn Oslo.' and asked["user"] == "u-2":
            self.answer(200, {"response": "five o'clock", "thinking": "look", "duration_ms": 7, "tools_used": ["clock"]})
        else:
            self.answer(200, {"response": "Hello!", "duration_ms": 3, "tools_used": None})

    def log_message(self, *a):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("listening on http://127.0.0.1:%d" % server.server_port, flush=True)
server.serve_forever()
X
python3 services.py >services.out 2>services.err &
pids="$pids $!"
for _ in $(seq 200); do
    base=$(sed -n 's/^listening on //p' services.out)
    [ -n "$base" ] && break
    sleep 0.05
done
cp -r "$MUSTER_SOURCE/configs" .
AUTH_URL=$base SERVICE_TOKEN=t-1 expect 0 "$MUSTER" run configs/services/auth.yaml
AUTH_URL=$base SERVICE_TOKEN=t-2 expect 4 "$MUSTER" run configs/services/auth.yaml
says err "who are you"
CHAT_URL=$base AGENT=xagent SESSION=s-1 expect 0 "$MUSTER" run configs/services/chat.yaml -o chat.json
equal "$(json chat.json 'd["totals"]["passed"]')" 2 "answers of the chat service"
CHAT_URL=$base AGENT=xagent SESSION=s-2 expect 4 "$MUSTER" run configs/services/chat.yaml
says err "no session"
ANALYTICS_URL=$base expect 0 "$MUSTER" run configs/services/analytics.yaml
done_testing
