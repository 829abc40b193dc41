"""Servers, one of each for all tests of a process, and remotes on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import Azurite, Moto, NotInstalled, Redis, Seaweed, Server, Web


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of this machine."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def started(server: Server, *libraries: str) -> Iterator[Server]:
    for library in libraries:
        pytest.importorskip(library, reason=f"{library} is not installed: scripts/env test")
    try:
        with server:
            yield server
    except NotInstalled as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def moto() -> Iterator[Server]:
    yield from started(Moto(), "obstore", "moto.server")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Server]:
    yield from started(Redis(), "redis")


@pytest.fixture(scope="session")
def seaweed() -> Iterator[Server]:
    yield from started(Seaweed(), "obstore")


@pytest.fixture(scope="session")
def azurite() -> Iterator[Server]:
    yield from started(Azurite(), "obstore")


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        yield server
