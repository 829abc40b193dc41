"""Calls in all ways at once: threads, tasks, bridges, forks, signals, refreshes, responses that are
left unread in cycles.

`python tests/support/storm_of_calls.py SECONDS`, in a process of its own. A watchdog prints all
stacks and ends the process if a thread makes no step for `STILL`. Prints what was done.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
from hangs import COMMON, TLS, apost, fork, leave, post
from loopback import Loopback, answer

import cachy

STILL = 5.0  # seconds
WORKERS = 6


class Storm:
    """Its workers, and what they have done."""

    def __init__(self, server: Loopback, seconds: float, seed: int) -> None:
        self.server, self.seed = server, seed
        self.until = time.monotonic() + seconds
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.steps = dict.fromkeys(range(WORKERS + 1), time.monotonic())
        self.depth = 0

    # What is done. Keys come again and again, so that calls hit, miss and wait for each other.

    def key(self, dice: random.Random) -> int:
        return int(time.monotonic() * 10) * 10 + dice.randrange(4)

    def shared(self, dice: random.Random) -> None:
        post(self.server, key=self.key(dice), delay=0.01)

    def hurried(self, dice: random.Random) -> None:
        with suppress(httpx.TimeoutException):
            post(self.server, key=self.key(dice), delay=0.05, timeout=0.04)

    def refreshed(self, dice: random.Random) -> None:
        with cachy.cachy("refresh"):
            post(self.server, key=self.key(dice), delay=0.01)

    def left(self, dice: random.Random) -> None:
        limits = httpx.Limits(max_connections=None)
        with httpx.Client(timeout=None, verify=TLS, limits=limits) as client:
            for _ in range(5):
                leave(self.server, client, key=self.key(dice), stream=dice.random() < 0.5)

    def streamed(self, dice: random.Random) -> None:
        body = COMMON | {"key": self.key(dice), "stream": True}
        with (
            httpx.Client(timeout=None, verify=TLS) as client,
            client.stream("POST", self.server.url, json=body) as response,
        ):
            assert b"".join(response.iter_bytes()) == answer(body)

    def tasks(self, dice: random.Random) -> None:
        async def main() -> None:
            calls = (apost(self.server, key=self.key(dice), delay=0.01) for _ in range(5))
            await asyncio.gather(*calls)

        asyncio.run(main())

    def cancelled(self, dice: random.Random) -> None:
        async def main() -> None:
            call = asyncio.create_task(apost(self.server, key=self.key(dice), delay=0.01))
            await asyncio.sleep(dice.random() * 0.02)
            call.cancel()
            with suppress(asyncio.CancelledError):
                await call

        asyncio.run(main())

    def bridged(self, dice: random.Random) -> None:
        key = self.key(dice)

        async def main() -> None:
            leader = asyncio.create_task(apost(self.server, key=key, delay=0.01))
            await asyncio.sleep(0.005)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(post, self.server, key=key, delay=0.01).result()
            await leader

        asyncio.run(main())

    def forked(self, dice: random.Random) -> None:
        if dice.random() < 0.8:
            return
        child = fork(self.server, dice.randrange(30))
        while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
            self.steps[self.number()] = time.monotonic()
            time.sleep(0.01)
        assert ended[1] == 0, f"a child ended with {ended[1]}"

    # How.

    def number(self) -> int:
        return int(threading.current_thread().name)

    def work(self, number: int) -> None:
        dice = random.Random(self.seed * 100 + number)
        jobs: tuple[Callable[[random.Random], None], ...] = (
            *(self.shared, self.hurried, self.refreshed, self.left, self.streamed),
            *(self.tasks, self.cancelled, self.bridged, self.forked),
        )
        while time.monotonic() < self.until:
            job = dice.choice(jobs)
            self.attempt(job.__name__, lambda job=job: job(dice))  # type: ignore[misc]
            self.steps[number] = time.monotonic()
        self.steps.pop(number)

    def attempt(self, name: str, job: Callable[[], None]) -> None:
        try:
            job()
        except AssertionError as error:
            self.wrong.append(f"{name}: {error}")
        self.done[name] += 1

    def interrupted(self) -> None:
        """In the main thread, where handlers run: one interrupts the other, and both call."""
        while time.monotonic() < self.until:
            self.attempt("interrupted", lambda: self.shared(random.Random()))
            self.steps[WORKERS] = time.monotonic()
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        self.steps.pop(WORKERS)

    def handle(self, *_: object) -> None:
        if self.depth < 2:
            self.depth += 1
            self.attempt("in a handler", lambda: self.shared(random.Random()))
            self.depth -= 1

    def disturb(self) -> None:
        main = threading.main_thread().ident
        assert main is not None
        while time.monotonic() < self.until:
            time.sleep(0.01)
            signal.pthread_kill(main, signal.SIGUSR1)

    def watch(self) -> None:
        while self.steps:
            faulthandler.dump_traceback_later(STILL + 1, exit=True)  # if this one stands still
            now = time.monotonic()
            if min(list(self.steps.values()), default=now) < now - STILL:
                faulthandler.dump_traceback(all_threads=True)
                os._exit(3)
            time.sleep(0.2)
        faulthandler.cancel_dump_traceback_later()


def main() -> int:
    seconds = float(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else os.getpid()
    os.chdir(tempfile.mkdtemp(prefix="storm-of-calls-"))
    gc.set_threshold(50, 5, 5)
    with Loopback() as server:
        session = cachy.enable_cachy(doms=(server.host,))
        post(server, warm=1)
        asyncio.run(apost(server, warm=2))
        storm = Storm(server, seconds, seed)
        threads = [
            threading.Thread(target=storm.work, args=(number,), name=str(number), daemon=True)
            for number in range(WORKERS)
        ]
        signal.signal(signal.SIGUSR1, storm.handle)
        for target in (storm.watch, storm.disturb):
            threading.Thread(target=target, daemon=True).start()
        for thread in threads:
            thread.start()
        storm.interrupted()
        for thread in threads:
            thread.join()
        print(
            f"{dict(storm.done)} {session} {len(storm.wrong)} wrong {storm.wrong[:3]}", flush=True
        )
    return 1 if storm.wrong else 0


if __name__ == "__main__":
    os._exit(main())
