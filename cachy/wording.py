"""Numbers with their nouns, as every message writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


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


def went_past(past: Mapping[str, int]) -> str:
    """Return in words how often calls went past, by what; an empty string for none.

    >>> went_past({"api.x.ai by grpc": 1, "llm.example, which is not in doms": 2})
    '3 calls went past cachy: 1 to api.x.ai by grpc; 2 to llm.example, which is not in doms'
    """
    each = "; ".join(f"{number:,} to {what}" for what, number in past.items())
    return f"{count(sum(past.values()), 'call')} went past cachy: {each}" if each else ""


_OF_A_REMOTE = {
    "found": "{} fetched",
    "absent": "{} not there",
    "broken": "{} broken",
    "unsigned": "{} not signed by a trusted key",
    "failed": "{} failed",
    "left alone": "not asked for {}",
    "pushed": "{} pushed",
}


def of_remote(counts: Mapping[str, int]) -> str:
    """Return in words what became of what a remote was asked for; an empty string for nothing.

    >>> of_remote({"found": 1200, "absent": 2, "pushed": 2})
    '1,200 fetched, 2 not there, 2 pushed'
    """
    said = [form.format(f"{counts[of]:,}") for of, form in _OF_A_REMOTE.items() if counts.get(of)]
    return ", ".join(said)
