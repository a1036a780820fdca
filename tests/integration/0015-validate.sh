#!/bin/bash
# muster validate and muster inspect-data: what they say, where they point, how they end.
. "$(dirname "$0")/lib.sh"
unset NO_SUCH_KEY
cat > rows.jsonl <<'X'
{"id":"a","question":"What is 1 + 1?","gold":{"text":"2"},"context":["one","two"]}

{"question":7}
{"question":"What is\tthis?"}
X
cat > good.yaml <<'X'
name: "checked"
description: what it is for
data_source: {source_type: jsonl, path: "${ROWS}", field_mapping: {input: question}, limit: 3}
scorers:
  - {tier: L1, scorer_name: length, min_length: 1}
  - {scorer_name: regex, pattern: "[0-9]+", label: digits}
provider: {provider_type: openai, model_name: m-1, api_key: "${NO_SUCH_KEY}"}
wandb_project: p
X
export ROWS=rows.jsonl
expect 0 "$MUSTER" validate good.yaml
says out "good.yaml is valid"
says out "checked"
says out "what it is for"
says out "jsonl rows.jsonl, first 3"
says out "2: length (L1), digits (L1)"
says out "openai m-1"
says err 'api_key: environment variable "NO_SUCH_KEY" is not set'
says err "this version sends nothing there"
ROWS=gone.jsonl expect 0 "$MUSTER" validate good.yaml
says err 'dataset "gone.jsonl" does not exist'
unset ROWS
expect 2 "$MUSTER" validate good.yaml
says err 'good.yaml:3:41: environment variable "ROWS" is not set'
export ROWS=rows.jsonl

# bad SED TEXT: good.yaml with a mistake
bad() {
    sed "$1" good.yaml > bad.yaml
    cmp -s good.yaml bad.yaml && fail "sed changed nothing: $1"
    expect 2 "$MUSTER" validate bad.yaml
    says err "$2"
}
bad 's/min_length/min_lenght/' 'bad.yaml:5:37: unknown key "min_lenght" in scorer "length"; did you mean "min_length"?'
bad 's/tier: L1/tier: L2/' 'bad.yaml:5:12: scorer "length" is of tier L1, not L2'
bad 's/: length/: lentgh/' 'unknown scorer "lentgh"; did you mean "length"?'
bad 's/limit: 3/limit: 0/' 'bad.yaml:3:93: "limit" must be a whole number'
bad 's/\[0-9\]+/(/' 'bad.yaml: scorer "digits": could not compile pattern "("'
bad 's/"${NO_SUCH_KEY}"/sk-123/' '"api_key" must say where the secret is'
grep -q sk-123 err && fail "the secret is shown"
bad 's/wandb_project: p/simulate: {ttft_millis: 3}/' 'bad.yaml: simulate'
bad 's/provider_type: openai/&, base_url: localhost:8000/' '"base_url" must be an http:// or https:// URL'
bad 's/^name: /&on: /' 'bad.yaml:1:9: mapping values are not allowed in this context; is it text? put it in quotes'
bad 's/^  - {tier/\t- {tier/' 'bad.yaml:5:1: a tab cannot indent YAML; use spaces'
bad 's/pattern: "\[0-9\]+"/pattern: [0-9]+/' 'put it in quotes'
bad 's/^name/nmae/' 'bad.yaml:1:1: unknown key "nmae"; did you mean "name"?'
bad 's/jsonl, path/huggingface, path/' 'is not available in this version'
expect 2 "$MUSTER" validate none.yaml
says err 'none.yaml'
expect 2 "$MUSTER" validate
expect 0 "$MUSTER" validate --help
says out "Examples:"

expect 0 "$MUSTER" inspect-data rows.jsonl -m input=question -m expected_output=gold.text
says out "What is 1 + 1?"
says out "expected  2"
says out "2 chunks"
says out "What is this?"
says out "2 of 3 rows shown, 1 refused"
says err 'line 3 refused: "question" must be a string'
gzip -k rows.jsonl
expect 0 "$MUSTER" inspect-data rows.jsonl.gz --map input=question -n 1
says out "1 of 3 rows shown"
expect 2 "$MUSTER" inspect-data rows.jsonl
says err 'it has id, question, gold, context: name one in field_mapping'
says err 'has no usable row among its 3'
expect 2 "$MUSTER" inspect-data gone.jsonl
says err 'could not open dataset "gone.jsonl": no such file'
expect 2 "$MUSTER" inspect-data rows.jsonl -n none
expect 2 "$MUSTER" inspect-data rows.jsonl -m question
expect 0 "$MUSTER" inspect-data --help
says out "Examples:"
done_testing
