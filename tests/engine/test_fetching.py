"""A local miss is fetched from a remote, by sync and async calls, and nobody waits too long."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import freezegun
import httpx
import pytest
import trio
from chaos import ILLNESSES, Chaos
from loopback import Loopback
from servers import Web

import cachy
from cachy import CacheMiss, CachyWarning, Session, config, disable_cachy, enable_cachy
from cachy.engine import behind
from cachy.remote.breaker import PAUSE
from cachy.remote.signatures import make_key
from cachy.store.folder import DirStore


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("CACHY_MODE", "CACHY_REMOTE", "CACHY_PUSH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(behind, "_remotes", {})
    yield
    disable_cachy()


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as one:
        yield one


def on(folder: Path, server: Loopback, remote: Any = None, **settings: Any) -> Session:
    return enable_cachy(
        cache_dir=folder, doms=(server.host,), bypass="ignore", remote=remote, **settings
    )


def ask(server: Loopback, text: str = "hi", **more: Any) -> str:
    return str(httpx.post(server.url, json={"text": text, **more}, timeout=20).json()["answer"])


async def aask(server: Loopback, text: str = "hi") -> str:
    async with httpx.AsyncClient(timeout=20) as client:
        return str((await client.post(server.url, json={"text": text})).json()["answer"])


def flushed(session: Session) -> int:
    assert session.cache.behind is not None
    remote = session.cache.behind.remote
    assert remote is not None
    left = remote.flush(10)
    deadline = time.monotonic() + 5
    while not session.stats.remote["pushed"] and time.monotonic() < deadline:
        time.sleep(0.01)
    return left


@pytest.fixture
def full(tmp_path: Path, server: Loopback, web: Web) -> Web:
    """A remote that has the answer to `hi`, and to no other."""
    session = on(tmp_path / "first", server, web.url, push=True)
    ask(server)
    assert flushed(session) == 0
    disable_cachy()
    server.calls.clear()
    web.requests.clear()
    return web


modes = pytest.mark.parametrize("mode", ["auto", "replay"])


@modes
def test_what_one_machine_recorded_another_fetches(
    full: Web, tmp_path: Path, server: Loopback, mode: str
) -> None:
    session = on(tmp_path / "second", server, full.url, mode=mode)
    for _ in range(2):
        assert json.loads(ask(server)) == {"text": "hi"}
    assert server.calls == []
    assert len(full.requests) == 1
    assert session.stats.hits == 2
    assert session.stats.misses == 0
    assert session.stats.remote == {"found": 1}
    assert f"{full.url}: 1 fetched" in repr(session)
    # It is in the folder now, and asked for no more; and it is nothing to commit.
    assert (tmp_path / "second" / ".cachy" / "local" / "fetched").is_dir()
    assert DirStore(tmp_path / "second" / ".cachy").names() == []
    on(tmp_path / "second", server, mode="replay")
    ask(server)


@modes
@pytest.mark.parametrize("run", [asyncio.run, trio.run])
def test_async_calls_share_a_fetch(
    full: Web, tmp_path: Path, server: Loopback, mode: str, run: Any
) -> None:
    session = on(tmp_path / "second", server, full.url, mode=mode)
    found: list[str] = []

    async def one() -> None:
        found.append(await aask(server))

    async def many() -> None:
        if run is trio.run:
            async with trio.open_nursery() as nursery:
                for _ in range(10):
                    nursery.start_soon(one)
        else:
            await asyncio.gather(*(one() for _ in range(10)))

    run(many) if run is trio.run else run(many())
    assert len(found) == 10
    assert server.calls == []
    # One that looked into the folder just before the entry came asks once more.
    assert 1 <= len(full.requests) <= 5
    assert session.stats.hits == 10


def test_what_the_remote_has_not_is_made_and_pushed(
    full: Web, tmp_path: Path, server: Loopback
) -> None:
    session = on(tmp_path / "second", server, full.url, push=True)
    ask(server, "new")
    flushed(session)
    assert len(server.calls) == 1
    assert session.stats.remote == {"absent": 1, "pushed": 1}
    on(tmp_path / "third", server, full.url, mode="replay")
    ask(server, "new")


def test_without_push_nothing_leaves(full: Web, tmp_path: Path, server: Loopback) -> None:
    on(tmp_path / "second", server, full.url)
    ask(server, "new")
    assert [method for method, _ in full.requests] == ["GET"]


def test_the_first_recording_wins_and_a_refresh_replaces(
    full: Web, tmp_path: Path, server: Loopback
) -> None:
    (path,) = full.files
    first = full.files[path]
    on(tmp_path / "second", server, full.url, push=True)
    ask(server)
    assert full.files[path] == first
    time.sleep(1.1)  # stamps have seconds
    session = on(tmp_path / "fourth", server, full.url, push=True, mode="refresh")
    ask(server)
    flushed(session)
    assert full.files[path] != first


def test_private_recordings_never_leave(full: Web, tmp_path: Path, server: Loopback) -> None:
    session = on(tmp_path / "second", server, full.url, push=True)
    with pytest.warns(CachyWarning, match="stays on this machine"):
        ask(server, "my key is ghp_x7Kd93mQpL2vR8sTn4Wz6YbNcHe3XaJtGu5F")
    assert session.cache.behind is not None
    assert session.cache.behind.remote is not None
    session.cache.behind.remote.flush(5)
    assert [method for method, _ in full.requests] == ["GET"]


def test_a_miss_says_what_the_remote_said(full: Web, tmp_path: Path, server: Loopback) -> None:
    session = on(tmp_path / "second", server, full.url, mode="replay")
    with pytest.raises(CacheMiss) as caught:
        ask(server, "other")
    assert f"; the remote {full.url} does not have it" in caught.value.reason
    full.answers = 503, {}, b""
    with pytest.warns(CachyWarning, match="503"), pytest.raises(CacheMiss) as caught:
        ask(server, "another")
    assert "cannot be read (the server answers 503 Service Unavailable)" in caught.value.reason
    assert len(full.requests) == 3  # it was asked twice
    assert session.stats.remote == {"absent": 1, "failed": 1}


PAGE = b"<!DOCTYPE html><html>Log in</html>"


@modes
@pytest.mark.parametrize("bad", ["torn", "another key's", "html", "empty", "1 GB"])
def test_nothing_wrong_is_replayed(
    full: Web, tmp_path: Path, server: Loopback, mode: str, bad: str
) -> None:
    (path,) = full.files
    whole = full.files[path]
    if bad == "1 GB":
        full.answers = 200, {"Content-Length": str(2**30)}, b"x" * 2**20
    else:
        full.files[path] = {
            "torn": whole[:-9],
            "another key's": b"00" * 16 + whole[32:],
            "html": PAGE,
            "empty": b"",
        }[bad]
    session = on(tmp_path / "second", server, full.url, mode=mode)
    said = {
        "torn": "not the ones that were recorded",
        "another key's": "is that of another key",
        "html": "is a page of HTML",
        "empty": "is empty",
        "1 GB": "has 1,073,741,824 bytes",
    }[bad]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if mode == "replay":
            with pytest.raises(CacheMiss, match=said):
                ask(server)
        else:
            assert json.loads(ask(server)) == {"text": "hi"}
    assert [said in str(each.message) for each in caught] == [True]
    assert len(server.calls) == (mode == "auto")
    assert session.stats.hits == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if mode == "auto":
            ask(server)


def test_a_broken_object_is_mended_by_who_pushes(
    full: Web, tmp_path: Path, server: Loopback
) -> None:
    (path,) = full.files
    full.files[path] = full.files[path][:-9]
    session = on(tmp_path / "second", server, full.url, push=True)
    with pytest.warns(CachyWarning):
        ask(server)
    flushed(session)
    on(tmp_path / "third", server, full.url, mode="replay")
    ask(server)


@pytest.mark.parametrize("illness", ILLNESSES)
def test_an_ill_remote_holds_nobody_up(
    full: Web, tmp_path: Path, server: Loopback, illness: str
) -> None:
    with Chaos(full.port) as chaos:
        chaos.illness = illness
        session = on(tmp_path / "second", server, full.at(chaos.port))
        started = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for number in range(6):
                assert json.loads(ask(server, f"{illness} {number}"))["text"]
        assert time.monotonic() - started < 6
        assert len(server.calls) == 6
        remote = session.stats.remote
        assert remote["found"] == 0
        if illness != "cut":  # where a cut answer to "not there" may still be one
            assert remote["failed"] >= 3
            assert remote["left alone"] >= 1
            assert chaos.connections <= 4


def test_a_remote_that_is_well_again_is_used(
    full: Web, tmp_path: Path, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Chaos(full.port) as chaos:
        chaos.illness = "refuse"
        session = on(tmp_path / "second", server, full.at(chaos.port))
        with pytest.warns(CachyWarning, match="cannot be read"):
            ask(server, "0")
        for number in range(1, 4):
            ask(server, str(number))
        chaos.illness = "well"
        server.calls.clear()
        now = behind_clock(monkeypatch)
        now[0] += PAUSE + 1
        ask(server)
        assert server.calls == []
        assert session.stats.remote["found"] == 1


def behind_clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    from cachy import clock

    now = [clock.now()]
    monkeypatch.setattr(clock, "now", lambda: now[0])
    return now


def test_the_callers_own_timeout_is_the_bound(full: Web, tmp_path: Path, server: Loopback) -> None:
    with Chaos(full.port) as chaos:
        chaos.illness = "black hole"
        on(tmp_path / "second", server, full.at(chaos.port), mode="replay")
        started = time.monotonic()
        with pytest.warns(CachyWarning, match="did not answer within"), pytest.raises(CacheMiss):
            httpx.post(server.url, json={"text": "hi"}, timeout=0.4)
        assert time.monotonic() - started < 3


def test_a_clock_that_is_frozen(full: Web, tmp_path: Path, server: Loopback) -> None:
    on(tmp_path / "second", server, full.url, mode="replay")
    with freezegun.freeze_time("2026-01-01"):
        ask(server)
        with pytest.raises(CacheMiss):
            asyncio.run(aask(server, "other"))


def test_a_read_only_identity_is_warned_of_once(
    full: Web, tmp_path: Path, server: Loopback
) -> None:
    full.writes = False
    session = on(tmp_path / "second", server, full.url, push=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for number in range(3):
            ask(server, str(number))
            assert session.cache.behind is not None
            assert session.cache.behind.remote is not None
            session.cache.behind.remote.flush(5)
    said = [str(each.message) for each in caught if "takes no recordings" in str(each.message)]
    assert len(said) == 1
    assert [method for method, _ in full.requests].count("PUT") == 1
    ask(server)
    assert session.stats.remote["found"] == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_fetches(full: Web, tmp_path: Path, server: Loopback) -> None:
    on(tmp_path / "second", server, full.url, mode="replay")
    with pytest.raises(CacheMiss):
        ask(server, "other")  # the parent has used it
    if not (child := os.fork()):
        code = 1
        try:
            code = 0 if json.loads(ask(server)) == {"text": "hi"} else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


def test_a_child_process_has_the_same_remote(full: Web, tmp_path: Path, server: Loopback) -> None:
    on(tmp_path / "second", server, full.url, mode="replay")
    code = (
        "import cachy, httpx, json\n"
        "from cachy import session\n"
        f"print(httpx.post({server.url!r}, json={{'text': 'hi'}}).json()['answer'])\n"
        "print(session.session_in_force().stats.remote['found'])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(cachy.__file__).parent.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.split() == ['{"text":', '"hi"}', "1"]


EXITS = """
import sys, httpx
from cachy import enable_cachy
enable_cachy(cache_dir=sys.argv[1], doms=(sys.argv[3],), remote=sys.argv[2], push=True)
httpx.post(f"http://{sys.argv[3]}/v1/chat/completions", json={"text": "x"}, timeout=20)
"""


def run_alone(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(cachy.__file__).parent.parent)}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=True,
    )


def test_at_exit_what_was_recorded_is_pushed(full: Web, tmp_path: Path, server: Loopback) -> None:
    run_alone(EXITS, str(tmp_path / "second"), full.url, server.host)
    assert len(full.files) == 2


@pytest.mark.timing
def test_a_remote_that_hangs_does_not_keep_the_process(
    full: Web, tmp_path: Path, server: Loopback
) -> None:
    with Chaos(full.port) as chaos:
        chaos.illness = "black hole"
        started = time.monotonic()
        run_alone(EXITS, str(tmp_path / "second"), full.at(chaos.port), server.host)
        assert time.monotonic() - started < 15  # of which most is the start, on a busy machine


NO_REMOTE = """
import sys, httpx
from cachy import enable_cachy
session = enable_cachy(cache_dir=sys.argv[1], doms=(sys.argv[2],))
before = set(sys.modules)
for _ in range(2):
    httpx.post(f"http://{sys.argv[2]}/v1/chat/completions", json={"text": "x"}, timeout=20)
