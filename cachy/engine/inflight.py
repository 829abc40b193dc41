"""Single flight: identical requests under way in one process make one call.

The first caller to miss a key leads a flight. Others with the same key wait until it lands, and
look again; if nothing was kept by then, the next one leads. A caller that reads the body itself,
piece by piece, takes no part: it wants the first piece at once, and may never read the last.
Waiting always ends:

- A caller waits only for a leader that can go on meanwhile: not for itself, not for the call within
  which it is made, not for what its own thread would have to run, and not for an event loop that
  does not answer (it may be blocked, and wait for this very caller).
- A caller that blocks an event loop does not wait: the leader may need that loop.
- It waits no longer than its own call would take to time out, and never longer than `LONGEST`. The
  seconds are counted as they pass, not read from a clock, which a test may have frozen.
- It waits for `FLIGHTS_WAITED_FOR` flights: where calls fail one after the other, it goes on alone.

Nothing here holds a lock that another caller wants. The garbage collector and signal handlers may
interrupt any of these methods and call another one in the same thread, which would wait for a lock
for ever. Every step is a single atomic operation of a dict or a deque, and who waits is woken
through a bare lock of its own, which can be released at any moment.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy import clock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

LONGEST = 30.0
"""Seconds that a caller waits at most, whatever its own time-out."""
FLIGHTS_WAITED_FOR = 2

_PULSE = 0.2  # seconds in which the leader's event loop has to answer


class Caller(NamedTuple):
    """Who makes a call: a thread, and the task in it if the call is awaited. `loop` is the event
    loop that runs in the thread: of asyncio, or the token of trio's."""

    thread: int
    task: object = None
    loop: Any = None

    def may_wait_for(self, leader: Caller) -> bool:
        """Tell whether the leader can go on while this caller waits."""
        if self.task is None and self.loop is not None:
            return False
        if self.thread != leader.thread:
            return True
        if self.task is None or leader.task in (None, self.task):
            return False
        return self.loop is leader.loop  # of two loops in one thread only one runs


def sync_caller() -> Caller:
    """Return the caller of a function that blocks its thread."""
    return running_caller()._replace(task=None)


def async_caller() -> Caller | None:
    """Return the caller of a function that is awaited; None for a coroutine that no event loop
    drives, which can neither wait nor be waited for."""
    caller = running_caller()
    return None if caller.task is None else caller


def running_caller() -> Caller:
    """Return the task that is running here, or else the thread."""
    # Looked up each time: gevent may replace it at any time, and then it tells greenlets apart.
    thread = threading.get_ident()
    if (token := trio_token()) is not None:
        return Caller(thread, sys.modules["trio"].lowlevel.current_task(), token)
    loop = running_loop()
    if loop is None:
        return Caller(thread)
    return Caller(thread, sys.modules["asyncio"].current_task(loop), loop)


def running_loop() -> Any:
    """Return the running event loop of asyncio, or None."""
    events = sys.modules.get("asyncio.events")  # where it is not loaded, no loop is running
    return None if events is None else events._get_running_loop()


def trio_token() -> Any:
    """Return what trio's event loop can be entered with, where a task of trio is running."""
    lowlevel = getattr(sys.modules.get("trio"), "lowlevel", None)
    if lowlevel is None:
        return None
    try:
        lowlevel.current_task()
        return lowlevel.current_trio_token()
    except RuntimeError:
        return None


def call_soon(loop: Any, function: Callable[[], Any]) -> bool:
    """Have an event loop call a function, from any thread. False if the loop is closed."""
    soon = getattr(loop, "call_soon_threadsafe", None) or loop.run_sync_soon
    try:
        soon(function)
    except RuntimeError:
        return False
    return True


def waker() -> tuple[Any, Callable[[], Any], Callable[[float], Awaitable[bool]]]:
    """Return the running event loop, what wakes the running task when that loop calls it, and what
    waits for that, at most for some seconds, and tells whether it came."""
    loop = running_caller().loop
    if trio_token() is not None:
        trio = sys.modules["trio"]
        event = trio.Event()

        async def woken_by_trio(seconds: float) -> bool:
            with trio.move_on_after(seconds):
                await event.wait()
            return bool(event.is_set())

        return loop, event.set, woken_by_trio
    import asyncio

    future = loop.create_future()

    async def woken(seconds: float) -> bool:
        await asyncio.wait([future], timeout=seconds)
        return bool(future.done())

    return loop, lambda: future.done() or future.set_result(None), woken


class Flight:
    """One call under way, and those who wait for it."""

    def __init__(self, leader: Caller, landed: Callable[[Flight], None]) -> None:
        self.leader = leader
        self.over = False
        self._landed = landed
        self._waiting: deque[Callable[[], Any]] = deque()

    def land(self) -> None:
        """End the flight, whether an answer was kept or not. Idempotent."""
        if self.over:
            return
        self.over = True
        self._landed(self)
        while self._waiting:
            try:
                wake = self._waiting.popleft()
            except IndexError:  # another thread took the last one
                return
            wake()

    def _pulses(self, timeout: float) -> Iterator[float]:
        """Yield seconds to wait, again and again, until the flight is over or not worth waiting
        for; then it lands, so that the next caller leads."""
        loop, left = self.leader.loop, timeout
        while left > 0 and not self.over:
            answers: deque[bool] = deque()
            if self.leader.task is None:
                answers.append(True)
            elif not call_soon(loop, lambda answers=answers: answers.append(True)):  # type: ignore[misc]
                break
            seconds = min(left, _PULSE)
            yield seconds
            left -= seconds
            if not answers:
                break
        self.land()

    def wait(self, timeout: float) -> float:
        """Block until the flight has landed or is no longer worth waiting for, at most for
        `timeout` seconds. Return how many of them are left."""
        wake = threading.Lock()
        wake.acquire()
        self._waiting.append(wake.release)
        for seconds in self._pulses(timeout):
            if wake.acquire(timeout=seconds):
                break
            timeout -= seconds
        return timeout

    async def wait_async(self, timeout: float) -> float:
        """Like `wait`, for a task."""
        if clock.is_faked():
            return 0.0  # the timers of the event loop might never fire
        loop, wake, woken = waker()
        self._waiting.append(lambda: call_soon(loop, wake))
        for seconds in self._pulses(timeout):
            if await woken(seconds):
                break
            timeout -= seconds
        return timeout


class Flights:
    """The calls under way, by key. A forked child has none of its parent's."""

    def __init__(self) -> None:
        self._flights: dict[tuple[int, str], Flight] = {}

    def join(self, key: str, caller: Caller) -> tuple[Flight | None, bool]:
        """Return the flight of a key, and whether the caller leads it. None for a caller that goes
        alone, because it cannot wait for the flight that there is."""
        place = os.getpid(), key
        flight = Flight(caller, lambda landed: self._remove(place, landed))
        current = self._flights.setdefault(place, flight)
        if current is flight:
            return flight, True
        return (current if caller.may_wait_for(current.leader) else None), False

    def _remove(self, place: tuple[int, str], flight: Flight) -> None:
        if self._flights.get(place) is flight:
            self._flights.pop(place, None)
