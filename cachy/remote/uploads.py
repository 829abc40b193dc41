"""What was recorded and is to be pushed: a bounded queue, and a few threads that empty it.

Nobody waits for it but the end of the process, for `AT_EXIT` seconds at most. What is left then, or
finds no room, `cachy push` finds: it is in the folder.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy import clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from cachy.remote.workers import Workers

AT_EXIT = 2.0
"""Seconds."""
ROOM = 10_000
_AT_ONCE = 4


class Upload(NamedTuple):
    """An entry to be pushed: its name and its file. `replaces`: it was recorded again on purpose.
    `told` is called with what went wrong, or with an empty string."""

    name: str
    path: str
    replaces: bool
    told: Callable[[str], None]


class Uploads:
    """The queue of one process. `push` pushes one, and raises nothing."""

    def __init__(self, workers: Workers, push: Callable[[Upload], None]) -> None:
        self._workers, self._push = workers, push
        self._waiting: deque[Upload] = deque()
        self._slots = deque(range(_AT_ONCE))
        self._pid = 0

    def add(self, upload: Upload) -> bool:
        """Have an entry pushed. False if there is no room for it."""
        if len(self._waiting) >= ROOM:
            return False
        if self._pid != os.getpid():
            self._pid = os.getpid()
            _at_exit(self)
        self._waiting.append(upload)
        self._work()
        return True

    def _work(self) -> None:
        try:
            slot = self._slots.pop()
        except IndexError:
            return  # enough are at work
        if self._workers.submit(lambda: self._empty(slot)) is None:
            self._slots.append(slot)

    def _empty(self, slot: int) -> None:
        while self._waiting:
            try:
                upload = self._waiting.popleft()
            except IndexError:  # another thread took the last one
                break
            self._push(upload)
        self._slots.append(slot)
        if self._waiting:  # it came after the look at the queue, and before the slot was back
            self._work()

    def flush(self, seconds: float = AT_EXIT) -> int:
        """Wait until all is pushed, for some seconds at most. Return how many are left."""
        if self._pid != os.getpid():
            return 0
        end = clock.perf_counter() + seconds
        pause = threading.Lock()
        pause.acquire()
        while (self._waiting or len(self._slots) < _AT_ONCE) and clock.perf_counter() < end:
            pause.acquire(timeout=0.005)
        return len(self._waiting) + _AT_ONCE - len(self._slots)


def _at_exit(uploads: Uploads) -> None:
    atexit.register(uploads.flush)
    util: Any = sys.modules.get("multiprocessing.util")
    process: Any = sys.modules.get("multiprocessing.process")
    if util is not None and process is not None and process.parent_process() is not None:
        # The children of multiprocessing exit without running what atexit knows.
        util.Finalize(None, uploads.flush, (), {}, 1)
