"""Waiting for the disk without holding up an event loop.

Not with anyio's threads: they end only if their loop does so in good order, and a loop that CTRL-C
broke would leave the process waiting for them for ever. The threads of `concurrent.futures` end
with the interpreter, whatever happened before.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

_MOST = 8  # writers at once; each waits for one flush of the disk
_pool: tuple[int, ThreadPoolExecutor] | None = None


async def in_thread(function: Callable[[], None]) -> None:
    """Call a function that raises nothing in another thread, and wait for it. A task that is
    cancelled meanwhile does not wait, and the function goes on."""
    import asyncio

    if running_loop() is None:
        import anyio.to_thread  # under trio, whose threads are daemons

        await anyio.to_thread.run_sync(function)
        return
    try:
        future = _executor().submit(function)
    except RuntimeError:  # no more threads: the interpreter is going, or the system is full
        function()
        return
    await asyncio.shield(asyncio.wrap_future(future))


def running_loop() -> Any:
    """The running event loop of asyncio, or None."""
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _executor() -> ThreadPoolExecutor:
    """This process's threads: those of a parent did not survive the fork."""
    global _pool
    if _pool is None or _pool[0] != os.getpid():
        from concurrent.futures import ThreadPoolExecutor

        _pool = os.getpid(), ThreadPoolExecutor(_MOST, thread_name_prefix="cachy")
    return _pool[1]
