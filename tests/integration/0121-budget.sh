#!/bin/bash
# Prices and budgets: a run stops before it would spend more than it may, with many requests in flight, says so, and
# goes on with a larger budget exactly where it stopped. Adaptive concurrency and limits a minute on a server that
# says 429.
. "$(dirname "$0")/lib.sh"
need python3 sqlite3
for i in $(seq 60); do echo "{\"id\": \"c$i\", \"input\": \"question number $i\", \"expected_output\": \"x\"}"; done > d.jsonl
config() { # SETTINGS OF THE RUN
    cat > c.yaml <<X
name: spend
data_source: {source_type: jsonl, path: d.jsonl}
provider: {provider_type: openai, model_name: m, max_tokens: 64}
simulate: {ttft_ms: 5, tokens_min: 8, tokens_max: 8}
concurrency: 16
$1
scorers: [{tier: L1, scorer_name: length, min_length: 1}, {scorer_name: cost}]
X
}
config 'prices: {m: {input: 10, output: 1000}}'
expect 0 timeout 60 "$MUSTER" run c.yaml --db sqlite:all.db -o all.json
cat out | grep spent || fail "no spent line"
spent=$(json all.json 'd["totals"]["spent"]["money"]' 2>/dev/null || json all.json 'str(d)[:300]')
requests=$(json all.json 'd["totals"]["spent"]["requests"]')
equal "$requests" 60 "requests of a whole run"
tokens=$(json all.json 'd["totals"]["spent"]["tokens"]')
equal "$(json all.json 'abs(round(sum(r["prompt_tokens"]*10+r["completion_tokens"]*1000 for r in d["results"])/1e6 - d["totals"]["spent"]["money"], 9))')" 0.0 "money"
for budget in 'requests: 20' "tokens: $((tokens / 2))" "money: $(python3 -c "print($spent/2)")"; do
    rm -f b.db
    config "prices: {m: {input: 10, output: 1000}}
budget: {$budget}"
    expect 3 timeout 60 "$MUSTER" run c.yaml --db sqlite:b.db -o b.json
    says out 'stopped by its budget: budget of'
    equal "$(json b.json 'd["state"]' 2>/dev/null)" budget_stop "state with $budget"
    key=${budget%%:*} most=${budget##*: }
    equal "$(json b.json "d['totals']['spent']['$key'] <= $most + 1e-9")" True "within $budget"
    done1=$(sqlite3 b.db 'select count(*) from result')
    [ "$done1" -gt 3 ] && [ "$done1" -lt 60 ] || fail "$done1 cases with $budget"
    run=$(sqlite3 b.db 'select run_id from run')
    # the same budget: nothing more
    expect 3 timeout 60 "$MUSTER" run c.yaml --resume "$run" --db sqlite:b.db -o b.json
    equal "$(json b.json "d['totals']['spent']['$key'] <= $most + 1e-9")" True "within $budget, resumed"
    sqlite3 b.db 'select case_no, attempt, started_wall_ns from result order by 1' > before
    config 'prices: {m: {input: 10, output: 1000}}
budget: {requests: 1000}'
    expect 0 timeout 60 "$MUSTER" run c.yaml --resume "$run" --db sqlite:b.db -o b.json
    equal "$(sqlite3 b.db 'select count(*) from result')" 60 "cases in the end with $budget"
    sqlite3 b.db 'select case_no, attempt, started_wall_ns from result order by 1' > after
    equal "$(comm -23 <(sort before) <(sort after) | wc -l)" 0 "cases that were asked twice"
    equal "$(json b.json 'd["totals"]["spent"]["requests"]')" 60 "requests in the end"
done
config 'budget: {money: 1}'
expect 2 timeout 60 "$MUSTER" run c.yaml --db sqlite:n.db
one_error
says err 'needs a price'
config 'prices: {other: {input: 1, output: 1}}'
expect 2 timeout 60 "$MUSTER" run c.yaml --db sqlite:n.db
says err 'scorer "cost" needs prices'
config 'prices: {m: {input: 1}}'
expect 2 timeout 60 "$MUSTER" run c.yaml --db sqlite:n.db
says err '"output" is missing'

# a server that bears 4 requests at a time
cat > narrow.py <<'X'
import http.server, json, threading, time
busy, most, lock, refused, total = 0, 0, threading.Lock(), 0, 0
class Narrow(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, status, body, *headers):
        self.send_response(status)
        for h in headers:
            self.send_header(*h)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        global busy, refused, total
        self.rfile.read(int(self.headers["Content-Length"]))
        with lock:
            busy += 1
            total += 1
            over = busy > 4
            refused += over
        time.sleep(0.02)
        if over:
            self.answer(429, b'{"error": {"message": "slow down"}}', ("retry-after-ms", "30"))
        else:
            body = (b'data: {"choices":[{"index":0,"delta":{"content":"yes"},"finish_reason":"stop"}]}\n\n'
                    b'data: [DONE]\n\n')
            self.answer(200, body, ("Content-Type", "text/event-stream"))
        with lock:
            busy -= 1
    def do_GET(self):
        self.answer(200, json.dumps([refused, total]).encode())
    def log_message(self, *a):
        pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Narrow)
s.daemon_threads = True
print(s.server_port, flush=True)
s.serve_forever()
X
python3 narrow.py > port &
pids="$pids $!"
for _ in $(seq 200); do [ -s port ] && break; sleep 0.05; done
cat > a.yaml <<X
name: narrow
data_source: {source_type: jsonl, path: d.jsonl}
provider:
  {provider_type: openai, model_name: m, base_url: "http://127.0.0.1:$(cat port)/v1", max_retries: 20, retry_base_ms: 20,
   retry_budget: 100, adaptive_concurrency: true, adaptive_start: 16, adaptive_cut: 0.5, adaptive_cooldown: 0.05}
concurrency: 32
scorers: [{tier: L1, scorer_name: length, min_length: 1}]
X
expect 0 timeout 60 "$MUSTER" run a.yaml --db sqlite:a.db -o a.json
says out 'places '
[ "$(json a.json 'd["totals"]["places"]["cuts"]')" -ge 2 ] || fail "no cuts: $(json a.json 'd["totals"]')"
[ "$(json a.json 'd["totals"]["places"]["lowest"]')" -le 8 ] || fail "not low enough"
equal "$(sqlite3 a.db "select json_extract(spec, '\$.provider.adaptive_cut') from run")" 0.5 "the setting in the stored run"
# 240 a minute: 60 cases take at least 14 s; 20 are enough here
sed -i 's/adaptive_concurrency: true/requests_per_minute: 240/' a.yaml
began=$(date +%s%N)
expect 0 timeout 60 "$MUSTER" run a.yaml --limit 20 --db sqlite:l.db
took=$((($(date +%s%N) - began) / 1000000))
[ "$took" -ge 3900 ] || fail "20 requests at 240 a minute took $took ms only"
done_testing
