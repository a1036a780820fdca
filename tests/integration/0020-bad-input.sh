#!/bin/bash
# Bad input: one clear sentence, the right exit code, nothing stored is lost.
. "$(dirname "$0")/lib.sh"
need python3 sqlite3
config() {
    cat > c.yaml <<X
name: bad input
data_source: {source_type: jsonl, path: $1}
scorers: [{tier: L1, scorer_name: exact_match}]
X
}
row='{"id":"%s","input":"q","expected_output":"x","actual_output":"x"}\n'
config missing.jsonl
expect 2 "$MUSTER" run c.yaml
one_error
says err 'missing.jsonl'
config .
expect 2 "$MUSTER" run c.yaml
one_error
: > empty.jsonl
config empty.jsonl
expect 2 "$MUSTER" run c.yaml
one_error
says err empty
[ -e muster.db ] && fail "a run that could not start left a database"

# a broken line in the middle
{ printf "$row" a b; echo '{"id": "c", "input": '; printf "$row" d; } > broken.jsonl
config broken.jsonl
expect 0 "$MUSTER" run c.yaml -o o.json
says err "line 3"
equal "$(json o.json 'd["totals"]["total"]')" 3 "cases beside the broken line"
equal "$(json o.json 'd["dataset"]["refused_rows"]')" 1 "refused rows"
expect 2 "$MUSTER" run c.yaml --strict
one_error
says err "line 3"

# a line of 20 MB, NUL bytes, invalid UTF-8, a duplicate id
python3 - <<'X'
row = '{"id":"%s","input":"q","expected_output":"x","actual_output":"x"}\n'
with open("nasty.jsonl", "wb") as f:
    f.write((row % "a").encode())
    f.write(b'{"id":"big","input":"' + b"y" * 20_000_000 + b'","actual_output":"x"}\n')
    f.write(b'{"id":"nul","input":"a\x00b","actual_output":"x"}\n')
    f.write(b'{"id":"utf","input":"a\xff\xfeb","actual_output":"x"}\n')
    f.write((row % "a").encode())
    f.write((row % "z").encode())
X
config nasty.jsonl
expect 0 "$MUSTER" run c.yaml -o o.json
for n in 2 3 4 5; do says err "line $n"; done
equal "$(json o.json 'd["totals"]["total"]')" 2 "cases beside the nasty lines"
equal "$(json o.json 'd["dataset"]["refused_rows"]')" 4 "refused rows"
# an escaped NUL is text like any other and comes back as it went in
echo '{"id":"n","input":"q","expected_output":"a\u0000b","actual_output":"a\u0000b"}' > esc.jsonl
config esc.jsonl
expect 0 "$MUSTER" run c.yaml -o o.json
equal "$(json o.json 'd["results"][0]["actual_output"] == "a\0b"')" True "NUL survives"

# configurations
printf 'name: x\nscorers: [{tier: L1, scorer_name: exact_matc}]\ndata_source: {source_type: jsonl, path: empty.jsonl}\n' > c.yaml
expect 2 "$MUSTER" validate c.yaml
says err "c.yaml:2:"
says err "exact_match"
printf 'name: x\nconcurency: 3\n' > c.yaml
expect 2 "$MUSTER" validate c.yaml
says err 'did you mean "concurrency"'
head -c 2000000 /dev/zero > c.yaml
expect 2 "$MUSTER" validate c.yaml
one_error
head -c 3000 /dev/urandom > c.yaml
expect 2 "$MUSTER" validate c.yaml
one_error

# a store that is not one, and one that another process writes
config broken.jsonl
head -c 5000 /dev/urandom > notadb.db
expect_store() { "$MUSTER" run c.yaml --db "$1" >out 2>err; got=$?; [ "$got" = 2 ] || [ "$got" = 4 ] || fail "exit $got for $1"; one_error; }
expect_store sqlite:notadb.db
expect_store sqlite:/nonexistent/dir/x.db
done_testing
