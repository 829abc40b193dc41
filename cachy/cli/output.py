"""How commands print: lines, tables, JSON and progress.

Results go to stdout; questions, progress, notes and errors to stderr.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any, NamedTuple, NoReturn

import click
from click.exceptions import Exit

from cachy.cli.text import cells, cut, cut_middle, dim, is_dumb, pad, printable
from cachy.upkeep.transcript import one_line, to_json

KEY_DIGITS = 10
"""How many digits of a key a table shows."""
LONGEST_CELL = 200
"""The longest text of a cell in a table, in characters."""

_WRITTEN_AT_ONCE = 1000  # lines
_PROGRESS_AFTER = 0.5  # seconds
_LEAST = 8  # cells that a column keeps when it is cut
_GAP = 2
_AROUND_A_TABLE = 4  # lines of a screen: the titles, the command, the prompt, what was left out


# ---- Text ----


def say(text: str, *, err: bool = False) -> None:
    """Print a line of text that may hold anything: control characters are made visible."""
    click.echo(printable(text), err=err)


def note(text: str) -> None:
    """Print a line to stderr."""
    say(text, err=True)


def fail(message: str, code: int) -> NoReturn:
    """Print an error, and exit with this code."""
    note(f"cachy: {message}")
    raise Exit(code)


def note_skipped(count: int) -> None:
    """Print that some files were skipped because they are not sound."""
    if count:
        files = "1 file was" if count == 1 else f"{count:,} files were"
        note(f"{files} skipped as unsound: `cachy fsck` shows why")


# ---- JSON ----


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(to_json(value, indent=True))


def print_json_array(values: Iterable[dict[str, Any]]) -> None:
    """Print a JSON array with one element per line, without holding it in memory."""
    before = "[\n"
    for value in values:
        sys.stdout.write(before + to_json(value))
        before = ",\n"
    sys.stdout.write("\n]\n" if before[0] == "," else "[]\n")


# ---- Tables ----


class Column(NamedTuple):
    """A column of a table. It is aligned to the `right`; it may be `cut` where the table is wider
    than the terminal, the less the greater its `weight`, at its end or in its `middle`."""

    title: str = ""
    right: bool = False
    cut: bool = False
    weight: int = 1
    middle: bool = False


def print_table(
    columns: Sequence[Column], rows: Iterable[tuple[str, ...]], *, below: Sequence[str] = ()
) -> None:
    """Print aligned columns that fit the terminal; nothing if there are no rows. A column in which
    nothing stands is left out. `below` has for each row what is printed as it is on the next line,
    or an empty text."""
    table = [tuple(one_line(cell, LONGEST_CELL) for cell in row) for row in rows]
    if not table:
        return
    used = [at for at in range(len(columns)) if any(row[at] for row in table)]
    shown = [columns[at] for at in used]
    lines = [[row[at] for at in used] for row in table]
    titles = [column.title for column in shown]
    widths = _widths(shown, [titles, *lines])
    if any(titles):
        click.echo(dim(_line(titles, shown, widths)))
    texts = (_line(line, shown, widths) for line in lines)
    if below:
        pairs = zip(texts, below, strict=True)
        texts = (text for pair in pairs for at, text in enumerate(pair) if text or not at)
    while chunk := list(islice(texts, _WRITTEN_AT_ONCE)):
        click.echo("\n".join(chunk))


def rows_on_screen() -> int:
    """Return how many rows of a table fit on the terminal; 0 if stdout is none, for all of them."""
    if not sys.stdout.isatty():
        return 0
    return max(shutil.get_terminal_size().lines - _AROUND_A_TABLE, 10)


def _line(cells: list[str], columns: list[Column], widths: list[int]) -> str:
    padded = [
        pad((cut_middle if column.middle else cut)(cell, width), width, right=column.right)
        for cell, column, width in zip(cells, columns, widths, strict=True)
    ]
    return (" " * _GAP).join(padded).rstrip()


def _widths(columns: list[Column], lines: list[list[str]]) -> list[int]:
    """Return the width of each column: on a terminal, those that may be cut share what the others
    leave, by their weights."""
    widths = [max(map(cells, column)) for column in zip(*lines, strict=True)]
    if not sys.stdout.isatty():
        return widths
    excess = sum(widths) + _GAP * (len(widths) - 1) - shutil.get_terminal_size().columns
    for _ in range(excess):
        by_width = [
            (width / column.weight, at)
            for at, (column, width) in enumerate(zip(columns, widths, strict=True))
            if column.cut and width > _LEAST
        ]
        if not by_width:
            break
        widths[max(by_width)[1]] -= 1
    return widths


# ---- Progress ----


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on a terminal, for work that takes more than half a second.

    The `with` statement gives a function that takes how many of how many files are done.
    """
    if not sys.stderr.isatty() or is_dumb():
        yield lambda done, total: None
        return
    started = time.monotonic()
    bars: list[Any] = []
    with ExitStack() as stack:

        def show(done: int, total: int) -> None:
            if not bars and total and time.monotonic() - started > _PROGRESS_AFTER:
                bar = click.progressbar(length=total, label=label, file=sys.stderr)
                bars.append(stack.enter_context(bar))
            for bar in bars:
                bar.update(done - bar.pos)

        yield show
