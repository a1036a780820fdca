#!/bin/bash
# Loads: the schedule of the seed, phases kept apart, levels of a sweep, a dataset gone through as often as needed. No
# time is judged.
. "$(dirname "$0")/lib.sh"
need python3
cp -r "$MUSTER_SOURCE/configs" .
sql() { python3 -c 'import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchall())' "$1" "$2"; }

cat >open.yaml <<'YAML'
name: open
data_source: {source_type: jsonl, path: configs/data/quickstart.jsonl}
scorers: [{scorer_name: length, min_length: 0}]
provider: {provider_type: openai, model_name: m, max_retries: 0}
simulate: {ttft_ms: 1, itl_ms: 0}
load: {model: poisson, rate: 200, seed: 5, warmup_requests: 20, requests: 70, drain_requests: 10,
       max_late_ms: 100000, max_busy: 1}
YAML
for i in 1 2; do
    expect 0 "$MUSTER" run open.yaml -o $i.json --db sqlite:$i.db
    grep -qE '^ +(rate|places) +answered .* busy *$' out || fail "the table of levels has no line of titles of its own"
    says out "from sched"
    says out "kept apart"
    grep -qE '^ +200 +70/70 .* %$' out || fail "the level is no line of its own: $(grep -A2 answered out)"
    equal "$(json $i.json 'd["totals"]["total"], d["totals"]["measured"], d["load"]["valid"]')" "(70, 70, True)" "main phase"
    equal "$(sql $i.db 'SELECT flags&48, count(*) FROM result GROUP BY 1')" "[(0, 70), (16, 20), (32, 10)]" "phases"
    equal "$(sql $i.db 'SELECT min(arrival_no), max(arrival_no), count(DISTINCT arrival_no) FROM result')" \
        "[(0, 99, 100)]" "arrivals"
    equal "$(sql $i.db 'SELECT max(repeat_no), max(case_no) FROM result')" "[(3, 29)]" "passes over the dataset"
    equal "$(sql $i.db 'SELECT count(*) FROM result WHERE send_mono_ns < sched_mono_ns - 1000000')" "[(0,)]" "none early"
done
gaps='SELECT group_concat(g) FROM (SELECT sched_mono_ns - first_value(sched_mono_ns) OVER (ORDER BY arrival_no) AS g FROM result ORDER BY arrival_no)'
equal "$(sql 1.db "$gaps")" "$(sql 2.db "$gaps")" "the same seed, the same schedule"
sed 's/seed: 5/seed: 6/' open.yaml >other.yaml
expect 0 "$MUSTER" run other.yaml --db sqlite:3.db
[ "$(sql 1.db "$gaps")" = "$(sql 3.db "$gaps")" ] && fail "another seed gave the same schedule"
expect 2 "$MUSTER" run --resume latest --db sqlite:1.db
one_error

# a limit that nothing keeps: the run is invalid, and says so
sed 's/max_late_ms: 100000/max_late_ms: 0.001/' open.yaml >late.yaml
expect 3 "$MUSTER" run late.yaml -o late.json --db sqlite:late.db
says out INVALID
equal "$(json late.json 'd["load"]["valid"], d["exit_code"]')" "(False, 3)" "invalid"

expect 0 "$MUSTER" run configs/load-sweep.yaml -o sweep.json --db sqlite:sweep.db
equal "$(json sweep.json '[(int(l["level"]), l["requests"], l["warmup_requests"]) for l in d["load"]["levels"]]')" \
    "[(1, 30, 4), (2, 30, 4), (4, 30, 4), (8, 30, 4)]" "levels"
equal "$(sql sweep.db 'SELECT load_step, count(*) FROM result GROUP BY 1')" "[(0, 34), (1, 34), (2, 34), (3, 34)]" "tags"
expect 0 "$MUSTER" run configs/load-open.yaml --db sqlite:sweep.db

# the end of the dataset ends the run; a time ends a closed load
cat >closed.yaml <<'YAML'
name: closed
data_source: {source_type: jsonl, path: configs/data/quickstart.jsonl}
scorers: [{scorer_name: length, min_length: 0}]
provider: {provider_type: openai, model_name: m}
simulate: {ttft_ms: 5, itl_ms: 0}
load: {model: closed, concurrency: 3, duration: 600, repeat_dataset: false, max_busy: 1}
YAML
expect 0 "$MUSTER" run closed.yaml -o closed.json --db sqlite:closed.db
equal "$(json closed.json 'd["totals"]["total"], d["coverage"] if "coverage" in d else 30')" "(30, 30)" "once"
sed 's/duration: 600, repeat_dataset: false/duration: 1/' closed.yaml >timed.yaml
expect 0 "$MUSTER" run timed.yaml -o timed.json --db sqlite:timed.db
equal "$(json timed.json 'd["totals"]["total"] > 30 and d["totals"]["coverage"] == 1')" True "a second of closed load"

# places are whole: 1, 1.5, 2.25 and 3.375 of them are three levels
sed "s/^load: .*/load: {model: closed, sweep: {from: 1, to: 4, factor: 1.5}, requests: 5, max_busy: 1}/" closed.yaml \
    >steps.yaml
expect 0 "$MUSTER" run steps.yaml -o steps.json --db sqlite:steps.db
equal "$(json steps.json '[int(l["level"]) for l in d["load"]["levels"]]')" "[1, 2, 3]" "levels of a sweep of places"

for bad in 'model: poisson' 'model: poisson, rate: 5, concurrency: 2' 'model: closed, sweep: [1, 2]' \
    'model: constant, rate: 1, warmup: 1, warmup_requests: 1' 'sweep: {from: 1, to: 1e9, factor: 1.001}, requests: 1' \
    'model: closed, sweep: [1.5], requests: 1'; do
    sed "s/^load: .*/load: {$bad}/" closed.yaml >bad.yaml
    expect 2 "$MUSTER" validate bad.yaml
done
done_testing
