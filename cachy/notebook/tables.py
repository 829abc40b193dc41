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


_COLUMNS = ("cell", "", "asked", "hits", "misses", "recorded", "saved", "spent", "why it missed")
_SHOWN = 40


class CellTable(Table):
    """What `%cachy cells` shows: a row for each cell that made calls. What its replayed calls
    saved and its live ones spent has dollars where prices are installed."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        super().__init__([_COLUMNS, *map(_row, cells)], right=range(3, 6))


def _row(cell: Cell) -> tuple[str, ...]:
    reasons = list(dict.fromkeys(each.reason for each in cell.reasons()))
    made = len(cell.made)
    return (
        f"[{cell.number}]",
        one_line(cell.source, _SHOWN),
        one_line(_and_more(cell.prompts()), _SHOWN),
        f"{cell.hits:,}",
        f"{0 if cell.refreshed else cell.misses:,}",
        f"{made:,} again" if cell.refreshed and made else f"{made:,}",
        _amount(cell.tokens_saved, cell.seconds_saved, cell.dollars_saved()),
        _amount(cell.tokens_spent, cell.seconds_spent, cell.dollars_spent()),
        _and_more(reasons),
    )


def _amount(tokens: int, seconds: float, bill: Bill | None) -> str:
    """Return tokens, seconds and, where they are known, dollars; "-" for nothing."""
    if not tokens and not seconds:
        return "-"
    dollars = f", {prices.show(bill.dollars)}" if bill is not None and bill.priced else ""
    return f"{tokens:,} tokens, {seconds:,.1f} s{dollars}"


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
