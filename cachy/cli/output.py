"""How commands print: text made safe for a terminal, tables, JSON and progress.

Results go to stdout; questions, progress, notes and errors to stderr.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Any, NoReturn

import typer

from cachy.upkeep.transcript import one_line, to_json

KEY_DIGITS = 10
"""How many digits of a key a table shows."""
LONGEST_CELL = 200
"""The longest text of a cell in a table, in characters."""

_WRITTEN_AT_ONCE = 1000  # lines
_PROGRESS_AFTER = 0.5  # seconds


# ---- Text ----


def say(text: str, *, err: bool = False) -> None:
    """Print a line of text that may hold anything: control characters are made visible."""
    typer.echo(printable(text), err=err)


def note(text: str) -> None:
    """Print a line to stderr."""
    say(text, err=True)


def fail(message: str, code: int) -> NoReturn:
    """Print an error, and exit with this code."""
    note(f"cachy: {message}")
    raise typer.Exit(code)


def note_skipped(count: int) -> None:
    """Print that some files were skipped because they are not sound."""
    if count:
        files = "1 file was" if count == 1 else f"{count:,} files were"
        note(f"{files} skipped as unsound: `cachy fsck` shows why")


def printable(text: str) -> str:
    """Return text without characters that control a terminal.

    >>> printable("red: \\x1b[31m")
    'red: ·[31m'
    """
    text = text.replace("\r\n", "\n")
    return "".join(char if char.isprintable() or char in "\n\t" else "·" for char in text)


def indent(text: str) -> str:
    """Return text with each line indented by two spaces."""
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


# ---- JSON ----


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    typer.echo(to_json(value, indent=True))


def print_json_array(values: Iterable[dict[str, Any]]) -> None:
    """Print a JSON array with one element per line, without holding it in memory."""
    before = "[\n"
    for value in values:
        sys.stdout.write(before + to_json(value))
        before = ",\n"
    sys.stdout.write("\n]\n" if before[0] == "," else "[]\n")


# ---- Tables ----


def print_table(titles: Sequence[str], rows: Iterable[tuple[str, ...]]) -> None:
    """Print aligned columns; nothing if there are no rows.

    A title that starts with `>` aligns its column to the right. On a terminal the last column is
    cut to fit the width.
    """
    lines = [tuple(title.lstrip(">") for title in titles)] if titles else []
    lines += [tuple(one_line(cell, LONGEST_CELL) for cell in row) for row in rows]
    if len(lines) == bool(titles):
        return
    to_right = [title.startswith(">") for title in titles] or [False] * len(lines[0])
    texts = _aligned(lines, to_right)
    if titles:
        typer.secho(next(texts), dim=True)
    while chunk := list(islice(texts, _WRITTEN_AT_ONCE)):
        typer.echo("\n".join(chunk))


def _aligned(lines: list[tuple[str, ...]], to_right: list[bool]) -> Iterator[str]:
    *columns, last = range(len(to_right))
    widths = [max(len(line[column]) for line in lines) for column in columns]
    room = shutil.get_terminal_size().columns - sum(widths) - 2 * len(widths)
    longest = max(room, 20) if sys.stdout.isatty() else LONGEST_CELL
    for line in lines:
        cells = [
            line[column].rjust(width) if to_right[column] else line[column].ljust(width)
            for column, width in zip(columns, widths, strict=True)
        ]
        end = one_line(line[last], longest)
        yield "  ".join([*cells, end.rjust(4) if to_right[last] else end]).rstrip()


# ---- Progress ----


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on a terminal, for work that takes more than half a second.

    The `with` statement gives a function that takes how many of how many files are done.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    started = time.monotonic()
    bars: list[Any] = []
    with ExitStack() as stack:

        def show(done: int, total: int) -> None:
            if not bars and total and time.monotonic() - started > _PROGRESS_AFTER:
                bar = typer.progressbar(length=total, label=label, file=sys.stderr)
                bars.append(stack.enter_context(bar))
            for bar in bars:
                bar.update(done - bar.pos)

        yield show
