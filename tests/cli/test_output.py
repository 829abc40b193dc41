"""What commands print: safe text, tables, JSON and progress."""

from __future__ import annotations

import json
import os
import sys

import pytest
import typer

from cachy.cli import output


def test_control_characters_are_made_visible() -> None:
    assert output.printable("a\x1b[2J\u202eb\r\nc\td\x07") == "a·[2J·b\nc\td·"
    assert output.indent("a\n\n b") == "  a\n\n   b"


def test_where_text_goes(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("result\x07")
    output.note("note\x07")
    assert capsys.readouterr() == ("result·\n", "note·\n")
    with pytest.raises(typer.Exit) as caught:
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


def test_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("a", "5 B", "first\nline"), ("long name", "12 kB", "")]
    output.print_table(("name", ">size", "prompt"), iter(rows))
    assert capsys.readouterr().out.splitlines() == [
        "name        size  prompt",
        "a            5 B  first line",
        "long name  12 kB",
    ]


def test_a_last_column_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("name", ">out"), [("a", "5"), ("b", "1,200")])
    assert capsys.readouterr().out.splitlines() == ["name   out", "a        5", "b     1,200"]


def test_a_table_without_titles_or_rows(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("name", ">size"), [])
    output.print_table((), [])
    assert capsys.readouterr().out == ""
    output.print_table((), [("+", "added"), ("~", "re-recorded")])
    assert capsys.readouterr().out == "+  added\n~  re-recorded\n"


def test_a_terminal_cuts_the_last_column(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((40, 20)))
    output.print_table((), [("a" * 10, "word " * 20)])
    (line,) = capsys.readouterr().out.splitlines()
    assert len(line) == 40
    assert line.endswith("…")
    output.print_table((), [("a" * 100, "word " * 20)])  # what is left is never less than 20
    (line,) = capsys.readouterr().out.splitlines()
    assert len(line) == 100 + 2 + 20


def test_a_long_table_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(("n", "text"), ((str(n), "x") for n in range(2500)))
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
    with output.progress("reading") as show_progress:
        show_progress(1, 2)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(output, "_PROGRESS_AFTER", 0)
    with output.progress("reading") as show_progress:
        show_progress(0, 0)
        show_progress(1, 2)
        show_progress(2, 2)
    out, err = capsys.readouterr()
    assert out == ""
    assert "reading" in err
    assert "100%" in err
