"""Ages, sizes, times and durations as people write them: `90d`, `50MB`, `2026-11-01`, `12 min`."""

from __future__ import annotations

import re
from datetime import datetime

from cachy.errors import ConfigError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_BYTES = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdwy])")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*((?:[kmg]i?)?)b?", re.IGNORECASE)


def parse_age(text: str) -> float:
    """Return an age in seconds: `90d`, `12h`, `1.5w`, or 0. Raises ConfigError.

    >>> parse_age("1.5h")
    5400.0
    """
    if text.strip() == "0":
        return 0.0
    if match := _AGE.fullmatch(text.strip().lower()):
        return float(match[1]) * _SECONDS[match[2]]
    raise ConfigError(
        f"invalid age {text!r}: give a number and a unit (s, m, h, d, w or y), such as 90d or 12h"
    )


def parse_size(text: str) -> int:
    """Return a size in bytes: `50MB` (millions), `50MiB` (2**20 each), `1.5G`, `800`.

    Raises ConfigError.

    >>> parse_size("1.5kB")
    1500
    """
    if match := _SIZE.fullmatch(text.strip()):
        return int(float(match[1]) * _BYTES[match[2].lower()])
    raise ConfigError(
        f"invalid size {text!r}: give bytes, or a number and a unit, such as 800kB, 50MB or 1GiB"
    )


def parse_time(text: str, now: float) -> float:
    """Return a time in seconds since 1970: an age before `now`, or a date with or without a time of
    day, in local time unless it names its zone. Raises ConfigError.

    >>> parse_time("1d", now=100000)
    13600.0
    """
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        pass
    try:
        return now - parse_age(text)
    except ConfigError:
        raise ConfigError(
            f"invalid time {text!r}: give an age such as 30d, or a date such as 2026-11-01"
        ) from None


def show_age(seconds: float) -> str:
    """Return an age in its largest whole unit: `3d`, `5h`, `12m`, `now`."""
    for unit in ("y", "d", "h", "m"):
        if seconds >= _SECONDS[unit]:
            return f"{seconds // _SECONDS[unit]:.0f}{unit}"
    return "now"


def show_size(size: float) -> str:
    """Return a size of bytes with at most three digits: `812 B`, `1.4 kB`, `52 MB`."""
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.5 else f"{size:.2g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def show_duration(seconds: float) -> str:
    """Return a duration: `4.2 s`, `12 min`, `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.3g} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:,.1f} h"
