#!/bin/bash
# Runs stored in a real PostgreSQL: the same verdicts as in SQLite; kill -9 of muster and resume; the server killed
# under a run, which waits and goes on. Every case exactly once.
. "$(dirname "$0")/lib.sh"
need python3 sqlite3
. "$MUSTER_SOURCE/tests/integration/pg.sh"
cases=${MUSTER_PG_CASES:-4000}
pg_init
pg_start
psql -qAt "host=$pg_dir user=postgres dbname=postgres" -c 'create database muster_test' || fail "no database"
start_sim --echo --ttft-ms 20
python3 - "$cases" <<'X'
import json, sys
with open("d.jsonl", "w") as f:
    for i in range(int(sys.argv[1])):
        f.write(json.dumps({"id": "k%06d" % i, "input": "say %d \u0000 \\x41" % i,
                            "expected_output": "say %d" % i, "metadata": {"slice": "even" if i % 2 == 0 else "odd"}}) + "\n")
X
cat > c.yaml <<X
name: stored
data_source: {source_type: jsonl, path: d.jsonl}
provider: {provider_type: openai, base_url: "$url", model_name: m}
concurrency: 64
scorers: [{tier: L1, scorer_name: contains}, {tier: L4, scorer_name: ttft, max_ttft_ms: 60000}]
X
exact() {
    equal "$(sql 'select count(*), count(distinct case_no), sum(passed) from muster.result')" "$cases|$cases|$cases" "$1"
    equal "$(sql "select n || ' ' || n_pass from muster.run_rollup where metric='rows'")" "$cases $cases" "$1: rollup"
}
again() { sql 'truncate muster.run cascade; truncate muster.result, muster.run_rollup'; }

# as in SQLite
expect 0 "$MUSTER" run c.yaml --db "$pg_url" --no-progress -o p.json
exact "one run"
expect 0 "$MUSTER" run c.yaml --db sqlite:m.db --no-progress -o s.json
verdicts='sorted((r["case_id"], r["passed"], r["actual_output"], [s["score"] for s in r["scores"]][:1]) for r in d["results"])'
json p.json "$verdicts" >p.txt && json s.json "$verdicts" >s.txt && cmp -s p.txt s.txt || fail "verdicts of both stores differ: $(diff p.txt s.txt | head -c 300)"
expect 0 "$MUSTER" list --db "$pg_url"
says out stored
expect 0 "$MUSTER" show latest --db "$pg_url" --case k000007
says out "say 7"

# kill -9 of muster
again
"$MUSTER" run c.yaml --db "$pg_url" --no-progress >out 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && [ "$(sql 'select count(*) from muster.result')" -lt $((cases / 3)) ]; do sleep 0.05; done
kill -9 $pid 2>/dev/null
wait $pid 2>/dev/null
[ "$(sql 'select count(*) from muster.result')" -lt "$cases" ] || echo "the run was done before it was killed"
expect 0 "$MUSTER" run --resume latest --db "$pg_url" --no-progress
exact "killed and resumed"

# the server crashes under the run, twice
again
"$MUSTER" run c.yaml --db "$pg_url" --no-progress >out 2>err &
pid=$!
for part in 4 2; do
    while kill -0 $pid 2>/dev/null && [ "$(sql 'select count(*) from muster.result')" -lt $((cases / part)) ]; do sleep 0.05; done
    kill -0 $pid 2>/dev/null || echo "the run was done before the server was killed"
    pg_stop QUIT
    sleep 1.5
    pg_start
done
wait $pid
equal $? 0 "exit code with a server that crashed twice ($(tail -n 2 err))"
exact "a server that crashed twice"
grep -q 'trying again' err || fail "nothing was said of the server: $(tail -n 2 err)"

# no server, no database, a password in the address
pg_stop
expect 4 "$MUSTER" run c.yaml --db "$pg_url" --no-progress
one_error
says err "could not reach database"
expect 2 "$MUSTER" run c.yaml --db "postgresql://u:hunter2@127.0.0.1:1/x" --no-progress
one_error
says_not err hunter2
done_testing
