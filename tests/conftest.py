"""A clean environment, and one stand-in for all tests of a process, reset for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import environment
import pytest
from hypothesis import HealthCheck, settings

environment.clean(os.environ)  # before anything imports an SDK
# How fast an example runs depends on what else the machine does.
settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")

from standin import Standin  # noqa: E402


@pytest.fixture(scope="session")
def providers() -> Iterator[Standin]:
    """The stand-in, reached at the providers' own addresses."""
    with Standin() as standin, standin.reach():
        yield standin


@pytest.fixture
def standin(providers: Standin) -> Iterator[Standin]:
    """The stand-in with no calls yet, and nothing left behind for the next test."""
    providers.reset()
    yield providers
    providers.reset()


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    """As pytest's, with a space in the path: many users' folders have one."""
    path = tmp_path / "a b"
    path.mkdir()
    return path
