"""Commands that are run and noted."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from many import add, make_entry
from stores import NOW, OLD, add_session, key_of

from cachy.errors import ConfigError
from cachy.store import journal
from cachy.upkeep.run import RunReport, last_run, run

NOTE = """
import os, sys, time
from cachy.store.journal import Note, write
_, root, *keys = sys.argv
run, now = os.environ["CACHY_RUN"], time.time()
for identity, key in enumerate(keys):
    write(root, Note(str(identity), "a.py", run, now, now, 2, 0, 1, 0.0, (key,)))
"""


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def test_all_sessions_of_a_command_are_one_run(root: Path) -> None:
    used = add(root, make_entry(1), OLD)
    add_session(root, used)  # of no run
    before = time.time()
    key = key_of(used)
    report = run(python(NOTE, str(root), key, key, "0" * 32), str(root.parent))
    assert report == RunReport(0, str(root), sessions=3, keys=2, hits=6, misses=0, recorded=3)
    assert before <= last_run(str(root)) <= time.time()
    (own,) = [note for note in journal.read(str(root)) if note.id == note.run]
    assert own.by.startswith(f"$ {sys.executable} -c")
    assert own.code == 0


def test_the_exit_code_is_that_of_the_command(root: Path) -> None:
    root.mkdir()
    assert run(python("raise SystemExit(3)"), str(root)).code == 3
    with pytest.raises(ConfigError, match="no run that succeeded"):
        last_run(str(root))


@pytest.mark.skipif(os.name == "nt", reason="there are no signals")
def test_a_command_that_a_signal_ends(root: Path) -> None:
    killed = python("import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    assert run(killed, str(root)).code == 128 + signal.SIGTERM


def test_a_command_without_a_store(root: Path) -> None:
    report = run(python(""), str(root.parent))
    assert (report.code, report.store) == (0, "")
    assert "there is no store at" in report.problem
    assert not root.exists()


def test_a_store_that_cannot_be_written(root: Path) -> None:
    root.mkdir()
    (root / "local").write_text("in the way")
    report = run(python(""), str(root.parent))
    assert (report.code, report.store) == (0, str(root))
    assert "cannot be noted" in report.problem


def test_no_such_command(root: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        run(["no-such-command"], str(root))
    assert caught.value.filename == "no-such-command"


def test_replay_sets_mode_and_placeholders(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "mine")
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    check = """
import os
assert os.environ["CACHY_MODE"] == "replay"
assert os.environ["OPENAI_API_KEY"] == "mine"
assert "placeholder" in os.environ["MISTRAL_API_KEY"]
"""
    assert run(python(check), str(root), replay=True).code == 0
    assert "MISTRAL_API_KEY" not in os.environ


def test_last_run(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    with pytest.raises(ConfigError, match="cachy run"):
        last_run(str(root))
    for name, started, code in (("first", 500, 0), ("second", 160, 0), ("third", 50, 1)):
        add_session(root, path, ended=NOW - started + 9, run=name)
        own = journal.Note(name, "$", name, NOW - started, NOW - started, 0, 0, 0, 0.0, (), code)
        journal.write(str(root), own)
    add_session(root, path, run="killed")
    journal.compact(str(root))
    assert last_run(str(root)) == NOW - 160  # the last that succeeded
