#!/bin/bash
# A server that says back the key it was given, wherever an answer has room for text: the key is in no file and no
# output, the raw columns included. A key where none belongs is refused and not shown.
. "$(dirname "$0")/lib.sh"
need python3
cat > parrot.py <<'X'
import http.server, json
class Parrot(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        auth = self.headers.get("Authorization", "")
        key = auth.split(" ")[-1]
        way = self.path.split("/")[1]
        def piece(delta, finish=None, **more):
            return "data: " + json.dumps({"id": auth, "model": auth, "system_fingerprint": auth, "choices": [
                {"index": 0, "delta": delta, "finish_reason": finish}], **more}) + "\n\n"
        status, body = 200, ""
        if way == "error":
            status, body = 400, json.dumps({"error": {"message": "x" * 10 + auth, "code": auth}})
        elif way == "cut":  # so that the sentence ends in the middle of the key
            status, body = 400, json.dumps({"error": {"message": "x" * 270 + auth}})
        elif way == "text":
            body = piece({"content": auth, "reasoning_content": auth, "refusal": ""})
        elif way == "letters":
            body = "".join(piece({"content": c}) for c in key)
        elif way == "tools":
            body = piece({"tool_calls": [{"index": 0, "id": auth, "function": {"name": auth, "arguments": auth}}]})
        elif way == "broken":
            body = "data: " + json.dumps({"error": {"message": auth}}) + "\n\n"
        if status == 200:
            body += piece({}, "stop" if way != "text" else auth) + "data: [DONE]\n\n"
        body = body.encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "text/event-stream" if status == 200 else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Server", "engine/" + key)
        self.send_header("X-Request-Id", auth)
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Parrot)
print(server.server_port, flush=True)
server.serve_forever()
X
python3 parrot.py > port &
pids="$pids $!"
for _ in $(seq 200); do [ -s port ] && break; sleep 0.05; done
for i in 1 2 3; do echo "{\"id\": \"c$i\", \"input\": \"q\", \"expected_output\": \"x\"}"; done > d.jsonl
export PARROT_KEY=canary-key-4f1d0c9be2
for way in error cut text letters tools broken; do
    cat > c.yaml <<X
name: parrot
data_source: {source_type: jsonl, path: d.jsonl}
provider: {provider_type: openai, base_url: "http://127.0.0.1:$(cat port)/$way/v1", model_name: m, api_key: "\${PARROT_KEY}", max_retries: 0}
keep_raw: true
scorers: [{tier: L1, scorer_name: exact_match}, {tier: L1, scorer_name: contains}]
X
    timeout 60 "$MUSTER" run c.yaml -v --db sqlite:$way.db -o $way.json > $way.out 2> $way.err
    code=$?
    [ "$code" = 1 ] || [ "$code" = 3 ] || [ "$code" = 4 ] || fail "exit code $code: $way"
    "$MUSTER" show latest --case c1 --db sqlite:$way.db > $way.show 2>&1
    "$MUSTER" list --db sqlite:$way.db > $way.list 2>&1
    [ -s $way.json ] || fail "no document: $way: $(tail -n 1 $way.err)"
    for file in $way.*; do
        grep -a -q 'canary-key' "$file" && fail "$file holds the key: $(grep -a -o '.\{30\}canary-key' "$file" | head -n 1)"
    done
done
equal "$(json letters.json 'd["results"][0]["actual_output"]')" '*********************' "the key made of single letters"

# a password in the address would be stored with the run
sed -i 's#http://127#http://me:hunter2@127#' c.yaml
expect 2 "$MUSTER" validate c.yaml
one_error
says err 'c.yaml:3:'
says err 'base_url'
says_not err hunter2
sed -i 's#http://me:hunter2@127[^"]*#http://127.0.0.1:1/v1?api-version=1#' c.yaml
expect 2 "$MUSTER" validate c.yaml
one_error
says err 'no query'
done_testing
