#!/bin/bash
# Ctrl-C once: what is in flight is finished and kept. Twice: at once. Either way 130, and --resume goes on.
. "$(dirname "$0")/lib.sh"
need python3 sqlite3
start_sim --echo --ttft-ms 300
python3 - <<'X'
import json
with open("d.jsonl", "w") as f:
    for i in range(120):
        f.write(json.dumps({"id": "i%d" % i, "input": "say %d" % i, "expected_output": "say %d" % i}) + "\n")
X
cat > c.yaml <<X
name: interrupt
data_source: {source_type: jsonl, path: d.jsonl}
provider: {provider_type: openai, base_url: "$url", model_name: m}
concurrency: 8
scorers: [{tier: L1, scorer_name: exact_match}]
X
wait_rows() {
    for _ in $(seq 400); do
        n=$(sqlite3 -readonly m.db 'select count(*) from result' 2>/dev/null || echo 0)
        [ "$n" -ge "$1" ] && return
        sleep 0.05
    done
}
for signals in 1 2; do
    rm -f m.db*
    "$MUSTER" run c.yaml --db sqlite:m.db >out 2>err &
    pid=$!
    wait_rows 10
    kill -INT "$pid"
    [ "$signals" = 2 ] && sleep 0.1 && kill -INT "$pid"
    wait "$pid"
    equal $? 130 "exit code after $signals signals"
    says out "go on with: muster run --resume run_"
    n=$(sqlite3 m.db 'select count(*) from result')
    [ "$n" -ge 10 ] && [ "$n" -lt 120 ] || fail "$n rows after $signals signals"
    bad=$(sqlite3 m.db 'select count(*) from result where outcome <> 1')
    equal "$bad" 0 "rows that are no answers after $signals signals"
    equal "$(sqlite3 m.db 'select state from run')" 3 "state"
    expect 0 "$MUSTER" run --resume latest --db sqlite:m.db -o o.json
    equal "$(json o.json 'd["totals"]["passed"]')" 120 "passed after resume"
done
# a dataset that changed is refused
"$MUSTER" run c.yaml --db sqlite:m2.db >out 2>err &
pid=$!
sleep 1
kill -INT "$pid"
wait "$pid"
sed -i 1d d.jsonl
expect 2 "$MUSTER" run --resume latest --db sqlite:m2.db
says err "has changed"
done_testing
