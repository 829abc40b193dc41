"""run."""

from __future__ import annotations

import sys
from pathlib import Path

from commands import call, data, python, refused
from many import add, make_entry
from stores import OLD, key_of

from cachy.store.journal import Note, read, write


def test_run(root: Path, folder: Path) -> None:
    used = add(root, make_entry(1), OLD)
    unused = add(root, make_entry(2), OLD)
    old = Note("old", "a.py", "", OLD, OLD, 1, 0, 0, 0.0, (key_of(unused),))
    write(str(root), old)
    code = f"""
import os, time
from cachy.store.journal import Note, write
run = os.environ["CACHY_RUN"]
now, keys = time.time(), ({key_of(used)!r},)
write({str(root)!r}, Note("new", "b.py", run, now, now, 1, 0, 0, 0.0, keys))
"""
    failing = f"{code}\nraise SystemExit(3)"
    done = python("run", "--", sys.executable, "-c", failing)
    assert done.returncode == 3
    assert "1 session used 1 key: 1 hit, 0 misses, 0 recorded" in done.stderr
    assert len({note.run for note in read(str(root))}) == 2
    # What a failed run did not get to use may well be in use.
    assert "succeeded" in refused("gc", "--unused", "--since", "last-run", "--yes")
    assert python("run", "--", sys.executable, "-c", code).returncode == 0
    report = data("gc", "--unused", "--since", "last-run", "--yes")
    assert report["moved"] == [str(unused)]
    assert used.exists()


def test_run_replays_without_credentials(root: Path, folder: Path) -> None:
    code = "import os; print(os.environ['CACHY_MODE'], os.environ['OPENAI_API_KEY'])"
    mode, key = python("run", "--replay", "--", sys.executable, "-c", code).stdout.split()
    assert mode == "replay"
    assert "placeholder" in key


def test_run_says_that_there_was_a_miss(root: Path, folder: Path) -> None:
    """Although the script went on, and its exit code is 0."""
    script = folder / "ask.py"
    script.write_text("""
import httpx
import cachy
cachy.enable_cachy()
for number in range(2):
    try:
        httpx.post("https://api.openai.com/v1/chat/completions", json={"n": number})
    except cachy.CacheMiss:
        pass
""")
    done = python("run", "--replay", "--", sys.executable, str(script))
    assert done.returncode == 0
    assert "0 hits, 2 misses, 0 recorded" in done.stderr
    assert "2 requests had no recording and failed" in done.stderr
    assert "without --replay records them" in done.stderr


def test_run_refuses(folder: Path) -> None:
    assert "no such command" in refused("run", "--", "no-such-command", code=127)
    call("run", code=2)
    done = python("run", sys.executable, "-c", "print('said')")
    assert done.stdout == "said\n"
    assert "does it enable cachy?" in done.stderr
