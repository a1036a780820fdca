#!/bin/bash
# Scorers that ask a server of their own: over recorded answers, over answers of a backend, when scoring anew; with
# failures of that server, which are no wrong answers.
. "$(dirname "$0")/lib.sh"
need python3 sqlite3
start_sim --echo --ttft-ms 2 --itl-ms 0
python3 - <<'X'
import json
with open("d.jsonl", "w") as f:
    for i in range(300):
        f.write(json.dumps({"id": "e%d" % i, "input": "say %d now" % i, "actual_output": "say %d now" % i,
                            "expected_output": "say %d now" % (i if i % 4 else -i - 1)}) + "\n")
X
embeddings="embeddings: {provider_type: openai, base_url: \"$url\", model: e}"
scorers="scorers:
  - {scorer_name: cosine, threshold: 0.99, $embeddings}
  - any: [{scorer_name: exact_match}, {scorer_name: cosine, threshold: 0.99, $embeddings}]
    label: either"
cat > recorded.yaml <<X
name: recorded
data_source: {source_type: jsonl, path: d.jsonl}
concurrency: 8
$scorers
X
cat > live.yaml <<X
name: live
data_source: {source_type: jsonl, path: d.jsonl}
provider: {provider_type: openai, base_url: "$url", model: m}
concurrency: 8
$scorers
X
printf 'name: anew\n%s\n' "$scorers" >anew.yaml
key='sorted((r["case_id"], [(round(s["score"], 9), s["passed"]) for s in r["scores"]]) for r in d["results"])'
for c in recorded live; do
    expect 1 "$MUSTER" run $c.yaml -o $c.json
    equal "$(json $c.json '(d["totals"]["passed"], d["outcomes"])')" "(225, {'scored': 300})" "$c"
    json $c.json "$key" >$c.txt
done
[ -s live.txt ] && cmp -s recorded.txt live.txt || fail "recorded and live scores differ"
expect 1 "$MUSTER" rescore latest -c anew.yaml -o anew.json
json anew.json "$key" >anew.txt
[ -s anew.txt ] && cmp -s anew.txt live.txt || fail "scoring anew gives other scores"

# the server of the scorer is not there: no score, no verdict
stop_sim
sed "s|model: e}|model: e, max_retries: 1, retry_base_ms: 1}|g" recorded.yaml >gone.yaml
expect 3 "$MUSTER" run gone.yaml -o gone.json
equal "$(json gone.json 'd["outcomes"]')" "{'scorer_error': 300}" "no server"
says out "connection refused"
# its key is missing
sed "s|model: e}|model: e, api_key: \"env:NO_SUCH_KEY_HERE\"}|g" recorded.yaml >key.yaml
"$MUSTER" run key.yaml >out 2>err
[ $? = 0 ] && fail "a run without its key passed"
grep -q NO_SUCH_KEY_HERE out err || fail "the missing key is not named: $(tail -n 3 err)"
# a provider without embeddings is refused before the run
sed "s|provider_type: openai, base_url|provider_type: anthropic, base_url|g" recorded.yaml >route.yaml
if "$MUSTER" list-providers 2>/dev/null | grep -q anthropic; then
    expect 2 "$MUSTER" run route.yaml
    one_error
fi
done_testing
