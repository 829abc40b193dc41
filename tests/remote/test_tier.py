"""A remote as it is used: what becomes of look-ups and pushes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chaos import Chaos
from engine_contract import entry, new_key
from remotes import fetch, push
from servers import Server, Web, environment_of

from cachy.remote.address import parse
from cachy.remote.objects import pack, place_of
from cachy.remote.tier import Kind, Outcome, Remote
from cachy.store.folder import DirStore


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / ".cachy"


@pytest.fixture(params=["folder", "web", "redis", "s3"])
def remote(request: pytest.FixtureRequest, root: Path, tmp_path: Path) -> Any:
    """A remote of each kind."""
    variables: dict[str, str] = {}
    if request.param == "folder":
        (tmp_path / "share").mkdir()
        url = str(tmp_path / "share" / ".cachy")
    else:
        names = {"web": "web", "redis": "redis_server", "s3": "moto"}
        server = request.getfixturevalue(names[request.param])
        url, variables = server.url, server.variables
    with environment_of(variables):
        yield Remote(parse(url), str(root))


def test_push_and_fetch(remote: Remote, root: Path, tmp_path: Path) -> None:
    key = new_key()
    assert fetch(remote, key) == Outcome(Kind.ABSENT, "does not have it")
    assert push(remote, tmp_path / "other", key, body=b"first") == [""]
    assert push(remote, tmp_path / "other", key, body=b"second", second=2**30) == [""]
    found = fetch(remote, key)
    assert found.kind is Kind.FOUND
    assert found.found is not None
    assert found.found.entry.body == b"first"
    store = DirStore(root)
    entry_ = store.get(key, lambda *_: None)
    assert entry_ is not None
    assert entry_.body == b"first"
    later = 2**31
    assert push(remote, tmp_path / "other", key, body=b"third", second=later, replaces=True) == [""]
    again = fetch(remote, key)
    assert again.found is not None
    assert again.found.entry.body == b"third"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://127.0.0.1:1", "cannot be read"),
        ("s3://team", "cannot be used: no credentials for S3 were found"),
        ("/nonexistent/share/.cachy", "cannot be used: there is no folder /nonexistent/share"),
    ],
)
def test_what_cannot_be_used(url: str, said: str, root: Path) -> None:
    if url.startswith(("redis", "s3")):
        pytest.importorskip("redis" if url.startswith("redis") else "obstore")
    remote = Remote(parse(url), str(root))
    outcome = fetch(remote, new_key())
    assert outcome.kind is Kind.FAILED
    assert outcome.said.startswith(said)
    assert outcome.warn


def test_no_library(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    remote = Remote(parse("s3://team"), str(root))
    first = fetch(remote, new_key())
    assert first.said == (
        "cannot be used: the library `obstore` is not installed: pip install 'cachy-store[s3]'"
    )
    again = fetch(remote, new_key())
    assert again.kind is Kind.ALONE
    assert not again.warn


def test_a_read_only_store_is_a_good_store(web: Web, root: Path) -> None:
    key = new_key()
    web.files["/team/" + place_of(key)] = pack(*entry(key))
    root.write_text("not a folder")
    assert fetch(Remote(parse(web.url), str(root)), key).kind is Kind.FOUND


def test_a_key_is_asked_for_once_at_a_time(web: Web, root: Path) -> None:
    key = new_key()
    web.files["/team/" + place_of(key)] = pack(*entry(key))
    with Chaos(web.port) as chaos:
        chaos.delay = 0.1
        remote = Remote(parse(web.at(chaos.port)), str(root))
        threads = [threading.Thread(target=fetch, args=(remote, key)) for _ in range(8)]
        fetch(remote, new_key())  # opens it
        web.requests.clear()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(web.requests) == 1


def test_replay_tries_again(web: Web, root: Path) -> None:
    key = new_key()
    web.files["/team/" + place_of(key)] = pack(*entry(key))
    with Chaos(web.port) as chaos:
        chaos.illness = "reset"
        remote = Remote(parse(web.at(chaos.port)), str(root))
        heal(chaos, after=lambda: chaos.connections >= 1)
        assert fetch(remote, key, budget=2, tries=2).kind is Kind.FOUND


def heal(chaos: Chaos, after: Callable[[], bool]) -> None:
    def wait_and_heal() -> None:
        while not after():
            pass
        chaos.illness = "well"

    threading.Thread(target=wait_and_heal, daemon=True).start()


@pytest.mark.remote
@pytest.mark.parametrize("kind", ["redis_server", "moto", "seaweed", "azurite"])
@pytest.mark.parametrize(
    "illness", ["black hole", "reset", "refuse", "cut", "503", "trickle", "late"]
)
def test_each_server_with_each_illness(
    kind: str, illness: str, request: pytest.FixtureRequest, root: Path
) -> None:
    server: Server = request.getfixturevalue(kind)
    key = new_key()
    with environment_of(server.variables), Chaos(server.port) as chaos:
        remote = Remote(parse(server.at(chaos.port)), str(root))
        assert push(remote, root / "other", key) == [""]
        chaos.illness = illness
        outcome = fetch(remote, key, budget=0.5)
        assert outcome.kind in (Kind.FAILED, Kind.BROKEN, Kind.ABSENT)
        assert outcome.found is None
        if illness != "cut":
            assert outcome.kind is Kind.FAILED
        chaos.illness = "well"
        assert fetch(remote, key).kind is Kind.FOUND
