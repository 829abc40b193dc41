"""Files that pycachy itself recorded, through the SDKs: a run with the server refusing is answered
whole from them, and then from `.cachy` alone. `support/record_pycachy.py` makes the files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sdks import WAYS, Way
from standin import Standin

from cachy import disable_cachy, enable_cachy

FILES = sorted((Path(__file__).parent / "pycachy").glob("*.json"))


@pytest.fixture(autouse=True)
def switched_off() -> Iterator[None]:
    yield
    disable_cachy()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_run_is_answered_whole_and_then_the_file_can_go(
    path: Path, standin: Standin, tmp_path: Path
) -> None:
    recorded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    ways = [way for way in WAYS if str(way) in recorded["results"] and way.available()]
    if not ways:
        pytest.skip("its SDKs are in another environment")
    assert len(ways) == len(recorded["results"])
    (tmp_path / recorded["file"]).write_text(recorded["text"], "utf-8")
    standin.refuse = True

    session = enable_cachy(cache_dir=tmp_path)
    assert wrong(ways, recorded["results"]) == []
    assert session.stats.misses == 0

    (tmp_path / recorded["file"]).unlink()
    session = enable_cachy(cache_dir=tmp_path, mode="replay")
    assert wrong(ways, recorded["results"]) == []
    assert session.stats.hits >= len(ways)
    assert standin.calls == []


def wrong(ways: list[Way], results: dict[str, Any]) -> list[tuple[str, Any]]:
    """Make the calls. Return the results that are not those of pycachy. Where a body's keys have
    another order, it has one answer for the sync and one for the async call, and cachy one."""

    def fits(result: Any, way: Way) -> bool:
        alike = f"{way.sdk} {way.call} ".replace(" ", "-")
        return result in [each for name, each in results.items() if name.startswith(alike)]

    given = [(way, way.run()) for way in ways]
    return [(str(way), result) for way, result in given if not fits(result, way)]
