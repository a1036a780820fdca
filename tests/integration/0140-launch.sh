#!/bin/bash
# A server that the run brings with it: started, waited for, stopped, whatever becomes of the run; and each way in which
# it can fail is one sentence.
. "$(dirname "$0")/lib.sh"
need python3 sqlite3
for i in $(seq 40); do echo "{\"id\": \"c$i\", \"input\": \"say $i\", \"expected_output\": \"say $i\"}"; done > d.jsonl
# config COMMAND [TIMEOUT [MORE]]
config() {
    cat > c.yaml <<Y
name: launched
data_source: {source_type: jsonl, path: d.jsonl}
provider:
  provider_type: openai
  base_url: "http://127.0.0.1:{port}/v1"
  model: "$tmp"
  label: m
  launch: {command: $1, ready_url: "http://127.0.0.1:{port}/health", timeout: ${2:-60}${3:-}}
concurrency: 4
scorers: [{scorer_name: exact_match}]
Y
}
sim="[\"$MUSTER\", sim, --port, \"{port}\", --echo, --model, \"$tmp\""
# servers of this test that run: their command holds the folder's name
running() {
    n=0
    for dir in /proc/[0-9]*; do
        { tr '\0' ' ' <"$dir/cmdline"; } 2>/dev/null | grep -qF -- "$1 $tmp" && n=$((n + 1))
    done
    echo "$n"
}
# await WHAT COMMAND...: until it holds, for 30 s
await() {
    what=$1
    shift
    for _ in $(seq 600); do "$@" && return; sleep 0.05; done
    fail "$what"
}
none_runs() { [ "$(running --model)" = 0 ]; }
one_runs() { [ "$(running --model)" = 1 ]; }
rows() { [ "$(sqlite3 -readonly "$1" 'select count(*) from result' 2>/dev/null || echo 0)" -ge "$2" ]; }

config "$sim]"
expect 0 "$MUSTER" run c.yaml -o o.json
equal "$(json o.json 'd["totals"]["passed"]')" 40 "passed"
equal "$(running --model)" 0 "servers after the run"
says muster-launch-m.log "listening on"
equal "$(sqlite3 muster.db "select spec like '%{port}%' from run")" 1 "the spec names no port"

# two targets, a server each; one text as command; a log by name
cat > two.yaml <<Y
name: two
data_source: {source_type: jsonl, path: d.jsonl}
targets:
  - {provider_type: openai, label: "a/b", base_url: "http://127.0.0.1:{port}/v1", model: "$tmp",
     launch: {command: "$MUSTER sim --port {port} --echo --model $tmp", ready_url: "http://127.0.0.1:{port}/health"}}
  - {provider_type: vllm, label: two, base_url: "http://127.0.0.1:{port}", model: "$tmp",
     launch: {command: $sim], ready_url: "http://127.0.0.1:{port}/health", log: second.log}}
scorers: [{scorer_name: exact_match}]
Y
expect 0 "$MUSTER" run two.yaml -o o.json
equal "$(json o.json 'd["totals"]["passed"]')" 80 "passed by both"
equal "$(ls muster-launch-a_b.log second.log)" "muster-launch-a_b.log
second.log" "logs"
equal "$(running --model)" 0 "servers after both"

# its environment; a variable that is not there
config '[bash, -c, "echo it=$IT key=$KEY; exec sleep 60"]' 0.5 ', env: {IT: plain, KEY: "env:LAUNCH_KEY"}'
LAUNCH_KEY=canary-of-the-server expect 4 "$MUSTER" run c.yaml
says muster-launch-m.log "it=plain key=*"
says_not muster-launch-m.log canary
expect 2 "$MUSTER" run c.yaml
says err '"LAUNCH_KEY", which is not set'
config '[bash, -c, "exit 0"]' 1 ', env: {KEY: "${LAUNCH_KEY}"}'
LAUNCH_KEY=canary-of-the-server expect 4 "$MUSTER" run c.yaml --db sqlite:env.db
grep -aq canary env.db && fail "the key of a variable is stored"

