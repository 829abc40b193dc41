"""Single flight: identical requests under way in one process make one call.

The first to miss a key leads a flight; whoever asks for the same meanwhile waits until it lands,
and looks again. If nothing was kept by then, the next takes over. The rule: waiting must end.

- Nobody waits for himself: not a task for its own stream, and no thread for what runs in it.
- Nobody waits for a stream that its holder does not read: after a second that counts as abandoned.
- Nobody waits for the dead: a loop that was closed, or a thread that ended, amid a call.
- Nobody waits for longer than his own call would: then he makes it.
- Nobody waits for more than two flights: where calls fail one after the other, go on alone.
"""

from __future__ import annotations

import os
import sys
import time
from math import inf
from threading import Event, Lock, get_ident
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.engine.threads import running_loop

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 1.0
"""Seconds for which a stream may be held unread before those who wait for it go on."""
_LOOK_AGAIN = 0.2  # seconds between looks at whether the stream is still read
FLIGHTS_WAITED_FOR = 2


class Caller(NamedTuple):
    """Who asks: a thread, and in it a task and its event loop (of asyncio), if it is awaited."""

    thread: int
    task: int | None = None
    loop: Any = None

    def may_wait_for(self, leader: Caller) -> bool:
        """Whether the leader can go on while this caller waits."""
        if self.thread != leader.thread:
            return True
        if self.task is None or leader.task is None or self.task == leader.task:
            return False
        return self.loop is leader.loop  # of two loops in a thread only one runs

    def is_gone(self) -> bool:
        """Whether the caller can never go on: its loop is closed, or its thread is over."""
        if self.loop is not None and self.loop.is_closed():
            return True
        return self.thread not in sys._current_frames()


def sync_caller() -> Caller:
    """The caller of a function that blocks its thread."""
    return Caller(get_ident())


def whoever() -> Caller:
    """The task that runs here, or else the thread."""
    loop = running_loop()
    if loop is None:
        return Caller(get_ident())
    import asyncio

    task = asyncio.current_task(loop)
    return Caller(get_ident(), None if task is None else id(task))


def async_caller() -> Caller:
    """The caller of a function that is awaited."""
    import anyio

    return Caller(get_ident(), anyio.get_current_task().id, running_loop())


class Flight:
    """One call under way, and those who wait for it."""

    def __init__(self, leader: Caller, landed: Callable[[Flight], None]) -> None:
        self.leader = leader
        self._landed = landed
        self._lock = Lock()
        self._over = False
        self._wake: list[Callable[[], None]] = []
        self._held_since: float | None = None

    def hold(self) -> None:
        """The leader has a piece of the answer in hands and does not read on."""
        self._held_since = time.monotonic()

    def read_on(self) -> None:
        """The leader waits for the server again."""
        self._held_since = None

    def land(self) -> None:
        """The call is over, kept or not. Calling it again does nothing."""
        with self._lock:
            if self._over:
                return
            self._over = True
        self._landed(self)
        for wake in self._wake:
            wake()

    def _worth_waiting(self) -> bool:
        if self.leader.is_gone():
            self.land()
        held = self._held_since
        return not self._over and (held is None or time.monotonic() - held < PATIENCE)

    def _call_when_over(self, wake: Callable[[], None]) -> None:
        with self._lock:
            if not self._over:
                self._wake.append(wake)
                return
        wake()

    def wait(self, timeout: float | None = None) -> None:
        """Block until the flight is over, or is no longer worth waiting for, or for the seconds
        that the caller's own call would wait."""
        over, deadline = Event(), _deadline(timeout)
        self._call_when_over(over.set)
        while self._worth_waiting() and (left := _left(deadline)) > 0 and not over.wait(left):
            pass

    async def wait_async(self, timeout: float | None = None) -> None:
        """Like `wait`, for a task."""
        import asyncio

        if (loop := running_loop()) is None:
            await self._poll(_deadline(timeout))
            return
        over = asyncio.Event()

        def wake() -> None:
            try:
                loop.call_soon_threadsafe(over.set)
            except RuntimeError:
                pass  # the loop of the one who waited is closed, so nobody waits

        self._call_when_over(wake)
        deadline = _deadline(timeout)
        while self._worth_waiting() and (left := _left(deadline)) > 0 and not over.is_set():
            try:
                await asyncio.wait_for(over.wait(), left)
            except asyncio.TimeoutError:  # in Python 3.10 not yet the built-in one
                pass

    async def _poll(self, deadline: float) -> None:
        """Under trio there is no waking from another thread through anyio's public names."""
        import anyio

        while self._worth_waiting() and (left := _left(deadline)) > 0:
            await anyio.sleep(min(left, 0.01))


def _deadline(timeout: float | None) -> float:
    return inf if timeout is None else time.monotonic() + timeout


def _left(deadline: float) -> float:
    """How long to wait until the next look: seconds."""
    return min(_LOOK_AGAIN, deadline - time.monotonic())


class Flights:
    """The calls under way, by key."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._flights: dict[str, Flight] = {}
        self._process = os.getpid()

    def join(self, key: str, caller: Caller) -> tuple[Flight | None, bool]:
        """The flight of a key, and whether the caller leads it. None for a caller who goes alone:
        there is a flight that he must not wait for."""
        if self._process != os.getpid():
            self._after_fork()
        with self._lock:
            flight = self._flights.get(key)
            if flight is None:
                flight = Flight(caller, lambda landed: self._remove(key, landed))
                self._flights[key] = flight
                return flight, True
        return (flight if caller.may_wait_for(flight.leader) else None), False

    def _remove(self, key: str, flight: Flight) -> None:
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]

    def _after_fork(self) -> None:
        # The threads that led these flights, or held this lock, live in the parent.
        self._lock = Lock()
        self._flights = {}
        self._process = os.getpid()
