#!/bin/bash
# What no case could survive is told once, before a run is made of it; what ends a run is said with its reason.
. "$(dirname "$0")/lib.sh"
echo '{"id":"a","input":"q","expected_output":"x","actual_output":"x"}' > d.jsonl
config() { # config PROVIDER SCORER
    cat > c.yaml <<X
name: early
data_source: {source_type: jsonl, path: ${DATA:-d.jsonl}}
${1:+provider: {provider_type: openai, model: m, max_retries: 0, $1\}}
scorers: [{$2}]
X
}
refused() { # refused WORDS
    for command in validate run; do
        expect 2 "$MUSTER" $command c.yaml
        one_error
        says err 'c.yaml:'
        says err "$1"
    done
}
exact='scorer_name: exact_match'
config "" 'scorer_name: regex, pattern: "(a"'
refused 'could not compile pattern "(a"'
config 'headers: [1]' "$exact"
refused 'headers'
config 'headers: {A: 5}' "$exact"
refused '"A"'
config 'headers: {"A\nB": x}' "$exact"
refused 'header'
config 'extra_body: 5' "$exact"
refused 'extra_body'
for url in 'ftp://x' 'localhost:8000' 'http://' 'http://:80' 'http://x:0' 'http://x:99999' 'http://x:y' 'http://[::1' 'http://a b'; do
    config "base_url: '$url'" "$exact"
    refused 'base_url'
done
[ -e muster.db ] && fail "a run that could not start left a database"
for url in 'http://[::1]:1/v1' 'http://[::1]/v1' ' http://127.0.0.1:1/v1/ ' 'https://x.invalid'; do
    config "base_url: '$url'" "$exact"
    expect 0 "$MUSTER" validate c.yaml
done

# nothing measured: the summary says why, not only that
config "base_url: 'http://no.such.host.invalid/v1'" "$exact"
expect 4 "$MUSTER" run c.yaml
grep -q 'no.such.host.invalid' out || fail "the reason is not told: $(tail -n 3 out)"

# rows there are, but none that can be used
printf '{"no": 1}\n[]\n' > none.jsonl
DATA=none.jsonl config "" "$exact"
expect 2 "$MUSTER" run c.yaml
says out 'no row of the dataset could be used'
done_testing
