#!/bin/bash
# bench/recorded.sh [N ...]: recorded answers only, four rule scorers, answers stored, synchronous=FULL, release preset.
# Prints cases per second, CPU seconds and peak memory for each N (default 10000 100000 1000000).
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
muster=${MUSTER:-$here/build/release/muster}
tmp=$(mktemp -d "${BENCH_TMP:-/tmp}/muster-bench.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
[ $# -gt 0 ] || set -- 10000 100000 1000000
cat > "$tmp/make.py" <<'X'
import json, random, sys
random.seed(1)
words = "the of and to in is that it was for on are with as his they be at one have this from or had by hot but some".split()
n = int(sys.argv[1])
with open(sys.argv[2], "w") as f:
    for i in range(n):
        text = " ".join(random.choices(words, k=70))
        f.write(json.dumps({"id": "case-%07d" % i, "input": "Question %d: %s?" % (i, text[:130]),
                            "expected_output": "%d" % (i * 7 % 1000),
                            "actual_output": "%s. The answer is %d" % (text, i * 7 % 1000)}) + "\n")
X
cat > "$tmp/c.yaml" <<X
name: recorded
data_source: {source_type: jsonl, path: $tmp/d.jsonl}
scorers:
  - {tier: L1, scorer_name: contains}
  - {tier: L1, scorer_name: regex, pattern: 'answer is \d+'}
  - {tier: L1, scorer_name: numeric}
  - {tier: L1, scorer_name: length, min_length: 10, max_length: 1000}
X
for n in "$@"; do
    python3 "$tmp/make.py" "$n" "$tmp/d.jsonl"
    bytes=$(($(stat -c %s "$tmp/d.jsonl") / n))
    for round in 1 2 3; do
        rm -f "$tmp"/m.db*
        /usr/bin/time -f '%e %U %S %M' -o "$tmp/time" "$muster" run "$tmp/c.yaml" --db "sqlite:$tmp/m.db" --no-progress \
            >"$tmp/out" 2>"$tmp/err" || { tail -n 5 "$tmp/err"; exit 1; }
        awk -v n="$n" -v b="$bytes" '{printf "%8d cases of %d bytes: %7.0f cases/s  wall %.2f s  user %.2f  sys %.2f  peak %.1f MiB\n",
            n, b, n / $1, $1, $2, $3, $4 / 1024}' "$tmp/time"
    done
done
