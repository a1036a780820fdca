#!/bin/bash
# bench/promptfoo.sh [N]: a peer on the same server: promptfoo (npm install promptfoo) asking the simulated backend N questions
# (2000), 64 at once, three assertions, no cache. PROMPTFOO names its program. Prints cases per CPU-second and peak memory.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
muster=${MUSTER:-$here/build/release/muster}
promptfoo=${PROMPTFOO:-promptfoo}
n=${1:-2000}
tmp=$(mktemp -d "${BENCH_TMP:-/tmp}/muster-bench.XXXXXX")
"$muster" sim --port 0 --echo >"$tmp/sim.out" 2>&1 &
sim=$!
trap 'kill $sim 2>/dev/null; wait 2>/dev/null; rm -rf "$tmp"' EXIT
until url=$(sed -n 's/^listening on //p' "$tmp/sim.out") && [ -n "$url" ]; do sleep 0.05; done
{ echo n; seq "$n"; } > "$tmp/tests.csv"
cat > "$tmp/pf.yaml" <<X
prompts: ["Please repeat these ten words after me number {{n}}"]
providers:
  - id: openai:chat:m
    config: {apiBaseUrl: "$url", apiKey: none}
defaultTest:
  assert:
    - {type: contains, value: "number {{n}}"}
    - {type: regex, value: 'number \d+'}
    - {type: javascript, value: "output.length >= 1"}
tests: file://tests.csv
X
cd "$tmp"
export PROMPTFOO_DISABLE_TELEMETRY=1 PROMPTFOO_DISABLE_UPDATE=1 PROMPTFOO_CONFIG_DIR=$tmp/cfg
/usr/bin/time -f '%e %U %S %M' -o time "$promptfoo" eval -c pf.yaml -j 64 --no-cache --no-table --no-progress-bar \
    -o out.json >out 2>&1 || { tail -n 5 out; exit 1; }
awk -v n="$n" '{printf "promptfoo %d cases: %.0f cases per CPU-second  %.0f cases/s  wall %.1f s  user %.1f  sys %.1f  peak %.0f MiB\n",
    n, n / ($2 + $3), n / $1, $1, $2, $3, $4 / 1024}' time
