"""Ages and sizes as people write them: `90d`, `12h`, `50MB`."""

from __future__ import annotations

import re

from cachy.errors import ConfigError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_BYTES = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdwy])")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*((?:[kmg]i?)?)b?", re.IGNORECASE)


def parse_age(text: str) -> float:
    """Seconds: `90d`, `12h`, `1.5w`, or 0. Raises ConfigError."""
    if text.strip() == "0":
        return 0.0
    if found := _AGE.fullmatch(text.strip().lower()):
        return float(found[1]) * _SECONDS[found[2]]
    raise ConfigError(
        f"{text!r} is no age: give a number and one of s, m, h, d, w, y, such as 90d or 12h"
    )


def parse_size(text: str) -> int:
    """Bytes: `50MB` (millions), `50MiB` (2**20 each), `1.5G`, `800`. Raises ConfigError."""
    if found := _SIZE.fullmatch(text.strip()):
        return int(float(found[1]) * _BYTES[found[2].lower()])
    raise ConfigError(
        f"{text!r} is no size: give bytes, or a number with a unit, such as 800kB, 50MB or 1GiB"
    )


def show_age(seconds: float) -> str:
    """The largest whole unit: `3d`, `5h`, `12m`, `now`."""
    for unit in ("y", "d", "h", "m"):
        if seconds >= _SECONDS[unit]:
            return f"{seconds // _SECONDS[unit]:.0f}{unit}"
    return "now"


def show_size(size: float) -> str:
    """Bytes in three digits: `812 B`, `1.4 kB`, `52 MB`."""
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.5 else f"{size:.2g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def show_duration(seconds: float) -> str:
    """`4.2 s`, `12 min`, `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.3g} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:,.1f} h"
