"""The Python end of bench/contenderProcess.ts: answers JSON lines on stdin, and times the work that it prepared."""

import gc
import json
import math
import os
import sys
import time

# Only answers go to stdout; whatever a library prints goes to stderr.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def serve(prepare):
    """Serves until stdin closes. `prepare(task)` gives (ready, repeat); a round is timed around its repetitions only."""
    repeat, repetitions = None, 1

    def round_():
        start = time.perf_counter()
        for _ in range(repetitions):
            repeat()
        return {
            "ms": 1000 * (time.perf_counter() - start) / repetitions,
            "peakRssBytes": peak_rss(),
        }

    for line in sys.stdin:
        try:
            question = json.loads(line)
            if question["ask"] == "prepare":
                repeat = None
                gc.collect()
                answer, repeat = prepare(question["task"])
                answer["restBytes"] = rest_bytes
                repetitions = 1
                ms = round_()["ms"]
                if ms < 100:
                    repetitions = math.ceil(100 / max(ms, 0.01))
                repetitions = max(1, math.ceil(1000 * question["task"]["seconds"] / round_()["ms"]))
            else:
                answer = round_()
        except Exception as error:  # the parent says whose it is, and goes on with the others
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


rest_bytes = 0


def reset_peak_rss():
    """Forgets the peak so far, so that reading the files of a work does not count (Linux)."""
    global rest_bytes
    gc.collect()
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass
    rest_bytes = peak_rss()


def peak_rss():
    try:
        with open("/proc/self/status") as file:
            return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmHWM:"))
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak
