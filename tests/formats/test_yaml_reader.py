"""YAML from anywhere: nothing in it runs, and its damage costs what it damages."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest
from cassettes import as_yaml, item, unclear

from cachy.errors import ConfigError
from cachy.formats import vcr, yaml_reader
from cachy.formats.interaction import Interaction


def read(text: str | bytes) -> list[Any]:
    data = text.encode() if isinstance(text, str) else text
    return list(vcr.read_yaml(io.BytesIO(data)))


def taken(found: list[Any]) -> int:
    return sum(isinstance(each, Interaction) for each in found)


def test_a_tag_makes_no_object(tmp_path: Any) -> None:
    witness = tmp_path / "witness"
    bomb = f"""\
interactions:
- request: !!python/object/apply:os.system ["touch {witness}"]
  response: {{}}
"""
    found = read(bomb + as_yaml(item()).partition("\n")[2])
    assert not witness.exists()
    assert taken(found) == 1
    ((place, what),) = unclear(found)
    assert place == "line 2"
    assert "python/object/apply:os.system" in what


@pytest.mark.parametrize("tag", ["!!python/unicode", "!!python/str", "!!str", "!"])
def test_a_tag_of_text_is_text(tag: str) -> None:
    text = as_yaml(item()).replace("method: POST", f"method: {tag} 'POST'")
    assert text != as_yaml(item())
    assert read(text)[0].request.method == "POST"


def test_a_bomb_of_aliases_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reader, "MOST_VALUES", 10_000)
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    body = "interactions:\n- request: {uri: 'https://a.b', headers: {x: *a11}, parsed_body: *a11}\n"
    found = read("\n".join([*levels, body + "  response: {status: {code: 200}}\n"]))
    assert unclear(found) == [(found[0].place, "a value that is nested too deep, or too large")]


@pytest.mark.parametrize("flow", ["[" * 5000, "{a: " * 5000])
def test_deep_nesting_is_refused(flow: str) -> None:
    found = read(f"interactions:\n- {flow}")
    assert taken(found) == 0
    assert unclear(found)


def test_a_cassette_cut_in_the_middle_gives_what_is_whole() -> None:
    text = as_yaml(item("a"), item("b"), item("c"))
    at = text.rindex("finish_reason")
    found = read(text[:at])
    assert taken(found) == 2
    assert len(unclear(found)) == 1
    for cut in range(0, len(text), 97):
        assert taken(read(text[:cut])) <= 3


def test_text_that_is_not_utf_8_is_named_with_its_place() -> None:
    found = read(as_yaml(item("a")).encode() + b"# caf\xe9\n")
    ((place, what),) = unclear(found)
    assert place.startswith(("byte ", "line "))
    assert "not YAML" in what


def test_a_text_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reader, "TEXT_LIMIT", 2**20)
    start = as_yaml(item("a")).partition("version")[0]
    endless = _Endless((start + "- request: '").encode())
    found = list(vcr.read_yaml(endless))  # type: ignore[arg-type]
    assert taken(found) == 1
    assert [what for _, what in unclear(found)] == ["a text of more than 1 MiB"]
    assert endless.given < 2**21


class _Endless:
    def __init__(self, start: bytes) -> None:
        self._start, self.given = start, 0

    def read(self, size: int) -> bytes:
        data = self._start[:size].ljust(size, b"x")
        self._start = self._start[size:]
        self.given += size
        return data


def test_an_alias_of_nothing_is_named() -> None:
    found = read("interactions:\n- request: *nothing\n  response: {}\n")
    assert taken(found) == 0
    assert unclear(found)


@pytest.mark.parametrize("text", ["hello", "a: 1", "[1, 2]", "interactions: 7", "\t"])
def test_what_is_no_cassette_is_refused(text: str) -> None:
    found = read(text)
    assert taken(found) == 0
    assert len(unclear(found)) == 1


def test_without_pyyaml_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ConfigError, match=r"pip install 'cachy-store\[vcr\]'"):
        read("a: 1")


def test_plain_python_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[Callable[[], str]] = [lambda: as_yaml(item("ä"), item("b", answer=b"\x00\xff"))]
    for make in texts:
        fast = read(make())
        monkeypatch.setattr(yaml_reader.load_yaml(), "__with_libyaml__", False)
        assert read(make()) == fast
