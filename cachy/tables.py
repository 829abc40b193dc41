"""Small tables as text, as HTML and as Markdown, for whatever front end shows them.

The HTML has no colors of its own and no scripts: it is readable on dark and on light, and what is
in it is escaped. Control characters, and those that turn the direction of text, become visible.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEFT = "text-align:left"
_RIGHT = "text-align:right"
_TABLE = "color:inherit;border-collapse:collapse"  # in pages without a doctype it is not inherited
_CELL = "padding:.15em .6em;vertical-align:top"
_ESCAPED = {ord(char): f"&#{ord(char)};" for char in "\\`*_[]<>|~&!#@"}


def visible(text: str) -> str:
    """Return text without characters that control a terminal or turn its direction.

    >>> visible("red: \\x1b[31m")
    'red: ·[31m'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t" else "·" for char in text)


class Table:
    """Rows of text. The first row is the heading, if there is one; `right` are the columns of
    numbers."""

    def __init__(
        self, rows: Sequence[tuple[str, ...]], *, heading: bool = True, right: Sequence[int] = ()
    ) -> None:
        self.rows = [tuple(map(visible, row)) for row in rows]
        self._heading, self._right = heading, frozenset(right)

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
        rows = "".join(self._html_row(number, row) for number, row in enumerate(self.rows))
        return f'<table style="{_TABLE}">{rows}</table>'

    def _html_row(self, number: int, row: tuple[str, ...]) -> str:
        cells = []
        for column, text in enumerate(row):
            is_head = number == 0 if self._heading else column == 0
            tag = "th" if is_head else "td"
            align = _RIGHT if column in self._right else _LEFT
            cells.append(f'<{tag} style="{align};{_CELL}">{escape(text)}</{tag}>')
        return f"<tr>{''.join(cells)}</tr>"

    def _repr_markdown_(self) -> str:
        rows = self.rows if self._heading else [("",) * len(self.rows[0]), *self.rows]
        rule = ["---:" if n in self._right else "---" for n in range(len(rows[0]))]
        cells = [[" ".join(text.split()).translate(_ESCAPED) for text in row] for row in rows]
        return "\n".join(f"| {' | '.join(row)} |" for row in [cells[0], rule, *cells[1:]])
