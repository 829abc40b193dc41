"""Processes of multiprocessing, and of what builds on it: executors, loky.

They have what is in force where they are started. The environment alone would not do: a fork server
keeps that of its own start.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from cachy.engine.inherit import parcel
from cachy.patch.functions import Method

if TYPE_CHECKING:
    from types import ModuleType

    from cachy.patch import Current

_PLACE = "cachy"


def patch(library: ModuleType, current: Current) -> list[Method]:
    """Return the methods to patch of `multiprocessing.process`."""

    def make(original: Any) -> Any:
        @wraps(original)
        def start(process: Any) -> Any:
            # What multiprocessing itself hands down; it is pickled, unless the process is forked.
            handed_down = getattr(process, "_config", {})
            handed_down[_PLACE] = parcel(current())
            try:
                return original(process)
            finally:
                handed_down.pop(_PLACE, None)

        return start

    return [Method(library.BaseProcess, "start", make)]
