"""Switching on and off: modes, nesting, bad settings, and nothing left behind."""

from __future__ import annotations

import asyncio
import functools
import io
import logging
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Barrier, Thread
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest
from standin import Standin

import cachy as library
from cachy import (
    CacheMiss,
    CachyWarning,
    ConfigError,
    Session,
    cachy,
    disable_cachy,
    doms,
    enable_cachy,
    no_cachy,
)
from cachy.engine.repeats import Numbers
from cachy.rules.key import Noise
from cachy.store.folder import DirStore

OPENAI = "https://api.openai.com/v1"
ROOT = Path(library.__file__).parent.parent


@pytest.fixture(autouse=True)
def switched_off(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CACHY_MODE", raising=False)
    yield
    disable_cachy()


@pytest.fixture(scope="module")
def client(providers: Standin) -> Iterator[httpx2.Client]:
    with httpx2.Client() as client:
        yield client


@pytest.fixture
def ask(client: httpx2.Client, standin: Standin) -> Callable[..., str]:
    """Calls the model; no two live answers are alike."""

    def ask(text: str = "hi") -> str:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
        response = client.post(f"{OPENAI}/chat/completions", json=body)
        return str(response.raise_for_status().json()["choices"][0]["message"]["content"])

    return ask


Ask = Callable[..., str]


def entries(folder: Path) -> int:
    return len([*folder.rglob("*.entry")])


# ---- Modes ----


def test_auto_records_then_replays(ask: Ask, standin: Standin, tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path)
    assert ask() == ask() != ask("another")
    assert len(standin.calls) == 2
    stats = session.stats
    assert (stats.hits, stats.misses, stats.recorded) == (1, 2, 2)
    assert stats.seconds_saved > 0


def test_replay_never_calls(ask: Ask, standin: Standin, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path)
    recorded = ask()
    standin.reset()
    session = enable_cachy(cache_dir=tmp_path, mode="replay")
    assert ask() == recorded
    with pytest.raises(CacheMiss) as miss:
        ask("another")
    assert standin.calls == []
    assert (session.stats.hits, session.stats.misses, session.stats.recorded) == (1, 1, 0)
    found = miss.value
    assert (found.method, found.url, found.model, found.store) == (
        "POST",
        f"{OPENAI}/chat/completions",
        "gpt-4o",
        str(tmp_path / ".cachy"),
    )
    for part in (found.method, found.url, "gpt-4o", found.store, found.reason, "--cachy=auto"):
        assert part in str(found)


def test_replay_refuses_what_is_never_recorded(
    client: httpx2.Client, standin: Standin, tmp_path: Path
) -> None:
    enable_cachy(cache_dir=tmp_path, mode="replay")
    for method, path in (("POST", "/files"), ("DELETE", "/models/x"), ("GET", "/batches/1")):
        with pytest.raises(CacheMiss, match="no recording can exist"):
            client.request(method, f"{OPENAI}{path}?api_key=sk-secret")
    assert standin.calls == []
    assert client.get("https://example.com/").status_code == 404  # no host of ours
    assert len(standin.calls) == 1


def test_a_miss_shows_no_secret(client: httpx2.Client, standin: Standin, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path, mode="replay")
    with pytest.raises(CacheMiss) as miss:
        client.post(
            "https://me:sk-secret@generativelanguage.googleapis.com/v1/models/g:x?key=sk-secret",
            headers={"authorization": "Bearer sk-secret"},
            json={"contents": []},
        )
    assert "sk-secret" not in str(miss.value)
    assert miss.value.model == "g"


def test_refresh_calls_and_replaces(ask: Ask, standin: Standin, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path)
    first = ask()
    session = enable_cachy(cache_dir=tmp_path, mode="refresh")
    second, third = ask(), ask()
    assert len({first, second, third}) == len(standin.calls) == 3
    assert session.stats.recorded == 2
    enable_cachy(cache_dir=tmp_path, mode="replay")
    assert ask() == third


def test_off_does_nothing(ask: Ask, standin: Standin, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path)
    recorded = ask()
    enable_cachy(cache_dir=tmp_path, mode="off")
    assert len({recorded, ask(), ask()}) == len(standin.calls) == 3
    assert entries(tmp_path) == 1


MODES = {
    "auto": "auto",
    "replay": "replay",
    "refresh": "refresh",
    "off": "off",
    "new_episodes": "auto",
    "once": "auto",
    "none": "replay",
    "all": "refresh",
}


@pytest.mark.parametrize(("name", "mode"), MODES.items(), ids=MODES)
def test_names_of_modes(
    name: str, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert enable_cachy(cache_dir=tmp_path, mode=name).mode == mode
    monkeypatch.setenv("CACHY_MODE", name)
    for given in ("auto", "replay"):
        assert enable_cachy(cache_dir=tmp_path, mode=given).mode == mode


@pytest.mark.parametrize(
    ("variable", "mode"),
    [("", "refresh"), ("  ", "refresh"), ("REPLAY", "replay"), (" off\n", "off")],
)
def test_how_the_variable_is_read(
    variable: str, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHY_MODE", variable)
    assert enable_cachy(cache_dir=tmp_path, mode="refresh").mode == mode


def test_the_variable_wins_in_blocks_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enable_cachy(cache_dir=tmp_path)
    monkeypatch.setenv("CACHY_MODE", "replay")
    with cachy(mode="refresh") as session:
        assert session.mode == "replay"


# ---- Bad settings ----


@pytest.mark.parametrize("name", ["repaly", "x"])
def test_a_misspelt_variable(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHY_MODE", name)
    with pytest.raises(ConfigError, match=f"CACHY_MODE='{name}'.*auto, replay, refresh, off"):
        enable_cachy(cache_dir=tmp_path)
    with pytest.raises(ConfigError, match="CACHY_MODE"), cachy(cache_dir=tmp_path):
        pass


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        pytest.param({"mode": "repaly"}, "mode='repaly'.*did you mean 'replay'", id="mode"),
        pytest.param({"mode": "Replay"}, "mode='Replay'.*'replay'", id="mode-case"),
        pytest.param({"mode": ["auto"]}, r"mode=\['auto'\]", id="mode-list"),
        pytest.param({"store": "/tmp/x"}, "store='/tmp/x'.*cache_dir='/tmp/x'", id="store-path"),
        pytest.param({"store": Path("x")}, "store='x'.*cache_dir='x'", id="store-path-object"),
        pytest.param({"store": None}, "store=None is not a store", id="store-none"),
        pytest.param({"store": 7}, "store=7 is not a store", id="store-number"),
        pytest.param({"store": []}, r"store=\[\] is not a store", id="store-list"),
        pytest.param({"store": dict}, "store=.*dict.*is not a store", id="store-class"),
        pytest.param({"store": {}, "cache_dir": "x"}, "one of the two", id="store-and-folder"),
        pytest.param({"doms": "a.com"}, r"doms='a\.com'.*\('a\.com',\)", id="doms-string"),
        pytest.param({"doms": ("https://a.com/v1",)}, "'a.com'", id="doms-url"),
        pytest.param({"doms": None}, "doms=None", id="doms-none"),
        pytest.param({"requests": "all"}, "requests='all'.*outline, full, none", id="requests"),
        pytest.param({"hdrs": "x-mine"}, "hdrs='x-mine'", id="hdrs-string"),
        pytest.param({"hdrs": (b"x-mine",)}, "b'x-mine'", id="hdrs-bytes"),
        pytest.param({"hdrs": 5}, "hdrs=5", id="hdrs-number"),
        pytest.param({"scope": 5}, "scope=5", id="scope-number"),
        pytest.param({"scope": ["a"]}, r"scope=\['a'\]", id="scope-list"),
        pytest.param({"store": "replay"}, "mode='replay'", id="store-mode"),
        pytest.param({"cache_dir": 5}, "cache_dir=5", id="folder-number"),
        pytest.param({"noise": None}, "noise=None", id="noise-none"),
        pytest.param({"noise": "run-1"}, "noise", id="noise-string"),
        pytest.param({"noise": ("run-1",)}, "'run-1'", id="noise-strings"),
        pytest.param({"noise": (re.compile("x"),)}, "noise", id="noise-pattern"),
        pytest.param(
            {"noise": (Noise("x", re.compile("x"), ""),)},  # type: ignore[arg-type]
            "bytes",
            id="noise-text",
        ),
    ],
)
def test_bad_settings(settings: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=says):
        enable_cachy(**({"cache_dir": tmp_path} if "store" not in settings else {}) | settings)
    assert not hasattr(httpx2.Client.send, "_cachy")
    with pytest.raises(ValueError, match=says), cachy(**settings):
        pass


@pytest.mark.parametrize("mode", ["", None])
def test_an_invalid_mode(mode: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"mode={mode!r}"):
        enable_cachy(cache_dir=tmp_path, mode=mode)


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(ConfigError, match=r"cache_dir='.*/x' is not a folder"):
        enable_cachy(cache_dir=tmp_path / "x")
    with pytest.raises(ConfigError, match=r"cache_dir='.*/x/y' is not a folder"):
        enable_cachy(cache_dir=tmp_path / "x" / "y")
    (tmp_path / ".cachy").write_text("")
    with pytest.raises(ConfigError, match=r"\.cachy is not a folder"):
        enable_cachy(cache_dir=tmp_path)


def test_a_store_of_a_newer_version(tmp_path: Path) -> None:
    (tmp_path / ".cachy").mkdir()
    (tmp_path / ".cachy/manifest.json").write_text('{"format": "cachy", "version": 2}')
    with pytest.raises(ConfigError, match=r"format 2, and this cachy reads format 1.*pip install"):
        enable_cachy(cache_dir=tmp_path)


def test_an_unknown_setting(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="color"):
        enable_cachy(cache_dir=tmp_path, color="red")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="color"), cachy(color="red"):
        pass


def test_bad_settings_change_nothing(ask: Ask, tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path)
    recorded = ask()
    with pytest.raises(ConfigError):
        enable_cachy(mode="repaly")
    assert ask() == recorded
    assert session.stats.hits == 1


# ---- Where ----


def test_the_default_folder(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path / "a/b")
    session = enable_cachy()
    assert repr(session.store) == str(tmp_path / ".cachy")
    ask()
    assert entries(tmp_path / ".cachy") == 1


def test_any_mapping_is_a_store(ask: Ask, standin: Standin) -> None:
    store: dict[str, bytes] = {}
    enable_cachy(store=store)
    assert ask() == ask()
    assert (len(store), len(standin.calls)) == (1, 1)
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in store)


