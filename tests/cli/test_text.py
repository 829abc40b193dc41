"""Text on a terminal: its width, cut and padded, made safe, in bold or dim."""

from __future__ import annotations

import sys

import pytest

from cachy.cli import text
from cachy.upkeep.word_diff import Piece


def test_control_characters_are_made_visible() -> None:
    assert text.printable("a\x1b[2J\u202eb\r\nc\td\x07") == "a·[2J·b\nc\td·"
    assert text.indent("a\n\n b") == "  a\n\n   b"


@pytest.mark.parametrize(
    ("shown", "width"),
    [("", 0), ("abc", 3), ("東京", 4), ("naïve", 5), ("cafe\u0301", 4), ("☕🎈", 4), ("ﾊﾝ", 2)],
)
def test_cells(shown: str, width: int) -> None:
    assert text.cells(shown) == width
    assert text.pad(shown, 8) == shown + " " * (8 - width)
    assert text.pad(shown, 8, right=True) == " " * (8 - width) + shown


@pytest.mark.parametrize(
    ("whole", "width", "left"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("東京は晴れ", 10, "東京は晴れ"),
        ("東京は晴れ", 9, "東京は晴…"),
        ("東京は晴れ", 8, "東京は…"),
        ("a\n b", 5, "a b"),
        ("🎈🎈", 3, "🎈…"),
    ],
)
def test_cut(whole: str, width: int, left: str) -> None:
    assert text.cut(whole, width) == left


@pytest.mark.parametrize(
    ("whole", "width", "left"),
    [
        ("gpt-4o-mini-2024-07-18", 22, "gpt-4o-mini-2024-07-18"),
        ("gpt-4o-mini-2024-07-18", 12, "gpt-4o…07-18"),
        ("gpt-4o-mini-2024-07-18", 11, "gpt-4…07-18"),
        ("東京は晴れ", 7, "東京…れ"),
    ],
)
def test_cut_in_the_middle(whole: str, width: int, left: str) -> None:
    assert text.cut_middle(whole, width) == left


@pytest.mark.parametrize(
    ("whole", "width", "wrapped"),
    [
        ("one two three", 0, "one two three"),
        ("one two three", 8, "one two\nthree"),
        ("one two three", 7, "one two\nthree"),
        ("    indented code stays", 12, "    indented\ncode stays"),
        ("averyverylongword and more", 8, "averyverylongword\nand more"),
        ("averyverylongword", 8, "averyverylongword"),
        ("    averyverylongword", 8, "    averyverylongword"),
        ("東京は 晴れ", 7, "東京は\n晴れ"),
        ("a\n\nb", 1, "a\n\nb"),
    ],
)
def test_wrap(whole: str, width: int, wrapped: str) -> None:
    assert text.wrap(whole, width) == wrapped


@pytest.mark.parametrize(
    ("terminal", "variables", "styled"),
    [
        (True, {"TERM": "xterm"}, True),
        (True, {}, True),
        (True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": ""}, True),  # as no-color.org defines it
        (True, {"TERM": "dumb"}, False),
        (False, {"TERM": "xterm"}, False),
    ],
)
def test_styles(
    terminal: bool, variables: dict[str, str], styled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    for style in (text.bold, text.dim):
        assert (style("x") != "x") is styled


def test_changes_are_colored_or_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line by itself, so that lines can be indented; what entries hold colors nothing."""
    pieces = [Piece("=", "run "), Piece("-", "ls"), Piece("+", "rm\n\x1b[8m-rf")]
    assert text.colored(pieces) == "run [-ls-]{+rm\n·[8m-rf+}"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    red, green, end = "\x1b[31;9m", "\x1b[32;1m", "\x1b[0m"
    assert text.colored(pieces) == f"run {red}ls{end}{green}rm{end}\n{green}·[8m-rf{end}"
