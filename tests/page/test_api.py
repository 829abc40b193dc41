"""What the page asks for, and what bad questions get."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest
import shown
from many import add, make_entry
from stores import NOW

from cachy.errors import CachyError, ConfigError
from cachy.page.api import Api, Gone


@pytest.fixture
def api(tmp_path: Path) -> Api:
    """Of a store with something in each view, and a branch."""
    api = Api(str(shown.repository(tmp_path)), revisions="HEAD")
    api.refresh()
    return api


def name_of(api: Api, text: str) -> str:
    """The name of the newest entry that has this text."""
    return str(api.read("rows", {"text": text})["rows"][0]["name"])


def test_each_view_is_answered(api: Api) -> None:
    name = name_of(api, "otters")
    assert api.read("status", {})["total"] == 0
    assert api.read("rows", {})["total"] == 15
    assert api.read("facets", {"model": "gpt-4o"})["total"]["entries"] == 7
    assert api.read("entry", {"name": name})["users"] == ["agents/tidy.ipynb"]
    assert api.read("events", {"name": name})["total"] > 10
    assert "claude-sonnet-4-6" in api.read("head", {"name": name})["text"]
    assert api.read("raw", {"name": name})["text"].startswith("event: ")
    assert api.read("why", {"name": name})["reason"]
    assert api.read("branch", {})["compared"]
    assert len(api.read("misses", {})["sessions"]) == 2
    assert api.read("costs", {})["total"]["entries"] == 15
    both = [
        version["name"]
        for version in api.read("entry", {"name": name_of(api, "build")})["versions"]
    ]
    assert len(both) == 2
    assert api.read("compare", {"old": both[1], "new": both[0]})["risk"] == "tool calls"
    assert api.medium(name_of(api, "gradient"), 0)[0] == "image/png"
    assert api.body(name).startswith(b"event: ")


def test_forget_and_undo(api: Api) -> None:
    name = name_of(api, "umbrella")
    assert api.change("forget", orjson.dumps({"names": [name]})) == {"forgotten": [name]}
    assert api.read("rows", {"text": "umbrella"})["total"] == 0
    with pytest.raises(Gone, match="not in the store any more"):
        api.read("entry", {"name": name})
    assert api.change("undo", b"{}") == {"restored": [name]}
    assert api.read("rows", {"text": "umbrella"})["total"] == 1
    with pytest.raises(ConfigError, match="nothing to undo"):
        api.change("undo", b"{}")


@pytest.mark.parametrize("name", ["", "x", "../../etc/passwd", "0" * 57, "a" * 32 + "-" + "g" * 24])
def test_what_is_no_name_is_refused(api: Api, name: str) -> None:
    for what in ("entry", "raw", "head", "events", "why"):
        with pytest.raises(CachyError):
            api.read(what, {"name": name})
    with pytest.raises(CachyError):
        api.change("forget", orjson.dumps({"names": [name]}))
    with pytest.raises(CachyError):
        api.medium(name, 0)


def test_bad_questions_get_one_sentence(api: Api) -> None:
    with pytest.raises(Gone, match="nothing called"):
        api.read("secrets", {})
    with pytest.raises(Gone, match="nothing called"):
        api.change("burn", b"{}")
    with pytest.raises(ConfigError, match="not JSON"):
        api.change("forget", b"{")
    for body in (b"{}", b'{"names": "x"}', b'{"names": [1]}'):
        with pytest.raises(ConfigError, match="names"):
            api.change("forget", body)
    assert api.read("rows", {"offset": "-1", "limit": "many"})["total"] == 15
    assert api.read("rows", {"offset": "9" * 40})["rows"]


def test_a_file_that_is_damaged_meanwhile_says_so(root: Path) -> None:
    path = add(root, make_entry(1), NOW)
    api = Api(str(root))
    api.refresh()
    path.write_bytes(b"\0damaged")
    with pytest.raises(CachyError, match="not a sound entry"):
        api.read("entry", {"name": path.stem})
    os.rename(root, root.with_name("moved"))
    with pytest.raises(Gone):
        api.read("entry", {"name": path.stem})


def test_without_revisions_nothing_is_compared(root: Path) -> None:
    assert Api(str(root)).read("branch", {}) == {"compared": False}