def test_a_store_of_ones_own(ask: Ask, tmp_path: Path) -> None:
    store = DirStore(tmp_path / "mine")
    assert enable_cachy(store=store).store is store
    assert ask() == ask()
    assert entries(tmp_path / "mine") == 1


# ---- Settings that work ----


def test_hosts_can_be_added(client: httpx2.Client, standin: Standin, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path, doms=(*doms, "llm.example.com"), errors=True)
    for _ in range(2):
        assert client.post("https://llm.example.com/v1/chat", json={}).status_code == 404
    assert len(standin.calls) == 1


def test_debug_prints_each(ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    enable_cachy(cache_dir=tmp_path, debug=True)
    ask()
    ask()
    ask("more")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    call = rf"[0-9a-f]{{8}} POST {OPENAI}/chat/completions \(gpt-4o\)"
    assert re.fullmatch(rf"\S* MISS {call}: there is no store at .*", lines[0])
    assert re.fullmatch(rf"\S* HIT {call}", lines[1])
    assert re.fullmatch(rf"\S* MISS {call}: no prompt like this was recorded; .*", lines[2])


def test_stats_print_themselves(ask: Ask, tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path)
    ask()
    ask()
    session.stats.skipped["its status is 500"] += 1
    hits, misses, recorded, saved, not_kept = repr(session.stats).splitlines()
    assert (hits, misses, recorded) == ("hits      1", "misses    1", "recorded  1")
    assert re.fullmatch(r"saved     \d+ tokens, \d+\.\d s", saved)
    assert not_kept == "not kept  1: its status is 500"


@pytest.mark.parametrize("requests", ["outline", "full", "none"])
def test_what_is_kept_of_a_request(ask: Ask, requests: str) -> None:
    from cachy.store.entry import loads

    store: dict[str, bytes] = {}
    enable_cachy(store=store, requests=requests)
    ask("long " * 100)
    (frame,) = store.values()
    kept: Any = loads(frame).head.get("request")
    match requests:
        case "none":
            assert kept is None
        case "full":
            assert kept["body"]["messages"][0]["content"] == "long " * 100
        case "outline":
            assert kept["body"]["messages"][0]["content"]["…"][0] == 500


def test_noise_can_be_turned_off(ask: Ask, standin: Standin, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path)
    assert ask("<A object at 0x7f0000000001>") == ask("<A object at 0x7f0000000002>")
    enable_cachy(cache_dir=tmp_path, noise=())
    assert ask("<A object at 0x7f0000000001>") != ask("<A object at 0x7f0000000002>")


def test_the_repr_shows_what_was_done(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the path as seen from here: it is printed into notebooks, which are committed."""
    monkeypatch.chdir(tmp_path)
    session = enable_cachy(cache_dir=tmp_path)
    assert repr(session) == ("<cachy auto: 0 hits, 0 misses, 0 recorded, 0.0 s saved; .cachy>")
    ask()
    ask()
    ask()
    assert "2 hits, 1 miss, 1 recorded" in repr(session)


# ---- Blocks ----


def test_no_cachy_calls_live(ask: Ask, standin: Standin, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path)
    recorded = ask()
    with no_cachy():
        assert len({recorded, ask(), ask()}) == 3
    assert ask() == recorded
    assert entries(tmp_path) == 1


def test_no_cachy_without_cachy(ask: Ask) -> None:
    with no_cachy():
        assert ask() != ask()


def test_a_block_is_the_session_in_another_mode(ask: Ask, tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path)
    recorded = ask()
    with cachy(mode="refresh") as inner:
        refreshed = ask()
        assert (inner.mode, session.mode) == ("refresh", "auto")
        assert inner.stats is session.stats
        assert inner.store is session.store
    assert ask() == refreshed != recorded


def test_a_block_with_settings_is_a_session_of_its_own(ask: Ask, tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path / "a")
    recorded = ask()
    with cachy(cache_dir=tmp_path / "b") as inner:
        assert ask() == ask() != recorded
        assert (inner.stats.hits, inner.stats.misses) == (1, 1)
    assert ask() == recorded
    assert (session.stats.hits, session.stats.misses) == (1, 1)


def test_a_block_inherits_what_it_does_not_name(ask: Ask, standin: Standin, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path, requests="full")
    recorded = ask()
    standin.reset()
    session = enable_cachy(cache_dir=tmp_path, mode="replay", doms=("api.openai.com",))
    with cachy(errors=True) as inner:
        assert (inner.mode, inner.store) == ("replay", session.store)
        assert inner.cache.settings.hosts.patterns == ("api.openai.com",)
        assert ask() == recorded
    with cachy(scope="another"), pytest.raises(CacheMiss):
        ask()
    with cachy(store={}, scope="") as inner:
        assert inner.mode == "replay"
    assert standin.calls == []


def test_a_block_with_settings_uses_the_store_around_it(ask: Ask, tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path)
    with cachy(scope="x") as inner:
        assert inner.store is session.store
        ask()
    assert inner.stats.recorded == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows does not delete a folder that is in use")
def test_a_block_needs_no_working_directory(
    ask: Ask, standin: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    enable_cachy(cache_dir=tmp_path)
    (tmp_path / "gone").rmdir()
    for _ in range(2):
        with cachy(scope="x"):
            ask()
    assert len(standin.calls) == 1


def test_a_refusal_is_a_miss(client: httpx2.Client, tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path, mode="replay")
    with pytest.raises(CacheMiss, match="keeps state"):
        client.post(f"{OPENAI}/files", content=b"x")
    assert session.stats.misses == 1


def test_the_store_itself_may_be_named(tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path / ".cachy")
    assert repr(session.store) == str(tmp_path / ".cachy")


def test_debug_on_a_terminal_without_emoji(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", out)
    enable_cachy(cache_dir=tmp_path, debug=True)
    assert ask() == ask()
    out.flush()
    lines = out.buffer.getvalue().decode("cp1252").splitlines()
    assert [line.split()[0] for line in lines] == ["MISS", "HIT"]


def test_a_block_alone_switches_on_and_off(ask: Ask, tmp_path: Path) -> None:
    with cachy(cache_dir=tmp_path):
        recorded = ask()
        assert ask() == recorded
    assert not hasattr(httpx2.Client.send, "_cachy")
    assert ask() != recorded
    with cachy(mode="replay", cache_dir=tmp_path):
        assert ask() == recorded


def test_blocks_nest(ask: Ask, standin: Standin, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path)
    recorded = ask()
    with no_cachy():
        live = ask()
        with cachy(cache_dir=tmp_path):
            assert ask() == recorded
            with no_cachy():
                assert ask() not in (recorded, live)
            with cachy(mode="replay"), pytest.raises(CacheMiss):
                ask("another")
            assert ask() == recorded
        assert ask() not in (recorded, live)
    assert ask() == recorded


def test_a_block_within_no_cachy_is_the_session_again(ask: Ask, tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path)
    recorded = ask()
    with no_cachy(), cachy(mode="replay") as inner:
        assert inner.store is session.store
        assert ask() == recorded


def test_a_block_restores_after_an_error(ask: Ask, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path)
    recorded = ask()
    with pytest.raises(ZeroDivisionError), no_cachy(), cachy(mode="refresh"):
        raise ZeroDivisionError
    assert ask() == recorded


def test_blocks_leave_nothing_behind(tmp_path: Path) -> None:
    with no_cachy(), cachy(cache_dir=tmp_path):
        pass
    assert not hasattr(httpx2.Client.send, "_cachy")


def test_a_block_does_not_hold_for_threads_from_before(ask: Ask, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path)
    recorded = ask()
    within, answers = Barrier(2, timeout=10), []

    def work() -> None:
        within.wait()
        answers.append(ask())
        within.wait()

    thread = Thread(target=work)
    thread.start()
    with no_cachy():
        within.wait()
        within.wait()
        assert ask() != recorded
    thread.join()
    assert answers == [recorded]


def test_a_block_alone_outlives_that_of_another_thread(ask: Ask, tmp_path: Path) -> None:
    """Of two threads in blocks of their own, the first to leave must not switch off the other."""
    both_in, first_out = Barrier(2, timeout=10), Barrier(2, timeout=10)

    def short() -> None:
        with cachy(cache_dir=tmp_path / "short"):
            both_in.wait()
        first_out.wait()

    thread = Thread(target=short)
    thread.start()
    with cachy(cache_dir=tmp_path / "long"):
        both_in.wait()
        first_out.wait()
        assert ask() == ask()
    thread.join()
    assert not hasattr(httpx2.Client.send, "_cachy")


def test_a_block_holds_for_its_task_alone(standin: Standin, tmp_path: Path) -> None:
    async def main() -> None:
        async with httpx2.AsyncClient() as client:
            inside = asyncio.Event()

            async def ask() -> str:
                return str((await client.get(f"{OPENAI}/models")).text)

            async def within() -> None:
                with no_cachy():
                    inside.set()
                    await asyncio.sleep(0.01)
                    assert await ask() != recorded
                    assert await asyncio.create_task(ask()) != recorded  # a task inherits
                assert await ask() == recorded

            async def without() -> None:
                await inside.wait()
                assert await ask() == recorded

            recorded = await ask()
            await asyncio.gather(within(), without())

    enable_cachy(cache_dir=tmp_path)
    asyncio.run(main())
    assert len(standin.calls) == 3


def test_tasks_with_blocks_alone(standin: Standin, tmp_path: Path) -> None:
    async def main() -> None:
        async with httpx2.AsyncClient() as client:

            async def work(number: int) -> None:
                with cachy(store={}) as session:
                    for _ in range(2):
                        await asyncio.sleep(0.01 * number)
                        await client.get(f"{OPENAI}/models")
                    assert (session.stats.hits, session.stats.misses) == (1, 1)

            await asyncio.gather(*map(work, range(3)))

    asyncio.run(main())
    assert len(standin.calls) == 3


# ---- On, on again, and off ----


def state() -> dict[str, Any]:
    """All that a patch might touch."""
    found: dict[str, Any] = {"finders": [*sys.meta_path]}
    for module in (httpx, httpx2):
        found |= {f"{module.__name__}.{name}": value for name, value in vars(module).items()}
        for thing in vars(module).values():
            if isinstance(thing, type):
                found |= {f"{thing!r}.{name}": value for name, value in vars(thing).items()}
    return found


def test_disabling_leaves_nothing_behind(ask: Ask, tmp_path: Path) -> None:
    before = state()
    for _ in range(2):
        enable_cachy(cache_dir=tmp_path)
        enable_cachy(cache_dir=tmp_path)
        ask()
        assert state() != before
        disable_cachy()
        disable_cachy()
        assert state() == before
    assert ask() != ask()


def test_enabling_twice_replaces_the_settings(ask: Ask, standin: Standin, tmp_path: Path) -> None:
    first = enable_cachy(cache_dir=tmp_path / "a")
    send = httpx2.Client.send
    second = enable_cachy(cache_dir=tmp_path / "b")
    assert httpx2.Client.send is send
    assert ask() == ask()
    assert (first.stats.hits, second.stats.hits) == (0, 1)
    assert entries(tmp_path / "a") == 0
    assert entries(tmp_path / "b") == 1


def test_recordings_survive(ask: Ask, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path)
    recorded = ask()
    disable_cachy()
    assert ask() != recorded
    enable_cachy(cache_dir=tmp_path)
    assert ask() == recorded


def test_patched_methods_look_like_before(tmp_path: Path) -> None:
    plain = httpx2.Client.send
    enable_cachy(cache_dir=tmp_path)
    patched = httpx2.Client.send
    assert (patched.__name__, patched.__doc__) == (plain.__name__, plain.__doc__)
    assert asyncio.iscoroutinefunction(httpx2.AsyncClient.send)


@pytest.mark.parametrize("polite", [True, False], ids=["wraps", "plain"])
def test_another_library_may_patch_over_us(
    ask: Ask, standin: Standin, tmp_path: Path, polite: bool
) -> None:
    seen: list[str] = []
    original = httpx2.Client.send
    session = enable_cachy(cache_dir=tmp_path)
    ours = httpx2.Client.send

    def theirs(client: Any, request: Any, **options: Any) -> Any:
        seen.append(request.method)
        return ours(client, request, **options)

    patched = functools.wraps(ours)(theirs) if polite else theirs
    # Not with monkeypatch, which would put back `ours` when the test is over.
    httpx2.Client.send = patched  # type: ignore[assignment,method-assign]
    try:
        recorded = ask()
        assert ask() == recorded
        disable_cachy()
        assert vars(httpx2.Client)["send"] is patched  # theirs is not ours to remove
        assert ask() != recorded
        session = enable_cachy(cache_dir=tmp_path)
        assert ask() == recorded
        assert ask("another") == ask("another")
        assert (session.stats.hits, session.stats.misses, session.stats.recorded) == (2, 1, 1)
        assert len(standin.calls) == 3
        assert len(seen) >= 4
    finally:
        disable_cachy()
        httpx2.Client.send = original  # type: ignore[method-assign]


def test_another_library_may_have_patched_before(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    original = httpx2.Client.send

    def theirs(client: Any, request: Any, **options: Any) -> Any:
        seen.append(request.method)
        return original(client, request, **options)

    monkeypatch.setattr(httpx2.Client, "send", theirs)
    enable_cachy(cache_dir=tmp_path)
    assert ask() == ask()
    assert len(seen) == 1
    disable_cachy()
    assert vars(httpx2.Client)["send"] is theirs


class Tool:
    """Patches one method and later puts back what it found, whatever is there then."""

    def __init__(self, name: str) -> None:
        self._name, self._found = name, getattr(httpx2.Client, name)

    def on(self) -> None:
        found = self._found

        def method(client: Any, request: Any, **options: Any) -> Any:
            return found(client, request, **options)

        setattr(httpx2.Client, self._name, method)

    def off(self) -> None:
        setattr(httpx2.Client, self._name, self._found)


@pytest.mark.parametrize("name", ["send", "_send_single_request"])
@pytest.mark.parametrize("repeats", ["same", "distinct"])
def test_what_another_library_takes_off_is_put_on_again(
    ask: Ask, standin: Standin, tmp_path: Path, name: str, repeats: str
) -> None:
    tool, store = Tool(name), {}  # type: ignore[var-annotated]
    tool.on()
    enable_cachy(store=store, repeats=repeats)
    recorded = ask()
    tool.off()  # and cachy with it
    session = enable_cachy(store=store, repeats=repeats, mode="replay")
    tool.off()
    with pytest.raises(CacheMiss):
        ask("another")
    tool.off()
    assert ask() == recorded
    tool.off()
    session.mode = "auto"
    live = ask("another")
    assert ask("another again") != live
    assert len(standin.calls) == 3
    session = enable_cachy(store=store, repeats=repeats, mode="replay")
    assert (ask(), ask("another")) == (recorded, live)
    for method in ("send", "_send_single_request"):
        assert hasattr(getattr(httpx2.Client, method), "_cachy")
    disable_cachy()
    assert not hasattr(httpx2.Client.send, "_cachy")
    assert not hasattr(httpx2.Client._send_single_request, "_cachy")


@pytest.mark.parametrize("repeats", ["same", "distinct"])
def test_another_library_between_two_of_ours(ask: Ask, standin: Standin, repeats: str) -> None:
    plain = httpx2.Client.send, httpx2.Client._send_single_request
    enable_cachy(store={}, repeats=repeats)
    tools = [Tool("send"), Tool("_send_single_request")]
    for tool in tools:
        tool.on()
    try:
        session = enable_cachy(store={}, repeats=repeats)
        first, second = ask(), ask()
        assert (first == second) == (repeats == "same")
        assert session.stats.recorded == len(standin.calls) == len({first, second})
        session.cache.numbers = Numbers()
        assert (ask(), ask()) == (first, second)
    finally:
        disable_cachy()
        httpx2.Client.send, httpx2.Client._send_single_request = plain  # type: ignore[method-assign]


def test_classes_that_are_made_again_are_patched() -> None:
    script = """if True:
        import importlib, httpx
        from cachy import cachy
        with cachy(store={}, mode="replay"):
            importlib.reload(httpx._client)
            print(hasattr(httpx._client.Client.send, "_cachy"))
        print(hasattr(httpx._client.Client.send, "_cachy"))
    """
    assert run(script) == "True\nFalse\n"


# ---- A store that fails ----


def proc(folder: Path) -> dict[str, Any]:
    return {"cache_dir": "/proc/nowhere"}


def in_the_way(folder: Path) -> dict[str, Any]:
    (folder / ".cachy").mkdir()
    (folder / ".cachy/local").write_text("")
    return {"cache_dir": folder}


class Unwritable(dict[str, bytes]):
    def __setitem__(self, key: str, value: bytes) -> None:
        raise RuntimeError("the database is gone")


class Unreadable(dict[str, bytes]):
    def get(self, *args: Any) -> Any:
        raise RuntimeError("the database is gone")


FAULTS: list[Callable[[Path], dict[str, Any]]] = [
    proc,
    in_the_way,
    lambda folder: {"store": Unwritable()},
    lambda folder: {"store": Unreadable()},
]
faults = pytest.mark.parametrize(
    "fault", FAULTS, ids=["proc", "in-the-way", "unwritable", "unreadable"]
)


@faults
def test_a_fault_of_the_store_warns_once(
    ask: Ask, standin: Standin, tmp_path: Path, fault: Callable[[Path], dict[str, Any]]
) -> None:
    enable_cachy(**fault(tmp_path))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert len({ask(), ask("b"), ask("c")}) == 3
        with cachy(mode="refresh"):
            ask()
    assert [warning.category for warning in caught] == [CachyWarning]
    assert len(standin.calls) == 4


@faults
def test_a_fault_of_the_store_breaks_no_call_where_warnings_are_errors(
    ask: Ask,
    tmp_path: Path,
    fault: Callable[[Path], dict[str, Any]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    enable_cachy(**fault(tmp_path))
    with caplog.at_level(logging.WARNING, "cachy"):
        assert len({ask(), ask("b")}) == 2
    assert len(caplog.messages) == 1


def test_a_broken_entry_is_recorded_anew_with_one_warning(ask: Ask, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path)
    recorded = ask()
    (entry,) = tmp_path.rglob("*.entry")
    entry.write_bytes(b"")
    enable_cachy(cache_dir=tmp_path)
    with pytest.warns(CachyWarning, match=re.escape(str(entry))) as caught:
        again = ask()
    assert len(caught) == 1
    assert recorded != again == ask()
    assert entries(tmp_path) == 2


def test_a_broken_entry_in_replay_mode_is_the_reason(ask: Ask, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path)
    ask()
    (entry,) = tmp_path.rglob("*.entry")
    entry.write_bytes(b"")
    enable_cachy(cache_dir=tmp_path, mode="replay")
    with pytest.warns(CachyWarning), pytest.raises(CacheMiss, match="it is empty"):
        ask()


def test_two_kinds_of_faults_warn_twice(ask: Ask, tmp_path: Path) -> None:
    folder = tmp_path / "a (copy)"
    enable_cachy(cache_dir=folder)
    ask("a")
    ask("b")
    for entry in folder.rglob("*.entry"):
        entry.write_bytes(b"")
    enable_cachy(cache_dir=folder)
    for text in ("a", "b"):
        with pytest.warns(CachyWarning, match="it is empty"):
            ask(text)


# ---- In a fresh interpreter ----


def run(script: str, *arguments: object, **variables: str) -> str:
    """The output of a script in an interpreter of its own; any warning is an error."""
    command = [sys.executable, "-W", "error", "-c", script, *map(str, arguments)]
    environment = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    done = subprocess.run(
        command, cwd=ROOT, env=environment | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_is_cheap() -> None:
    heavy = [
        *("httpx", "httpx2", "requests", "urllib3", "urllib.request", "http.client", "aiohttp"),
        *("click", "anyio", "asyncio", "pytest"),
    ]
    script = f"""if True:
        import sys
        from cachy import enable_cachy, disable_cachy
        enable_cachy()
        print([name for name in {heavy} if name in sys.modules])
        disable_cachy()
    """
    assert run(script) == "[]\n"


CALL = """if True:
    def call(library, store):
        calls = []
        def answer(request):
            calls.append(request)
            return library.Response(200, json={"n": len(calls)})
        with library.Client(transport=library.MockTransport(answer)) as client:
            seen = [client.post("https://api.openai.com/v1/responses", json={}).json()["n"]
                    for _ in range(3)]
        return seen, len(calls), len(store)
"""


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
def test_enabling_before_the_library_is_imported(name: str) -> None:
    script = f"""if True:
        import sys
        from cachy import disable_cachy, enable_cachy
        store = {{}}
        enable_cachy(store=store, fakes=True)
        assert "{name}" not in sys.modules
        import {name} as library
        print(*call(library, store))
        assert type(library.__spec__.loader).__module__.startswith("_frozen_importlib")
        assert type(library.__loader__).__module__.startswith("_frozen_importlib")
        disable_cachy()
        assert not hasattr(library.Client.send, "_cachy")
        assert not hasattr(library.AsyncClient.send, "_cachy")
        assert not [finder for finder in sys.meta_path if "cachy" in type(finder).__module__]
    """
    assert run(CALL + script) == "[1, 1, 1] 1 1\n"


def test_looking_for_a_library_does_not_load_it() -> None:
    script = """if True:
        import sys
        from importlib.util import find_spec
        from cachy import disable_cachy, enable_cachy
        enable_cachy(store={})
        assert find_spec("httpx2").origin.endswith("__init__.py")
        assert find_spec("httpx").name == "httpx"
        assert find_spec("no_such_library") is None
        assert not {"httpx", "httpx2"} & set(sys.modules)
        disable_cachy()
        import httpx2
        assert not hasattr(httpx2.Client.send, "_cachy")
    """
    run(script)


@pytest.mark.parametrize(
    "order",
    [
        "import httpx2; httpx2.alias_httpx(); enable_cachy(store=store, fakes=True); import httpx",
        "import httpx2; httpx2.alias_httpx(); import httpx; enable_cachy(store=store, fakes=True)",
        "import httpx2; enable_cachy(store=store, fakes=True); httpx2.alias_httpx(); import httpx",
        "enable_cachy(store=store, fakes=True); import httpx2; httpx2.alias_httpx(); import httpx",
    ],
    ids=["alias-enable", "alias-import-enable", "enable-alias", "enable-import-alias"],
)
def test_alias_httpx(order: str) -> None:
    script = f"""if True:
        from cachy import disable_cachy, enable_cachy
        store = {{}}
        {order}
        assert httpx is httpx2
        plain = httpx.Client.send.__wrapped__
        assert not hasattr(plain, "_cachy")
        print(*call(httpx, store))
        disable_cachy()
        assert httpx2.Client.send is plain
    """
    assert run(CALL + script) == "[1, 1, 1] 1 1\n"


def test_a_full_disk(tmp_path: Path) -> None:
    """The kernel refuses to let files grow, as it does on a full disk."""
    script = """if True:
        import os, resource, signal, sys, warnings
        import httpx2
        from cachy import disable_cachy, enable_cachy
        enable_cachy(cache_dir=sys.argv[1], fakes=True)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            print(*call(httpx2, []))
        print(len(caught), caught[0].category.__name__)
        print([file for _, _, files in os.walk(sys.argv[1]) for file in files])
    """
    assert run(CALL + script, tmp_path) == "[1, 2, 3] 3 0\n1 CachyWarning\n[]\n"


def test_sessions_are_exported() -> None:
    assert isinstance(enable_cachy(store={}), Session)


def test_modules_of_the_family_are_patched_together(tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path)
    modules: list[ModuleType] = [httpx, httpx2]
    assert all(hasattr(module.Client.send, "_cachy") for module in modules)
    assert all(hasattr(module.AsyncClient.send, "_cachy") for module in modules)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_the_first_fork_is_clean(tmp_path: Path) -> None:
    """What is loaded before a fork, as a call may need it, registers handlers of the fork."""
    code = (
        "import os\n"
        "from cachy import enable_cachy\n"
        f"enable_cachy(cache_dir={str(tmp_path)!r})\n"
        "child = os.fork()\n"
        "if not child: os._exit(0)\n"
        "os.waitpid(child, 0)\n"
        "import concurrent.futures.thread as thread\n"
        "assert thread._global_shutdown_lock.acquire(timeout=5)\n"
        "thread._global_shutdown_lock.release()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_setting_says_what_was_perhaps_meant(tmp_path: Path) -> None:
    switch: Any = enable_cachy
    for name, meant in {"mod": "mode", "cachedir": "cache_dir", "repeat": "repeats"}.items():
        with pytest.raises(TypeError, match=f"no setting '{name}'; did you mean '{meant}'"):
            switch(**{name: "auto"})
    with pytest.raises(TypeError, match=r"no setting 'colour'$"):
        switch(colour="red")
