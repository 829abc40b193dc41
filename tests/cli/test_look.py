"""ls, show, cat, why, stats."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from commands import call, data, refused
from many import DAY, add, make_entry
from stores import NOW, OLD, key_of

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
    assert call("ls", "--host", "nowhere").stdout == ""


def test_ls_reports_broken_files(root: Path) -> None:
    add(root, make_entry(1), OLD).write_bytes(b"")
    assert "1 file was skipped as unsound: `cachy fsck`" in call("ls").stderr


def test_show_reads_as_a_chat(root: Path) -> None:
    path = add(root, make_entry(1, answer="Forty-\x1b[2Jtwo."), OLD)
    said = call("show", key_of(path)[:6]).stdout
    assert said.splitlines()[-8:] == [
        "user",
        "  Question 1: what is it?",
        "",
        "→",
        "assistant",
        "  Forty-·[2Jtwo.",
    ][-8:] or said.endswith("→\nassistant\n  Forty-·[2Jtwo.\n")
    assert "took     1.2 s live" in said
    assert "tokens   20 input, 5 output" in said
    shown = data("show", key_of(path))
    assert shown["asked"][1] == {"role": "user", "text": "Question 1: what is it?"}
    assert shown["answered"] == [{"role": "assistant", "text": "Forty-\x1b[2Jtwo."}]
    assert shown["head"]["status"] == 200


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
    head, _, body = text.partition("\n\n")
    assert json.loads(head) == entry.head
    assert json.loads(body) == json.loads(entry.body)


def test_cat_as_git_calls_it_never_fails(root: Path, folder: Path) -> None:
    broken = add(root, make_entry(1), OLD)
    broken.write_bytes(b"\0")
    assert "not a sound entry" in call("cat", "--text", str(broken)).stdout
    (folder / "manifest.json").write_text("{}\n")
    assert call("cat", "--text", "manifest.json").stdout == "{}\n"


def test_stats(root: Path) -> None:
    add(root, make_entry(1), OLD)
    said = call("stats").stdout
    assert said.startswith("1 entry of 1 key, ")
    assert "last 30 days, on this machine: 0 sessions" in said
    report = data("stats")
    assert report["models"]["gpt-4o"]["entries"] == 1
    assert report["total"]["input"] == 20


def test_why(root: Path, folder: Path) -> None:
    assert "has no entries" in refused("why")
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
    outputs = [listed, call("stats").output, call("diff").output]
    outputs += [call("gc", "--host", "*", "--dry-run").output, call("ls", "--text", "x").output]
    assert not any(set("\x1b\x07\u202e") & set(output) for output in outputs)
    for line in call("diff", "--markdown").stdout.splitlines()[4:]:
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
