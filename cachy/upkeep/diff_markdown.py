"""A comparison of two revisions as Markdown, for a pull request or the summary of a CI job.

What entries hold is shown as it is: in tables escaped for Markdown, word by word in `<pre>`, where
only HTML needs to be escaped and nobody is mentioned. Control characters, and those that turn the
direction of text, become visible.
"""

from __future__ import annotations

import os
from html import escape
from typing import TYPE_CHECKING

from cachy import prices
from cachy.tables import visible
from cachy.upkeep.transcript import one_line
from cachy.upkeep.word_diff import Excerpt, Piece, folded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cachy.upkeep.diff import Change, Diff

COMMENT = 60_000
"""Characters. A comment on GitHub may have 65,536."""
_ROWS = 200
_LONGEST_CELL = 300
_PROMPT_LENGTH = 60
_LONGEST_PART = 3000
"""Characters of a changed text, and of what is new in one piece."""
_PARTS = 20
_WIDTH = 100
_ESCAPED = {ord(char): f"&#{ord(char)};" for char in "\\`*_[]<>|~&!"}
# Nobody is notified, and no issue linked: GitHub looks for both after it has read the entities.
_ESCAPED |= {ord(char): f"&#{ord(char)};&#8203;" for char in "@#"}
_TAGS = {"-": ("<del>", "</del>"), "+": ("<ins>", "</ins>"), "…": (" <i>… ", " …</i> ")}


def markdown(diff: Diff, *, full: bool = False, limit: int = COMMENT) -> str:
    """Return a comparison as Markdown. If `full`, the answers follow the table, word by word: each
    is folded up, and at most `limit` characters are returned."""
    lines = [f"**cachy** · {_cell(diff.old)} → {_cell(diff.new)}: {diff.summary()}"]
    if diff.changes:
        lines += ["", "| | key | model | host | prompt | answer |", "|---|---|---|---|---|---|"]
    rows = [_row(change) for change in diff.changes[:_ROWS]]
    lines += rows if len("\n".join(rows)) < limit or not full else rows[: _ROWS // 4]
    if (more := len(diff.changes) - _ROWS) > 0:
        lines += ["", f"… and {more} more"]
    if diff.flaws:
        lines += ["", "Unsound:", ""]
        lines += [f"- `{os.path.basename(flaw.path)}`: {_cell(flaw.what)}" for flaw in diff.flaws]
    if bill := cost_of_recording(diff):
        lines += ["", bill]
    text = "\n".join(lines) + "\n"
    return text + _details(diff.changes, limit - len(text)) if full else text


def cost_of_recording(diff: Diff) -> str:
    """Return as a sentence what the calls cost whose recordings are new; empty where there are
    none, or no prices are installed."""
    made = [change.row for change in diff.changes if change.kind != "removed"]
    made = [row for row in made if row.input or row.output]
    if not made or not prices.installed():
        return ""
    return f"The new recordings cost {prices.total(row.cost for row in made)} ({prices.source()})."


def _row(change: Change) -> str:
    row, notes = change.row, "; ".join(change.compared.notes)
    if change.same_answer:
        said = "(unchanged)"
    elif change.same_text:
        said = "(the same text)"
    else:
        said = _shown(change.compared.excerpt)
        said = f"**{_cell(notes)}**<br>{said}" if notes and said else _cell(notes) or said
    return (
        f"| {change.kind} | `{row.key[:8]}` | {_cell(row.model)} | {_cell(row.host)} "
        f"| {_cell(one_line(row.shown, _PROMPT_LENGTH))} | {said} |"
    )


def _cell(text: str) -> str:
    """Return text that Markdown shows as it is, in a cell of a table."""
    return one_line(text, _LONGEST_CELL).translate(_ESCAPED)


def _shown(excerpt: Excerpt) -> str:
    """Return an excerpt as the content of a cell."""
    pieces = [
        f"{before}{_spaced(text)}{after}"
        for op, text in excerpt.pieces
        for before, after in [_TAGS.get(op, ("", ""))]
    ]
    return "".join(pieces) + (f" (+{excerpt.more} more)" if excerpt.more else "")


def _spaced(text: str) -> str:
    """Return the text of a piece for a cell, with the space at its ends."""
    start, end = " " * text[:1].isspace(), " " * text[-1:].isspace()
    return f"{start}{_cell(text)}{end}" if text.strip() else " "


# ---- Word by word ----


def _details(changes: Sequence[Change], room: int) -> str:
    """Return what follows the table, in at most `room` characters."""
    shown: list[str] = []
    worth = [change for change in changes if change.compared.parts and not change.same_answer]
    for number, change in enumerate(worth):
        text = _detail(change)
        room -= len(text)
        if room < 200:
            shown.append(f"\n… and {len(worth) - number} more: `cachy diff --full` shows them\n")
            break
        shown.append(text)
    return "".join(shown)


def _detail(change: Change) -> str:
    row, notes = change.row, "; ".join(change.compared.notes)
    title = f"{change.kind} <code>{row.key[:8]}</code> {_cell(row.model)}"
    title += f": <b>{_cell(notes)}</b>" if notes else ""
    lines = ["", "<details>", f"<summary>{title}</summary>", ""]
    lines += [f"Prompt: {_cell(row.shown)}", ""]
    parts = change.compared.parts
    for part in parts[:_PARTS]:
        pieces = list(_limited(folded(part.pieces, longest=_LONGEST_PART), _LONGEST_PART * 2))
        lines += [f"{_cell(part.role)}:", f"<pre>{_marked_up(pieces)}</pre>", ""]
    if len(parts) > _PARTS:
        lines += [f"… and {len(parts) - _PARTS} more parts", ""]
    return "\n".join([*lines, "</details>", ""])


def _limited(pieces: Sequence[Piece], most: int) -> Iterator[Piece]:
    for at, piece in enumerate(pieces):
        most -= len(piece.text)
        if most < 0:
            yield Piece("…", f"({len(pieces) - at} more pieces)")
            return
        yield piece


def _marked_up(pieces: Sequence[Piece]) -> str:
    """Return pieces as HTML for `<pre>`, in lines of at most about `_WIDTH` characters: there long
    lines are not broken."""
    column, made = 0, []
    for op, text in pieces:
        start, end = _TAGS.get(op, ("", ""))
        words = []
        for word in visible(text).replace("\n", " \n ").split(" "):
            if word == "\n":
                column = 0
            elif column and column + len(word) > _WIDTH:
                word, column = f"\n{word}", len(word)
            else:
                column += len(word) + 1
            words.append(word)
        shown = " ".join(words).replace(" \n ", "\n").replace(" \n", "\n")
        # An empty line ends a block of HTML outside of <pre>; inside, some readers end it, too.
        made.append(start + escape(shown.replace("\n\n", "\n \n"), quote=False) + end)
    return "".join(made)
