"""What the calls of a session cost, found out when somebody asks: a hit knows nothing of it."""

from __future__ import annotations

import time
from calendar import timegm
from collections import Counter
from typing import TYPE_CHECKING

from cachy import clock, prices
from cachy.prices import Bill
from cachy.store.names import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cachy.engine.cache import Cache
    from cachy.store.entry import Entry

BUDGET = 0.5
"""Seconds. Recordings that are not read by then count as without a price."""


def worth(cache: Cache, counts: Mapping[str, int]) -> Bill | None:
    """Return what as many calls cost whose keys these are, in full or 32 digits; None where no
    prices are installed. Each recording is read once in a session. Raises nothing."""
    if not counts or not prices.installed():
        return None
    known, started = cache.events.costs, clock.perf_counter()
    dollars, priced, unpriced = 0.0, 0, 0
    for key, number in counts.items():
        short = key_of(key)
        if short not in known and clock.perf_counter() - started < BUDGET:
            entry = _read(cache, short)
            known[short] = None if entry is None else cost_of(entry)
        cost = known.get(short)
        if cost is None:
            unpriced += number
        else:
            dollars, priced = dollars + number * cost, priced + number
    return Bill(dollars, priced, unpriced)


def saved(cache: Cache) -> Bill | None:
    """Return what the replayed calls of a session would have cost again; None where nothing was
    replayed, or no prices are installed."""
    return worth(cache, cache.events.hits_by_key)


def more(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """Return how often keys were replayed since a count."""
    return dict(Counter(now) - Counter(before))


def _read(cache: Cache, key: str) -> Entry | None:
    try:
        return cache.store.get(key, lambda where, what: None)
    except Exception:  # noqa: BLE001 - any mapping may be a store, and raise anything
        return None


def cost_of(entry: Entry) -> float | None:
    """Return the dollars that the call of an entry cost; None where no price is known."""
    head = entry.head
    second = _second(head.get("recorded"))
    return prices.price(head.get("url"), head.get("model"), head.get("usage"), second)


def _second(recorded: object) -> float:
    """Return a time in the head of an entry; now, where it is none."""
    try:
        return timegm(time.strptime(str(recorded)[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return clock.now()
