#!/usr/bin/env python3
"""Keeps the tree as the house rules want it, without reviewers: include layers, banned calls, sizes of files,
functions and lines, unfinished words, a README in every folder, headers that compile alone.
Usage: tree.py ROOT. Prints one line per finding; exit 1 when there is one."""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(sys.argv[1])
BANNED = {
    "strcpy": "mst_buf_add or snprintf", "strcat": "mst_buf_add", "sprintf": "snprintf", "strtok": "mst_str_find",
    "atoi": "mst_str_to_i64", "atol": "mst_str_to_i64", "atof": "mst_str_to_f64", "rand": "mst_prng_u64",
    "time": "mst_wall_ns or mst_mono_ns", "gmtime": "gmtime_r", "localtime": "localtime_r",
    "system": "posix_spawn", "popen": "posix_spawn", "setjmp": "return codes", "longjmp": "return codes",
}
LINE_MAX, FILE_MAX, FUNCTION_MAX, HEADER_MAX = 120, 800, 70, 200
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
SKIP = {".git", "build", "shared"}
README_FREE = {".", ".ci", "cmake", "configs/data", "docs", "tests/fixtures", "tests/fuzz/corpus", "tests/tidy"}


def code_files():
    for folder, dirs, names in os.walk(ROOT):
        dirs[:] = sorted(d for d in dirs if d not in SKIP)
        for name in sorted(names):
            if name.endswith((".c", ".h", ".cpp", ".def")):
                yield os.path.relpath(os.path.join(folder, name), ROOT)


def layers():
    """Folder -> layer, from the table in CMakeLists.txt."""
    found = {}
    with open(os.path.join(ROOT, "CMakeLists.txt")) as f:
        for m in re.finditer(r"^mst_module\((\S+)\s+(\S+)\s+(\d+)", f.read(), re.M):
            found[m.group(2)] = int(m.group(3))
    return found


def stripped(text):
    """Source without comments and strings, line structure kept."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def check_includes(path, text, table, findings):
    folder = os.path.dirname(path)
    if folder not in table:
        return
    for n, line in enumerate(text.split("\n"), 1):
        m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not m or m.group(1).endswith(".pb-c.h"):
            continue
        target = os.path.dirname(m.group(1))
        if target == folder:
            continue
        if target not in table:
            findings.append(f"{path}:{n}: include \"{m.group(1)}\" is in no module")
        elif table[target] >= table[folder]:
            findings.append(f"{path}:{n}: layer {table[folder]} may not include layer {table[target]} ({m.group(1)})")


def check_functions(path, clean, findings):
    start = None
    for n, line in enumerate(clean.split("\n"), 1):
        if line == "{":
            start = n
        elif line == "}" and start is not None:
            if n - start - 1 > FUNCTION_MAX:
                findings.append(f"{path}:{start}: function of {n - start - 1} lines, at most {FUNCTION_MAX}")
            start = None


def check_file(path, table, findings):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        text = f.read()
    lines = text.split("\n")
    top = HEADER_MAX if path.endswith(".h") and not path.startswith("tests/") else FILE_MAX
    if len(lines) > top:
        findings.append(f"{path}: {len(lines)} lines, at most {top}")
    for n, line in enumerate(lines, 1):
        if len(line) > LINE_MAX:
            findings.append(f"{path}:{n}: line of {len(line)} columns, at most {LINE_MAX}")
        if UNFINISHED.search(line):
            findings.append(f"{path}:{n}: unfinished: {line.strip()}")
    clean = stripped(text)
    if not path.startswith("tests/"):
        for n, line in enumerate(clean.split("\n"), 1):
            for m in re.finditer(r"(?<![\w.>])([a-z]+)\s*\(", line):
                if m.group(1) in BANNED:
                    findings.append(f"{path}:{n}: {m.group(1)}() is banned; use {BANNED[m.group(1)]}")
    check_functions(path, clean, findings)
    check_includes(path, text, table, findings)


def check_readmes(findings):
    seen = set()
    for path in code_files():
        folder = os.path.dirname(path) or "."
        while folder and folder not in seen:
            seen.add(folder)
            if folder not in README_FREE and not os.path.exists(os.path.join(ROOT, folder, "README.md")):
                findings.append(f"{folder}: has no README.md")
            folder = os.path.dirname(folder)


def check_headers(findings):
    """Every header of a module compiles alone. Those that need generated code are compiled by their users."""
    headers = [p for p in code_files() if p.endswith(".h") and not p.startswith("tests/")]
    with tempfile.TemporaryDirectory() as tmp:
        for path in headers:
            with open(os.path.join(ROOT, path)) as f:
                if "pb-c.h" in f.read():
                    continue
            source = os.path.join(tmp, "alone.c")
            with open(source, "w") as f:
                f.write(f'#include "{path}"\n#include "{path}"\n')
            p = subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-I", ROOT, "-Wall", "-fsyntax-only", source],
                               capture_output=True, text=True)
            if p.returncode != 0 and "pb-c.h" not in p.stderr:
                findings.append(f"{path}: does not compile alone: {p.stderr.strip().splitlines()[0]}")


def main():
    findings = []
    table = layers()
    count = 0
    for path in code_files():
        count += 1
        check_file(path, table, findings)
    check_readmes(findings)
    check_headers(findings)
    for line in findings:
        print(line)
    print(f"{count} files, {len(findings)} findings")
    sys.exit(1 if findings or count == 0 else 0)


main()
