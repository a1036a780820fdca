#!/bin/bash
# The response cache: a second run asks for nothing and comes to the same; what differs is asked; a damaged or killed file
# is a miss; two runs at once; no key in the file.
. "$(dirname "$0")/lib.sh"
need python3 sqlite3
canary=canary-5f0e9d7c41
export CACHE_TEST_KEY=$canary
start_sim --ttft-ms 1 --api-key "$canary" --truth truth.jsonl
python3 - <<'P'
import json
with open("d.jsonl", "w") as f:
    for i in range(24):
        f.write(json.dumps({"id": "c%d" % i, "input": "question %d" % i, "expected_output": "x"}) + "\n")
P
config() { # config FILE [LINE]: with a further line of the provider
    cat >"$1" <<C
name: cached
data_source: {source_type: jsonl, path: d.jsonl}
cache: on
cache_path: cache.db
provider:
  provider_type: openai
  base_url: "$url"
  model: m
  api_key: env:CACHE_TEST_KEY
  retry_base_ms: 1
  ${2:-temperature: 0.5}
scorers: [{scorer_name: contains}]
C
}
asked() { # requests that the server has had for answers
    curl -s -H "Authorization: Bearer $canary" "${url%/v1}/metrics" |
        awk '/^vllm:request_success_total|^vllm:e2e_request_latency_seconds_count/ {n = $NF} END {print int(n)}'
}
need curl
verdicts() {
    json "$1" 'sorted((r["case_id"], r["repeat"], r["outcome"], r["passed"], r["actual_output"], r["finish_reason"],
        r["completion_tokens"]) for r in d["results"])'
}
config c.yaml
"$MUSTER" run c.yaml -o one.json >out 2>err
equal "$(asked)" 24 "the first run asks"
equal "$(json one.json 'd["totals"]["cached"]')" 0 "none was known"
"$MUSTER" run c.yaml -o two.json >out 2>err
equal "$(asked)" 24 "the second run asks for nothing"
equal "$(verdicts two.json)" "$(verdicts one.json)" "verdicts"
equal "$(json two.json 'd["totals"]["cached"]')" 24 "all were known"
equal "$(json two.json 'all(r["cached"] for r in d["results"])')" True "each is marked"
equal "$(json two.json '[d["latency"]["ttft_ms"]["count"], d["latency"]["e2e_ms"]["count"]]')" "[0, 0]" "no times"
equal "$(json two.json 'd["totals"]["tokens_per_s"]')" None "no rate of tokens"
equal "$(sqlite3 muster.db 'select count(*), sum(ttft_ns is null and last_token_ns is null and send_mono_ns is null) from result where flags & 64')" \
    "24|24" "flags and stamps"
says out "24 answers were known"
"$MUSTER" latency latest --json >l.json 2>err
equal "$(json l.json '[d["rows"], d["measured"], d["cached"]]')" "[24, 0, 24]" "muster latency"

# another parameter is another answer; the order of the configuration is none; repeats are several
config p.yaml "temperature: 0.6"
"$MUSTER" run p.yaml >out 2>err
equal "$(asked)" 48 "another temperature"
config r.yaml
sed -i 's/^cache: on/repeats: 3\ncache: on/' r.yaml
"$MUSTER" run r.yaml -o r.json >out 2>err
equal "$(asked)" 96 "two more repeats of each"
equal "$(json r.json 'd["totals"]["cached"]')" 24 "the first is known"
"$MUSTER" run r.yaml -o r.json >out 2>err
equal "$(asked)" 96 "and then all"
# read keeps nothing, write takes nothing
sed 's/^cache: on/cache: read/; s/temperature: 0.5/temperature: 0.7/' c.yaml >read.yaml
"$MUSTER" run read.yaml >out 2>err
"$MUSTER" run read.yaml >out 2>err
equal "$(asked)" 144 "read"
sed 's/^cache: on/cache: write/' c.yaml >write.yaml
"$MUSTER" run write.yaml >out 2>err
equal "$(asked)" 168 "write"

# nothing of the key is in the file, nor of the environment
cat cache.db* | grep -qa "$canary" && fail "the key is in the cache"
equal "$(stat -c %a cache.db)" 600 "mode of the file"

