"""What the ini file of pytest says of cachy."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachy.upkeep.pytest_ini import read_ini


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\naddopts = -q\ncachy_scope = test\n"),
        ("tox.ini", "[tox]\n[pytest]\ncachy_scope = test\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\ncachy_scope = "test"\n'),
        ("pyproject.toml", '[tool.pytest]\ncachy_scope = "test"\n'),
    ],
)
def test_reads_each_kind_of_file(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert read_ini(str(tmp_path)) == {"cachy_scope": "test"}


@pytest.mark.parametrize("text", ["", "no section", "[pytest]\n[pytest]\n", "\xff", "[other]\n"])
def test_what_cannot_be_read_says_nothing(text: str, tmp_path: Path) -> None:
    for name in ("pytest.ini", "tox.ini", "pyproject.toml"):
        (tmp_path / name).write_bytes(text.encode("latin-1"))
    assert read_ini(str(tmp_path)) == {}
