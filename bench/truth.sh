#!/bin/bash
# bench/truth.sh [STREAMS ...]: the client's stamps against the simulated backend's own log, a process of its own.
# Default 1 64 512 1024 streams of 50 tokens/s each.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
muster=${MUSTER:-$here/build/release/muster}
join=${BENCH_TRUTH:-$here/build/release/bench/bench_stored}
tmp=$(mktemp -d "${BENCH_TMP:-/tmp}/muster-bench.XXXXXX")
trap 'kill ${sim:-} 2>/dev/null; wait 2>/dev/null; rm -rf "$tmp"' EXIT
[ $# -gt 0 ] || set -- 1 64 512 1024
ulimit -n 8192
for streams in "$@"; do
    rm -f "$tmp/sim.out"; touch "$tmp/sim.out"
    "$muster" sim --port 0 --ttft-ms 200 --ttft-sigma 0.3 --itl-ms 20 --itl-sigma 0.2 --tokens-min 40 --tokens-max 60 \
        --truth "$tmp/truth.jsonl" >"$tmp/sim.out" 2>"$tmp/sim.err" &
    sim=$!
    until url=$(sed -n 's/^listening on //p' "$tmp/sim.out") && [ -n "$url" ]; do sleep 0.05; done
    cases=$((streams * 4 > 20 ? streams * 4 : 20))
    python3 - "$cases" "$tmp/d.jsonl" <<'X'
import json, sys
with open(sys.argv[2], "w") as f:
    for i in range(int(sys.argv[1])):
        f.write(json.dumps({"id": "t%06d" % i, "input": "question %d" % i}) + "\n")
X
    cat > "$tmp/c.yaml" <<X
name: truth
data_source: {source_type: jsonl, path: $tmp/d.jsonl}
provider: {provider_type: openai, base_url: "$url", model_name: m, logprobs: true}
concurrency: $streams
scorers: [{tier: L1, scorer_name: length, min_length: 1}]
X
    rm -f "$tmp"/m.db*
    /usr/bin/time -f '%e %U %S %M' -o "$tmp/time" "$muster" run "$tmp/c.yaml" --db "sqlite:$tmp/m.db" --no-progress \
        >"$tmp/out" 2>"$tmp/err" || { tail -n 5 "$tmp/err"; exit 1; }
    kill -TERM $sim
    wait $sim || true
    sim=
    echo "== $streams streams, $cases cases =="
    "$join" "$tmp/m.db" latest "$tmp/truth.jsonl" | tee "$tmp/joined"
    tokens=$(sed -n 's/.*token events \([0-9]*\).*/\1/p' "$tmp/joined")
    awk -v t="$tokens" '{printf "CPU %.2f s, %.1f CPU-seconds per million events\n", $2 + $3, ($2 + $3) * 1e6 / t}' "$tmp/time"
done
