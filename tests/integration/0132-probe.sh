#!/bin/bash
# What a worker finds out before a run: engine and version in the origin; a backend that answers without what the run is
# made of is refused, in a sentence, before any case is asked.
. "$(dirname "$0")/lib.sh"
need python3 sqlite3
start_sim --ttft-ms 1
cat > c.yaml <<X
name: probed
data_source: {source_type: dict, records: [{id: a, input: "say one", choices: [x, y], expected_output: x}]}
request: multiple_choice
provider: {provider_type: openai, base_url: "$url", model: m}
scorers: [{scorer_name: loglik_choice}]
X
"$MUSTER" run c.yaml -o o.json >out 2>err
equal "$(json o.json 'd["outcomes"]')" "{'scored': 1}" "a backend that can"
equal "$(sqlite3 muster.db 'select engine, engine_version is not null from origin')" "muster-sim|1" "origin"
expect 0 "$MUSTER" probe --provider openai --base-url "$url" --model m --json
equal "$(python3 -c 'import json;p=json.load(open("out"))[0];print(p["engine"],p["streams"],p["usage"],p["logprobs"],p["loglikelihoods"])')" \
    "muster-sim True True True True" "probe"
expect 0 "$MUSTER" probe --light --provider openai --base-url "$url" --model m
says out "muster-sim"
stop_sim
expect 4 "$MUSTER" probe --provider openai --base-url "$url" --model m
expect 2 "$MUSTER" probe
expect 2 "$MUSTER" probe --provider nothing
one_error

# a server that ignores echo, as some do: every choice would score the same
cat > deaf.py <<'X'
import http.server, json
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def say(self, o):
        b = json.dumps(o).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(b)))
        self.end_headers()
        self.wfile.write(b)
    def do_GET(self):
        self.say({"data": [{"id": "m", "owned_by": "llamacpp", "meta": {"n_ctx_train": 4096}}]})
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        open("asked", "a").write(body.get("prompt", "") + "\n")
        self.say({"object": "text_completion", "choices": [{"index": 0, "text": " five", "finish_reason": "length",
                  "logprobs": {"content": [{"token": " five", "logprob": -0.1}]}}]})
    def log_message(self, *a):
        pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
open("port.new", "w").write(str(s.server_port))
import os; os.rename("port.new", "port")
s.serve_forever()
X
python3 deaf.py & pids="$pids $!"
for i in $(seq 200); do [ -s port ] && break; sleep 0.05; done
sed "s|base_url: \"[^\"]*\"|base_url: \"http://127.0.0.1:$(cat port)/v1\"|" c.yaml >deaf.yaml
expect 2 "$MUSTER" run deaf.yaml --db sqlite:deaf.db
says err "does not give log-likelihoods"
equal "$(grep -c 'say one' asked)" 0 "no case was asked"
equal "$(sqlite3 deaf.db 'select count(*) from result')" 0 "nothing was stored"
expect 2 "$MUSTER" probe deaf.yaml
says out "is refused"
says out "4096 tokens"
# off: the run finds out by itself, and nothing is scored at chance
echo 'probe: off' >>deaf.yaml
expect 4 "$MUSTER" run deaf.yaml --db sqlite:off.db
says out "provider_error"
done_testing
