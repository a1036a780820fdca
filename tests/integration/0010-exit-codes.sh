#!/bin/bash
# Every exit code of docs/reference/exit-codes.md, and their order.
. "$(dirname "$0")/lib.sh"
need python3
cat > good.jsonl <<'X'
{"id":"a","input":"one","expected_output":"one","actual_output":"one"}
{"id":"b","input":"two","expected_output":"two","actual_output":"two"}
X
cat > bad.jsonl <<'X'
{"id":"a","input":"one","expected_output":"one","actual_output":"one"}
{"id":"b","input":"two","expected_output":"two","actual_output":"three"}
X
config() {
    cat > "$1" <<X
name: codes
data_source: {source_type: jsonl, path: $2}
scorers: [{tier: L1, scorer_name: exact_match}]
$3
X
}
config good.yaml good.jsonl ""
config bad.yaml bad.jsonl ""
expect 0 "$MUSTER" run good.yaml
expect 1 "$MUSTER" run bad.yaml
expect 2 "$MUSTER" run missing.yaml
one_error
expect 2 "$MUSTER" run
expect 2 "$MUSTER" run good.yaml --limit zero
expect 2 "$MUSTER" nonsense
says err 'unknown command "nonsense"'
expect 2 "$MUSTER" lst
says err 'did you mean "list"'

# 3: an answer is missing, so the case cannot be measured; 2 of 3 measured
cat > part.jsonl <<'X'
{"id":"a","input":"one","expected_output":"one","actual_output":"one"}
{"id":"b","input":"two","expected_output":"two","actual_output":"two"}
{"id":"c","input":"two","expected_output":"two"}
X
config part.yaml part.jsonl ""
expect 3 "$MUSTER" run part.yaml
config part2.yaml part.jsonl "min_coverage: 0.5"
expect 0 "$MUSTER" run part2.yaml
# 1 wins over 3
sed 's/"actual_output":"two"/"actual_output":"no"/' part.jsonl > part1.jsonl
config part1.yaml part1.jsonl ""
expect 1 "$MUSTER" run part1.yaml
# 2: no case has what the run needs
echo '{"id":"c","input":"two","expected_output":"two"}' > none.jsonl
config none.yaml none.jsonl ""
expect 2 "$MUSTER" run none.yaml
says out "no recorded answer"
says out "see them with: muster show run_"
# no expected answer: the summary says so, and what to do
echo '{"input":"two","actual_output":"two"}' > unexpected.jsonl
config unexpected.yaml unexpected.jsonl ""
expect 3 "$MUSTER" run unexpected.yaml --db sqlite:u.db
says out "has no expected answer: give it one"
says out "--failed --db sqlite:u.db"
# 2: nowhere to write the document, known before anything is asked
expect 2 "$MUSTER" run good.yaml -o none/such.json --db sqlite:no.db
one_error
[ -e no.db ] && fail "the run began before its output was checked"
expect 2 "$MUSTER" run good.yaml -o .
says err "is a directory"
expect 0 "$MUSTER" run good.yaml -o -
equal "$(json out 'd["totals"]["prompt_tokens"]')" None "tokens of recorded answers"
[ -e ./- ] && fail "a file called -"
# 4: nothing listens
config down.yaml good.jsonl "provider: {provider_type: openai, base_url: 'http://127.0.0.1:9/v1', model_name: m}"
expect 4 "$MUSTER" run down.yaml
one_error
says err "127.0.0.1:9"
# 4: the key is refused
start_sim --api-key right-key
config key.yaml good.jsonl "provider: {provider_type: openai, base_url: '$url', model_name: m, api_key: 'env:TEST_KEY'}"
TEST_KEY=wrong-key-canary expect 4 "$MUSTER" run key.yaml
one_error
says err "401"
says_not err wrong-key-canary
says_not out wrong-key-canary
expect 2 env -u TEST_KEY "$MUSTER" run key.yaml
says err TEST_KEY
TEST_KEY=right-key expect 1 "$MUSTER" run key.yaml
grep -q right-key muster.db* && fail "the key is in the store"
stop_sim
# fail_fast stops early with 1
python3 - <<'X'
with open("many.jsonl", "w") as f:
    for i in range(20000):
        f.write('{"id":"%d","input":"x","expected_output":"a","actual_output":"%s"}\n' % (i, "b" if i == 10 else "a"))
X
config fast.yaml many.jsonl "fail_fast: true"
expect 1 "$MUSTER" run fast.yaml
done_testing
