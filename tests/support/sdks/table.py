"""The tables of SDKs and frameworks in the documentation, made of the ways that the tests run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from sdks.way import Way

COLUMNS = {
    "sync": ("sync", False),
    "sync, streaming": ("sync", True),
    "async": ("async", False),
    "async, streaming": ("async", True),
}


def markdown(ways: Iterable[Way], kind: str = "SDK") -> str:
    """A row per SDK: the kinds of call that are recorded and replayed, and the calls by name.
    `kind`: what the rows are.

    The ways of one SDK stand together, as they do in `WAYS`.
    """
    head = [kind, *COLUMNS, "calls"]
    rule = ["---", *(":-:" for _ in COLUMNS), "---"]
    rows = [_row(sdk, list(group)) for sdk, group in groupby(ways, lambda way: way.sdk)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [head, rule, *rows])


def _row(sdk: str, ways: Sequence[Way]) -> list[str]:
    calls = dict.fromkeys(way.call for way in ways)
    return [sdk, *(_cell(ways, *kind) for kind in COLUMNS.values()), ", ".join(calls)]


def _cell(ways: Sequence[Way], colour: str, streaming: bool) -> str:
    found = [way for way in ways if (way.colour, way.streaming) == (colour, streaming)]
    return "✓" if found else ""
