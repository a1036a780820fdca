#!/bin/bash
# muster db: a database made, brought up to date, checked, and its runs copied from SQLite to PostgreSQL and back: every
# text byte for byte, every sum; kill -9 in the middle, then the same command again; planted faults are found.
. "$(dirname "$0")/lib.sh"
need python3 sqlite3
. "$MUSTER_SOURCE/tests/integration/pg.sh"
cases=${MUSTER_PG_CASES:-8000}
pg_init
pg_start
psql -qAt "host=$pg_dir user=postgres dbname=postgres" -c 'create database muster_test' || fail "no database"
start_sim --echo --ttft-ms 2
python3 - "$cases" <<'X'
import json, sys
with open("live.jsonl", "w") as f:
    for i in range(400):
        f.write(json.dumps({"id": "k%06d" % i, "input": "say %d \u0000 \\x41" % i, "expected_output": "say %d" % i,
                            "metadata": {"slice": "even" if i % 2 == 0 else "odd"}}) + "\n")
with open("many.jsonl", "w") as f:
    for i in range(int(sys.argv[1])):
        f.write(json.dumps({"id": "m%06d" % i, "input": "q %d" % i, "expected_output": "a %d" % i,
                            "actual_output": "a %d" % (i if i % 7 else i + 1)}) + "\n")
X
cat > live.yaml <<X
name: live
data_source: {source_type: jsonl, path: live.jsonl}
provider: {provider_type: openai, base_url: "$url", model_name: m, logprobs: true}
concurrency: 4
repeats: 2
scorers: [{tier: L1, scorer_name: contains}, {tier: L4, scorer_name: ttft, max_ttft_ms: 60000}]
X
cat > many.yaml <<X
name: many
data_source: {source_type: jsonl, path: many.jsonl}
scorers: [{tier: L1, scorer_name: exact_match}, {tier: L1, scorer_name: length, max_length: 6}]
X

# made, up to date, missing
expect 0 "$MUSTER" db init sqlite:a.db
says out "made: schema"
expect 0 "$MUSTER" db init sqlite:a.db
says out "up to date: schema"
expect 0 "$MUSTER" db migrate sqlite:a.db
expect 2 "$MUSTER" db migrate sqlite:none.db
one_error
[ -e none.db ] && fail "migrate made a database"
expect 2 "$MUSTER" db check "$pg_url"
expect 0 "$MUSTER" db init "$pg_url"
says out "made: schema"
expect 0 "$MUSTER" db migrate "$pg_url"
says out "up to date: schema"
expect 0 "$MUSTER" db check "$pg_url"
says out "0 runs, 0 results: nothing wrong"

# three runs: one that was killed and resumed, one of many results, one that nothing happened to
"$MUSTER" run live.yaml --db sqlite:a.db --no-progress >out 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && [ "$(sqlite3 a.db 'select count(*) from result' 2>/dev/null || echo 0)" -lt 100 ]; do sleep 0.02; done
kill -9 $pid 2>/dev/null
wait $pid 2>/dev/null
"$MUSTER" run --resume latest --db sqlite:a.db --no-progress >out 2>err || fail "resume: $(tail -n 1 err)"
"$MUSTER" run many.yaml --db sqlite:a.db --no-progress >out 2>err
"$MUSTER" run live.yaml --limit 20 --db sqlite:a.db --no-progress >out 2>err
[ "$(sqlite3 a.db 'select count(distinct generation) from result where run_no=1')" = 2 ] || echo "the first run has one generation"
# bytes that are no text, as some servers send them
sqlite3 a.db "update result set text=x'61ff005cc328', error_text=x'fe', request_id=x'00' where run_no=1 and case_no%3=0"
expect 0 "$MUSTER" db check sqlite:a.db
says out "3 runs, $((800 + cases + 40)) results: nothing wrong"
ids=$(sqlite3 a.db 'select run_id from run order by run_no')

# dump DATABASE: what muster says of every run
dump() {
    "$MUSTER" list --json --db "$1" | sed 's/"run_no":[0-9]*,//g'
    for id in $ids; do "$MUSTER" show "$id" --json --db "$1"; done
}
columns=$(sqlite3 a.db "select group_concat('quote(result.' || name || ')') from pragma_table_info('result') where name not in ('run_no', 'origin_no')")
# raw DATABASE: every column of every row as it lies in the file
raw() {
    sqlite3 "$1" "select run_id, $columns, host, device, engine, engine_version, origin.model, endpoint from result join run using(run_no)
        left join origin using(origin_no) order by run_id, target_no, case_no, repeat_no" | sha256sum
    sqlite3 "$1" "select run_id, metric, n, n_pass, n_missing, n_error, round(sum + sum_c, 6), min, max, first_ns, last_ns, hex(sketch)
        from run_rollup join run using(run_no) order by run_id, metric"
    sqlite3 "$1" "select * from run order by run_id" | cut -d'|' -f2-
}
dump sqlite:a.db >a.dump
raw a.db >a.raw

