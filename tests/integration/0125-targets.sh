#!/bin/bash
# Several targets in one run: each case once on each of two simulated backends of different speed; kill -9 and resume;
# a target that is dead, and back again at the resume; equal targets that share the cases out.
. "$(dirname "$0")/lib.sh"
need python3 sqlite3
cases=400
python3 - "$cases" <<'X'
import json, sys
with open("d.jsonl", "w") as f:
    for i in range(int(sys.argv[1])):
        f.write(json.dumps({"id": "t%04d" % i, "input": "say %d" % i, "expected_output": "say %d" % i}) + "\n")
X
start_sim --echo --ttft-ms 4 --itl-ms 0.2
fast=$url
start_sim --echo --ttft-ms 24 --itl-ms 0.2
slow=$url
slow_pid=$sim_pid
slow_port=${slow##*:}
slow_port=${slow_port%%/*}
cat > c.yaml <<X
name: pair
data_source: {source_type: jsonl, path: d.jsonl}
concurrency: 16
scorers: [{scorer_name: exact_match}]
targets:
  - {label: fast, provider_type: openai, base_url: "$fast", model_name: m}
  - {label: slow, provider_type: openai, base_url: "$slow", model_name: m, max_retries: 1, retry_base_ms: 20}
X
each() { sqlite3 m.db "select target_no, count(*), count(distinct case_no), sum(passed) from result where run_no=(select max(run_no) from run) group by 1"; }

# killed in the middle: the fast one is ahead of the slow one, and no case is asked twice or lost
"$MUSTER" run c.yaml --db sqlite:m.db --no-progress >out 2>err &
pid=$!
for _ in $(seq 400); do
    n=$(sqlite3 -readonly m.db 'select count(*) from result' 2>/dev/null || echo 0)
    [ "$n" -ge $((cases / 2)) ] && break
    sleep 0.02
done
kill -9 "$pid" 2>/dev/null
wait "$pid" 2>/dev/null
before=$(each)
n=$(sqlite3 m.db 'select count(*) from result')
[ "$n" -lt $((2 * cases)) ] || fail "the run ended before it was killed"
expect 0 "$MUSTER" run --resume latest --db sqlite:m.db --no-progress -o pair.json
equal "$(each | tr '\n' ' ')" "0|$cases|$cases|$cases 1|$cases|$cases|$cases " "rows by target, killed at $before"
says out "less fast"
equal "$(json pair.json '[t["label"] for t in d["targets"]]')" "['fast', 'slow']" "labels"
equal "$(json pair.json '[t["coverage"] for t in d["targets"]]')" "[1.0, 1.0]" "coverage by target"
equal "$(json pair.json 'd["targets"][0]["shift"]')" None "shift of the first target"
equal "$(json pair.json '(lambda s: 15 < s["low"] <= s["shift"] <= s["high"] < 100 and s["cases"])(d["targets"][1]["shift"]["ttft_ms"])')" \
    "$cases" "the slow one's time to the first token lies about 20 ms behind"
equal "$(json pair.json 'd["targets"][1]["shift"]["pass_rate"]["shift"]')" 0.0 "as often right"
equal "$(json pair.json 'len({(r["target_label"], r["case_id"]) for r in d["results"]})')" "$((2 * cases))" "results by label"

# the same two by names of one's own, in a file of their own; the stored configuration is whole without it
cat > models.yaml <<X
models:
  quick: {provider: openai, base_url: "$fast", model_name: m, api_key: "\${NO_KEY_HERE_0125}"}
  late: {provider_type: openai, base_url: "$slow", model_name: m}
X
cat > named.yaml <<X
name: named
data_source: {source_type: jsonl, path: d.jsonl, limit: 20}
models_file: models.yaml
scorers: [{scorer_name: exact_match}]
targets: [late, {model: quick, api_key: null, temperature: 0}]
X
expect 0 "$MUSTER" validate named.yaml
says out "target       quick: openai m at $fast"
expect 0 "$MUSTER" run named.yaml --db sqlite:n.db --json
equal "$(json out '[t["label"] for t in d["targets"]]')" "['late', 'quick']" "labels of named models"
rm models.yaml
expect 0 "$MUSTER" show latest --db sqlite:n.db
sed -i 's/targets: .*/targets: [lat]/' named.yaml
expect 2 "$MUSTER" validate named.yaml
says err "models.yaml"

# one target alone
expect 0 "$MUSTER" show latest --db sqlite:m.db --target slow --json
equal "$(json out '{r["target_label"] for r in d}')" "{'slow'}" "show --target"
expect 2 "$MUSTER" show latest --db sqlite:m.db --target slwo
says err 'no target "slwo"; it has fast, slow'

# other scorers over the answers of both
printf 'name: again\nscorers: [{scorer_name: length, min_length: 1}]\n' > r.yaml
expect 0 "$MUSTER" rescore latest --config r.yaml --db sqlite:m.db --json
equal "$(json out '[(t["label"], t["measured"]) for t in d["targets"]]')" "[('fast', $cases), ('slow', $cases)]" "rescored"
rm -f m.db*

# a dead target does not stop the other one; the run says so, and a resume asks what is missing
kill "$slow_pid"
wait "$slow_pid" 2>/dev/null
expect 4 "$MUSTER" run c.yaml --db sqlite:m.db --no-progress -o dead.json
says err 'target "slow": backend'
says out "0/$cases"
equal "$(each | tr '\n' ' ')" "0|$cases|$cases|$cases " "the living target is asked to the end"
equal "$(json dead.json '[t["coverage"] for t in d["targets"]]')" "[1.0, 0.0]" "coverage by target"
equal "$(json dead.json 'd["state"]')" aborted "state"
start_sim --echo --port "$slow_port"
expect 0 "$MUSTER" run --resume latest --db sqlite:m.db --no-progress
equal "$(each | tr '\n' ' ')" "0|$cases|$cases|$cases 1|$cases|$cases|$cases " "rows by target after the resume"
equal "$(sqlite3 m.db 'select count(*) from result where target_no = 1 and input is null')" 0 "inputs beside the second target"

# equal targets share the cases out; a dead one's are taken over
cat > share.yaml <<X
name: share
data_source: {source_type: jsonl, path: d.jsonl}
placement: share
concurrency: 8
scorers: [{scorer_name: exact_match}]
targets:
  - {label: one, provider_type: openai, base_url: "$fast", model_name: m}
  - {label: two, provider_type: openai, base_url: "$slow", model_name: m, max_retries: 1, retry_base_ms: 20}
X
expect 0 "$MUSTER" run share.yaml --db sqlite:s.db --no-progress -o share.json
equal "$(json share.json '(d["totals"]["total"], len({r["case_id"] for r in d["results"]}), d["targets"])')" \
    "($cases, $cases, [])" "each case once"
asked=$(sqlite3 s.db 'select count(distinct endpoint) from result join origin using(origin_no)')
equal "$asked" 2 "targets that answered"
stop_sim
expect 0 "$MUSTER" run share.yaml --db sqlite:s.db --no-progress --json
says err 'the others take its cases'
equal "$(json out 'd["totals"]["measured"]')" "$cases" "cases without the lost target"
done_testing
