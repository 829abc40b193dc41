"""The files of pycachy, and what it hashes: pinned by what its releases computed."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cassettes import answered, stream_of

from cachy.formats import pycachy
from cachy.formats.interaction import NotUnderstood
from cachy.rules.message import Request

PINNED = json.loads((Path(__file__).parent / "pycachy_hashes.json").read_text("utf-8"))


def request_of(name: str) -> Request:
    data = PINNED["requests"][name]
    headers = [(name, value) for name, value in data["headers"]]
    return Request(data["method"], data["url"], headers, data["body"].encode("latin-1"))


@pytest.mark.parametrize("release", PINNED["releases"])
def test_hashes_as_the_release_did(release: str) -> None:
    for name, digits in PINNED["releases"][release].items():
        assert set(digits) <= set(pycachy.hashes(request_of(name))), name


def test_hashes_are_few() -> None:
    for name in PINNED["requests"]:
        assert len(list(pycachy.hashes(request_of(name)))) <= 24


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def row(digits: str = "7ec85328", response: str = "{}", **more: Any) -> dict[str, Any]:
    return {"key": digits, "response": response, **more}


def test_reads_the_first_answer_of_several(tmp_path: Path) -> None:
    answers = pycachy.Answers(str(write(tmp_path / "a", row(response="1"), row(response="2"))))
    assert len(answers) == 1
    answer = answers.answer("7ec85328")
    assert answer is not None
    assert (answer.body, answer.response.status) == (b"1", 200)
    assert answers.answer("00000000") is None


def test_reads_headers_status_and_binary(tmp_path: Path) -> None:
    audio = base64.b64encode(b"\x00\xff").decode()
    headers = {"Content-Type": "audio/mpeg", "content-length": "9"}
    path = write(tmp_path / "a", row(response=audio, binary=True, headers=headers, status_code=404))
    answer = pycachy.Answers(str(path)).answer("7ec85328")
    assert answer is not None
    assert answer.body == b"\x00\xff"
    assert answer.response.status == 404
    assert answer.response.headers == [("Content-Type", "audio/mpeg")]  # the length was another


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (answered(), "application/json"),
        (stream_of("a", "b"), "text/event-stream; charset=utf-8"),
        ('{"a": 1}\n{"b": 2}\n', "application/x-ndjson"),
        ("hello", "text/plain; charset=utf-8"),
    ],
)
def test_guesses_what_early_releases_did_not_keep(body: str, kind: str, tmp_path: Path) -> None:
    lines = write(tmp_path / "a", row(response=body, headers=None))
    text = tmp_path / "b"
    text.write_text(f"7ec85328|{json.dumps(body)}\n", "utf-8")
    for path in (lines, text):
        answer = pycachy.Answers(str(path)).answer("7ec85328")
        assert answer is not None
        assert answer.body == body.encode()
        assert answer.response.values("content-type") == [kind]


def test_reads_an_answer_as_it_came_in_a_text(tmp_path: Path) -> None:
    path = tmp_path / "cachy.txt"
    path.write_text(f"7ec85328|{answered()}\n0000abcd|second\nno answer\n", "utf-8")
    answers = pycachy.Answers(str(path))
    assert answers.digits() == ["7ec85328", "0000abcd"]
    assert answers.unclear == [3]
    answer = answers.answer("7ec85328")
    assert answer is not None
    assert answer.body == answered().encode()


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b'{"key": "7ec85328", "response": "cut\n{"key": "0000abcd", "respo')
    answers = pycachy.Answers(str(path))
    assert answers.unclear == [2]
    with pytest.raises(NotUnderstood):
        answers.answer("7ec85328")


def test_finds_the_file_beside_the_store_or_where_pycachy_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "deep" / "er"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(inner)
    assert pycachy.locate(pycachy.upstream_folders()) is None
    write(tmp_path / "cachy.jsonl", row())
    (inner / "cachy.jsonl").touch()  # an empty one holds nothing
    assert pycachy.locate(pycachy.upstream_folders()) == str(tmp_path / "cachy.jsonl")
    beside = write(inner / "cachy.txt", row())
    assert pycachy.locate([str(inner)]) == str(beside)
