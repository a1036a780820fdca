#!/usr/bin/env python3
"""Runs a Python function as a scorer of Muster (type exec). Usage: muster_scorer.py FILE.py:FUNCTION

The function takes `prediction` and `expected`, and any of case_id, input, messages, context, retrieval_context,
metadata and params that it names. It returns a number, True or False, None (not measured), (score, reason), or a dict
with score, reason, breakdown."""
import importlib.util
import inspect
import json
import os
import sys

KNOWN = ("prediction", "expected", "case_id", "input", "messages", "context", "retrieval_context", "metadata",
         "params")


def load(place):
    path, _, name = place.rpartition(":")
    if not path or not name:
        raise SystemExit("usage: muster_scorer.py FILE.py:FUNCTION")
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(path))[0], path)
    if spec is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        raise AttributeError(f"{path} has no function {name}")
    wanted = inspect.signature(function).parameters
    for parameter in wanted.values():
        if parameter.name not in KNOWN and parameter.default is parameter.empty \
                and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{name}() asks for \"{parameter.name}\"; there are {', '.join(KNOWN)}")
    return function, [key for key in KNOWN if key in wanted]


def reply_of(result):
    if isinstance(result, dict):
        return dict(result)
    if isinstance(result, tuple):
        score, reason = result
        return {"score": score, "reason": str(reason)}
    if result is None:
        return {"not_measured": True, "reason": "the function had nothing to measure"}
    return {"score": result}


def one(function, wanted, params, request):
    values = dict(request, prediction=request.get("output"), params=params)
    try:
        reply = reply_of(function(**{key: values.get(key) for key in wanted}))
        if "score" in reply and not isinstance(reply["score"], bool):
            reply["score"] = float(reply["score"])
        reply["id"] = request["id"]
        return json.dumps(reply)
    except (Exception, SystemExit) as e:  # the case fails to score; the next one may not
        return json.dumps({"id": request["id"], "error": f"{type(e).__name__}: {e}"})


def main():
    # Muster owns standard output; what the function prints must not get in between.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    lines = os.fdopen(os.dup(0), "r", encoding="utf-8", errors="surrogateescape", newline="\n")
    nothing = os.open(os.devnull, os.O_RDONLY)  # nor may it read the requests that follow
    os.dup2(nothing, 0)
    os.close(nothing)
    hello = json.loads(lines.readline())
    try:
        function, wanted = load(sys.argv[1] if len(sys.argv) == 2 else "")
        answer = {"ready": True}
    except (Exception, SystemExit) as e:
        answer = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(answer), file=out, flush=True)
    if "error" in answer:
        return
    for line in lines:
        print(one(function, wanted, hello.get("params", {}), json.loads(line)), file=out, flush=True)


if __name__ == "__main__":
    main()
