"""The items of a list in JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cachy.formats import json_reader
from cachy.formats.interaction import NotUnderstood, Unclear
from cachy.formats.json_reader import items, read_text

NAMES = {"entries"}


@pytest.mark.parametrize(
    "data",
    [
        {"entries": [1, {"a": [2]}, None]},
        {"version": 1, "meta": {"x": [1, {"entries": 7}]}, "entries": [1, {"a": [2]}, None]},
        {"log": {"pages": [{"entries": [8]}], "entries": [1, {"a": [2]}, None], "z": "]"}},
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_finds_the_list(data: Any, indent: int | None) -> None:
    found = list(items(json.dumps(data, indent=indent), NAMES))
    assert found == [(1, 1), (2, {"a": [2]}), (3, None)]


@pytest.mark.parametrize("text", ["{}", '{"a": 1}', "7", '{"entries": 7}', '{"a": {"b": 1}}'])
def test_no_list_is_told(text: str) -> None:
    assert list(items(text, NAMES)) == [Unclear("entry 1", "it holds no list of interactions")]


def test_what_stands_before_damage_is_read() -> None:
    text = json.dumps({"entries": [{"a": n} for n in range(5)]})
    for cut in range(1, len(text)):
        *whole, last = items(text[:cut], NAMES)
        assert isinstance(last, Unclear)
        assert whole == [(n + 1, {"a": n}) for n in range(len(whole))]


def test_a_file_that_is_too_long_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_reader, "FILE_LIMIT", 3)
    (tmp_path / "a").write_text("1234")
    with (tmp_path / "a").open("rb") as stream, pytest.raises(NotUnderstood, match="limit of 3"):
        read_text(stream)
