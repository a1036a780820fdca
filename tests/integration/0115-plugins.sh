#!/bin/bash
# Scorers of one's own, as docs/extending.md says: a Python function, a shared object, a C file; sets, weights and
# negation in reports; muster scorer.
. "$(dirname "$0")/lib.sh"
need python3 cc
objects=${MUSTER_BUILD:-$(dirname "$MUSTER")}/tests
# case_of FILE ID EXPRESSION: of r, the result of a case
case_of() {
    python3 -c 'import json,sys
r = [r for r in json.load(open(sys.argv[1]))["results"] if r["case_id"] == sys.argv[2]][0]
print(eval(sys.argv[3]))' "$1" "$2" "$3"
}
cp "$MUSTER_SOURCE"/examples/python/*.py .
cat > rows.jsonl <<'X'
{"id":"a","input":"q","expected_output":"a refund is due","actual_output":"You get a refund","metadata":{"topic":"money"}}
{"id":"b","input":"q","expected_output":"no","actual_output":"no"}
{"id":"c","input":"q","actual_output":"one two three four five six"}
X
cat > own.yaml <<X
name: own
data_source: {source_type: jsonl, path: rows.jsonl}
scorers:
  - any:
      - {type: exec, label: refund, command: [python3, muster_scorer.py, "my_scorers.py:mentions_refund"]}
      - {type: exec, label: words, threshold: 0.9, command: [python3, muster_scorer.py, "my_scorers.py:shared_words"]}
    label: answers
    weight: 3
  - {type: exec, label: budget, command: [python3, muster_scorer.py, "my_scorers.py:within_budget"], params: {max_words: 4}}
  - {type: plugin, label: brief, path: $objects/word_limit.so, params: {max_words: 5}}
  - {type: not-icontains, value: FOUR, weight: 0}
X
expect 0 "$MUSTER" validate own.yaml
says out "answers (L1), budget (L1), brief (L1), not-contains (L1)"
expect 1 "$MUSTER" run own.yaml --no-progress --output own.json
says out "weighted    mean score"
equal "$(json own.json 'd["totals"]["passed"]')" 2 "cases that passed"
equal "$(json own.json '[s["weight"] for s in d["scorer_summaries"]]')" "[3.0, 1.0, 1.0, 0.0]" "weights"
equal "$(case_of own.json a '[[m["scorer"], m["state"], m["passed"]] for m in r["scores"][0]["breakdown"]["members"]]')" \
    "[['refund', 'ok', True], ['words', 'ok', False]]" "members of the set"
equal "$(case_of own.json a 'r["scores"][1]["breakdown"]')" "{'words': 4, 'topic': 'money'}" "breakdown"
equal "$(case_of own.json c 'r["scores"][0]["passed"]')" False "nothing expected, no refund"
equal "$(case_of own.json a 'r["weighted_score"]')" 1.0 "weighted score"
equal "$(case_of own.json c 'round(r["weighted_score"], 9)')" "$(python3 -c 'print(round((4/6 + 5/6) / 5, 9))')" "weighted score"
expect 0 "$MUSTER" show "$(json own.json 'd["run_id"]')" --case a
says out "answers"

# what is wrong is told before the run, in one sentence
wrong() {
    printf 'name: w\ndata_source: {source_type: jsonl, path: rows.jsonl}\nscorers:\n  - %s\n' "$1" > wrong.yaml
    for verb in validate run; do
        expect 2 "$MUSTER" $verb wrong.yaml
        one_error
        says err "$2"
    done
}
wrong "{type: plugin, path: gone.so}" 'could not open plugin "./gone.so": No such file or directory'
wrong "{type: plugin, path: $objects/wrong_version.so}" "is made for version 99 of the plugin interface"
wrong "{type: plugin, path: $objects/no_symbol.so}" "has no function muster_scorer_plugin()"
wrong "{type: plugin, path: $objects/word_limit.so}" "max_words must be a number of at least 1"
wrong "{type: exec, command: [./gone]}" 'could not start program "./gone": No such file or directory'
wrong "{type: exec, command: [python3, muster_scorer.py, 'my_scorers.py:gone']}" "my_scorers.py has no function gone"
wrong "{type: exec, command: [python3, muster_scorer.py, gone.py:f]}" "No such file or directory: "
wrong "{type: exec, command: ['true']}" "the program ended with status 0"
wrong "{type: exec, command: [sleep, '9'], start_timeout_ms: 200}" "at its start: the program did not answer in time"
wrong "{type: exec, command: [./rows.jsonl]}" 'could not start program "./rows.jsonl": Permission denied; it must be a file'
wrong "{type: meteor}" 'scorer "meteor" is not taken over from promptfoo'

# a function that fails, fails its case alone
cat > mine.py <<'X'
import sys


def sometimes(prediction, expected):
    print("printing is allowed")
    assert sys.stdin.read() == ""
    if len(prediction) > 20:
        sys.exit("no more")
    return 1 / (len(prediction) - 2)


def strange(prediction, expected, nothing_like_it):
    return 1
X
cat > fails.yaml <<'X'
name: fails
data_source: {source_type: jsonl, path: rows.jsonl}
scorers:
  - {type: exec, threshold: 0, command: [python3, muster_scorer.py, "mine.py:sometimes"]}
X
expect 3 "$MUSTER" run fails.yaml --no-progress --output fails.json
equal "$(json fails.json 'sorted(r["case_id"] + " " + r["outcome"] for r in d["results"])')" \
    "['a scored', 'b scorer_error', 'c scorer_error']" "outcomes"
equal "$(case_of fails.json c 'r["error"]["message"]')" 'scorer "exec": SystemExit: no more' "a function that would end its program"
equal "$(case_of fails.json b 'r["error"]["message"]')" 'scorer "exec": ZeroDivisionError: division by zero' "error"
wrong "{type: exec, command: [python3, muster_scorer.py, 'mine.py:strange']}" 'strange() asks for "nothing_like_it"'

# a program that never answers does not keep a run from its end
cat > hangs.yaml <<X
name: hangs
data_source: {source_type: jsonl, path: rows.jsonl}
scorers:
  - {type: exec, timeout_ms: 200, command: [python3, "$MUSTER_SOURCE/tests/plugins/hostile.py", hangs]}
X
expect 3 "$MUSTER" run hangs.yaml --no-progress --output hangs.json
equal "$(json hangs.json 'set(r["outcome"] for r in d["results"])')" "{'scorer_error'}" "outcomes of a program that hangs"

# the worked example of a C file compiles as it stands in the guide
awk '/^```c$/ {on = 1; next} /^```$/ {on = 0} on' "$MUSTER_SOURCE/docs/extending.md" > ends_with.c
says ends_with.c "const mst_scorer_t mst_scorer_ends_with"
expect 0 cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -I "$MUSTER_SOURCE" -c ends_with.c -o ends_with.o
# and the plugin by the command that the guide gives
expect 0 cc -shared -fPIC -I "$MUSTER_SOURCE/scorers" -o word_limit.so "$MUSTER_SOURCE/examples/plugin/word_limit.c"
wrong "{type: plugin, path: word_limit.so, params: {max_words: 0}}" "max_words must be a number of at least 1"

expect 0 "$MUSTER" scorer rouge
says out "tier L2, judges each case, default threshold 0.7"
says out "rouge_types"
says out "      - type: rouge"
expect 0 "$MUSTER" scorer icontains
says out "icontains is promptfoo's name for:"
expect 2 "$MUSTER" scorer meteor
says err "is not taken over from promptfoo"
expect 2 "$MUSTER" scorer nothing
done_testing
