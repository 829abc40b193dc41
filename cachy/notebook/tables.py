"""What the magics show: a table as text, and as HTML or Markdown where the front end shows that."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cachy import prices
from cachy.settings import MODE_VARIABLE
from cachy.tables import Table
from cachy.upkeep.transcript import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cachy.notebook.cells import Cell
    from cachy.prices import Bill
    from cachy.session import Session


class Status(Table):
    """What `%cachy` shows: the session's counters as they were when it was asked for."""

    def __init__(self, session: Session | None) -> None:
        if session is None:
            self.mode = "not enabled: enable_cachy(), or %cachy auto"
            super().__init__([("mode", self.mode)], heading=False)
            return
        self.mode = session.mode
        if os.environ.get(MODE_VARIABLE):
            self.mode += " (CACHY_MODE is set, and wins)"
        super().__init__([("mode", self.mode), *session.table().rows[1:]], heading=False)


_COLUMNS = ("cell", "", "asked", "hits", "misses", "recorded", "tokens", "seconds")
_WHY = "why it missed"
_SHOWN = 40


class CellTable(Table):
    """What `%cachy cells` shows: a row for each cell that made calls. What its calls cost stands
    there where prices are installed."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        priced = prices.installed()
        heading = (*_COLUMNS, "cost", _WHY) if priced else (*_COLUMNS, _WHY)
        rows = [_row(cell, priced=priced) for cell in cells]
        super().__init__([heading, *rows], right=range(3, len(heading) - 1))


def _row(cell: Cell, *, priced: bool) -> tuple[str, ...]:
    reasons = list(dict.fromkeys(each.reason for each in cell.reasons()))
    return (
        f"[{cell.number}]",
        one_line(cell.source, _SHOWN),
        one_line(_and_more(cell.prompts()), _SHOWN),
        f"{cell.hits:,}",
        f"{cell.misses:,}",
        f"{len(cell.made):,}",
        f"{cell.tokens:,}",
        f"{cell.seconds:,.1f}",
        *([_dollars(cell.cost())] if priced else []),
        _and_more(reasons),
    )


def _dollars(cost: Bill | None) -> str:
    return prices.show(cost.dollars if cost is not None and cost.priced else None)


def _and_more(texts: Sequence[str]) -> str:
    """Return the first text, and how many more there are."""
    more = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
    return f"{texts[0]}{more}" if texts else ""


class Reasons:
    """What `%cachy why` shows: why the requests of the last cell missed."""

    def __init__(self, cell: Cell) -> None:
        self.reasons = cell.reasons()
        missed = len(cell.missed) + len(cell.made)
        self._more = missed - len(self.reasons)

    def __repr__(self) -> str:
        lines = [
            line
            for each in self.reasons
            for line in (each.reason, *(f"  {difference}" for difference in each.differences))
        ]
        return "\n".join([*lines, *([f"… and {self._more} more"] if self._more > 0 else [])])
