"""show, cat, why, log; and what an entry may hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from clones import Clone
from commands import call, data, refused
from many import DAY, add, make_entry
from stores import OLD, key_of

from cachy.cli import app
from cachy.cli.text import cells
from cachy.store.entry import Entry


def test_show_reads_as_a_chat(root: Path) -> None:
    path = add(root, make_entry(1, answer="Forty-\x1b[2Jtwo."), OLD)
    said = call("show", key_of(path)[:6]).stdout
    assert said.endswith("\n\nuser\n  Question 1: what is it?\n\n→ assistant\n  Forty-·[2Jtwo.\n")
    assert f"\nfile     {path.relative_to(root.parent)}\n" in said
    assert "took     1.2 s live" in said
    assert "tokens   20 input, 5 output" in said
    shown = data("show", key_of(path))
    assert shown["asked"][1] == {"role": "user", "text": "Question 1: what is it?"}
    assert shown["answered"] == [{"role": "assistant", "text": "Forty-\x1b[2Jtwo."}]
    assert shown["head"]["status"] == 200


def test_show_does_not_tell_a_time_that_is_not_known(root: Path) -> None:
    entry = make_entry(1)
    path = add(root, Entry({**entry.head, "ms": 0.0}, entry.body), OLD)
    assert "took" not in call("show", key_of(path)).stdout
    assert data("show", key_of(path))["head"]["ms"] is None
    assert data("ls")[0]["ms"] is None
    assert "recorded in live calls whose time is not known, with 20 tokens" in call("stats").stdout
    add(root, make_entry(2), OLD)
    assert "recorded in 1.2 s of live calls (not known of 1), " in call("stats").stdout


def test_show_fits_a_terminal(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add(root, make_entry(1, prompt="words and words " * 20, answer="x" * 90), OLD)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    app(["show"], standalone_mode=False)
    lines = capsys.readouterr().out.splitlines()
    assert max(cells(line) for line in lines if " " in line[9:].strip()) <= 60
    assert f"  {'x' * 90}" in lines  # a long word can be copied


def test_one_rule_for_short_keys(root: Path, clone: Clone) -> None:
    add(root, make_entry(1), OLD)
    for command in ("show", "cat", "why", "log"):
        for key in ("1", "999", "zzzz"):
            assert refused(command, key) == (
                f"cachy: invalid key {key!r}: give at least its first 4 digits\n"
            )


def test_show_of_a_broken_entry(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    path.write_bytes(b"\0")
    assert "cachy fsck" in refused("show", key_of(path), code=1)


def test_cat(root: Path) -> None:
    entry = make_entry(1)
    path = add(root, entry, OLD)
    for name in (key_of(path), str(path), os.path.relpath(path)):
        assert call("cat", name).stdout_bytes == entry.body
    assert json.loads(call("cat", "--head", key_of(path)).stdout) == entry.head
    text = call("cat", "--text", key_of(path)).stdout
    assert text == call("cat", "--text", str(path)).stdout
    assert text.startswith("system\n  You are a helpful assistant.")
    assert "\n\nuser\n  Question 1: what is it?\n\n→ assistant\n  Forty-two.\n\n→ body\n{" in text
    assert text.endswith("\n\nheaders\ncontent-type: application/json\n")


def test_cat_as_git_calls_it_never_fails(root: Path, folder: Path) -> None:
    broken = add(root, make_entry(1), OLD)
    broken.write_bytes(b"\0")
    assert "not a sound entry" in call("cat", "--text", str(broken)).stdout
    (folder / "manifest.json").write_text("{}\n")
    assert call("cat", "--text", "manifest.json").stdout == "{}\n"


def test_why(root: Path, folder: Path) -> None:
    for command in ("why", "show", "cat", "log"):
        assert "has no entries" in refused(command)
    add(root, recorded("2026-01-01T00:00:00Z", 1), OLD)
    later = key_of(add(root, recorded("2026-01-02T00:00:00Z", 2), OLD + 1))
    assert "Question 1: what is it?" in call("why").stdout
    explained = data("why", later[:8])
    assert explained["key"] == later[:32]
    assert explained["differences"] == [
        'messages[1].content: "Question 1: what is it?" → "Question 2: what is it?"'
    ]


def recorded(when: str, number: int) -> Entry:
    entry = make_entry(number)
    return Entry({**entry.head, "recorded": when}, entry.body)


# ---- The newest ----


def test_the_newest_without_a_key(root: Path) -> None:
    """The newest by the microseconds in the head, within one second."""
    second = recorded("2026-01-02T00:00:00.500000Z", 2)
    add(root, recorded("2026-01-01T00:00:00.900000Z", 1), OLD - 1)
    add(root, second, OLD)
    for number, micro in ((3, 100000), (4, 900000), (5, 300000)):
        add(root, recorded(f"2026-01-02T00:00:00.{micro}Z", number), OLD)
    assert data("show")["asked"][1]["text"] == "Question 4: what is it?"
    assert json.loads(call("cat").stdout) == json.loads(make_entry(4).body)
    assert "Question 4: what is it?" in call("cat", "--text").stdout
    last = [each["asked"][1]["text"][:10] for each in data("show", "--last", "3")]
    assert last == ["Question 5", "Question 2", "Question 4"]
    said = call("show", "--last", "9").stdout
    assert [line[2:12] for line in said.splitlines() if "what is it?" in line] == [
        f"Question {number}" for number in (1, 3, 5, 2, 4)
    ]
    assert "not both" in refused("show", "ab", "--last", "2")


# ---- log ----


@pytest.fixture
def clone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.com")
    subprocess.run(["git", "init", "-q"], check=True)
    return Clone(folder)


def test_log(root: Path, clone: Clone) -> None:
    path = add(root, make_entry(1, answer="Blue."), OLD)
    clone.commit("Record the question")
    path.unlink()
    add(root, make_entry(1, again=1, answer="Green."), OLD + 1)
    lines = call("log", key_of(path)[:8]).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["+", "+"]
    assert lines[0].endswith("(not committed)      → Green.  in force")
    assert "Ada  Record the question" in lines[1]
    assert lines[1].endswith("→ Blue.")
    assert call("log").stdout.splitlines() == lines  # of the newest
    assert data("log", key_of(path))[1]["subject"] == "Record the question"
    said = call("log", "0" * 8)
    assert (said.stdout, said.stderr) == (
        "", "git knows no recording of a key that starts with '00000000'\n",
    )  # fmt: skip
    assert "at least its first 4 digits" in refused("log", "ab")


# ---- What an entry may hold ----


DEEP: Any = "x"


for _ in range(240):
    DEEP = [DEEP]
SHOWY = "a\x1b[2J\u202e\n| b | `c`\n# d\x07"
ODD_HEADS: list[dict[str, Any]] = [
    {"request": {"body": {"model": "m", "seed": 2**70, "messages": [{"content": "hi"}]}}},
    {"request": {"body": {"messages": [{"role": "user", "content": DEEP[0]}]}}},
    {"request": {"body": {"messages": [{"role": {"a": 1}, "content": {"…": ["x", 1, 2, 3]}}]}}},
    {"request": {"body": {"messages": 5, "prompt": {"function": 5}, "contents": [[5], None]}}},
    {"request": [1]},
    {"request": {"body": [5, {"headers": 5}, {"headers": "a; b", "content": {"text": True}}]}},
    {"url": "http://[bad"},
    {"url": 5, "method": None, "model": ["x"], "client": {}},
    {"usage": ["x"]},
    {"usage": {"input": "x", "output": None, "total": 2**70}},
    {"usage": {"input": True, "output": -5, SHOWY: 5}},
    {"stream": "sse"},
    {"stream": "json-array"},
    {"stream": "aws-eventstream"},
    {"stream": ["sse"]},
    {"recorded": 5, "nonce": None},
    {"model": SHOWY, "url": f"https://{SHOWY}/x", "recorded": SHOWY, "method": SHOWY},
    {"request": {"body": {"messages": [{"role": SHOWY, "content": SHOWY}]}}},
    {"headers": [["content-type", SHOWY]]},
]
ODD_BODIES = [
    b"",
    b"\xff\0",
    b"5",
    b'{"choices": 5, "content": [5], "output": 5, "candidates": {}, "embeddings": {"a": 5}}',
    b'{"choices": [5, {"message": {"content": %b}}]}' % (b"[" * 900 + b"]" * 900),
    b'{"n": 123456789012345678901234567890, "text": "\x1b[2J"}'.replace(b"\x1b", b"\\u001b"),
    b'data: {"choices": 5}\n\ndata: 5\n\ndata: {"embedding": 5, "data": [{"url": 5}]}\n\n',
]


@pytest.mark.parametrize("number", range(len(ODD_HEADS)))
def test_nothing_that_an_entry_holds_breaks_a_command(root: Path, number: int) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    for at, body in enumerate(ODD_BODIES):
        entry = make_entry(number * 100 + at)
        path = add(root, Entry({**entry.head, **ODD_HEADS[number]}, body), OLD - DAY // 2 + at)
        outputs = [call(*command).output for command in (("show", str(path)), ("cat", str(path)))]
        outputs += [call("cat", "--text", str(path)).output, call("show", path.name[:32]).output]
        data("show", str(path))
        json.loads(call("cat", "--head", str(path)).stdout)
        outputs.pop(1)  # the body as it came
        assert not any(set("\x1b\x07\u202e") & set(output) for output in outputs)
    listed = call("ls").stdout
    assert len(listed.splitlines()) == 1 + len(ODD_BODIES)
    assert len(data("ls")) == len(ODD_BODIES)
    assert call("ls").stdout == listed  # from the index
    outputs = [listed, call("stats").output, call("diff").output, call("diff", "--full").output]
    outputs += [call("diff", "--full", "--markdown").output]
    outputs += [call("gc", "--host", "*", "--dry-run").output, call("ls", "--text", "x").output]
    assert not any(set("\x1b\x07\u202e") & set(output) for output in outputs)
    for line in call("diff", "--markdown").stdout.splitlines()[4 : 4 + len(ODD_BODIES)]:
        assert line.startswith("| added | `")
        assert line.count("|") == 7
    for command in ("stats", "diff", "fsck"):
        data(command)
    assert call("fsck").stdout.endswith("all sound\n")


def test_a_deep_head_is_invalid(root: Path) -> None:
    entry = make_entry(1)
    add(root, Entry({**entry.head, "usage": DEEP}, entry.body), OLD)
    assert "nested too deep" in call("fsck", code=1).stdout
    assert call("ls").stdout == ""
