"""The time, also where a test has frozen the clock.

A stamp from a frozen clock would make a new recording look years old, and `cachy gc` would collect
it; a wait that reads a frozen clock would never end. freezegun replaces the functions that modules
hold, but not those that objects within them hold; time-machine changes the functions themselves,
and tells where the real ones are.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from types import BuiltinFunctionType

FIRST = 1735689600
"""The first second of 2025, before cachy existed. No clock that stands earlier is right."""


class _Real:
    """The clocks as they are when cachy is loaded: where possible, the functions that no tool
    freezes."""

    now, perf_counter = time.time, time.perf_counter
    gmtime, strftime = time.gmtime, time.strftime
    if hasattr(time, "clock_gettime"):
        now = partial(time.clock_gettime, time.CLOCK_REALTIME)
        perf_counter = partial(time.clock_gettime, time.CLOCK_MONOTONIC)


def now() -> float:
    """Return the seconds since 1970, UTC."""
    hatch = getattr(sys.modules.get("time_machine"), "escape_hatch", None)
    if hatch is not None and hatch.is_travelling():
        return float(hatch.time.time())
    return _Real.now()


def perf_counter() -> float:
    """Return seconds whose difference is a duration."""
    return _Real.perf_counter()


def timestamp(digits: int = 6) -> str:
    """Return the time as ISO 8601 has it, UTC, with these digits after the second."""
    seconds = now()
    fraction = int(seconds % 1 * 10**digits)
    return _Real.strftime("%Y-%m-%dT%H:%M:%S", _Real.gmtime(seconds)) + f".{fraction:0{digits}}Z"


def is_faked() -> bool:
    """Tell whether the clock of event loops has been replaced, and may stand still."""
    return time.monotonic.__class__ is not BuiltinFunctionType
