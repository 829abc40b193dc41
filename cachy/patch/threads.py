"""Threads and executors: what they run has what is in force where it was started or submitted.

A thread keeps it as long as it runs. The threads of an executor serve many callers, so there each
task has that of its own caller.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from cachy.engine.context import SESSION, carry, within
from cachy.patch.functions import Method

if TYPE_CHECKING:
    from types import ModuleType

    from cachy.patch import Current


def patch(library: ModuleType, current: Current) -> list[Method]:
    """Return the methods to patch of `threading` or `concurrent.futures.thread`."""
    if library.__name__ == "threading":
        return [Method(library.Thread, "start", _start)]
    return [Method(library.ThreadPoolExecutor, "submit", _submit)]


def _start(original: Any) -> Any:
    @wraps(original)
    def start(thread: Any, *arguments: Any, **options: Any) -> Any:
        run = thread.run
        carried = carry(run)
        if carried is not run:
            thread.run = _once(thread, carried)
        return original(thread, *arguments, **options)

    return start


def _once(thread: Any, run: Any) -> Any:
    """Return a function for the place of the thread's `run` that leaves it as it was."""

    def begin() -> None:
        vars(thread).pop("run", None)
        run()

    return begin


def _submit(original: Any) -> Any:
    @wraps(original)
    def submit(executor: Any, function: Any, /, *arguments: Any, **named: Any) -> Any:
        carried = carry(function)
        if carried is function:
            return original(executor, function, *arguments, **named)
        with within(SESSION, ""):  # for the threads that it may start
            return original(executor, carried, *arguments, **named)

    return submit
