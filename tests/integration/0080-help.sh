#!/bin/bash
# Help everywhere, with examples; versions; lists that scripts can read.
. "$(dirname "$0")/lib.sh"
need python3
expect 0 "$MUSTER" --version
says out "muster 0."
for library in libcurl libzmq libyaml sqlite pcre2 protobuf-c; do says out $library; done
expect 0 "$MUSTER" --help
for command in run validate list show db inspect-data list-scorers list-providers sim; do
    grep -qE "^  $command " out || fail "--help does not list $command"
done
for command in run validate list show db inspect-data list-scorers list-providers sim; do
    expect 0 "$MUSTER" $command --help
    mv out help
    grep -qiE '^ *muster ' help || fail "$command --help has no example"
    expect 2 "$MUSTER" $command --no-such-option
done
expect 2 "$MUSTER"
expect 0 "$MUSTER" list-scorers
for scorer in contains exact_match keyword latency_p99 length not_contains numeric regex throughput ttft; do says out $scorer; done
expect 0 "$MUSTER" list-scorers --tier L4
says out ttft
says_not out exact_match
expect 0 "$MUSTER" list-scorers --json
equal "$(json out 'len(d) >= 10')" True "list-scorers --json"
expect 0 "$MUSTER" list-providers
says out openai
printf '{"id":"a","input":"hello","expected_output":"x","actual_output":"y","context":["1","2"]}\n' > d.jsonl
expect 0 "$MUSTER" inspect-data d.jsonl
says out hello
cat > c.yaml <<'X'
name: valid
data_source: {source_type: jsonl, path: d.jsonl}
scorers: [{tier: L1, scorer_name: exact_match}]
X
expect 0 "$MUSTER" validate c.yaml
says out valid
# inline records, field mapping, both spellings, ${VAR}
cat > i.yaml <<'X'
name: inline ${WHO}
data_source:
  source_type: dict
  records:
    - {q: {text: "2+2"}, gold: "4", said: "4"}
    - {q: {text: "3+3"}, gold: 6, said: "6"}
  field_mapping: {input: q.text, expected_output: gold, actual_output: said}
scorers: [{tier: L1, scorer_name: exact_match}]
X
WHO=me expect 0 "$MUSTER" run i.yaml -o o.json
equal "$(json o.json 'd["config_name"]')" "inline me" "expanded variable"
equal "$(json o.json 'd["totals"]["passed"]')" 2 "inline records"
expect 2 env -u WHO "$MUSTER" run i.yaml
says err WHO
# compressed data has the digest of the plain
gzip -k d.jsonl
expect 1 "$MUSTER" run c.yaml -o o.json --db sqlite:a.db --json
plain=$(json o.json 'd["dataset"]["digest"], d["dataset"]["hash"]')
sed -i 's/d.jsonl/d.jsonl.gz/' c.yaml
"$MUSTER" run c.yaml -o o.json --db sqlite:a.db >out 2>err
equal "$(json o.json 'd["dataset"]["digest"], d["dataset"]["hash"]')" "$plain" "digest of compressed data"
done_testing
