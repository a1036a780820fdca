#!/bin/bash
# Send lateness of the open loop (kernel's send stamp minus planned time) at 100, 1,000 and 10,000 requests a second
# against the simulated backend, and beside it a thread that only sleeps and reads the clock, on the same schedule.
#   bench/lateness.sh [SECONDS] [RATE ...]
set -eu
cd "$(dirname "$0")/.."
bin=$PWD/build/${PRESET:-release}
seconds=${1:-5}
shift || true
[ $# -gt 0 ] || set -- 100 1000 10000
tmp=$(mktemp -d)
trap 'kill $sim 2>/dev/null; rm -rf "$tmp"' EXIT
"$bin/muster" sim --port 0 --ttft-ms 0 --itl-ms 0 --tokens-min 4 --tokens-max 4 >"$tmp/sim" &
sim=$!
for _ in $(seq 100); do grep -q listening "$tmp/sim" && break; sleep 0.05; done
url=$(sed -n 's/^listening on //p' "$tmp/sim")
seq 20000 | sed 's/.*/{"id": "c&", "input": "question &"}/' >"$tmp/data.jsonl"
for rate in "$@"; do
    cat >"$tmp/run.yaml" <<YAML
name: lateness
data_source: {source_type: jsonl, path: $tmp/data.jsonl}
scorers: [{scorer_name: length, min_length: 0}]
provider: {provider_type: openai, base_url: "$url", model_name: m, max_retries: 0}
load: {model: poisson, rate: $rate, seed: 1, warmup: 1, duration: $seconds, max_late_ms: 1000000, max_busy: 1}
YAML
    "$bin/muster" run "$tmp/run.yaml" --db "sqlite:$tmp/$rate.db" -o "$tmp/$rate.json" --no-progress >/dev/null 2>&1
    python3 - "$tmp/$rate.json" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
l = d["load"]["levels"][0]
print("muster  rate %g requests %d late_us_p50 %.1f late_us_p99 %.1f late_us_max %.1f busy_max %.2f wait_max %.2f answered %d" % (
    l["level"], l["requests"], 1e3 * l["late_ms"]["p50"], 1e3 * l["late_ms"]["p99"], 1e3 * l["late_ms"]["max"],
    l["io_busy_max"], l["io_wait_max"], l["measured"]))
PY
    "$bin/bench/bench_lateness" "$rate" "$seconds"
done
