"""Work beside an event loop: what waits for the disk, or takes long.

Not in anyio's threads: they end only if their loop ends in good order, and after CTRL-C the process
would wait for them for ever. Not in the loop's default executor either: it is the user's, and may
be full of calls that wait for this one.
"""

from __future__ import annotations

import os
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

from cachy.engine.inflight import running_loop, trio_token

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future, ThreadPoolExecutor

LONG = 2**20
"""Bytes. Nothing longer is hashed, searched, compressed or written on an event loop."""

T = TypeVar("T")

_MOST = 8  # writers at once; each waits for one flush of the disk


class Threads:
    """A few threads of this process, started when they are first needed. A forked child starts
    its own, because its parent's threads did not survive the fork."""

    def __init__(self) -> None:
        self._pool: tuple[int, ThreadPoolExecutor] | None = None

    async def run(self, function: Callable[[], T]) -> T:
        """Call a function in another thread, in this context, and return what it returns. A task
        that is cancelled stops waiting, and the function goes on."""
        if trio_token() is not None:
            import anyio.to_thread  # whose threads are daemons under trio

            return await anyio.to_thread.run_sync(function)
        if running_loop() is None:
            return function()  # no event loop drives this coroutine: there is none to keep free
        import asyncio

        try:
            future = self._executor().submit(copy_context().run, function)
        except RuntimeError:  # no more threads: the interpreter is exiting, or the system is full
            return function()
        return await asyncio.shield(asyncio.wrap_future(future))

    def start(self, function: Callable[[], None]) -> Future[None] | None:
        """Call a function that raises nothing in another thread, and return its future. None if it
        was called here, because there are no more threads: the interpreter is exiting, or the
        system is full."""
        try:
            return self._executor().submit(function)
        except RuntimeError:
            function()
            return None

    def _executor(self) -> ThreadPoolExecutor:
        if self._pool is None or self._pool[0] != os.getpid():
            from concurrent.futures import ThreadPoolExecutor

            self._pool = os.getpid(), ThreadPoolExecutor(_MOST, thread_name_prefix="cachy")
        return self._pool[1]
