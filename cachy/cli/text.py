"""Text on a terminal: how wide it is, cut and padded to a width, made safe, in bold or dim.

A terminal shows Chinese characters and most emoji in two cells, and accents in none.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING
from unicodedata import category, east_asian_width

from cachy.tables import visible
from cachy.upkeep.transcript import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cachy.upkeep.word_diff import Piece

_WIDE = ("W", "F")
_NO_WIDTH = ("Mn", "Me", "Cf")
_EMOJI_STYLE = "\ufe0f"
"""Makes the character before it an emoji, of two cells."""


def cells(text: str) -> int:
    """Return how many cells of a terminal a text takes, at most.

    >>> cells("naïve 東京")
    10
    """
    return len(text) if text.isascii() else sum(map(_cells_of, text))


def _cells_of(char: str) -> int:
    if char == _EMOJI_STYLE:
        return 1
    if east_asian_width(char) in _WIDE:
        return 2
    return 0 if category(char) in _NO_WIDTH else 1


def cut(text: str, width: int) -> str:
    """Return a text on one line, in at most `width` cells; what is cut ends with `…`.

    >>> cut("東京 and more", 6)
    '東京 …'
    """
    text = one_line(text, 3 * width)  # accents may stand in characters of their own
    if cells(text) <= width:
        return text
    room = width - 1
    for at, char in enumerate(text):
        room -= _cells_of(char)
        if room < 0:
            return text[:at] + "…"
    return text


def cut_middle(text: str, width: int) -> str:
    """Return a text in at most `width` cells, with `…` in the place of its middle if it is longer:
    the end of a model's name tells as much as its start.

    >>> cut_middle("gpt-4o-mini-2024-07-18", 12)
    'gpt-4o…07-18'
    """
    if cells(text) <= width:
        return text
    end = max((width - 1) // 2, 0)
    tail = cut(text[::-1], end + 1)[:-1][::-1]
    return cut(text, width - cells(tail)) + tail


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return a text with spaces after it, or before it, up to `width` cells.

    >>> pad("東京", 6, right=True)
    '  東京'
    """
    spaces = " " * (width - cells(text))
    return spaces + text if right else text + spaces


def printable(text: str) -> str:
    """Return text without characters that control a terminal.

    >>> printable("red: \\x1b[31m")
    'red: ·[31m'
    """
    return visible(text.replace("\r\n", "\n"))


def wrap(text: str, width: int) -> str:
    """Return text whose lines are broken at spaces, where they are longer than `width` cells and
    have some; 0 leaves them as they are.

    >>> wrap("one two three", 8)
    'one two\\nthree'
    """
    if not width:
        return text
    return "\n".join(part for line in text.split("\n") for part in _parts(line, width))


def _parts(line: str, width: int) -> Iterator[str]:
    while cells(line) > width:
        room, end = width, 0
        for end, char in enumerate(line):  # noqa: B007 - the first that does not fit
            room -= _cells_of(char)
            if room < 0:
                break
        start = len(line) - len(line.lstrip())
        at = line.rfind(" ", start, end + 1)
        if at < 0 and (at := line.find(" ", end)) < 0:
            break  # one long word: the terminal breaks it, and it can be copied
        yield line[:at]
        line = line[at + 1 :]
    yield line


def indent(text: str) -> str:
    """Return text with each line indented by two spaces."""
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


# ---- Bold and dim ----


def bold(text: str) -> str:
    """Return text in bold, where stdout shows it."""
    return f"\x1b[1m{text}\x1b[0m" if _is_styled() else text


def dim(text: str) -> str:
    """Return text that stands back, where stdout shows it."""
    return f"\x1b[2m{text}\x1b[0m" if _is_styled() else text


def colored(pieces: Iterable[Piece], *, marks: bool = True) -> str:
    """Return the pieces of two texts, made printable: what is gone red and what is new green, or as
    `[-gone-]{+new+}` where stdout shows no colors, and there are to be `marks`."""
    safe = [piece._replace(text=printable(piece.text)) for piece in pieces]
    if not _is_styled():
        from cachy.upkeep.word_diff import marked  # not for the commands that show no diff

        return marked(safe) if marks else "".join(piece.text for piece in safe)
    return "".join(_painted(text, _COLORS[op]) if op in _COLORS else text for op, text in safe)


def _painted(text: str, color: str) -> str:
    """Return text in a color, each line by itself, so that lines can be indented."""
    lines = text.split("\n")
    return "\n".join(f"\x1b[{color}m{line}\x1b[0m" if line else "" for line in lines)


_COLORS = {"-": "31;9", "+": "32;1", "…": "2"}
"""Red and struck out, green and bold, dim: they differ without colors, too."""


def _is_styled() -> bool:
    """Return whether stdout is a terminal that knows styles, and its user wants them."""
    shown = sys.stdout.isatty() or os.environ.get("GIT_PAGER_IN_USE") == "true"
    return shown and not os.environ.get("NO_COLOR") and not is_dumb()


def is_dumb() -> bool:
    """Return whether the terminal knows no control sequences."""
    return os.environ.get("TERM") == "dumb"
