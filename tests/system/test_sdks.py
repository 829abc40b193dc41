"""Every way of calling, recorded once and replayed with the network gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sdks import WAYS, Way
from sdks.table import markdown
from standin import Standin

from cachy import disable_cachy, enable_cachy


@contextmanager
def session(**options: Any) -> Iterator[None]:
    """A session, past which nothing went."""
    session = enable_cachy(**options)
    try:
        yield
        assert not session.stats.bypassed
    finally:
        disable_cachy()


@pytest.mark.parametrize("way", [way for way in WAYS if way.available()], ids=str)
def test_replays_what_it_recorded(way: Way, standin: Standin, tmp_path: Path) -> None:
    with session(cache_dir=tmp_path):
        recorded = way.run()
    assert all(recorded.values())
    assert standin.calls

    standin.reset()
    standin.refuse = True
    with session(cache_dir=tmp_path, mode="replay"):
        assert way.run() == recorded
    assert standin.calls == []


def test_no_two_ways_share_a_name() -> None:
    assert len({str(way) for way in WAYS}) == len(WAYS)


def test_table_names_each_sdk_once() -> None:
    rows = markdown(WAYS).splitlines()[2:]
    named = [sdk for row in rows for sdk in row.split(" | ")[0].removeprefix("| ").split(", ")]
    assert sorted(named) == sorted({way.sdk for way in WAYS})
