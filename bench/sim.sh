#!/bin/bash
# bench/sim.sh: what the simulated backend costs: token events a second, and processor time of its process for a million
# events, read by a client that only counts (bench_sim). One token an event. "instant": delays 0; "paced": every event at
# a time of its own, hence with a send() of its own; "steps": the same, all streams at the same instants.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
muster=${MUSTER:-$here/build/release/muster}
reader=${BENCH_SIM:-$here/build/release/bench/bench_sim}
tmp=$(mktemp -d "${BENCH_TMP:-/tmp}/muster-bench.XXXXXX")
trap 'kill ${sim:-} 2>/dev/null; wait 2>/dev/null; rm -rf "$tmp"' EXIT
ulimit -n 16384
cpu() { awk -v hz="$(getconf CLK_TCK)" '{print ($14 + $15) / hz}' "/proc/$1/stat"; }
echo '{"model":"m","stream":true,"logprobs":true,"top_logprobs":5,"messages":[{"role":"user","content":"x"}]}' >"$tmp/top5"
echo '{"model":"m","max_tokens":1000,"stream":true,"messages":[{"role":"user","content":"x"}]}' >"$tmp/anthropic"
echo '{"model":"m","messages":[{"role":"user","content":"x"}]}' >"$tmp/ollama"
# row NAME STREAMS ANSWERS BODY PATH OPTIONS...
row() {
    name=$1 streams=$2 answers=$3 body=$4 path=$5
    shift 5
    : >"$tmp/out"
    "$muster" sim --port 0 --tokens-min 200 --tokens-max 200 "$@" >"$tmp/out" 2>"$tmp/err" &
    sim=$!
    until url=$(sed -n 's/^listening on //p' "$tmp/out") && [ -n "$url" ]; do sleep 0.05; done
    port=${url##*:}
    before=$(cpu $sim)
    [ "$body" = - ] && body=
    "$reader" "${port%/v1}" "$streams" "$answers" ${body:+"$tmp/$body"} ${body:+"$path"} >"$tmp/line"
    after=$(cpu $sim)
    kill -TERM $sim
    wait $sim || true
    sim=
    awk -v n="$name" -v s="$streams" -v c="$(echo "$after $before" | awk '{print $1 - $2}')" \
        '{printf "%s streams %d events %d events_per_s %s cpu_s_per_million %.2f events_per_cpu_s %.0f\n",
          n, s, $4, $10, c * 1e6 / $4, (c > 0 ? $4 / c : 0)}' "$tmp/line"
}
row instant 64 4000 - -
row instant_top5 64 1000 top5 /v1/chat/completions
row instant_anthropic 64 2000 anthropic /v1/messages
row paced 256 512 - - --itl-ms 4
row paced 2048 2048 - - --itl-ms 20
row steps 2048 2048 - - --itl-ms 20 --sync-steps
