"""What the magics show: a table as text, and as HTML where the front end shows that."""

from __future__ import annotations

import os
from html import escape
from typing import TYPE_CHECKING

from cachy.settings import MODE_VARIABLE
from cachy.store.layout import short_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cachy.notebook.cells import Cell
    from cachy.session import Session

_LEFT = "text-align:left"
_RIGHT = "text-align:right"


class Table:
    """Rows of text. The first row is the heading, if there is one; `right` are the columns of
    numbers."""

    def __init__(
        self, rows: Sequence[tuple[str, ...]], *, heading: bool = True, right: Sequence[int] = ()
    ) -> None:
        self.rows, self._heading, self._right = list(rows), heading, frozenset(right)

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in zip(*self.rows, strict=True)]
        return "\n".join(
            "  ".join(
                f"{text:>{width}}" if number in self._right else f"{text:<{width}}"
                for number, (text, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in self.rows
        )

    def _repr_html_(self) -> str:
        return (
            f"<table>{''.join(self._html_row(n, row) for n, row in enumerate(self.rows))}</table>"
        )

    def _html_row(self, number: int, row: tuple[str, ...]) -> str:
        cells = []
        for column, text in enumerate(row):
            is_head = number == 0 if self._heading else column == 0
            tag = "th" if is_head else "td"
            align = _RIGHT if column in self._right else _LEFT
            cells.append(f'<{tag} style="{align}">{escape(text)}</{tag}>')
        return f"<tr>{''.join(cells)}</tr>"


class Status(Table):
    """What `%cachy` shows: the session's counters as they were when it was asked for."""

    def __init__(self, session: Session | None) -> None:
        if session is None:
            self.mode = "not enabled: enable_cachy(), or %cachy auto"
            super().__init__([("mode", self.mode)], heading=False)
            return
        stats = session.stats
        self.mode = session.mode
        if os.environ.get(MODE_VARIABLE):
            self.mode += " (CACHY_MODE is set, and wins)"
        rows = [
            ("mode", self.mode),
            ("store", short_path(session.store.label)),
            ("hits", f"{stats.hits:,}"),
            ("misses", f"{stats.misses:,}"),
            ("recorded", f"{stats.recorded:,}"),
            ("saved", f"{stats.tokens_saved:,} tokens, {stats.seconds_saved:,.1f} s"),
        ]
        rows += [("not kept", f"{n:,}: {why}") for why, n in stats.skipped.most_common()]
        rows += [("bypassed", f"{n:,}: {what}") for what, n in stats.bypassed.most_common()]
        super().__init__(rows, heading=False)


_COLUMNS = ("cell", "", "hits", "misses", "tokens", "seconds", "why it missed")
_SHOWN = 40


class CellTable(Table):
    """What `%cachy cells` shows: a row for each cell that made calls."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        super().__init__([_COLUMNS, *map(_row, cells)], right=range(2, 6))


def _row(cell: Cell) -> tuple[str, ...]:
    reasons = list(dict.fromkeys(each.reason for each in cell.reasons()))
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return (
        f"[{cell.number}]",
        cell.source if len(cell.source) <= _SHOWN else f"{cell.source[: _SHOWN - 1]}…",
        f"{cell.hits:,}",
        f"{cell.misses:,}",
        f"{cell.tokens:,}",
        f"{cell.seconds:,.1f}",
        f"{reasons[0]}{more}" if reasons else "",
    )


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
