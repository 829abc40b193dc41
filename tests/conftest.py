"""One stand-in for all tests of a process; each test finds it fresh."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from standin import Standin


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
