"""Numbers with their nouns, as every message writes them."""

from __future__ import annotations


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "entry"), count(2000, "entry"), count(2, "miss")
    ('1 entry', '2,000 entries', '2 misses')
    """
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("ry"):
        return f"{number:,} {noun[:-1]}ies"
    return f"{number:,} {noun}{'es' if noun.endswith('s') else 's'}"
