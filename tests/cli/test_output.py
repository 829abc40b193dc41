"""What commands print: safe text, tables, JSON and progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest
from click.exceptions import Exit

from cachy.cli import output
from cachy.cli.output import Column
from cachy.cli.text import cells


def test_where_text_goes(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("result\x07")
    output.note("note\x07")
    assert capsys.readouterr() == ("result·\n", "note·\n")
    with pytest.raises(Exit) as caught:
        output.fail("no store", 2)
    assert caught.value.exit_code == 2
    assert capsys.readouterr() == ("", "cachy: no store\n")


def test_skipped_files(capsys: pytest.CaptureFixture[str]) -> None:
    for number in (0, 1, 2000):
        output.note_skipped(number)
    assert capsys.readouterr().err.splitlines() == [
        "1 file was skipped as unsound: `cachy fsck` shows why",
        "2,000 files were skipped as unsound: `cachy fsck` shows why",
    ]


# ---- JSON ----


def test_json_of_anything(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"n": 2**70, "text": "ü\x1b"}
    output.print_json(value)
    assert json.loads(capsys.readouterr().out) == value


@pytest.mark.parametrize("number", [0, 1, 3])
def test_an_array_has_an_element_per_line(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    values = [{"n": n} for n in range(number)]
    output.print_json_array(iter(values))
    text = capsys.readouterr().out
    assert json.loads(text) == values
    assert len(text.splitlines()) == (number + 2 if number else 1)


# ---- Tables ----


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """Make stdout a terminal of so many columns and lines."""

    def resize(columns: int, lines: int = 24) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("LINES", str(lines))
        monkeypatch.setenv("NO_COLOR", "1")

    return resize


def columns(*titles: str) -> list[Column]:
    """Columns with these titles; `>` aligns to the right, and the last may be cut."""
    made = [Column(title.lstrip(">"), right=title.startswith(">")) for title in titles]
    return [*made[:-1], made[-1]._replace(cut=True)]


def test_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("a", "5 B", "first\nline"), ("long name", "12 kB", "")]
    output.print_table(columns("name", ">size", "prompt"), iter(rows))
    assert capsys.readouterr().out.splitlines() == [
        "name        size  prompt",
        "a            5 B  first line",
        "long name  12 kB",
    ]


def test_a_last_column_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(columns("name", ">out"), [("a", "5"), ("b", "1,200")])
    assert capsys.readouterr().out.splitlines() == ["name    out", "a         5", "b     1,200"]


def test_a_table_without_titles_or_rows(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(columns("name", ">size"), [])
    assert capsys.readouterr().out == ""
    output.print_table(columns("", ""), [("+", "added"), ("~", "re-recorded")])
    assert capsys.readouterr().out == "+  added\n~  re-recorded\n"


def test_a_column_in_which_nothing_stands_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(columns("name", "note", "text"), [("a", "", "x"), ("b", "", "y")])
    assert capsys.readouterr().out == "name  text\na     x\nb     y\n"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_table_fits_the_terminal_whatever_it_holds(
    width: int, capsys: pytest.CaptureFixture[str], terminal: Callable[[int, int], None]
) -> None:
    terminal(width, 24)
    titles = (Column("key"), Column("model", cut=True), Column("prompt", cut=True, weight=2))
    texts = ["word " * 60, "東京は今どんな天気ですか" * 20, "☕🎈" * 90, "naïve cafe\u0301 " * 20]
    rows = [("0123456789", "a-model-with-a-long-name" * 3, text) for text in texts]
    output.print_table(titles, rows)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(width - 2 <= cells(line) <= width for line in lines[1:])
    assert all(line.endswith("…") for line in lines[1:])
    starts = {cells(line[: line.index("…") + 1]) for line in lines[1:]}
    assert len(starts) == 1  # the second column is as wide in all


def test_what_is_not_to_be_cut_is_whole(
    capsys: pytest.CaptureFixture[str], terminal: Callable[[int, int], None]
) -> None:
    terminal(40, 24)
    output.print_table(columns("", ""), [("a" * 100, "word " * 20)])
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("a" * 100 + "  word ")
    assert len(line) == 100 + 2 + 8  # what is left is never less than 8


def test_rows_on_a_screen(terminal: Callable[[int, int], None]) -> None:
    assert output.rows_on_screen() == 0
    terminal(80, 40)
    assert output.rows_on_screen() == 36
    terminal(80, 5)
    assert output.rows_on_screen() == 10


def test_a_long_table_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(columns("n", "text"), ((str(n), "x") for n in range(2500)))
    assert len(capsys.readouterr().out.splitlines()) == 2501


# ---- Progress ----


def test_no_progress_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress("reading") as show_progress:
        show_progress(1, 2)
    assert capsys.readouterr() == ("", "")


def test_a_bar_on_a_terminal_for_what_takes_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with output.progress("reading") as show_progress:
        show_progress(1, 2)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(output, "_PROGRESS_AFTER", 0)
    monkeypatch.setenv("TERM", "dumb")
    with output.progress("reading") as show_progress:
        show_progress(1, 2)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("TERM", "xterm")
    with output.progress("reading") as show_progress:
        show_progress(0, 0)
        show_progress(1, 2)
        show_progress(2, 2)
    out, err = capsys.readouterr()
    assert out == ""
    assert "reading" in err
    assert "100%" in err
