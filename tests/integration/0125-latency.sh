#!/bin/bash
# muster latency: a streamed run against the simulated backend, its numbers computed a second time from the database by
# another program.
. "$(dirname "$0")/lib.sh"
need python3
python3 - <<'X'
import json
with open("d.jsonl", "w") as f:
    for i in range(150):
        f.write(json.dumps({"id": "t%03d" % i, "input": "question %d" % i}) + "\n")
X
cat > c.yaml <<'X'
name: stamps
data_source: {source_type: jsonl, path: d.jsonl}
provider: {provider_type: openai, model_name: m, logprobs: true, max_retries: 0}
simulate: {ttft_ms: 20, ttft_sigma: 0.4, itl_ms: 2, itl_sigma: 0.5, tokens_min: 1, tokens_max: 12, reasoning: true, p_cut: 0.05}
concurrency: 16
min_coverage: 0
slo: {ttft_ms: 20, tpot_ms: 2}
scorers: [{tier: L1, scorer_name: length, min_length: 1}]
X
"$MUSTER" run c.yaml --db sqlite:m.db --no-progress >out 2>err
[ $? -le 1 ] || fail "the run failed: $(tail -n 3 err)"
cat > second.py <<'X'
import json, math, sqlite3, sys

def varint(b, at):
    v = shift = 0
    while True:
        c = b[at]
        at += 1
        v |= (c & 127) << shift
        shift += 7
        if c < 128:
            return v, at

def unpack(b):
    n, at = varint(b, 1)
    _, at = varint(b, at)
    t, events = 0, []
    for _ in range(n):
        step, at = varint(b, at)
        what, at = varint(b, at)
        t += (step >> 1) ^ -(step & 1)
        events.append((t / 1e6, what & 15, what >> 4))
    return events

def quantile(values, q):
    values = sorted(values)
    at = (len(values) - 1) * q
    low = int(at)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (at - low)

def weighted(pairs, q):
    total, upto = sum(w for _, w in pairs), 0
    for x, w in sorted(pairs):
        upto += w
        if upto >= q * total - 1e-9:
            return x

db = sqlite3.connect("m.db")
rows = [(unpack(e), tokens, usage, close / 1e6) for e, tokens, usage, close in db.execute(
    "SELECT events, completion_tokens, usage_tokens, close_ns FROM result WHERE outcome < 10")]
TEXT, CHOICE = (1, 2, 3, 4), (0, 1, 2, 3, 4, 5)
ttft, tpot, gaps, token_gaps, good = [], [], [], [], 0
vllm_ttft, vllm_tpot, vllm_itl, guide_tpot, guide_itl, llm_itl = [], [], [], [], [], []
for events, tokens, usage, close in rows:
    text = [e for e in events if e[1] in TEXT]
    choice = [e for e in events if e[1] in CHOICE]
    content = [e for e in events if e[1] == 1]
    first, last = text[0], text[-1]
    ttft.append(first[0])
    per = (last[0] - first[0]) / (tokens - first[2]) if tokens > first[2] else None
    tpot += [per] if per is not None else []
    good += first[0] <= 20 and (per or 0) <= 2
    for a, b in zip(text, text[1:]):
        gaps.append(b[0] - a[0])
        token_gaps += [(b[0] - a[0]) / b[2]] * b[2]
    vllm_ttft.append(choice[0][0])
    vllm_itl += [b[0] - a[0] for a, b in zip(choice, choice[1:])]
    if usage > 1:
        vllm_tpot.append((choice[-1][0] - choice[0][0]) / (usage - 1))
        guide_itl.append(((last[0] - first[0]) / (usage - 1), usage - 1))
    guide_tpot.append((last[0] / usage, usage))
    llm_itl.append((content[-1][0] if content else 0) / tokens / 1e3)

def mean(values):
    return sum(values) / len(values)

documents = {v: json.load(open(v + ".json")) for v in ("vllm", "guidellm", "llmperf")}
ours = documents["vllm"]["latency"]
tool = {v: d["as"]["numbers"] for v, d in documents.items()}
for what, got, want in (
    ("ttft p50", ours["ttft"]["p50"], quantile(ttft, 0.5)), ("ttft p90", ours["ttft"]["p90"], quantile(ttft, 0.9)),
    ("tpot mean", ours["tpot"]["mean"], mean(tpot)), ("event gaps", ours["event_gap"]["p50"], quantile(gaps, 0.5)),
    ("token gaps", ours["token_gap"]["mean"], mean(token_gaps)), ("good", documents["vllm"]["goodput"]["good"], good),
    ("vllm ttft", tool["vllm"]["p99_ttft_ms"], quantile(vllm_ttft, 0.99)),
    ("vllm tpot", tool["vllm"]["mean_tpot_ms"], mean(vllm_tpot)),
    ("vllm itl", tool["vllm"]["p99_itl_ms"], quantile(vllm_itl, 0.99)),
    ("guidellm tpot", tool["guidellm"]["time_per_output_token_ms_p95"], weighted(guide_tpot, 0.95)),
    ("guidellm itl", tool["guidellm"]["inter_token_latency_ms_median"], weighted(guide_itl, 0.5)),
    ("llmperf itl", tool["llmperf"]["inter_token_latency_s_p90"], quantile(llm_itl, 0.9)),
):
    if not math.isclose(got, want, rel_tol=1e-9):
        print("FAIL: %s is %r, the second program says %r" % (what, got, want))
        sys.exit(1)
X
for view in vllm guidellm llmperf; do
    expect 0 "$MUSTER" latency latest --db sqlite:m.db --as $view --json
    mv out $view.json
done
python3 second.py || failures=$((failures + 1))
equal "$(json vllm.json 'd["latency"]["ttft"]["p99"]')" None "p99 of 150 requests"
equal "$(json vllm.json 'd["sent_by"]["kernel"] + d["sent_by"]["user"] == d["measured"]')" True "stamps of all"
expect 0 "$MUSTER" latency 1 --db sqlite:m.db --slo ttft_ms=1
says out "0.0 % of the measured are good"
says out "n<662"
for view in aiperf mlperf; do
    expect 0 "$MUSTER" latency latest --db sqlite:m.db --as $view
    says out "would have printed it"
done
expect 0 "$MUSTER" latency latest --db sqlite:m.db --target m
expect 0 "$MUSTER" latency latest --db sqlite:m.db --target 0
expect 2 "$MUSTER" latency latest --db sqlite:m.db --target 1
expect 2 "$MUSTER" latency latest --db sqlite:m.db --target n
one_error
expect 2 "$MUSTER" latency latest --db sqlite:m.db --as wrk
expect 2 "$MUSTER" latency latest --db sqlite:m.db --slo ttft=1
expect 2 "$MUSTER" latency --db sqlite:m.db
expect 2 "$MUSTER" latency 7 --db sqlite:m.db
one_error
done_testing
