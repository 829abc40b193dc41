"""An empty working directory, and a store in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import cachy


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and none of this machine's settings."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("GIT_", "CACHY_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("PYTHONPATH", str(Path(cachy.__file__).parent.parent))
    return tmp_path


@pytest.fixture
def root(folder: Path) -> Path:
    """The path of an empty store."""
    (folder / ".cachy").mkdir()
    return folder / ".cachy"
