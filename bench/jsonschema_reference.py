#!/usr/bin/env python3
"""The work of bench_schema.c by the Python package jsonschema (and fastjsonschema where it is installed), from the same
texts: they are read from bench_schema.c beside this file. Usage: jsonschema_reference.py [ROUNDS]"""
import json
import os
import re
import sys
import time

import jsonschema


def texts():
    """The C string constants of the benchmark."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench_schema.c")) as f:
        source = f.read()
    found = {}
    for name, body in re.findall(r"static const char (\w+)\[\] =\s*((?:\s*\"(?:\\.|[^\"\\])*\")+);", source):
        parts = re.findall(r"\"((?:\\.|[^\"\\])*)\"", body)
        found[name] = "".join(parts).replace('\\"', '"').replace("\\\\", "\\")
    return found


def bench(what, rounds, call):
    start = time.perf_counter()
    for _ in range(rounds):
        call()
    print(f"{what:<36} {rounds / (time.perf_counter() - start):12.0f} a second")


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    t = texts()
    schema, good, bad = json.loads(t["schema_text"]), json.loads(t["good"]), json.loads(t["bad"])
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(good) and not validator.is_valid(bad)
    bench("jsonschema, valid", rounds, lambda: validator.is_valid(good))
    bench("jsonschema, valid, read from text", rounds, lambda: validator.is_valid(json.loads(t["good"])))
    bench("jsonschema, invalid, its sentence", rounds, lambda: next(validator.iter_errors(bad)).message)


main()
