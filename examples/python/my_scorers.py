"""Three scorers for muster_scorer.py: plain functions of the answer and what was expected of it."""


def mentions_refund(prediction, expected):
    """True or False is a score of 1 or 0."""
    return "refund" in prediction.lower()


def shared_words(prediction, expected):
    """A number between 0 and 1, with a reason. None says that there is nothing to measure."""
    if not expected:
        return None
    wanted, got = set(expected.lower().split()), set(prediction.lower().split())
    return len(wanted & got) / len(wanted), f"{len(wanted & got)} of {len(wanted)} words"


def within_budget(prediction, expected, params, metadata):
    """Parameters of the configuration and the case's metadata, when a function names them."""
    limit = params.get("max_words", 100)
    words = len(prediction.split())
    return {
        "score": 1.0 if words <= limit else limit / words,
        "reason": f"{words} words, at most {limit} allowed",
        "breakdown": {"words": words, "topic": (metadata or {}).get("topic", "")},
    }
