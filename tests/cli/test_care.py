"""fsck, gc; and init with what git makes of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import call, data
from many import add, make_entry
from stores import OLD, key_of


def test_fsck(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    assert call("fsck").stdout.endswith("all sound\n")
    path.write_bytes(b"\0")
    said = call("fsck", code=1).stdout
    assert f"{path}: its bytes are not the ones that were recorded" in said
    assert "`cachy fsck --repair`" in said
    assert data("fsck", code=1)["flaws"][0]["path"] == str(path)
    assert "moved 1 file to" in call("fsck", "--repair", code=1).stdout
    assert data("fsck")["sound"]


# ---- gc ----


def test_gc_asks_before_a_policy_is_applied(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    assert "remove 1 file" in call("gc", "--older-than", "90d", "--dry-run").stdout
    call("gc", "--older-than", "90d", answer="n\n", code=1)
    call("gc", "--older-than", "90d", code=1)  # no answer
    assert path.exists()
    said = call("gc", "--older-than", "90d", answer="y\n")
    assert "100 days old" in said.stdout
    assert not path.exists()
    assert "restored 1 file" in call("gc", "--undo").stdout
    assert path.exists()
    report = data("gc", "--older-than", "90d", "--yes")
    assert report["moved"] == [str(path)]
    assert data("gc", "--undo")["restored"] == [str(path)]


def test_gc_without_a_policy_does_not_ask(root: Path) -> None:
    older = add(root, make_entry(1), OLD)
    add(root, make_entry(1, again=1), OLD + 1)
    assert data("gc", "--dry-run")["removals"][0]["key"] == key_of(older)
    said = call("gc").stdout
    assert "moved 1 file to" in said
    assert "keep 1 entry" in said
    assert "moved" not in call("gc").stdout


def test_gc_without_an_answer(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    assert "--yes" in call("gc", "--model", "*", code=1).stderr
    assert path.exists()


def test_gc_where_nothing_can_be_written(root: Path) -> None:
    add(root, make_entry(1), OLD)
    (root / "local").write_text("in the way")
    call("gc")
    said = call("gc", "--older-than", "1d", "--yes", code=1)
    assert "cachy: " in said.stderr


# ---- init ----


@pytest.mark.skipif(os.name == "nt", reason="the hook is a shell script")
def test_git_itself_shows_and_checks_entries(
    root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """textconv and the hook, called by git; in an editor, say, with no `cachy` on the PATH."""
    environment = {**os.environ, "PATH": os.defpath, "TMPDIR": str(folder)}

    def git(*arguments: str, code: int = 0) -> str:
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        done = subprocess.run(
            ["git", *who, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    git("init", "-q")
    call("init", "--git", "--hook")
    path = add(root, make_entry(1, answer="Blue."), OLD)
    git("add", ".cachy", ".gitattributes")
    git("commit", "-q", "-m", "one")
    path.unlink()
    add(root, make_entry(1, again=1, answer="Green."), OLD + 1)
    git("add", "-A", ".cachy")
    shown = git("diff", "--cached")
    assert "[-Blue-]{+Green+}." in shown
    assert "replaced by the recording" in shown
    assert "-  Blue." in git("diff", "--cached", "--no-ext-diff")
    assert "+    [-Blue-]{+Green+}." in git("diff", "--cached", "--no-ext-diff")
    add(root, make_entry(2), OLD).write_bytes(b"\0")
    git("add", "-A", ".cachy")
    git("commit", "-q", "-m", "two", code=1)
    # In an environment that has been deleted.
    monkeypatch.setattr(sys, "executable", str(folder / "no" / "python"))
    call("init", "--git", "--hook")
    assert "Blue" not in git("diff", "--cached")
    git("commit", "-q", "-m", "two", code=1)
    git("reset", "-q")
    git("commit", "-q", "-m", "three", "--allow-empty")