# there and back
expect 0 "$MUSTER" db copy sqlite:a.db "$pg_url"
says out "3 runs copied with $((800 + cases + 40)) results, 0 there already"
dump "$pg_url" >p.dump
cmp -s a.dump p.dump || fail "SQLite and PostgreSQL differ: $(cmp a.dump p.dump; diff a.dump p.dump | cut -c -200 | head -n 4)"
expect 0 "$MUSTER" db check "$pg_url"
expect 0 "$MUSTER" db copy "$pg_url" sqlite:b.db
dump sqlite:b.db >b.dump
cmp -s a.dump b.dump || fail "there and back differ: $(diff a.dump b.dump | head -c 300)"
raw b.db >b.raw
cmp -s a.raw b.raw || fail "rows there and back differ: $(diff a.raw b.raw | head -c 600)"
equal "$(sql 'select count(*) from muster.result where escaped<>0' | sed 's/^[1-9][0-9]*$/some/')" some "escaped texts"
expect 0 "$MUSTER" db copy sqlite:a.db "$pg_url"
says out "0 runs copied with 0 results, 3 there already"

# one run, by the beginning of its id
last=$(echo "$ids" | tail -n 1)
expect 0 "$MUSTER" db copy sqlite:a.db sqlite:one.db "${last#run_}"
says out "1 run copied with 40 results"
expect 2 "$MUSTER" db copy sqlite:a.db sqlite:one.db nothing
expect 2 "$MUSTER" db copy sqlite:a.db sqlite:a.db
expect 2 "$MUSTER" db copy sqlite:none.db sqlite:one.db
expect 0 "$MUSTER" list --db "$pg_url"
for id in $ids; do says out "$id"; done

# kill -9 in the middle of a copy, then again; the second time the source has gone on meanwhile
killed() {
    sql 'truncate muster.run cascade; truncate muster.result, muster.run_rollup'
    "$MUSTER" db copy sqlite:a.db "$pg_url" >out 2>err &
    pid=$!
    while kill -0 $pid 2>/dev/null && [ "$(sql 'select count(*) from muster.result')" -lt 1000 ]; do :; done
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ "$(sql "select count(*) from muster.run where state_reason like 'unfinished copy%'")" = 1 ] || echo "$1: the copy was not in the middle of a run"
}
whole() {
    expect 0 "$MUSTER" db copy sqlite:a.db "$pg_url"
    dump sqlite:a.db >a.dump
    dump "$pg_url" >p.dump
    cmp -s a.dump p.dump || fail "$1: $(cmp a.dump p.dump; diff a.dump p.dump | cut -c -200 | head -n 4)"
    equal "$(sql 'select count(*), count(distinct (run_no, target_no, case_no, repeat_no)) from muster.result')" \
        "$((800 + cases + 40))|$((800 + cases + 40))" "$1: rows"
    expect 0 "$MUSTER" db check "$pg_url"
}
killed "killed"
whole "killed and again"
killed "killed, second time"
sqlite3 a.db 'update run set generation=generation+1 where run_no=2'
whole "killed and again, the source having gone on"

# a run of the same id that is another
sqlite3 b.db "update result set text='other' where run_no=3 and case_no=5 and repeat_no=0"
expect 2 "$MUSTER" db copy sqlite:a.db sqlite:b.db "$last"
one_error
says err "is there already, and its results differ"
sqlite3 b.db "update run set name='other' where run_no=3"
expect 2 "$MUSTER" db copy sqlite:a.db sqlite:b.db "$last"
says err "its record differs"

# planted faults
plant() {
    cp a.db f.db
    sqlite3 f.db "$1"
    expect 1 "$MUSTER" db check sqlite:f.db
    says out "$2"
    [ -z "${3:-}" ] || says out ": $3 fault"
}
sqlite3 a.db 'pragma wal_checkpoint(truncate)' >/dev/null
plant "update run_rollup set n=n+1 where run_no=2 and metric='rows'" "results: $((cases + 1)) in the rollup, $cases by the rows" 1
plant "update run_rollup set sum=sum+0.001 where run_no=2 and metric='scorer:0'" "scorer 0, sum" 1
plant "update result set events=substr(events, 1, length(events) - 3) where run_no=3 and case_no=7 and repeat_no=1" \
    'case "k000007" (number 7, target 0, repeat 1): packed token events' 1
plant "update result set scores='[{' where run_no=3 and case_no=7 and repeat_no=1" 'repeat 1): its scores cannot be read'
plant "update result set generation=9 where run_no=3 and case_no=7 and repeat_no=1" 'is of generation 9, its run is at 1' 1
plant "update result set outcome=63 where run_no=3 and case_no=7 and repeat_no=1" 'has outcome 63'
plant "drop index result_key; insert into result select * from result where run_no=3 and case_no=7 and repeat_no=1" 'is stored more than once'
plant "delete from run where run_no=3" "run number 3 is not there, but 40 rows of it in table result" 2
expect 1 "$MUSTER" db check sqlite:f.db --json
equal "$(json out 'd["fault_count"], len(d["runs"]), d["strays"][0]["rows"]')" "(2, 2, 40)" "check --json"
sqlite3 f.db "update result set events=x'ff' where run_no=1"
expect 1 "$MUSTER" db check sqlite:f.db --json
equal "$(json out 'd["runs"][0]["fault_count"], len(d["runs"][0]["faults"]), d["runs"][0]["faults"][0]["case_id"]')" "(800, 100, 'k000000')" "many faults"
sql "update muster.run_rollup set n=n+1 where metric='completion_tokens'" >/dev/null
expect 1 "$MUSTER" db check "$pg_url"
says out "completion tokens"
# such a run is copied by its rows, which is said
expect 1 "$MUSTER" db copy "$pg_url" sqlite:w.db "$last"
says err "were wrong at their source"
expect 0 "$MUSTER" db check sqlite:w.db
done_testing