assert session.stats.hits == 1
assert session.remote == ""
print(*sorted(name for name in sys.modules if "remote" in name and name.startswith("cachy")))
print(*{"obstore", "redis", "concurrent.futures"} & set(sys.modules) - before)
"""


def test_without_a_remote_nothing_of_it_is_imported(tmp_path: Path, server: Loopback) -> None:
    done = run_alone(NO_REMOTE, str(tmp_path), server.host)
    assert done.stdout.split() == []


def test_the_log_tells(full: Web, tmp_path: Path, server: Loopback) -> None:
    log = tmp_path / "log"
    code = EXITS.replace('"x"', '"hi"') + EXITS.partition("remote=sys.argv[2], push=True)")[2]
    environment = {"CACHY_LOG": str(log)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CACHY_LOG", environment["CACHY_LOG"])
        run_alone(code, str(tmp_path / "second"), full.url, server.host)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    events = [line["event"] for line in lines if line["event"] != "passed through"]
    assert events[:4] == ["fetched", "hit", "miss", "recorded"]
    reasons = {line["event"]: line.get("reason", "") for line in lines}
    assert reasons["fetched"] == f"the remote {full.url} has it"
    assert reasons["miss"].endswith(f"the remote {full.url} does not have it")


def test_only_signed_recordings_answer(
    tmp_path: Path, server: Loopback, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = make_key(str(tmp_path / "ours.pem"))
    session = on(tmp_path / "stranger", server, web.url, push=True)
    ask(server)
    flushed(session)
    disable_cachy()
    (planted,) = web.files.values()
    refused = "has an object for it that is not signed by a trusted key"
    on(tmp_path / "reader", server, web.url, mode="replay", trust=[ours])
    with pytest.warns(CachyWarning, match=refused), pytest.raises(CacheMiss, match=refused):
        ask(server)
    assert not list((tmp_path / "reader").rglob("*.entry"))
    disable_cachy()
    monkeypatch.setenv("CACHY_SIGN", str(tmp_path / "ours.pem"))
    session = on(tmp_path / "main", server, web.url, push=True, trust=[ours])
    with pytest.warns(CachyWarning, match=refused):
        ask(server)
    flushed(session)
    assert session.stats.remote == {"unsigned": 1, "pushed": 1}
    assert "1 not signed by a trusted key" in repr(session)
    assert planted not in web.files.values()
    disable_cachy()
    monkeypatch.delenv("CACHY_SIGN")
    behind._remotes.clear()
    server.calls.clear()
    session = on(tmp_path / "reader", server, web.url, mode="replay", trust=[ours])
    ask(server)
    assert not server.calls
    assert (session.stats.hits, session.stats.remote["found"]) == (1, 1)


def test_what_strangers_sent_is_no_hit_once_keys_are_demanded(
    tmp_path: Path, server: Loopback, full: Web
) -> None:
    ours = make_key(str(tmp_path / "ours.pem"))
    session = on(tmp_path / "reader", server, full.url, mode="replay")
    ask(server)
    assert session.stats.remote["found"] == 1
    disable_cachy()
    session = on(tmp_path / "reader", server, full.url, mode="replay", trust=[ours])
    with pytest.warns(CachyWarning, match="not signed"), pytest.raises(CacheMiss):
        ask(server)
    assert session.stats.hits == 0


@pytest.mark.parametrize("broken", [False, True])
def test_files_are_not_read_on_the_event_loop(
    tmp_path: Path, server: Loopback, full: Web, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    read, original = [], config.user_settings

    def noting() -> config.Said:
        read.append(threading.current_thread() is threading.main_thread())
        return original()

    monkeypatch.setattr(config, "user_settings", noting)
    (tmp_path / "config" / "cachy").mkdir(parents=True)
    if broken:
        (tmp_path / "config" / "cachy" / "config.toml").write_text("trust = ['x']")
    session = on(tmp_path / "second", server, full.url)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CachyWarning)
        asyncio.run(aask(server))
        asyncio.run(aask(server, "other"))
    assert read == [False]
    assert session.stats.remote["found"] == (not broken)
