#!/bin/bash
# An answer that is far larger than what the store takes at once is stored whole; the others are not lost by it.
. "$(dirname "$0")/lib.sh"
need python3 sqlite3
cat >server.py <<'X'
import http.server, json
def event(delta, finish=None):
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode() + b"\n\n"
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        count = 4500 if b"much" in asked else 1
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(event({"content": "x" * 8000}) * count + event({}, "stop") + b"data: [DONE]\n\n")
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
X
python3 server.py >port 2>server.err &
pids="$pids $!"
for _ in $(seq 200); do [ -s port ] && break; sleep 0.05; done
cat >c.yaml <<X
name: large
data_source: {source_type: inline, records: [{input: little}, {input: much}, {input: little}]}
probe: off
provider: {provider_type: openai, model: m, base_url: "http://127.0.0.1:$(cat port)/v1", max_retries: 0}
scorers: [{scorer_name: length, min_length: 1, max_length: 100000000}]
X
expect 0 timeout 120 "$MUSTER" run c.yaml --db sqlite:m.db
equal "$(sqlite3 m.db 'select group_concat(length(text)) from (select text from result order by case_no)')" \
    "8000,36000000,8000" "lengths of the stored answers"
done_testing
