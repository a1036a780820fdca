#!/usr/bin/env bash
# `muster sim` as a process: prints where it listens, answers, refuses bad options, ends on a signal with its truth written.
set -euo pipefail
[ -x "${MUSTER:-}" ] || { echo "needs the muster program"; exit 77; }
dir=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$dir"' EXIT

fail() { echo "FAIL: $*"; exit 1; }

# ask PORT BODY [HEADER]: the whole answer
ask() {
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf 'POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n%s' \
        "${3:+$3$'\r\n'}" "${#2}" "$2" >&3
    cat <&3
    exec 3<&- 3>&-
}

"$MUSTER" sim --help > "$dir/help"
grep -q -- '--ttft-ms' "$dir/help" || fail "--help does not show the options"
grep -q 'Examples:' "$dir/help" || fail "--help has no examples"
for bad in --nope --ttft-ms=x --port=70000 '--replies=/nonexistent' unexpected; do
    code=0
    "$MUSTER" sim "$bad" > /dev/null 2> "$dir/err" || code=$?
    [ "$code" -eq 2 ] || fail "$bad ended with $code, not 2"
    [ -s "$dir/err" ] || fail "$bad says nothing"
done

echo '{"id": "c1", "reply": "from the file"}' > "$dir/replies.jsonl"
"$MUSTER" sim --port 0 --replies "$dir/replies.jsonl" --truth "$dir/truth.jsonl" --echo > "$dir/out" &
pid=$!
for _ in $(seq 200); do
    [ -s "$dir/out" ] && break
    sleep 0.05
done
line=$(head -n 1 "$dir/out")
[[ $line =~ ^listening\ on\ http://127\.0\.0\.1:([0-9]+)/v1$ ]] || fail "first line is \"$line\""
port=${BASH_REMATCH[1]}

body='{"model":"m","messages":[{"role":"user","content":"hello"}]}'
ask "$port" "$body" > "$dir/answer"
grep -q '"content":"hello"' "$dir/answer" || fail "no echo"
ask "$port" "$body" 'X-Case-Id: c1' > "$dir/answer"
grep -q '"content":"from the file"' "$dir/answer" || fail "no reply from the file"
ask "$port" '{"stream":true,"messages":[{"role":"user","content":"hello"}]}' > "$dir/answer"
grep -q '^data: \[DONE\]' "$dir/answer" || fail "the stream has no end"

kill -TERM "$pid"
code=0
wait "$pid" || code=$?
pid=
[ "$code" -eq 0 ] || fail "a signal ended it with $code"
[ "$(wc -l < "$dir/truth.jsonl")" -eq 3 ] || fail "the truth file has not three lines"
grep -q '"case_id":"c1"' "$dir/truth.jsonl" || fail "the truth file lacks the case id"
echo ok
