#!/usr/bin/env python3
"""Scorings a second of the Python references, on the pairs that bench_scorers writes:

    build/release/bench/bench_scorers --pairs /tmp/pairs.jsonl
    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install rouge_score sacrebleu jsonschema
    /tmp/peers/bin/python bench/peers.py /tmp/pairs.jsonl

One process, one thread, processor time, objects made once as their documentation says. A package that is not
installed is left out. The mean is there to be compared with the mean that bench_scorers prints."""
import collections
import json
import logging
import re
import string
import sys
import time

logging.disable(logging.CRITICAL)

SCHEMA = {
    "type": "object", "required": ["name", "age", "tags"], "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"enum": ["red", "green", "blue"]}, "uniqueItems": True},
    },
}


def measure(name, what, score, pairs):
    start, total = time.process_time(), 0.0
    for pair in pairs:
        total += score(pair)
    seconds = time.process_time() - start
    print(f"{name:14} {len(pairs) / seconds:9.0f} scorings/s {seconds / len(pairs) * 1e9:8.0f} ns  "
          f"mean {total / len(pairs):.4f}  {what}")


def rouge(pairs):
    from rouge_score import rouge_scorer
    for what, types, stem in (("", ["rouge1", "rouge2", "rougeL"], True),
                              ("no stemmer", ["rouge1", "rouge2", "rougeL"], False),
                              ("and rougeLsum", ["rouge1", "rouge2", "rougeL", "rougeLsum"], True)):
        scorer = rouge_scorer.RougeScorer(types, use_stemmer=stem)

        def score(pair):
            got = scorer.score(pair["expected"], pair["actual"])
            return sum(s.fmeasure for s in got.values()) / len(got)
        measure("rouge", "rouge_score " + what, score, pairs)


def sacrebleu(pairs):
    from sacrebleu.metrics import BLEU, CHRF
    for name, what, metric in (("bleu", "", BLEU(effective_order=True)),
                               ("bleu", "intl, lower case", BLEU(effective_order=True, tokenize="intl", lowercase=True)),
                               ("chrf", "", CHRF()), ("chrf", "chrF++", CHRF(word_order=2))):
        measure(name, "sacrebleu " + what,
                lambda p, m=metric: m.sentence_score(p["actual"], [p["expected"]]).score / 100.0, pairs)


def jsonschema(pairs):
    from jsonschema import Draft202012Validator
    validator = Draft202012Validator(SCHEMA)
    measure("json_schema", "jsonschema", lambda p: float(validator.is_valid(json.loads(p["object"]))), pairs)


def normalise(text):
    """As SQuAD's own evaluation script does it."""
    text = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def qa_f1(pair):
    got, want = normalise(pair["actual"]).split(), normalise(pair["expected"]).split()
    same = sum((collections.Counter(got) & collections.Counter(want)).values())
    return 2.0 * same / (len(got) + len(want)) if same else 0.0


def plain(pairs):
    """What a rule costs in plain Python, without the framework that would call it."""
    pattern = re.compile(r"answer is\s+\d+")
    expected, forbidden = ["harbour", "lighthouse", "answer"], ["cannot"]

    def keyword(pair):
        text = pair["actual"].lower()
        found, bad = sum(w in text for w in expected), sum(w in text for w in forbidden)
        return found / len(expected) * (1.0 - bad / len(forbidden))
    measure("contains", "in", lambda p: float("harbour" in p["actual"]), pairs)
    measure("keyword", "lower, in", keyword, pairs)
    measure("regex", "re", lambda p: float(pattern.search(p["actual"]) is not None), pairs)
    measure("json_valid", "json", lambda p: float(json.loads(p["object"]) is not None), pairs)
    measure("qa_f1", "SQuAD's script", qa_f1, pairs)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        pairs = [json.loads(line) for line in f]
    for peer in (rouge, sacrebleu, jsonschema, plain):
        try:
            peer(pairs)
        except ImportError as e:
            print(f"skipped: {e}")


if __name__ == "__main__":
    main()
