"""One process of a fleet in a storm: it asks, records, refreshes, fetches and pushes, until it is
told to end, or killed.

    python storm_of_remotes.py FOLDER REMOTE HOST SECONDS SEED

At the end it prints JSON: calls, wrong answers, the longest wait in seconds, and its counters.
"""

from __future__ import annotations

import json
import random
import sys
import time
import warnings

import httpx

from cachy import cachy, enable_cachy

QUESTIONS = 300
_LATE = 0.02


def main(folder: str, remote: str, host: str, seconds: float, seed: int) -> None:
    """Ask until the time is over."""
    warnings.simplefilter("ignore")
    chance = random.Random(seed)
    session = enable_cachy(
        cache_dir=folder, doms=(host,), remote=remote, push=True, bypass="ignore"
    )
    calls = wrong = 0
    longest = 0.0
    end = time.monotonic() + seconds
    with httpx.Client(timeout=20) as client:
        while time.monotonic() < end:
            text = f"question {chance.randrange(QUESTIONS)}"
            mode = "refresh" if chance.random() < 0.1 else "auto"
            started = time.monotonic()
            with cachy(mode=mode):
                answer = client.post(f"http://{host}/v1/chat/completions", json={"text": text})
            longest = max(longest, time.monotonic() - started)
            calls += 1
            wrong += json.loads(answer.json()["answer"]) != {"text": text}
            time.sleep(_LATE * chance.random())
    told = {"calls": calls, "wrong": wrong, "longest": longest, "remote": session.stats.remote}
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), int(sys.argv[5]))
