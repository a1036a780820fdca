#!/bin/bash
# Broken log-probabilities from the wire to the score, baselines from a list, a file and a run, repeats and slices.
. "$(dirname "$0")/lib.sh"
need python3
python3 - <<'X'
import json
with open("d.jsonl", "w") as f:
    for i in range(40):
        f.write(json.dumps({"id": "c%d" % i, "input": "question %d" % i, "metadata":
                            {"slice": "even" if i % 2 == 0 else "odd", "tags": ["all", "t%d" % (i % 4)]}}) + "\n")
X
# config PROVIDER-LINE SCORERS [MORE]
config() {
    cat > c.yaml <<X
name: numerical
data_source: {source_type: jsonl, path: d.jsonl}
provider: {provider_type: openai, base_url: "$url", model_name: m$1}
concurrency: 8
scorers: [$2]
${3:-}
X
}
total() { # sum of a member of the breakdowns of one scorer
    json o.json "sum(s['breakdown']['$2'] for r in d['results'] for s in r['scores'] if s['scorer'] == '$1')"
}

# each kind of broken value, over real HTTP, arrives as what it was and costs its points
for kind in nan sentinel null; do
    start_sim --logprob-$kind 0.02 --seed 7
    config "" "{scorer_name: numerical_stability}, {scorer_name: logprob_stats}"
    expect 1 "$MUSTER" run c.yaml -o o.json --db sqlite:n.db
    for other in nan sentinel null; do
        n=$(total numerical_stability ${other}_count)
        if [ $other = $kind ]; then
            [ "$n" -gt 5 ] || fail "$kind: only $n counted"
        else
            equal "$n" 0 "$kind: count of $other"
        fi
    done
    equal "$(json o.json "(all(abs(s['score'] - max(0, 1 - 0.5 * s['breakdown']['${kind}_count'])) < 1e-9 or
        abs(s['score'] - max(0, 0.8 - 0.5 * s['breakdown']['${kind}_count'])) < 1e-9
        for r in d['results'] for s in r['scores'] if s['scorer'] == 'numerical_stability'))")" True "$kind: penalties"
    equal "$(json o.json "(all(s['breakdown']['clean_logprobs'] + s['breakdown']['${kind}_count'] ==
        s['breakdown']['total_logprobs'] == r['completion_tokens'] and s['breakdown']['min'] > -9000
        for r in d['results'] for s in r['scores'] if s['scorer'] == 'logprob_stats'))")" True "$kind: kept out of sums"
    # what was stored is what came: another scoring of the stored answers finds the same
    cat > again.yaml <<X
name: again
scorers: [{scorer_name: numerical_stability}, {scorer_name: numerical_stability, profile: aeroeval, label: public}]
X
    n=$(total numerical_stability ${kind}_count)
    expect 1 "$MUSTER" rescore latest --config again.yaml -o o.json --db sqlite:n.db
    equal "$(total numerical_stability ${kind}_count)" "$n" "$kind: from the store"
    stop_sim
done

# without log-probabilities nothing is measured, and the report says so
start_sim --seed 3
config ", logprobs: false" "{scorer_name: numerical_stability}"
expect 0 "$MUSTER" run c.yaml -o o.json --db sqlite:n.db
says out "40 not measured"
config ", logprobs: false" "{scorer_name: numerical_stability, on_missing: fail}"
expect 1 "$MUSTER" run c.yaml -o o.json --db sqlite:n.db

# the guard's own section; and slices
config "" "{scorer_name: ttft, max_ttft_ms: 60000}" "numerical_guard: {sigma_threshold: 100}"
expect 0 "$MUSTER" run c.yaml -o o.json --db sqlite:n.db
says out numerical_stability
says out "slice even"
says out "tag t3"
equal "$(json o.json "[(s['kind'], s['name'], s['total']) for s in d['slices']]")" \
    "[('slice', 'even', 20), ('slice', 'odd', 20), ('tag', 'all', 40), ('tag', 't0', 10), ('tag', 't1', 10), ('tag', 't2', 10), ('tag', 't3', 10)]" slices