# servers that fail: at once, not there, never ready
config '[bash, -c, "echo no model here; exit 3"]'
expect 4 "$MUSTER" run c.yaml
says err "ended with status 3 before it was ready"
says err "no model here"
config "[$tmp/nothing]"
expect 4 "$MUSTER" run c.yaml
says err "No such file"
config "[bash, -c, 'sleep 600; true', 600.5, $tmp]" 1
expect 4 "$MUSTER" run c.yaml
says err "was not ready after 1 s"
equal "$(running 600.5)" 0 "a server that was never ready"
config "[bash, -c, 'kill -9 \$\$']"
expect 4 "$MUSTER" run c.yaml
says err "was ended by signal 9 before it was ready"

# it dies in mid-run
config "$sim, --ttft-ms, \"2000\"]"
"$MUSTER" run c.yaml --db sqlite:dies.db >out 2>err &
pid=$!
await "no answers" rows dies.db 4
for dir in /proc/[0-9]*; do
    { tr '\0' ' ' <"$dir/cmdline"; } 2>/dev/null | grep -qF -- "--model $tmp" && kill -9 "${dir#/proc/}"
done
wait $pid
equal $? 4 "exit code when its server dies"
says err "was ended by signal 9 while it was needed"

# Ctrl-C, and this process killed: the server goes, with all that it started
config "[bash, -c, '\"$MUSTER\" sim --port {port} --echo --ttft-ms 300 --model $tmp & wait']"
"$MUSTER" run c.yaml --db sqlite:int.db >out 2>err &
pid=$!
await "no answers" rows int.db 4
kill -INT $pid
wait $pid
equal $? 130 "exit code after Ctrl-C"
equal "$(running --model)" 0 "servers after Ctrl-C"
expect 0 "$MUSTER" run --resume latest --db sqlite:int.db
"$MUSTER" run c.yaml --db sqlite:kill.db >out 2>err &
pid=$!
await "no answers" rows kill.db 4
kill -9 $pid
wait $pid 2>/dev/null
await "a server outlives a killed run" none_runs
expect 0 "$MUSTER" run --resume latest --db sqlite:kill.db
# Ctrl-C while it is waited for; a server that does not end on SIGTERM is killed
config "[bash, -c, 'trap : TERM; while :; do sleep 1; done', --model, $tmp]"
"$MUSTER" run c.yaml --db sqlite:wait.db >out 2>err &
pid=$!
await "no server" one_runs
kill -INT $pid
wait $pid
equal $? 130 "exit code after Ctrl-C while waiting"
equal "$(running --model)" 0 "a server that ignores SIGTERM"

# the log is capped, the server goes on
config "[bash, -c, 'head -c 20000000 /dev/zero | tr \"\\\\0\" x; echo; exec \"$MUSTER\" sim --port {port} --echo']"
expect 0 "$MUSTER" run c.yaml
size=$(stat -c %s muster-launch-m.log)
[ "$size" -gt 16000000 ] && [ "$size" -lt 17000000 ] || fail "a log of $size bytes"
tail -c 60 muster-launch-m.log >tail.txt
says tail.txt "the log is full"

# what a configuration may not say
config "$sim]"
sed 's/^concurrency/simulate: {}\n&/' c.yaml >both.yaml
expect 2 "$MUSTER" validate both.yaml
says err 'both "launch" and "simulate"'
grep -v launch: c.yaml >port.yaml
expect 2 "$MUSTER" validate port.yaml
says err "{port}"
config '""'
expect 2 "$MUSTER" validate c.yaml
config '"a b"' 60 ', env: {"A-B": x}'
expect 2 "$MUSTER" validate c.yaml
says err "no name of a variable"
config '"a b"' 60 ', ready: x'
expect 2 "$MUSTER" validate c.yaml
says err 'unknown key "ready" in launch'
expect 0 "$MUSTER" validate two.yaml
expect 2 "$MUSTER" probe two.yaml
says err "started by the run"
done_testing
