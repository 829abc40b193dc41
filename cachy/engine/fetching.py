"""The steps between a local miss and the live call, or the miss in replay mode: the remote is asked
(behind.py)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy import clock
from cachy.engine.inflight import call_soon, running_caller, waker

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import Future

    from cachy.engine.cache import Cache, Missing
    from cachy.engine.threads import Threads
    from cachy.remote.tier import Remote
    from cachy.store.entry import Entry

BUDGET = 0.5
"""Seconds of a look-up where the call can go live instead."""
BUDGET_OF_REPLAY = 5.0
"""Seconds of each of two tries where it cannot."""


class Await(NamedTuple):
    """Wait for a future, at most `seconds`. Gives whether it came."""

    threads: Threads
    future: Future[Any]
    seconds: float

    def run(self) -> bool:
        """Block this thread."""
        wake = threading.Lock()
        wake.acquire()
        self.future.add_done_callback(lambda _: wake.release())
        return wake.acquire(timeout=self.seconds)

    async def arun(self) -> bool:
        """Suspend this task."""
        if self.future.done():
            return True
        if running_caller().loop is None:
            return self.run()
        if clock.is_faked():  # the timers of the event loop might never fire
            return await self.threads.run(self.run)
        loop, wake, woken = waker()
        self.future.add_done_callback(lambda _: call_soon(loop, wake))
        return await woken(self.seconds)


class Open(NamedTuple):
    """Open the remote of a session. In a task, what it imports is imported in another thread."""

    cache: Cache

    def run(self) -> Remote | None:
        """Open it here."""
        behind = self.cache.behind
        return None if behind is None else behind.look(self.cache.warn)

    async def arun(self) -> Remote | None:
        """Open it in a thread."""
        return await self.cache.threads.run(self.run)


def fetch(
    cache: Cache, missing: Missing, timeout: float | None
) -> Generator[Any, Any, Entry | None]:
    """Ask the remote for what is missing. Return its entry; None if there is none, and say in
    `missing.said` why. `timeout` is that of the call itself, in seconds."""
    behind = cache.behind
    if behind is None or not cache.mode.reads:
        return None
    remote = behind.remote
    if remote is None:
        # Where one is given, a thread reads the files: the import of what does takes 4 to 10 ms.
        if not behind.is_to_be_read and behind.find(cache.warn) is None:
            return None
        if (remote := (yield Open(cache))) is None:
            return None
    budget, tries = (BUDGET, 1) if cache.mode.calls else (BUDGET_OF_REPLAY, 2)
    if timeout is not None:
        budget = min(budget, timeout / tries)
    asked = remote.fetch(missing.key[:32], budget, tries)
    came: bool | None = None
    while True:
        try:
            future, seconds = next(asked) if came is None else asked.send(came)
        except StopIteration as done:
            return cache.fetched(missing, done.value, remote.address.label)
        came = yield Await(cache.threads, future, seconds)