good=$(json o.json "d['run_id']")
mean=$(json o.json "sum(s['breakdown']['window_mean'] for r in d['results'] for s in r['scores'] if 'window_mean' in s.get('breakdown', {})) / 40 > -20")
equal "$mean" True "window means"

# the same backend does not drift against its own run; one that is far away does
config "" "{scorer_name: logit_drift, baseline_run: latest}"
expect 0 "$MUSTER" run c.yaml -o o.json --db sqlite:n.db
says_not err warning
equal "$(json o.json "(d['results'][0]['scores'][0]['breakdown']['baseline_count'] ==
    sum(r['completion_tokens'] for r in d['results']))")" True "baseline of all tokens"
config "" "{scorer_name: logit_drift, baseline_run: $good}"
expect 0 "$MUSTER" validate c.yaml --help
MUSTER_DB=sqlite:n.db expect 0 "$MUSTER" validate c.yaml
python3 -c 'import json; print("\n".join(json.dumps({"logprobs": [-40 - i % 3, -40, "NaN", -9999.0]}) for i in range(30)))' > far.jsonl
config "" "{scorer_name: logit_drift, baseline_file: far.jsonl}"
expect 1 "$MUSTER" run c.yaml -o o.json --db sqlite:n.db
equal "$(json o.json "d['results'][0]['scores'][0]['breakdown']['baseline_count']")" 60 "stand-ins are no baseline"
config "" "{scorer_name: logit_drift, baseline: [-40, -41, -42]}"
expect 1 "$MUSTER" run c.yaml --db sqlite:n.db
says err "3 values"
for bad in "baseline_file: none.jsonl" "baseline_run: run_1999" "baseline: [1], baseline_run: latest" "baseline_file: c.yaml"; do
    config "" "{scorer_name: logit_drift, $bad}"
    expect 2 "$MUSTER" run c.yaml --db sqlite:n.db
    one_error
    says err "logit_drift"
done
stop_sim

# repeats: rows fail, cases pass; too few repeats for a reduction are refused before anything is asked
start_sim --logprob-nan 0.01 --seed 11
config "" "{scorer_name: numerical_stability, reduce: [pass@2, mean, at_least@1]}" "repeats: 3"
expect 1 "$MUSTER" run c.yaml -o o.json --db sqlite:n.db
python3 - <<'X' || fail "the numbers over repeats are not those of the rows"
import json
from itertools import combinations
d = json.load(open("o.json"))
cases = {}
for r in d["results"]:
    cases.setdefault(r["case_id"], []).append(r["scores"][0])
assert len(cases) == 40 and all(len(c) == 3 for c in cases.values())
assert 0 < d["totals"]["passed"] < d["totals"]["measured"] == 120
pass2 = [sum(a["passed"] or b["passed"] for a, b in combinations(c, 2)) / 3 for c in cases.values()]
means = [sum(s["score"] for s in c) / 3 for c in cases.values()]
some = [float(any(s["passed"] for s in c)) for c in cases.values()]
got = d["scorer_summaries"][0]["reduced"]
assert [x["reduce"] for x in got] == ["pass@2", "mean", "at_least@1"], got
for x, want in zip(got, (pass2, means, some)):
    assert x["cases"] == 40 and abs(x["mean"] - sum(want) / 40) < 1e-9, (x, sum(want) / 40)
assert d["repeats"] == {"cases": 40, "passed": sum(p >= 0.8 for p in pass2)}, d["repeats"]
X
says out "cases, each over its repeats"
expect 2 "$MUSTER" run c.yaml --repeats 1 --db sqlite:n.db
one_error
says err "pass@2"
stop_sim
# a pipe that nobody writes to is refused, and holds nothing up
mkfifo pipe
config "" "{scorer_name: logit_drift, baseline_file: pipe}"
expect 2 timeout -s KILL 20 "$MUSTER" run c.yaml --db sqlite:n.db
says err 'baseline_file "pipe" is not a file'
done_testing
