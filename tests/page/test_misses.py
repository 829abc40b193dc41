"""What was not in the store, by session and by line of the log, and why it was recorded."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
import shown
from many import add, make_entry
from stores import NOW

from cachy.page import misses
from cachy.page.catalog import Catalog
from cachy.page.reading import read
from cachy.store.folder import File
from cachy.upkeep.index import Flaw


def test_a_session_lists_what_it_recorded(root: Path) -> None:
    shown.fill(root)
    catalog = Catalog(str(root))
    catalog.refresh()
    with catalog.reading() as db:
        first, second = misses.sessions(db, str(root))
    assert (first["by"], first["misses"]) == ("agents/tidy.ipynb", 3)
    assert "Clean up the build folder, please." in [row["prompt"] for row in first["rows"]]
    assert second["by"] == "report.ipynb"


def test_the_log_has_the_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert misses.logged() == {"file": "", "misses": []}
    log = tmp_path / "calls.jsonl"
    events = [
        {"event": "hit", "url": "https://a"},
        {"event": "miss", "url": "https://b", "reason": "the model differs"},
        {"event": "refused", "url": "https://c", "reason": "off limits"},
    ]
    log.write_bytes(b"\n".join(map(orjson.dumps, events)) + b"\nnot json\n[]\n")
    monkeypatch.setenv("CACHY_LOG", str(log))
    found = misses.logged()["misses"]
    assert [miss["url"] for miss in found] == ["https://c", "https://b"]
    assert found[1]["reason"] == "the model differs"
    monkeypatch.setenv("CACHY_LOG", "1")
    assert misses.logged()["misses"] == []


def test_an_entry_says_why_it_was_recorded(root: Path) -> None:
    add(root, make_entry(1, prompt="What is it?"), NOW - 60)
    later = make_entry(2, prompt="What is that?")
    later.head["recorded"] = "2026-11-02T00:00:00Z"
    path = add(root, later, NOW)
    found = read(File(str(path), path.stem, False))
    assert found is not None
    assert not isinstance(found, Flaw)
    why = misses.explanation(str(root), found[1])
    assert "closest" in why["reason"]
    assert any("that" in line for line in why["differences"])
