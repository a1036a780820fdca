#!/bin/bash
# A key by each kind of reference, and a server of the run's own that says it back and writes it down: the key is in no
# database, document, log or output, and in no process's command line. A key that is not there is named.
. "$(dirname "$0")/lib.sh"
need python3
canary=canary-key-83bd20f7ac
cat > parrot.py <<'X'
import http.server, json, os, sys
print("my key is", os.environ.get("SERVER_KEY"), flush=True)
class Parrot(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def say(self, status, kind, text):
        body = text.encode()
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        print("asked with", self.headers.get("Authorization"), flush=True)
        self.say(200, "application/json", json.dumps({"version": self.headers.get("Authorization", "none")}))
    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        auth = self.headers.get("Authorization", "none")
        print("asked with", auth, flush=True)
        if "bad" in asked:
            return self.say(400, "application/json", json.dumps({"error": {"message": "no such key: " + auth}}))
        piece = {"id": auth, "model": auth, "choices": [{"index": 0, "delta": {"content": "you are " + auth}}]}
        last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        self.say(200, "text/event-stream", "".join("data: " + json.dumps(p) + "\n\n" for p in (piece, last))
                 + "data: [DONE]\n\n")
    def log_message(self, *a):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Parrot).serve_forever()
X
{
    for i in 1 2 3; do echo "{\"id\": \"c$i\", \"input\": \"fine $i\", \"expected_output\": \"x\"}"; done
    echo '{"id": "c4", "input": "bad", "expected_output": "x"}'
} > d.jsonl
config() {
    cat > c.yaml <<Y
name: canary
data_source: {source_type: jsonl, path: d.jsonl}
provider:
  provider_type: openai
  base_url: "http://127.0.0.1:{port}/v1"
  model: m
  api_key: "$1"
  max_retries: 0
  launch:
    command: [python3, parrot.py, "{port}"]
    ready_url: "http://127.0.0.1:{port}/"
    log: $2.log
    env: {SERVER_KEY: "$1"}
keep_raw: true
scorers: [{scorer_name: contains}, {scorer_name: length}]
Y
}
# command lines of the processes of this test, again and again, until the file `stop` is there
cat > watch.py <<'X'
import os, time
seen = set()
while not os.path.exists("stop"):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink("/proc/%s/cwd" % pid) == os.getcwd():
                seen.add(open("/proc/%s/cmdline" % pid).read())
        except OSError:
            pass
    time.sleep(0.02)
open("cmdlines.out", "w").write("\n".join(seen))
X
echo "${canary%-*}" >part.txt # in a file: the command line of grep is seen as well
clean() {
    for file in "$@"; do
        grep -a -q -f part.txt "$file" && fail "$file holds the key"
    done
}
printf '%s\n' "$canary" >key.txt
python3 watch.py &
watcher=$!
pids="$pids $watcher"
for way in env file variable; do
    case $way in
    env) config env:CANARY_KEY $way ;;
    file) config "file:$tmp/key.txt" $way ;;
    variable) config '${CANARY_KEY}' $way ;;
    esac
    [ $way = file ] || export CANARY_KEY=$canary
    db=sqlite:$way.db
    timeout 60 "$MUSTER" run c.yaml -v --json --db $db -o $way.json >$way.out 2>$way.err
    [ $? -lt 5 ] && [ -s $way.json ] || fail "no document with $way: $(tail -n 2 $way.err)"
    equal "$(json $way.json 'd["outcomes"].get("scored")')" 3 "answers with $way"
    for case in c1 c4; do
        "$MUSTER" show latest --case $case --json --db $db
        "$MUSTER" show latest --case $case --db $db
    done >$way.show 2>&1
    expect 0 "$MUSTER" exchanges latest --db $db -o $way.exchanges
    "$MUSTER" validate c.yaml >$way.valid 2>&1
    "$MUSTER" list --json --db $db >$way.list 2>&1
    says $way.log "my key is ***"
    says $way.log "asked with Bearer ***"
    says $way.show 'you are Bearer ***'
    clean $way.*
    unset CANARY_KEY
done
touch stop
wait $watcher
grep -q -a parrot.py cmdlines.out || fail "the watcher saw no server"
clean cmdlines.out

config env:CANARY_KEY missing
expect 2 "$MUSTER" run c.yaml --db sqlite:missing.db
one_error
says err 'environment variable "CANARY_KEY", which is not set'
config "file:$tmp/none.txt" missing
expect 2 "$MUSTER" run c.yaml --db sqlite:missing.db
says err "$tmp/none.txt"
config "$canary" missing
expect 2 "$MUSTER" validate c.yaml
says err "where the secret is"
clean out err
done_testing
