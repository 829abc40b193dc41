"""How much two requests differ, as a number, and where two texts do."""

from __future__ import annotations

from math import inf, log2
from typing import TYPE_CHECKING, Any

from cachy.rules.outline import LONG, shorten_text

if TYPE_CHECKING:
    from collections.abc import Sequence


def distance(a: Any, b: Any, enough: float = inf) -> float:
    """How much two values differ: about the number of fields, where long texts count more, and
    texts that are alike count less. Past `enough` it is not looked into any further."""
    if a == b:  # at C speed for what is equal, which is most
        return 0.0
    if isinstance(a, str) and isinstance(b, str):
        start, end = _common(a, b)
        return max(weight(a), weight(b)) * (1 - (start + end) / max(len(a), len(b)))
    if isinstance(a, list) and isinstance(b, list):
        start, end = equal_ends(a, b)
        a, b = a[start : len(a) - end], b[start : len(b) - end]
        apart = _apart_in_place(a, b, enough)
        if len(a) != len(b) and a and b:
            apart = min(apart, _apart_in_place(a[::-1], b[::-1], enough))
        return apart
    if isinstance(a, dict):
        first, second = outlined_parts(a), outlined_parts(b)
        if first and not second and isinstance(b, str) and len(b) > LONG:
            second = shorten_text(b)["…"]  # a store with requests="full"
        if first and second:
            return weight(a) * (1 - _pieces_alike(first, second))
        if isinstance(b, dict) and not first and not second:
            apart = 0.0
            for name in {**a, **b}:
                if name in a and name in b:
                    apart += distance(a[name], b[name], enough - apart)
                else:
                    apart += weight(a[name] if name in a else b[name])
                if apart > enough:
                    break
            return apart
    return max(weight(a), weight(b))


def _apart_in_place(a: list[Any], b: list[Any], enough: float) -> float:
    apart = 0.0
    for value in a[len(b) :] or b[len(a) :]:
        apart += weight(value)
    for first, second in zip(a, b, strict=False):
        if apart > enough:
            break
        apart += distance(first, second, enough - apart)
    return apart


def weight(value: Any) -> float:
    if isinstance(value, str):
        return 1 + log2(1 + len(value))
    if isinstance(value, dict):
        if outlined := outlined_parts(value):
            return 1 + log2(1 + outlined[0])
        return 1 + sum(map(weight, value.values()))
    return 1 + sum(map(weight, value)) if isinstance(value, list) else 1


def outlined_parts(value: Any) -> list[Any] | None:
    """Length, digest, start, end and pieces of a text that stands outlined; None for all else."""
    if not (isinstance(value, dict) and len(value) == 1):
        return None
    fields = value.get("…")
    return fields if isinstance(fields, list) and len(fields) == 5 else None


def _pieces_alike(a: list[Any], b: list[Any]) -> float:
    """How much of two outlined texts is alike at their ends, from 0 to 1."""
    pieces = sum(_common(a[4], b[4])) / max(len(a[4]), len(b[4]))
    ends = (prefix(a[2], b[2]) + prefix(a[3][::-1], b[3][::-1])) / (len(a[2]) + len(a[3]))
    return 0.9 * pieces + 0.09 * ends


def equal_ends(a: Sequence[Any], b: Sequence[Any]) -> tuple[int, int]:
    """How many elements are equal at the start, and then at the end."""
    most = min(len(a), len(b))
    start = next((i for i in range(most) if a[i] != b[i]), most)
    end = next((i for i in range(most - start) if a[-1 - i] != b[-1 - i]), most - start)
    return start, end


def _common(a: str, b: str) -> tuple[int, int]:
    """How many characters are equal at the start, and then at the end."""
    start = prefix(a, b)
    most = min(len(a), len(b)) - start
    return start, prefix(a[:start:-1][:most], b[:start:-1][:most]) if most else 0


def prefix(a: str, b: str) -> int:
    """The length of the common start, by halving: no loop over characters."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
