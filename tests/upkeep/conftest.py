"""A store outside a repository, and a repository with a store."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from clones import Clone


@pytest.fixture(autouse=True)
def git_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of this machine, and an author."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.com")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The path of a store that does not exist yet."""
    return tmp_path / ".cachy"


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """An empty repository."""
    clone = Clone(tmp_path / "a räpo [1]")
    subprocess.run(["git", "init", "-q", "-b", "main", clone.top], check=True)
    return clone
