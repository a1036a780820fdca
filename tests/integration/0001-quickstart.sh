#!/bin/bash
# The first run that a user makes: thirty questions, real HTTP, stored, reported.
. "$(dirname "$0")/lib.sh"
need python3
cp -r "$MUSTER_SOURCE/configs" .
expect 0 "$MUSTER" run configs/quickstart.yaml -o out.json --db sqlite:q.db
says out "contains"
says out "time to first token"
says err "run run_"
equal "$(json out.json 'd["totals"]["total"]')" 30 "cases"
equal "$(json out.json 'd["totals"]["passed"]')" 30 "passed"
equal "$(json out.json 'len(d["results"])')" 30 "results"
equal "$(json out.json 'd["exit_code"]')" 0 "exit code in the document"
equal "$(json out.json 'min(r["ttft_ms"] for r in d["results"]) > 1')" True "TTFT measured"
equal "$(json out.json 'd["run_id"][:4]')" run_ "run id"
echo "$(json out.json 'd["run_id"]')" | grep -qE '^run_[0-9]{8}_[0-9]{6}_[0-9a-f]{8}$' || fail "form of the run id"
expect 0 "$MUSTER" list --db sqlite:q.db
says out quickstart
expect 0 "$MUSTER" show latest --db sqlite:q.db
says out "contains"
expect 0 "$MUSTER" show latest --case qs-004 --db sqlite:q.db
says out "17 plus 25"
says out "42"
expect 0 "$MUSTER" run configs/quickstart.yaml --json --db sqlite:q.db
equal "$(json out 'd["config_name"]')" quickstart "one JSON document on stdout"
done_testing
