"""Single flight: identical requests under way in one process make one call.

The first caller to miss a key leads a flight. Others with the same key wait until it lands, and
look again; if nothing was kept by then, the next one leads. Waiting always ends:

- A caller waits only for a leader that can go on meanwhile: not for itself, not for what its own
  thread would have to run, and not for an event loop that does not answer (it may be blocked, and
  wait for this very caller).
- It waits no longer than its own call would take to time out, and never longer than `LONGEST`.
- A response that its caller reads piece by piece may never be read to the end. An event stream
  lands when it begins; of any other body, callers wait for `PATIENCE`.
- It waits for `FLIGHTS_WAITED_FOR` flights: where calls fail one after the other, it goes on alone.

There are no locks here. The garbage collector and signal handlers may interrupt any of these
methods and call another one in the same thread, which would wait for a lock for ever. Every step
is a single atomic operation of a dict or a deque.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from threading import Event, get_ident
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 30.0
"""Seconds that a caller waits at most, whatever its own time-out."""
PATIENCE = 1.0
"""Seconds that a body may take to be read by a caller that reads it piece by piece."""
FLIGHTS_WAITED_FOR = 2

_PULSE = 0.2  # seconds in which the leader's event loop has to answer


class Caller(NamedTuple):
    """Who makes a call: a thread, and the task in it if the call is awaited. `loop` is the task's
    event loop of asyncio; None under trio."""

    thread: int
    task: object = None
    loop: Any = None

    def may_wait_for(self, leader: Caller) -> bool:
        """Tell whether the leader can go on while this caller waits."""
        if self.thread != leader.thread:
            return leader.task is None or leader.loop is not None
        if self.task is None or leader.task in (None, self.task):
            return False
        return self.loop is leader.loop  # of two loops in one thread only one runs


def sync_caller() -> Caller:
    """Return the caller of a function that blocks its thread."""
    return Caller(get_ident())


def async_caller() -> Caller:
    """Return the caller of a function that is awaited."""
    loop = running_loop()
    if loop is not None:
        import asyncio

        return Caller(get_ident(), asyncio.current_task(loop) or loop, loop)
    trio = sys.modules.get("trio")
    return Caller(get_ident(), None if trio is None else trio.lowlevel.current_task())


def running_caller() -> Caller:
    """Return the task that is running here, or else the thread."""
    loop = running_loop()
    if loop is not None:
        import asyncio

        if (task := asyncio.current_task(loop)) is not None:
            return Caller(get_ident(), task, loop)
    return Caller(get_ident())


def running_loop() -> Any:
    """Return the running event loop of asyncio, or None."""
    events = sys.modules.get("asyncio.events")  # where it is not loaded, no loop is running
    return None if events is None else events._get_running_loop()


class Flight:
    """One call under way, and those who wait for it."""

    def __init__(self, leader: Caller, landed: Callable[[Flight], None]) -> None:
        self.leader = leader
        self.over = False
        self._landed = landed
        self._waiting: deque[Callable[[], None]] = deque()
        self._until = float("inf")

    def land(self) -> None:
        """End the flight, whether an answer was kept or not. Idempotent."""
        if not self.over:
            self.over = True
            self._landed(self)
            self._wake()

    def hand_over(self, *, stream: bool) -> None:
        """Note that from now on the leader's caller reads the body itself, at its own pace."""
        if stream:
            self.land()
        else:
            self._until = time.monotonic() + PATIENCE
            self._wake()

    def _wake(self) -> None:
        while self._waiting:
            try:
                wake = self._waiting.popleft()
            except IndexError:  # another thread took the last one
                return
            wake()

    def _left(self, started: float, timeout: float | None) -> float:
        """Return the seconds that a caller may still wait. A flight that has taken too long for
        everybody lands, so that the next caller leads."""
        now = time.monotonic()
        if now >= min(self._until, started + LONGEST):
            self.land()
        if self.over:
            return 0.0
        own = LONGEST if timeout is None else min(timeout, LONGEST)
        return min(started + own, self._until) - now

    def _pulse(self, answer: Callable[[], None]) -> bool:
        """Ask the leader's event loop to call `answer`. False if the loop is closed."""
        if self.leader.loop is None:
            answer()
            return True
        try:
            self.leader.loop.call_soon_threadsafe(answer)
        except RuntimeError:
            return False
        return True

    def wait(self, timeout: float | None = None) -> None:
        """Block until the flight has landed or is no longer worth waiting for, at most for
        `timeout` seconds."""
        started = time.monotonic()
        while (left := self._left(started, timeout)) > 0:
            wake, alive = Event(), Event()
            self._waiting.append(wake.set)
            if not self._pulse(alive.set):
                self.land()
                return
            if not self.over and not wake.wait(min(left, _PULSE)) and not alive.is_set():
                self.land()

    async def wait_async(self, timeout: float | None = None) -> None:
        """Like `wait`, for a task."""
        started = time.monotonic()
        if (loop := running_loop()) is None:
            await self._poll(started, timeout)
            return
        import asyncio

        def waker(event: asyncio.Event) -> Callable[[], None]:
            def wake() -> None:
                try:
                    loop.call_soon_threadsafe(event.set)
                except RuntimeError:
                    pass  # the waiter's loop is closed

            return wake

        while (left := self._left(started, timeout)) > 0:
            wake, alive = asyncio.Event(), Event()
            self._waiting.append(waker(wake))
            if not self._pulse(alive.set):
                self.land()
            if self.over:
                return
            try:
                await asyncio.wait_for(wake.wait(), min(left, _PULSE))
            except asyncio.TimeoutError:  # in Python 3.10 not yet the built-in one
                if not alive.is_set():
                    self.land()

    async def _poll(self, started: float, timeout: float | None) -> None:
        """Under trio there is no waking from another thread through public names."""
        import anyio

        while (left := self._left(started, timeout)) > 0:
            await anyio.sleep(min(left, 0.01))


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
