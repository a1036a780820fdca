#!/usr/bin/python3
"""bench/truth_peers.py [STREAMS] [TOKENS] [ITL_MS] [sync]: aiohttp and httpx clients (Debian: python3-aiohttp,
python3-httpx) against the same simulated backend, in the same manner as bench_truth: all streams started at once, every
event stamped by the client, joined with the backend's own log. MUSTER names the program.

arrival error: the client's stamp of an event - the backend's clock just before it sent it. ttft error: (first token's
stamp - start of the request in the client) - (sent by the backend - request in the backend's kernel)."""
import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time

BODY = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Tell me."}]}


def count_events(stream, chunk):
    """An event ends with an empty line; a chunk ends anywhere."""
    now = time.monotonic_ns()
    stream["rx"] += [now] * (stream["tail"] + chunk).count(b"\n\n")
    stream["tail"] = b"\n" if chunk.endswith(b"\n") and not chunk.endswith(b"\n\n") else b""


async def with_aiohttp(url, streams):
    import aiohttp
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=600)) as session:
        async def ask(stream):
            stream["start"] = time.monotonic_ns()
            async with session.post(url, json=BODY, headers={"X-Case-Id": stream["name"]}) as response:
                async for chunk in response.content.iter_any():
                    count_events(stream, chunk)
        await asyncio.gather(*(ask(s) for s in streams))


async def with_httpx(url, streams):
    import httpx
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=600) as session:
        async def ask(stream):
            stream["start"] = time.monotonic_ns()
            async with session.stream("POST", url, json=BODY, headers={"X-Case-Id": stream["name"]}) as response:
                async for chunk in response.aiter_raw():
                    count_events(stream, chunk)
        await asyncio.gather(*(ask(s) for s in streams))


CLIENTS = {"aiohttp": with_aiohttp, "httpx": with_httpx}


def client(name, url, count):
    streams = [{"name": "%s-%d" % (name, i), "rx": [], "tail": b""} for i in range(count)]
    asyncio.run(CLIENTS[name](url, streams))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    json.dump({"cpu_s": usage.ru_utime + usage.ru_stime,
               "streams": {s["name"]: (s["start"], s["rx"]) for s in streams}}, sys.stdout)


def show(name, errors):
    errors.sort()
    if not errors:
        return " %s none" % name
    at = [errors[0], errors[len(errors) // 2], errors[int(len(errors) * 0.99)], errors[-1]]
    return " %s_n %d min %.1f p50 %.1f p99 %.1f max %.1f us;" % (name, len(errors), *(e / 1e3 for e in at))


def report(name, got, truth):
    arrival, ttft, merged, events, lost = [], [], 0, 0, 0
    for case, (start, rx) in got["streams"].items():
        row = truth.get(case)
        if row is None or len(row["events"]) != len(rx):
            lost += 1
            continue
        events += len(rx)
        first = True
        for i, (before, _, tokens, kind) in enumerate(row["events"]):
            arrival.append(rx[i] - before)
            merged += i > 0 and rx[i] == rx[i - 1] and before != row["events"][i - 1][0]
            if first and tokens > 0 and kind in ("content", "reasoning"):
                ttft.append((rx[i] - start) - (before - row["recv_ns"]))
                first = False
    print("%-7s streams %d lost %d events %d merged %d cpu_us_per_event %.1f;%s%s" % (
        name, len(got["streams"]), lost, events, merged, got["cpu_s"] * 1e6 / max(events, 1),
        show("arrival", arrival), show("ttft", ttft)), flush=True)
    return lost == 0


def main(argv):
    if len(argv) > 1 and argv[1] == "--client":
        client(argv[2], argv[3], int(argv[4]))
        return 0
    streams, tokens, itl = (int(argv[i]) if len(argv) > i else d for i, d in ((1, 64), (2, 50), (3, 20)))
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    muster = os.environ.get("MUSTER", here + "/build/release/muster")
    files = (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2
    resource.setrlimit(resource.RLIMIT_NOFILE, files)
    good = True
    with tempfile.TemporaryDirectory() as tmp:
        command = [muster, "sim", "--port", "0", "--ttft-ms", "300", "--ttft-sigma", "0.2", "--itl-ms", str(itl),
                   "--itl-sigma", "0.2", "--tokens-min", str(tokens), "--tokens-max", str(tokens), "--connections-max",
                   "8192", "--truth", tmp + "/truth.jsonl"] + (["--sync-steps"] if "sync" in argv else [])
        sim = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        url = sim.stdout.readline().split()[-1] + "/chat/completions"
        out = {}
        for name in CLIENTS:
            done = subprocess.run([sys.executable, __file__, "--client", name, url, str(streams)], check=False,
                                  stdout=subprocess.PIPE)
            if done.returncode == 0:
                out[name] = json.loads(done.stdout)
            else:
                print("%-7s failed, or is not installed" % name)
                good = False
        sim.send_signal(signal.SIGTERM)
        sim.wait()
        truth = {}
        with open(tmp + "/truth.jsonl", encoding="utf-8") as f:
            for line in f:
                row = json.loads(line)
                truth[row["case_id"]] = row
        for name, got in out.items():
            good = report(name, got, truth) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
