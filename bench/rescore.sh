#!/bin/bash
# bench/rescore.sh [N]: five scorers over N stored answers (100000), release preset: scorings per CPU-second.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
muster=${MUSTER:-$here/build/release/muster}
n=${1:-100000}
tmp=$(mktemp -d "${BENCH_TMP:-/tmp}/muster-bench.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
python3 - "$n" "$tmp/d.jsonl" <<'X'
import json, random, sys
random.seed(1)
words = "the of and to in is that it was for on are with as his they be at one have this from or had by hot but some".split()
with open(sys.argv[2], "w") as f:
    for i in range(int(sys.argv[1])):
        text = " ".join(random.choices(words, k=60))
        f.write(json.dumps({"id": "case-%07d" % i, "input": "Question %d?" % i, "expected_output": "%d" % (i * 7 % 1000),
                            "actual_output": "%s. The answer is %d" % (text, i * 7 % 1000)}) + "\n")
X
cat > "$tmp/c.yaml" <<X
name: stored
data_source: {source_type: jsonl, path: $tmp/d.jsonl}
scorers: [{tier: L1, scorer_name: length, min_length: 1}]
X
cat > "$tmp/s.yaml" <<'X'
name: five
scorers:
  - {tier: L1, scorer_name: contains}
  - {tier: L1, scorer_name: regex, pattern: 'answer is \d+'}
  - {tier: L1, scorer_name: numeric}
  - {tier: L1, scorer_name: length, min_length: 10, max_length: 1000}
  - {tier: L1, scorer_name: keyword, expected_keywords: [answer, the]}
X
"$muster" run "$tmp/c.yaml" --db "sqlite:$tmp/m.db" --no-progress >/dev/null 2>"$tmp/err" || { tail -n 5 "$tmp/err"; exit 1; }
for round in 1 2 3; do
    /usr/bin/time -f '%e %U %S %M' -o "$tmp/time" "$muster" rescore 1 --config "$tmp/s.yaml" --db "sqlite:$tmp/m.db" \
        >"$tmp/out" 2>"$tmp/err" || { tail -n 5 "$tmp/err"; exit 1; }
    awk -v n="$n" '{printf "%d answers x 5 scorers: %7.0f scorings per CPU-second  %7.0f scorings/s  wall %.2f s  user %.2f  sys %.2f  peak %.1f MiB\n",
        n, 5 * n / ($2 + $3), 5 * n / $1, $1, $2, $3, $4 / 1024}' "$tmp/time"
done
