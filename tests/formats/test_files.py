"""Which files are read, and as what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cassettes import as_json, as_yaml, item, only, unclear

from cachy.formats import files
from cachy.formats.pycachy import Answers


def test_finds_files_in_folders_and_by_patterns(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "c.json", "d.har", "e.jsonl", "f.py", "g.txt", "cachy.txt"):
        (tmp_path / name).touch()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.yaml").touch()
    found = files.find([str(tmp_path)])
    names = [Path(path).name for path in found.paths]
    assert names == ["a.yml", "b.yaml", "c.json", "cachy.txt", "d.har", "e.jsonl"]
    pattern = files.find([str(tmp_path / "*.yaml"), str(tmp_path / "b.yaml")])
    assert pattern.paths == [str(tmp_path / "b.yaml")]
    assert files.find([str(tmp_path / "none*")]).missing == [str(tmp_path / "none*")]


def test_a_name_with_brackets_is_no_pattern(tmp_path: Path) -> None:
    path = tmp_path / "test_a[1].yaml"
    path.touch()
    assert files.find([str(path)]).paths == [str(path)]


@pytest.mark.parametrize(
    "text",
    [
        as_yaml(item()),
        as_json(item()),
        "\ufeff" + as_json(item()),
        "# a comment\n" + as_yaml(item()),
    ],
)
def test_knows_a_format_by_its_content(text: str, tmp_path: Path) -> None:
    path = tmp_path / "whatever"
    path.write_text(text, "utf-8")
    only(files.read(str(path)))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "it is empty"),
        (b"\x89PNG\r\n\0\0", "it is no recording: it is not text"),
        (b'{"a": 1}', "it holds no list of interactions"),
        (b"[1]", "it is not a cassette of version 1 or later"),
        (b'{"status": 200,\n"body": "{}"}', "it holds an answer without its request"),
        (b'{"log": \xff}', "it is not UTF-8 (byte 8)"),
        (b"{{", "it is not JSON from here on"),
        (b"hello", "it is not a cassette"),
        (b'{"interactions": [' + b"[" * 200_000, "it is nested too deep"),
    ],
)
def test_what_is_no_recording_is_refused(data: bytes, what: str, tmp_path: Path) -> None:
    path = tmp_path / "whatever"
    path.write_bytes(data)
    ((_, reason),) = unclear(files.read(str(path)))
    assert reason.startswith(what)


def test_an_empty_cassette_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(as_json())
    assert list(files.read(str(path))) == []  # type: ignore[arg-type]


def test_knows_the_files_of_pycachy(tmp_path: Path) -> None:
    path = tmp_path / "cachy.jsonl"
    path.write_text('{"key": "7ec85328", "response": "{}"}\n')
    found: Any = files.read(str(path))
    assert isinstance(found, Answers)
