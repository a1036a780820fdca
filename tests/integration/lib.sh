# Sourced by every script here. Needs MUSTER (the binary) and MUSTER_SOURCE (the tree); both are set by CTest.
set -u
: "${MUSTER_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${MUSTER:=$MUSTER_SOURCE/build/dev/muster}"
: "${MUSTER_TEST_DATA:=$MUSTER_SOURCE/../shared/data}"
unset MUSTER_DB
tmp=$(mktemp -d "${TMPDIR:-/tmp}/muster-test.XXXXXX")
pids=
cleanup() {
    for pid in $pids; do kill "$pid" 2>/dev/null; done
    wait 2>/dev/null
    rm -rf "$tmp"
}
trap cleanup EXIT
cd "$tmp" || exit 1
failures=0

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}
skip() {
    echo "skipped: $*"
    exit 77
}
need() {
    for tool in "$@"; do command -v "$tool" >/dev/null 2>&1 || skip "needs $tool"; done
}
# expect CODE COMMAND...: runs it with output in out and err; says so when the exit code differs
expect() {
    want=$1
    shift
    "$@" >out 2>err
    got=$?
    [ "$got" = "$want" ] || fail "exit code $got instead of $want: $* ($(tail -n 2 err | tr '\n' ' '))"
}
# says FILE TEXT: the file holds the text
says() {
    grep -qF -- "$2" "$1" || fail "$1 does not say \"$2\" but: $(tail -n 3 "$1" | tr '\n' ' ')"
}
says_not() {
    grep -qF -- "$2" "$1" && fail "$1 says \"$2\""
}
# one sentence on stderr for people, no crash report
one_error() {
    n=$(grep -c '^muster: error: ' err)
    [ "$n" = 1 ] || fail "$n error sentences instead of one: $(tail -n 3 err | tr '\n' ' ')"
    grep -qE 'AddressSanitizer|runtime error|assert' err && fail "crash: $(head -n 5 err)"
}
# json FILE EXPRESSION: value of a Python expression over d, the document
json() {
    python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"
}
equal() {
    [ "$1" = "$2" ] || fail "$3: \"$1\" instead of \"$2\""
}
# start_sim OPTIONS...: sets url and sim_pid
start_sim() {
    : >sim.out
    "$MUSTER" sim --port 0 "$@" >sim.out 2>sim.err &
    sim_pid=$!
    pids="$pids $sim_pid"
    for _ in $(seq 200); do
        url=$(sed -n 's/^listening on //p' sim.out)
        [ -n "$url" ] && return 0
        sleep 0.05
    done
    fail "the simulated backend did not start: $(cat sim.err)"
    done_testing
}
stop_sim() {
    kill "$sim_pid" 2>/dev/null
    wait "$sim_pid" 2>/dev/null
}
done_testing() {
    [ "$failures" = 0 ] && echo "passed" && exit 0
    echo "$failures failed"
    exit 1
}
