"""ls, status, stats."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import call, data, refused
from many import add, make_entry
from stores import NOW, OLD, add_session, key_of

from cachy import prices
from cachy.cli.text import cells
from cachy.rules.outline import shorten_text
from cachy.store.entry import Entry


def test_ls_filters(root: Path, folder: Path) -> None:
    one = add(root, make_entry(1), OLD)
    two = add(root, make_entry(2, model="other", answer="Blau"), NOW)
    assert [row["key"] for row in data("ls")] == [key_of(two), key_of(one)]
    assert [row["key"] for row in data("ls", "-n", "1")] == [key_of(two)]
    assert [row["key"] for row in data("ls", "--model", "gpt*", "-C", str(folder))] == [key_of(one)]
    assert [row["key"] for row in data("ls", "--newer-than", "1d")] == [key_of(two)]
    assert [row["key"] for row in data("ls", "--older-than", "1d")] == [key_of(one)]
    assert [row["key"] for row in data("ls", "--text", "blau")] == [key_of(two)]
    assert data("ls", "--host", "nowhere") == []
    said = call("ls", "--host", "nowhere")
    assert (said.stdout, said.stderr) == ("", "none of 2 entries matches\n")


def test_ls_reports_broken_files(root: Path) -> None:
    add(root, make_entry(1), OLD).write_bytes(b"")
    assert "1 file was skipped as unsound: `cachy fsck`" in call("ls").stderr


def test_an_empty_store_says_so(root: Path) -> None:
    said = call("ls")
    assert (said.stdout, said.stderr) == ("", ".cachy has no entries yet\n")
    assert call("stats").stdout.startswith("0 entries of 0 keys")
    assert call("status").stdout == ".cachy: 0 entries of 0 keys, 0 B\n"


def test_ls_marks_what_is_superseded_and_what_is_private(root: Path) -> None:
    old = add(root, make_entry(1), OLD)
    new = add(root, make_entry(1, again=1), OLD + 9)
    add(root, make_entry(2), OLD + 5, private=True)
    title, *lines = call("ls").stdout.splitlines()
    assert "note" in title
    assert [re.findall("superseded|private", line) for line in lines] == [
        [], ["private"], ["superseded"],
    ]  # fmt: skip
    rows = {row["name"]: row["superseded"] for row in data("ls")}
    assert (rows[old.stem], rows[new.stem]) == (True, False)
    old.unlink()
    assert "superseded" not in call("ls").stdout


def test_ls_tells_scopes_and_repeats(root: Path) -> None:
    for number, more in ((1, {"scope": "tests/a"}), (2, {"scope": "b", "repeat": 2}), (3, {})):
        entry = make_entry(number)
        request = {**entry.head["request"], **more}
        add(root, Entry({**entry.head, "request": request}, entry.body), OLD + number)
    _, *lines = call("ls").stdout.splitlines()
    assert [re.findall("scoped|repeat 2", line) for line in lines] == [
        [], ["scoped", "repeat 2"], ["scoped"],
    ]  # fmt: skip
    [row] = data("ls", "--scope", "tests/*")
    assert (row["scope"], row["repeat"]) == ("tests/a", 0)
    assert "scope    tests/a\n" in call("show", row["key"]).stdout
    [row] = data("ls", "--scope", "b")
    assert "scope    b\nrepeat   2\n" in call("show", row["key"]).stdout


def test_ls_sorts_within_a_second(root: Path) -> None:
    for number, micro in ((1, 200000), (2, 900000), (3, 100000), (4, 500000)):
        entry = make_entry(number)
        when = f"2026-11-01T00:00:00.{micro}Z"
        add(root, Entry({**entry.head, "recorded": when}, entry.body), OLD)
    assert [row["prompt"][9] for row in data("ls")] == ["2", "4", "1", "3"]


def test_ls_shows_a_status_where_one_is_odd(root: Path) -> None:
    entry = make_entry(1)
    add(root, entry, OLD)
    assert "status" not in call("ls").stdout
    other = make_entry(2)
    add(root, Entry({**other.head, "status": 404}, other.body), OLD)
    title, *lines = call("ls").stdout.splitlines()
    assert "status" in title
    assert any(" 404 " in line for line in lines)


@pytest.mark.parametrize("width", [80, 120])
def test_ls_fits_a_terminal_with_the_newest_in_sight(
    root: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = "https://generativelanguage.googleapis.com/v1/models/gemini-2.5-flash-preview-09-2025"
    for number in range(40):
        prompt = f"{number}: 東京は今どんな天気ですか ☕ " * 9
        entry = make_entry(number, url=host, model="gemini-2.5-flash-preview", prompt=prompt)
        add(root, entry, OLD + number)
    for name, value in (("COLUMNS", width), ("LINES", 24), ("NO_COLOR", 1)):
        monkeypatch.setenv(name, str(value))
    done = subprocess.run(
        [sys.executable, "-c", TERMINAL, sys.executable, "-m", "cachy", "ls"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    title, *lines = done.stdout.splitlines()
    titles = ["key", "age", "model", "size", "cost", "prompt"]
    assert title.split() == [each for each in titles if each != "cost" or prices.installed()]
    assert len(lines) == 22
    assert lines.pop(-2) == "host: generativelanguage.googleapis.com"
    assert lines.pop() == "… and 20 older: `cachy ls --limit 0` lists all"
    assert all(cells(line) <= width for line in [title, *lines])
    assert max(map(cells, lines)) >= width - 1
    assert " 39: 東京" in lines[0]


TERMINAL = """
import pty, sys
sys.exit(pty.spawn(sys.argv[1:]) and 1)
"""


def test_text_in_the_middle_of_a_long_prompt(root: Path) -> None:
    """Where it is stored; where only the outline is, that is said."""
    long = "start " + "x" * 400 + " needle " + "y" * 400 + " end"
    entry = make_entry(1)
    for number, kept in ((1, long), (2, shorten_text(long))):
        request = {"body": {"messages": [{"role": "user", "content": kept}]}}
        head = {**entry.head, "key": f"{number:064x}", "request": request}
        add(root, Entry(head, entry.body), OLD)
    said = call("ls", "--text", "NEEDLE")
    assert len(said.stdout.splitlines()) == 2
    assert said.stdout.splitlines()[1].startswith("0000000000")
    assert said.stderr.startswith("of 1 entry only the outline of the request is stored")
    assert 'requests="full"' in said.stderr
    both = call("ls", "--text", "start")
    assert (len(both.stdout.splitlines()), both.stderr) == (3, "")
    assert "1 entry only the outline" in call("ls", "--text", "needle", "--json").stderr


def test_status(root: Path, folder: Path) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    used = add(root, make_entry(1), OLD)
    add(root, make_entry(2), OLD)
    subprocess.run(["git", "add", "-A"], check=True)
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    subprocess.run(["git", *who, "commit", "-qm", "one"], check=True)
    assert call("status").stdout.splitlines()[1:] == []
    add(root, make_entry(1, again=1), OLD + 1)
    add(root, make_entry(3), OLD, private=True)
    add_session(root, used)
    first, *lines = call("status").stdout.splitlines()
    assert first.startswith(".cachy: 4 entries of 3 keys, ")
    assert [re.split(" {2,}", line.strip())[:2] for line in lines] == [
        ["1", "not committed"], ["1", "private"], ["1", "superseded"], ["2", "unused"],
    ]  # fmt: skip
    report = data("status")
    assert (report["uncommitted"], report["private"], report["unused"]) == (1, 1, 2)


def test_stats(root: Path) -> None:
    add(root, make_entry(1), OLD)
    said = call("stats").stdout
    assert said.startswith("1 entry of 1 key, ")
    assert "last 30 days, on this machine: 0 sessions" in said
    report = data("stats")
    assert report["models"]["gpt-4o"]["entries"] == 1
    assert report["total"]["input"] == 20


def test_a_store_that_is_not_checked_out(root: Path, folder: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@b", *arguments], check=True)

    git("init", "-q")
    add(root, make_entry(1), OLD)
    (folder / "kept").touch()
    git("add", "-A")
    git("commit", "-qm", "1")
    git("sparse-checkout", "set", "--no-cone", "/*", "!.cachy")
    shutil.rmtree(root, ignore_errors=True)
    assert "not checked out" in refused("ls")
    assert "1 file of" in call("check").stdout


def test_a_form_has_model_and_prompt(root: Path) -> None:
    form = {"model": "whisper-1", "prompt": "Names: Ada", "file": "RIFF"}
    parts = [
        {"headers": f'Content-Disposition: form-data; name="{name}"', "content": value}
        for name, value in form.items()
    ]
    parts[2]["headers"] += '; filename="a.wav"'
    entry = make_entry(1)
    add(root, Entry({**entry.head, "model": None, "request": {"body": parts}}, b"{}"), OLD)
    row = data("ls")[0]
    assert (row["model"], row["prompt"]) == ("whisper-1", "Names: Ada")
    assert "whisper-1" in call("show", row["key"]).stdout.split("status")[0]


@pytest.mark.skipif(not prices.installed(), reason="genai-prices is not installed")
def test_what_calls_cost(root: Path) -> None:
    """Where no price is known, that is said, and so is where prices come from."""
    add(root, make_entry(1), OLD)
    add(root, make_entry(2, model="nobody-1", url="https://llm.example.com/v1/x"), OLD - 1)
    cost = "$0.0001"
    title, known, unknown = call("ls").stdout.splitlines()
    assert title.split()[4:6] == ["size", "cost"]
    assert cost in known
    assert "  -  Question 2" in unknown
    assert [row["cost"] for row in data("ls")] == [pytest.approx(0.0001), None]
    shown = call("show", key_of_first := data("ls")[0]["key"]).stdout
    assert f"cost     {cost} (genai-prices " in shown
    assert data("show", key_of_first)["cost"] == pytest.approx(0.0001)
    assert "cost     no price known" in call("show", data("ls")[1]["key"]).stdout
    said = call("stats")
    assert f"with 40 tokens in and 10 out, {cost} (1 without a price)" in said.stdout
    assert "prices are those of genai-prices " in said.stderr
    stats = data("stats")
    assert stats["total"]["cost"] == pytest.approx(0.0001)
    assert stats["total"]["unpriced"] == 1
    assert stats["models"]["nobody-1"]["cost"] == 0
    assert stats["prices"].startswith("genai-prices ")


def test_without_prices(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices, "_library", lambda: None)
    add(root, make_entry(1), OLD)
    assert "cost" not in call("ls").output + call("show").output
    assert "cost" not in data("ls")[0]
    said = call("stats")
    assert "$" not in said.stdout
    assert "cachy-store[prices]" in said.stderr
    assert "cost" not in data("stats")["total"]
