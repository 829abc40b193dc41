"""A store of another kind is one class: the contract, misses, pytest and notebooks work with it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import made_up
import pytest
from made_up import MadeUpStore
from nested import PLUGINS
from store_contract import KEY, SECOND, StoreContract, frame

import cachy as cachy_package
from cachy import CacheMiss, cachy, enable_cachy
from cachy.errors import CachyError, ConfigError
from cachy.store.base import Kept, Report, Store, Where

pytest_plugins = "pytester"

URL = "https://api.openai.com/v1/chat/completions"


class TestMadeUp(StoreContract):
    """The contract."""

    @pytest.fixture
    def store(self) -> Store:
        return MadeUpStore()


class LeastStore(Store):
    """No more than a store must define."""

    label = "the least store"

    def get(self, key: str, report: Report) -> None:
        return None

    def put(self, key: str, frame: bytes, second: int, *, private: bool = False) -> Kept:
        return Kept(f"{key}-{'0' * 24}", Where.NOWHERE)


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"asked": json.loads(request.content)})

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        yield client


def ask(client: httpx.Client, **body: Any) -> Any:
    return client.post(URL, json={"model": "m", **body}).json()


def test_a_made_up_store_records_and_replays(client: httpx.Client) -> None:
    store = MadeUpStore()
    with cachy(store=store, fakes=True) as session:
        first = ask(client, n=1)
        assert ask(client, n=1) == first
        assert (session.stats.hits, session.stats.recorded) == (1, 1)
        assert "the made-up store" in repr(session)
    assert len(store.rows) == 1


def test_a_miss_in_a_made_up_store_is_explained(client: httpx.Client) -> None:
    store = MadeUpStore()
    with cachy(store=store, fakes=True):
        ask(client, n=1)
    with (
        cachy("replay", store=store, fakes=True),
        pytest.raises(CacheMiss, match="n: 1 → 2") as miss,
    ):
        ask(client, n=2)
    assert "the made-up store" in str(miss.value)


def test_a_store_that_cannot_be_listed(client: httpx.Client) -> None:
    with (
        cachy("replay", store=LeastStore(), fakes=True),
        pytest.raises(CacheMiss, match="lists nothing"),
    ):
        ask(client, n=1)
    with pytest.raises(CachyError, match="the least store cannot forget"):
        LeastStore().drop({KEY})
    with pytest.raises(KeyError):
        LeastStore().frame(KEY)


def test_what_is_kept_nowhere_is_not_counted(client: httpx.Client) -> None:
    with cachy(store=LeastStore(), fakes=True) as session:
        ask(client, n=1)
        assert (session.stats.misses, session.stats.recorded) == (1, 0)


def test_what_lacks_a_verb_is_not_a_store() -> None:
    half = SimpleNamespace(get=print, put=print)
    with pytest.raises(ConfigError, match=r"subclass of cachy\.store\.base\.Store"):
        enable_cachy(half)  # type: ignore[arg-type]


def test_pytest_with_a_made_up_store(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [str(Path(file).parent) for file in (made_up.__file__, cachy_package.__path__[0])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    for name, value in PLUGINS.items():
        monkeypatch.setenv(name, value)
    pytester.makepyfile(f"""
        import httpx, pytest
        from made_up import MadeUpStore

        STORE = MadeUpStore()
        other = "cd" * 16
        STORE.put(other, {frame(key="cd" * 16)!r}, {SECOND})

        def ask():
            answer = lambda request: httpx.Response(200, json={{}})
            with httpx.Client(transport=httpx.MockTransport(answer)) as client:
                client.post({URL!r}, json={{"model": "m"}})

        @pytest.mark.cachy(store=STORE, fakes=True)
        @pytest.mark.parametrize("turn", range(2))
        def test_it(turn, cachy):
            ask()
            assert (cachy.stats.recorded, cachy.stats.hits) == (1 - turn, turn)
    """)
    result = pytester.runpytest_subprocess("--cachy-unused")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*cachy: 1 hit, 1 miss, 1 recorded, 1 unused*", f"  {'cd' * 5}*"])
