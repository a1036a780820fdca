#!/bin/bash
# kill -9 in the middle of a run of 20,000 cases against a backend with about 20 ms latency, then --resume:
# every case exactly once, none lost. MUSTER_KILLS rounds (20; 2 with MUSTER_QUICK).
. "$(dirname "$0")/lib.sh"
need python3 sqlite3
rounds=${MUSTER_KILLS:-$([ -n "${MUSTER_QUICK:-}" ] && echo 2 || echo 20)}
cases=${MUSTER_KILL_CASES:-20000}
start_sim --echo --ttft-ms 20
python3 - "$cases" <<'X'
import json, sys
with open("d.jsonl", "w") as f:
    for i in range(int(sys.argv[1])):
        f.write(json.dumps({"id": "k%06d" % i, "input": "say %d" % i, "expected_output": "say %d" % i}) + "\n")
X
cat > c.yaml <<X
name: kill
data_source: {source_type: jsonl, path: d.jsonl}
provider: {provider_type: openai, base_url: "$url", model_name: m, stream: false}
concurrency: 256
scorers: [{tier: L1, scorer_name: exact_match}]
X
count() { sqlite3 -readonly m.db 'select count(*) from result' 2>/dev/null || echo 0; }
killed=0
for round in $(seq "$rounds"); do
    rm -f m.db*
    target=$((cases * (6 + (round * 37) % 84) / 100)) # between 6 % and 89 %
    "$MUSTER" run c.yaml --db sqlite:m.db --no-progress >out 2>err &
    pid=$!
    n=0
    while kill -0 "$pid" 2>/dev/null; do
        n=$(count)
        [ "$n" -ge "$target" ] && break
        sleep 0.05
    done
    kill -9 "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    n=$(count)
    if [ $((n * 100)) -lt $((cases * 5)) ] || [ $((n * 100)) -gt $((cases * 95)) ]; then
        echo "round $round: killed at $n of $cases, not counted"
        continue
    fi
    killed=$((killed + 1))
    "$MUSTER" run --resume latest --db sqlite:m.db --no-progress -o o.json >out 2>err
    code=$?
    [ "$code" = 0 ] || fail "round $round: resume ended with $code: $(tail -n 3 err)"
    rows=$(sqlite3 m.db 'select count(*), count(distinct case_no), count(distinct case_id), sum(passed) from result')
    equal "$rows" "$cases|$cases|$cases|$cases" "round $round: rows after resume"
    equal "$(json o.json '(d["totals"]["total"], len(d["results"]), len({r["case_id"] for r in d["results"]}))')" \
        "($cases, $cases, $cases)" "round $round: the document holds the whole run"
    rollup=$(json o.json 'd["outcomes"]["scored"]')
    equal "$rollup" "$cases" "round $round: rollup"
    echo "round $round: killed at $n of $cases committed, resumed to $rows"
done
echo "$killed of $rounds kills counted"
[ $((killed * 10)) -ge $((rounds * 7)) ] || fail "only $killed kills fell between 5 % and 95 %"
done_testing
