#!/bin/bash
# bench/instant.sh [N]: an instant backend as a process of its own, 64 requests at once, three scorers, stored; streaming and
# not. Prints cases per CPU-second of muster's own user and system time, and wrk on the same server in the same run.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
muster=${MUSTER:-$here/build/release/muster}
n=${1:-100000}
tmp=$(mktemp -d "${BENCH_TMP:-/tmp}/muster-bench.XXXXXX")
"$muster" sim --port 0 --echo --ttft-ms 0 --itl-ms 0 >"$tmp/sim.out" 2>&1 &
sim=$!
trap 'kill $sim 2>/dev/null; wait 2>/dev/null; rm -rf "$tmp"' EXIT
until url=$(sed -n 's/^listening on //p' "$tmp/sim.out") && [ -n "$url" ]; do sleep 0.05; done
python3 - "$n" "$tmp/d.jsonl" <<'X'
import json, sys
with open(sys.argv[2], "w") as f:
    for i in range(int(sys.argv[1])):
        f.write(json.dumps({"id": "c%06d" % i, "input": "Please repeat these ten words after me number %d" % i,
                            "expected_output": "number %d" % i}) + "\n")
X
for stream in false true; do
    cat > "$tmp/c.yaml" <<X
name: instant
data_source: {source_type: jsonl, path: $tmp/d.jsonl}
provider: {provider_type: openai, base_url: "$url", model_name: m, stream: $stream}
concurrency: 64
scorers:
  - {tier: L1, scorer_name: contains}
  - {tier: L1, scorer_name: regex, pattern: 'number \d+'}
  - {tier: L1, scorer_name: length, min_length: 1}
X
    for round in 1 2 3; do
        rm -f "$tmp"/m.db*
        /usr/bin/time -f '%e %U %S %M' -o "$tmp/time" "$muster" run "$tmp/c.yaml" --db "sqlite:$tmp/m.db" --no-progress \
            >"$tmp/out" 2>"$tmp/err" || { tail -n 5 "$tmp/err"; exit 1; }
        awk -v n="$n" -v s="$stream" '{printf "muster stream=%-5s %d cases: %6.0f cases per CPU-second  %6.0f cases/s  wall %.2f s  user %.2f  sys %.2f  peak %.1f MiB\n",
            s, n, n / ($2 + $3), n / $1, $1, $2, $3, $4 / 1024}' "$tmp/time"
    done
    cat > "$tmp/post.lua" <<X
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"model":"m","messages":[{"role":"user","content":"Please repeat these ten words after me number 12345"}],"stream":$stream}'
X
    command -v wrk >/dev/null || { echo "wrk is not installed: no peer figure"; continue; }
    for round in 1 2 3; do
        /usr/bin/time -f '%e %U %S' -o "$tmp/time" wrk -t1 -c64 -d5s -s "$tmp/post.lua" "$url/chat/completions" >"$tmp/wrk" 2>&1
        requests=$(awk '/requests in/{print $1}' "$tmp/wrk")
        awk -v n="$requests" -v s="$stream" '{printf "wrk    stream=%-5s %d requests: %6.0f requests per CPU-second  %6.0f requests/s\n",
            s, n, n / ($2 + $3), n / $1}' "$tmp/time"
    done
done
