"""A scoring program that misbehaves as its argument says. The good one is `good`."""
import json
import os
import signal
import sys
import time

how = sys.argv[1]
out = sys.stdout


def say(value):
    out.write(value if isinstance(value, str) else json.dumps(value) + "\n")
    out.flush()


if how == "refuses":
    json.loads(sys.stdin.readline())
    say({"error": "no model here"})
    sys.exit(0)
if how == "mute":
    time.sleep(600)
if how == "dies":
    sys.stderr.write("something went wrong\n")
    sys.exit(3)
if how == "early":
    say({"hello": "world"})
hello = json.loads(sys.stdin.readline())
say({"ready": True})
if how == "talks":
    time.sleep(0.05)
    say({"id": 1, "score": 1})
count = 0
for line in sys.stdin:
    request = json.loads(line)
    count += 1
    i = request["id"]
    if how == "good":
        say({"id": i, "score": len(request["output"]) / 10, "reason": hello["params"].get("word", "") + "ok",
             "breakdown": {"pid": os.getpid(), "secret": os.environ.get("MUSTER_TEST_SECRET", "")}})
    elif how == "hangs":
        time.sleep(600)
    elif how == "garbage":
        say("\x00\xff{{{ not json\x1b[31m\n")
    elif how == "list":
        say([1, 2])
    elif how == "wrong_id":
        say({"id": i + 1, "score": 1})
    elif how == "no_score":
        say({"id": i, "reason": "none"})
    elif how == "text_score":
        say({"id": i, "score": "high"})
    elif how == "nan":
        say('{"id":%d,"score":NaN}\n' % i)
    elif how == "inf":
        say('{"id":%d,"score":1e400}\n' % i)
    elif how == "huge":
        while True:
            say("x" * 65536)
    elif how == "exits":
        sys.exit(7)
    elif how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "forks":  # a child keeps the pipes open, its parent goes
        if os.fork() == 0:
            time.sleep(600)
        os._exit(5)
    elif how == "stderr":
        while True:
            os.write(2, b"noise " * 1000)
    elif how == "memory":
        hog = "x" * (1 << 30)
        say({"id": i, "score": len(hog) and 1})
    elif how == "twice":
        say(json.dumps({"id": i, "score": 1}) + "\n" + json.dumps({"id": i, "score": 0}) + "\n")
    elif how == "crashes_once" and not os.path.exists(hello["params"]["mark"]):
        open(hello["params"]["mark"], "w").close()
        sys.exit(1)
    elif how == "error":
        say({"id": i, "error": "cannot read \"%s\"" % request["output"]})
    elif how == "missing":
        say({"id": i, "not_measured": True, "reason": "nothing to see"})
    else:
        say({"id": i, "score": True})
