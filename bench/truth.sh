#!/bin/bash
# bench/truth.sh [STREAMS ...]: how true the stamps are, in one table. For each number of streams (default 1 64 512 1024
# 2048), with independent and with synchronised decode steps, against the simulated backend's own log:
#   new, kept   the HTTP client, on new and on kept connections; user: by this process's own clock instead
#   bare        the limit: an epoll reader with kernel stamps that parses nothing
#   stored      a whole run with logprobs, decoded, scored and stored, joined from the database
#   aiohttp, httpx  up to PEERS_MAX (512) streams, where they are installed
# Each stream has about 50 tokens/s, 20 from 1,024 streams on. TRUTH_ONLY=stored leaves out all but the stored runs.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
muster=${MUSTER:-$here/build/release/muster}
bin=${BENCH_BIN:-$here/build/release/bench}
tmp=$(mktemp -d "${BENCH_TMP:-/tmp}/muster-bench.XXXXXX")
trap 'kill ${sim:-} 2>/dev/null; wait 2>/dev/null; rm -rf "$tmp"' EXIT
[ $# -gt 0 ] || set -- 1 64 512 1024 2048
ulimit -n 16384
table() { # MODE STREAMS: lines of figures in, rows of the table out
    python3 -c '
import re, sys
for line in sys.stdin:
    client = line.split()[0]
    got = dict(re.findall(r"(\w+) (\d+(?:\.\d+)?)[ ;]", line.split(";")[0] + ";"))
    lists = {m[0]: (float(m[1]), float(m[2])) for m in
             re.findall(r"(\w+)_n \d+ min [-\d.]+ p50 ([-\d.]+) p99 ([-\d.]+)", line)}
    def row(name, arrival, ttft, cpu):
        cell = lambda k: "%9.1f /%9.1f" % lists[k] if k in lists else " " * 20
        print("%6s %-5s %-10s %8s %7s %s %s %8s" % (sys.argv[2], sys.argv[1], name, got.get("events", ""),
              got.get("merged", ""), cell(arrival), cell(ttft), cpu), flush=True)
    row(client, "arrival", "ttft", got.get("cpu_us_per_event", ""))
    if "user_arrival" in lists:
        row(client + " user", "user_arrival", "user_ttft", "")
    if int(got.get("missing", 0)) or int(got.get("without_truth", 0)) or int(got.get("lost", 0)):
        print("INCOMPLETE: " + line.split(";")[0])
' "$1" "$2"
}
stored() { # STREAMS TOKENS ITL_MS SYNC
    rm -f "$tmp"/*; : >"$tmp/sim.out"
    "$muster" sim --port 0 --ttft-ms 300 --ttft-sigma 0.2 --itl-ms "$3" --itl-sigma 0.2 --tokens-min "$2" --tokens-max "$2" \
        --connections-max 8192 $4 --truth "$tmp/truth.jsonl" >"$tmp/sim.out" 2>"$tmp/sim.err" &
    sim=$!
    until url=$(sed -n 's/^listening on //p' "$tmp/sim.out") && [ -n "$url" ]; do sleep 0.05; done
    cases=$(($1 * 3 > 12 ? $1 * 3 : 12))
    python3 -c '
import json, sys
for i in range(int(sys.argv[1])):
    print(json.dumps({"id": "t%06d" % i, "input": "question %d" % i}))' "$cases" >"$tmp/d.jsonl"
    cat >"$tmp/c.yaml" <<X
name: truth
data_source: {source_type: jsonl, path: $tmp/d.jsonl}
provider: {provider_type: openai, base_url: "$url", model_name: m, logprobs: true}
concurrency: $1
scorers: [{tier: L1, scorer_name: length, min_length: 1}]
X
    /usr/bin/time -f '%U %S' -o "$tmp/time" "$muster" run "$tmp/c.yaml" --db "sqlite:$tmp/m.db" --no-progress \
        >"$tmp/out" 2>"$tmp/err" || { tail -n 5 "$tmp/err" >&2; exit 1; }
    kill -TERM $sim
    wait $sim || true
    sim=
    "$bin/bench_stored" "$tmp/m.db" latest "$tmp/truth.jsonl" >"$tmp/joined" || true
    events=$(sed -n 's/.* events \([0-9]*\) .*/\1/p' "$tmp/joined")
    cpu=$(awk -v t="$events" '{printf "%.1f", ($1 + $2) * 1e6 / t}' "$tmp/time")
    sed "s/^stored /stored cpu_us_per_event $cpu /" "$tmp/joined"
}
echo "  us: p50 / p99; CPU: seconds per million events of the client's process"
echo "streams steps client       events  merged        arrival error           TTFT error      CPU"
for streams in "$@"; do
    tokens=60 itl=20
    [ "$streams" -lt 1024 ] || { tokens=60; itl=50; }
    for mode in own sync; do
        flag=; [ $mode = own ] || flag=--sync-steps
        [ $mode = own ] || [ "$streams" -gt 1 ] || continue
        if [ "${TRUTH_ONLY:-}" != stored ]; then
            "$bin/bench_truth" "$streams" $tokens $itl ${flag:+sync} | table $mode "$streams"
            if [ "$streams" -le "${PEERS_MAX:-512}" ]; then
                MUSTER=$muster "$here/bench/truth_peers.py" "$streams" $tokens $itl ${flag:+sync} | table $mode "$streams" || true
            fi
        fi
        stored "$streams" $tokens $itl "$flag" | table $mode "$streams"
    done
done
