"""The pre-commit hook, called by git, in real repositories, and beside the framework pre-commit."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from clones import Clone
from many import add, make_entry
from stores import OLD

import cachy
from cachy.errors import CachyError
from cachy.upkeep import hook
from cachy.upkeep.init import init

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the hook is a shell script")
needs_framework = pytest.mark.skipif(
    find_spec("pre_commit") is None, reason="pre-commit is not installed here"
)


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """cachy can be imported, and is on no PATH."""
    monkeypatch.setenv("PYTHONPATH", str(Path(cachy.__file__).parent.parent))
    monkeypatch.setenv("PATH", os.defpath)


def commits(clone: Clone) -> bool:
    """Whether a commit of all that there is passes the hooks."""
    clone.git("add", "-A")
    done = subprocess.run(
        ["git", "-C", clone.top, "commit", "-qm", "x", "--allow-empty"],
        capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode == 0


def guards(clone: Clone) -> bool:
    """Whether a damaged recording cannot be committed, and a sound one can."""
    path = add(clone.root, make_entry(1), OLD)
    assert commits(clone)
    damaged = add(clone.root, make_entry(2), OLD)
    damaged.write_bytes(b"\0")
    refused = not commits(clone)
    clone.git("reset", "-q")
    damaged.unlink()
    path.unlink()
    assert commits(clone)
    return refused


def test_without_cachy_on_the_path(clone: Clone) -> None:
    done = init(str(clone.root), hook=True)
    path = clone.top / ".git" / "hooks" / "pre-commit"
    assert done.created[-1] == str(path)
    assert os.access(path, os.X_OK)
    assert guards(clone)


def test_where_that_cachy_is_gone(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/bin/python")
    init(str(clone.root))
    assert commits(clone)
    init(str(clone.root), hook=True)
    clone.write("report.py", "")
    assert commits(clone)  # no recording is in it
    add(clone.root, make_entry(1), OLD)
    assert not commits(clone)  # it cannot be checked


def test_beside_what_is_there(clone: Clone) -> None:
    path = clone.top / ".git" / "hooks" / "pre-commit"
    path.write_text("#!/usr/bin/env bash\nset -e\nexec lint\n")
    for _ in range(2):
        init(str(clone.root), hook=True)
        assert path.read_text() == f"#!/usr/bin/env bash\n{hook.script()}\nset -e\nexec lint\n"
    path.write_text("#!/bin/sh\ncachy check --staged\n")
    assert init(str(clone.root), hook=True).unchanged[-1] == str(path)
    path.write_text("#!/usr/bin/env python3\n")
    with pytest.raises(CachyError, match="call `cachy check"):
        init(str(clone.root), hook=True)
    path.write_bytes(b"\xff\0")
    with pytest.raises(CachyError, match="call `cachy check"):
        init(str(clone.root), hook=True)


def test_a_hook_of_another_environment_is_replaced(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/bin/python")
    init(str(clone.root), hook=True)
    monkeypatch.undo()
    assert len(init(str(clone.root), hook=True).created) == 1
    text = (clone.top / ".git" / "hooks" / "pre-commit").read_text()
    assert "/no/such" not in text
    assert text.count("check --staged || exit 1") == 2


def test_a_path_with_spaces_and_quotes(
    clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "it's a $HOME"
    folder.mkdir()
    (folder / "cachy").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cachy "$@"\n')
    (folder / "cachy").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    init(str(clone.root), hook=True, git=True)
    assert guards(clone)
    add(clone.root, make_entry(1, answer="Scattering"), OLD)
    assert commits(clone)
    assert "Scattering" in clone.git("show")


# ---- Beside the framework ----


def install(clone: Clone) -> None:
    """pre-commit install, with no hooks of its own."""
    clone.write(".pre-commit-config.yaml", "repos: []\n")
    command = [sys.executable, "-m", "pre_commit", "install"]
    subprocess.run(command, cwd=clone.top, check=True, capture_output=True)


@needs_framework
@pytest.mark.parametrize("order", ["cachy first", "framework first", "framework twice"])
def test_the_framework_keeps_it_in_either_order(clone: Clone, order: str) -> None:
    if order != "cachy first":
        install(clone)
    init(str(clone.root), hook=True)
    if order != "framework first":
        install(clone)
    assert guards(clone)
    assert init(str(clone.root), hook=True).unchanged[-1].endswith("pre-commit.legacy")


def test_a_file_of_the_framework_is_left_as_it_is(clone: Clone) -> None:
    path = clone.top / ".git" / "hooks" / "pre-commit"
    text = "#!/usr/bin/env bash\n# File generated by pre-commit: https://pre-commit.com\n"
    path.write_text(text)
    init(str(clone.root), hook=True)
    assert path.read_text() == text
    assert "check --staged" in path.with_name("pre-commit.legacy").read_text()
