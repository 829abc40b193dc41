"""A store to look at, and the page of it on a real socket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from serving import Serve, serving


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of this machine's settings."""
    for name in [name for name in os.environ if name.startswith(("GIT_", "CACHY_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The path of an empty store."""
    (tmp_path / ".cachy").mkdir()
    return tmp_path / ".cachy"


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A function that serves the page of a store until the end of the test."""
    with ExitStack() as stack:
        yield lambda root, **options: stack.enter_context(serving(root, **options))
