"""Interrupt a function at each of its steps, as the garbage collector and signal handlers do."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from itertools import count
from types import FrameType
from typing import Any

_HANGS_AFTER = 5.0  # seconds


def at_every_step(make: Callable[[], tuple[Callable[[], Any], Callable[[], Any]]]) -> int:
    """Run what `make` returns, a function and its interruption, once for each step of the function,
    however deep: the interruption runs in the middle, in the same thread. Returns the number of
    steps. Raises AssertionError if the function does not return."""
    for step in count():
        function, interruption = make()
        if not _run(function, interruption, step):
            return step
    raise AssertionError


def _run(function: Callable[[], Any], interruption: Callable[[], Any], step: int) -> bool:
    """Tell whether the function had so many steps."""
    errors: list[BaseException] = []
    left = step

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal left
        left -= 1
        if left == -1:
            interruption()
        return trace

    def work() -> None:
        sys.settrace(trace)
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - it is raised in the test
            errors.append(error)
        finally:
            sys.settrace(None)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(_HANGS_AFTER)
    assert not thread.is_alive(), f"it hangs when interrupted at step {step}"
    if errors:
        raise errors[0]
    return left < 0
