"""Ages, sizes and times, parsed and shown."""

from __future__ import annotations

import pytest
from many import DAY

from cachy.cli import units
from cachy.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "seconds"), [("90d", 90 * DAY), ("12 H", 43200), ("1.5w", 10.5 * DAY), ("0", 0)]
)
def test_ages(text: str, seconds: float) -> None:
    assert units.parse_age(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("50MB", 50_000_000), ("1 GiB", 2**30), ("800", 800), ("1.5k", 1500)]
)
def test_sizes(text: str, size: int) -> None:
    assert units.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "d", "-3d", "3 months", "1e3d", "MB"])
def test_bad_units(text: str) -> None:
    with pytest.raises(ConfigError, match="such as"):
        units.parse_age(text)
    with pytest.raises(ConfigError, match="such as"):
        units.parse_size(text)


def test_times() -> None:
    now = 1_800_000_000.0
    assert units.parse_time("2026-11-01T00:00:00+00:00", now) == 1_793_491_200
    assert units.parse_time("2026-12-02", now) - units.parse_time("2026-12-01", now) == DAY
    assert units.parse_time("2d", now) == now - 2 * DAY
    for text in ("", "then", "2026-13-01"):
        with pytest.raises(ConfigError, match="invalid time"):
            units.parse_time(text, now)


def test_shown_units() -> None:
    assert [units.show_age(s) for s in (5, 90, 7200, 3 * DAY, 400 * DAY)] == [
        "now", "1m", "2h", "3d", "1y",
    ]  # fmt: skip
    sizes = [units.show_size(s) for s in (0, 999, 1234, 52_300_000, 3e9)]
    assert sizes == ["0 B", "999 B", "1.2 kB", "52 MB", "3 GB"]
    assert [units.show_duration(s) for s in (4.2, 720, 12600)] == ["4.2 s", "12 min", "3.5 h"]
