"""How much two requests differ, as a number."""

from __future__ import annotations

from math import inf, log2
from typing import TYPE_CHECKING, Any

from cachy.rules.outline import LONG, shorten_text

if TYPE_CHECKING:
    from collections.abc import Sequence


def distance(a: Any, b: Any, limit: float = inf) -> float:
    """Return how much two JSON values differ: 0.0 if they are equal, else about the number of
    fields that differ, where long texts count more and similar texts count less.

    Above `limit` it stops early: the result is then too small, but above the limit.

    >>> distance({"n": 1, "stop": None}, {"n": 2, "stop": None})
    1.0
    """
    if a == b:  # fast for equal values, which most are
        return 0.0
    if isinstance(a, str) and isinstance(b, str):
        return max(weight(a), weight(b)) * (1 - sum(equal_ends(a, b)) / max(len(a), len(b)))
    if isinstance(a, list) and isinstance(b, list):
        start, end = equal_ends(a, b)
        a, b = a[start : len(a) - end], b[start : len(b) - end]
        total = _by_position(a, b, limit)
        if len(a) != len(b) and a and b:
            total = min(total, _by_position(a[::-1], b[::-1], limit))
        return total
    first, second = outlined_parts(a), outlined_parts(b)
    if first and isinstance(b, str) and len(b) > LONG:  # stored with requests="full"
        second = shorten_text(b)["…"]
    if first and second:
        return weight(a) * (1 - _similarity(first, second))
    if isinstance(a, dict) and isinstance(b, dict) and not first and not second:
        return _by_name(a, b, limit)
    return max(weight(a), weight(b))


def _by_name(a: dict[str, Any], b: dict[str, Any], limit: float) -> float:
    total = 0.0
    for name in {**a, **b}:
        if name in a and name in b:
            total += distance(a[name], b[name], limit - total)
        else:
            total += weight(a[name] if name in a else b[name])
        if total > limit:
            break
    return total


def _by_position(a: list[Any], b: list[Any], limit: float) -> float:
    total = float(sum(map(weight, a[len(b) :] or b[len(a) :])))
    for first, second in zip(a, b, strict=False):
        if total > limit:
            break
        total += distance(first, second, limit - total)
    return total


def weight(value: Any) -> float:
    """Return how much a value counts if all of it differs; at least 1."""
    if outlined := outlined_parts(value):
        return 1 + log2(1 + outlined[0])
    if isinstance(value, str):
        return 1 + log2(1 + len(value))
    if isinstance(value, dict):
        return 1 + sum(map(weight, value.values()))
    return 1 + sum(map(weight, value)) if isinstance(value, list) else 1


def outlined_parts(value: Any) -> list[Any] | None:
    """Return length, digest, start, end and pieces of an outlined text; None for other values."""
    if not (isinstance(value, dict) and len(value) == 1):
        return None
    parts = value.get("…")
    return parts if isinstance(parts, list) and len(parts) == 5 else None


def _similarity(a: list[Any], b: list[Any]) -> float:
    """Return how much of two outlined texts is equal at their ends, from 0 to 1."""
    pieces = sum(equal_ends(a[4], b[4])) / max(len(a[4]), len(b[4]))
    ends = equal_start(a[2], b[2]) + equal_start(a[3][::-1], b[3][::-1])
    return 0.9 * pieces + 0.09 * ends / (len(a[2]) + len(a[3]))


def equal_ends(a: Sequence[Any], b: Sequence[Any]) -> tuple[int, int]:
    """Return how many elements are equal at the start, and after those how many at the end.

    >>> equal_ends("canopy", "canary")
    (3, 1)
    """
    start = equal_start(a, b)
    return start, equal_start(a[start:][::-1], b[start:][::-1])


def equal_start(a: Sequence[Any], b: Sequence[Any]) -> int:
    """Return how many elements are equal at the start.

    By halving, so that slices are compared and not characters one by one.
    """
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
