"""Daemon threads that do what may never end.

The bound of a look-up is the waiting caller's: the time-outs of libraries are often for each piece
that comes, and a server that trickles holds them for ever. A thread that hangs is left behind, and
as a daemon it does not keep the process from ending; a ThreadPoolExecutor's would.
"""

from __future__ import annotations

from _thread import start_new_thread
from collections import deque
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MOST = 64
"""Threads. Where all of them hang, nothing is started any more."""


class Workers:
    """The threads of one process, started when they are needed. `enter` is called in each of them
    before its work."""

    def __init__(self, enter: Callable[[], object], most: int = MOST) -> None:
        self._enter = enter
        self._idle: deque[SimpleQueue[Callable[[], None]]] = deque()
        self._unborn = deque(range(most))

    def submit(self, function: Callable[[], T]) -> Future[T] | None:
        """Call a function in one of the threads, and return its future; None if all are busy."""
        future: Future[T] = Future()

        def work() -> None:
            try:
                result = function()
            except BaseException as error:  # noqa: BLE001 - whoever waits for it decides
                future.set_exception(error)
            else:
                future.set_result(result)

        # Each of these is one atomic step: a signal handler or a finalizer may call this, too.
        try:
            self._idle.pop().put(work)
        except IndexError:
            try:
                self._unborn.pop()
            except IndexError:
                return None
            jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
            jobs.put(work)
            try:
                # Not a Thread, whose start waits until it runs: that would hold an event loop up.
                start_new_thread(self._serve, (jobs,))
            except RuntimeError:  # no more threads: the interpreter is exiting, or the system full
                self._unborn.append(0)
                return None
        return future

    def _serve(self, jobs: SimpleQueue[Callable[[], Any]]) -> None:
        self._enter()
        while True:
            jobs.get()()
            self._idle.append(jobs)
