"""What the calls of a session cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from many import add, make_entry
from stores import OLD, key_of

from cachy import prices
from cachy.engine import money
from cachy.engine.money import more, saved, worth
from cachy.session import new_session

needs_prices = pytest.mark.skipif(not prices.installed(), reason="genai-prices is not installed")
COST = 0.0001


@needs_prices
def test_what_hits_would_have_cost(tmp_path: Path) -> None:
    session = new_session(cache_dir=tmp_path)
    cache, root = session.cache, tmp_path / ".cachy"
    one = add(root, make_entry(1), OLD)
    nobodys = add(root, make_entry(2, model="nobody-1", url="https://llm.example.com/"), OLD)
    assert saved(cache) is None
    for path, times in ((one, 3), (nobodys, 2)):
        for _ in range(times):
            cache.events.hit(f"{key_of(path)}{'0' * 32}", {"ms": 5, "usage": {"input": 3}})
    bill = saved(cache)
    assert bill is not None
    assert bill.dollars == pytest.approx(3 * COST)
    assert bill[1:] == (3, 2)
    assert "s and $0.0003 saved" in repr(session)
    assert ("saved", f"15 tokens, 0.0 s, {bill}") in session.table().rows
    one.unlink()
    assert saved(cache) == bill  # it is read once


@needs_prices
def test_a_store_that_fails_has_no_prices(tmp_path: Path) -> None:
    class Broken(dict[str, bytes]):
        def __getitem__(self, name: str) -> Any:
            raise OSError("no")

    session = new_session(store=Broken())
    assert worth(session.cache, {"ab" * 16: 2}) == (0.0, 0, 2)
    assert "saved; " in repr(session)


@needs_prices
def test_reading_takes_no_longer_than_its_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(money, "BUDGET", -1)
    session = new_session(cache_dir=tmp_path)
    path = add(tmp_path / ".cachy", make_entry(1), OLD)
    assert worth(session.cache, {key_of(path): 1}) == (0.0, 0, 1)
    monkeypatch.undo()
    assert worth(session.cache, {key_of(path): 2}) == (0.0002, 2, 0)


def test_without_prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices, "_library", lambda: None)
    session = new_session(cache_dir=tmp_path)
    session.cache.events.hit("ab" * 32, {"ms": 5, "usage": {"input": 3}})
    assert saved(session.cache) is None
    assert "0.0 s saved; " in repr(session)


def test_more() -> None:
    assert more({"a": 3, "b": 1, "c": 1}, {"a": 1, "b": 1}) == {"a": 2, "c": 1}