# killed while it writes: usable, and what was whole is known
rm -f cache.db*
python3 - <<'P'
import json
with open("big.jsonl", "w") as f:
    for i in range(4000):
        f.write(json.dumps({"id": "b%d" % i, "input": "large %d" % i, "expected_output": "x"}) + "\n")
P
sed 's/d.jsonl/big.jsonl/; s/^cache: on/concurrency: 32\ncache: on/' c.yaml >big.yaml
"$MUSTER" run big.yaml --db sqlite:k.db >out 2>err & victim=$!
for _ in $(seq 200); do
    n=$(sqlite3 cache.db 'select count(*) from answer' 2>/dev/null)
    [ "${n:-0}" -gt 50 ] && break
    sleep 0.05
done
kill -9 $victim
wait $victim 2>/dev/null
n=$(sqlite3 cache.db 'select count(*) from answer')
[ "$n" -gt 50 ] || fail "nothing was written before the kill"
equal "$(sqlite3 cache.db 'pragma integrity_check')" ok "after a kill"
sed -i 's/path: big.jsonl/path: big.jsonl, limit: 40/' big.yaml
"$MUSTER" run big.yaml -o k.json --db sqlite:k2.db >out 2>err
[ "$(json k.json 'd["totals"]["cached"]')" -gt 0 ] || fail "nothing is known after a kill"
equal "$(json k.json 'd["totals"]["measured"]')" 40 "measured after a kill"
says_not err "response cache"

# a damaged answer is asked for anew, with one warning, and is whole then
rm -f cache.db*
"$MUSTER" run c.yaml >out 2>err
sqlite3 cache.db "update answer set bytes = zeroblob(100) where no % 2"
before=$(asked)
"$MUSTER" run c.yaml -o x.json >out 2>err
equal "$(asked)" $((before + 12)) "damaged answers"
equal "$(json x.json '[d["totals"]["cached"], d["totals"]["measured"]]')" "[12, 24]" "the others are known"
equal "$(grep -c 'response cache' err)" 1 "one warning"
"$MUSTER" run c.yaml -o x.json >out 2>err
equal "$(asked)" $((before + 12)) "they are whole again"
# a damaged file, and a file of something else, are left as they are
rm -f cache.db*
head -c 20000 /dev/urandom >cache.db
sum=$(sha256sum <cache.db)
"$MUSTER" run c.yaml -o x.json >out 2>err
equal "$(json x.json '[d["totals"]["cached"], d["totals"]["measured"]]')" "[0, 24]" "a damaged file"
equal "$(grep -c 'response cache' err)" 1 "one warning of a damaged file"
equal "$(sha256sum <cache.db)" "$sum" "the file"
rm -f cache.db*
sqlite3 cache.db "create table mine(x)"
"$MUSTER" run c.yaml -o x.json >out 2>err
says err "it is a database of something else"
equal "$(sqlite3 cache.db .tables)" mine "its tables"
rm -f cache.db*
mkdir cache.db
"$MUSTER" run c.yaml -o x.json >out 2>err
equal "$(json x.json 'd["totals"]["measured"]')" 24 "a folder in its place"
rmdir cache.db

# two runs at once, from nothing
"$MUSTER" run c.yaml -o a.json --db sqlite:a.db >outa 2>erra & one=$!
"$MUSTER" run p.yaml -o b.json --db sqlite:b.db >outb 2>errb & two=$!
wait $one; wait $two
says_not erra "response cache"
says_not errb "response cache"
before=$(asked)
"$MUSTER" run c.yaml -o a.json >out 2>err
"$MUSTER" run p.yaml -o b.json >out 2>err
equal "$(asked)" "$before" "both have kept all"
equal "$(verdicts a.json)" "$(verdicts one.json)" "verdicts after all of it"

# failures are not kept
stop_sim
start_sim --p-500 1
rm -f cache.db*
config f.yaml "max_retries: 0"
"$MUSTER" run f.yaml -o f.json >out 2>err
[ -f cache.db ] && equal "$(sqlite3 cache.db 'select count(*) from answer' 2>/dev/null)" "" "failures"

# its own place, made when it is not there
stop_sim
start_sim
config own.yaml
sed -i '/cache_path/d' own.yaml
XDG_CACHE_HOME=$tmp/xdg "$MUSTER" run own.yaml >out 2>err
[ -f xdg/muster/muster-cache.db ] || fail "no cache in XDG_CACHE_HOME"
done_testing
