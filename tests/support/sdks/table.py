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
    """A row for all SDKs that are alike in it: the kinds of call that are recorded and replayed,
    and the calls by name. `kind`: what the rows are.

    The ways of one SDK stand together, as they do in `WAYS`.
    """
    rows: dict[tuple[str, ...], list[str]] = {}
    for sdk, group in groupby(ways, lambda way: way.sdk):
        rows.setdefault(_cells(list(group)), []).append(sdk)
    head = [kind, *COLUMNS, "calls"]
    rule = ["---", *(":-:" for _ in COLUMNS), "---"]
    body = [[", ".join(sdks), *cells] for cells, sdks in rows.items()]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [head, rule, *body])


def _cells(ways: Sequence[Way]) -> tuple[str, ...]:
    calls = dict.fromkeys(way.call for way in ways)
    return *(_cell(ways, *kind) for kind in COLUMNS.values()), ", ".join(calls)


def _cell(ways: Sequence[Way], colour: str, streaming: bool) -> str:
    found = [way for way in ways if (way.colour, way.streaming) == (colour, streaming)]
    return "✓" if found else ""
