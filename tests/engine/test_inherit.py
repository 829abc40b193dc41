"""Settings, as text for another process and back."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from cachy import NOISE, Noise, disable_cachy, doms, scope
from cachy.engine.cache import Cache
from cachy.engine.inherit import Parcel, packed, parcel, unpacked
from cachy.session import new_session, session_in_force
from cachy.settings import Settings

MINE = Noise(b"run-", re.compile(rb"run-\d+\xff", re.IGNORECASE), b"run-#")


def cache(**arguments: Any) -> Cache:
    return new_session(**arguments).cache


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"mode": "replay", "doms": (*doms, "llm.example.com"), "hdrs": ("X-Token", "x-a")},
        {"noise": (), "key_headers": ("x-tenant", "-x-session"), "scope": "a/b"},
        {"noise": (*NOISE, MINE)},
        {"methods": ("PUT", "DELETE"), "adopt": __file__},
        {"errors": True, "requests": "none", "repeats": "distinct", "fakes": True, "debug": True},
    ],
)
def test_settings_come_back(arguments: dict[str, Any], tmp_path: Path) -> None:
    before = cache(cache_dir=tmp_path, **arguments)
    text = packed(before)
    assert text is not None
    after = cache(**unpacked(text))
    assert after.store.root == before.store.root
    for name in set(Settings._fields) - {"hosts", "cache_dir", "store", "noise"}:
        assert getattr(after.settings, name) == getattr(before.settings, name), name
    assert after.settings.hosts.patterns == before.settings.hosts.patterns
    assert [rule[::2] for rule in after.settings.noise] == [
        rule[::2] for rule in before.settings.noise
    ]
    for mine, theirs in zip(after.settings.noise, before.settings.noise, strict=True):
        assert (mine.pattern.pattern, mine.pattern.flags) == (
            theirs.pattern.pattern,
            theirs.pattern.flags,
        )
    assert len(text) < 120 or arguments  # what is as by default is not told


def test_every_setting_is_told(tmp_path: Path) -> None:
    changed = {
        "doms": ("a.example",),
        "mode": "off",
        "hdrs": ("x-a",),
        "errors": True,
        "requests": "none",
        "noise": (),
        "key_headers": ("x-b",),
        "methods": ("PUT",),
        "adopt": False,
        "scope": "s",
        "repeats": "distinct",
        "fakes": True,
        "bypass": "error",
        "remote": "redis://host",
        "push": True,
        "trust": (f"ed25519:{'00' * 32}",),
        "debug": True,
    }
    assert len(changed) == len(Settings._fields) - 2  # store and cache_dir
    text = packed(cache(cache_dir=tmp_path, **changed))
    assert text is not None
    assert unpacked(text).keys() == {*changed, "cache_dir"}


def test_the_scope_in_force_is_told(tmp_path: Path) -> None:
    mine = cache(cache_dir=tmp_path, scope="outer")
    with scope("inner"):
        assert unpacked(packed(mine) or "")["scope"] == "outer/inner"
    assert unpacked(packed(mine) or "")["scope"] == "outer"


def test_a_store_in_memory() -> None:
    store = {"a": b"b"}
    assert packed(cache(store=store)) is None  # of no use elsewhere: calls go live, as without
    replaying = unpacked(packed(cache(store=store, mode="replay")) or "")
    assert len(replaying["store"].names()) == 0
    assert replaying["store"].label == "<dict> of the parent process"


def test_what_is_not_known_is_left_out() -> None:
    assert unpacked('{"mode":"auto","of a newer version":1}') == {"mode": "auto"}


def test_a_parcel_puts_itself_in_force_where_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cachy.session._journal.eager", False)  # which a worker's is from then on
    sent = pickle.dumps(parcel(cache(cache_dir=tmp_path, mode="replay")))
    off = pickle.dumps(parcel(None))
    try:
        pickle.loads(sent)
        session = session_in_force()
        assert session is not None
        assert (session.mode, session.store.root) == ("replay", str(tmp_path / ".cachy"))
        pickle.loads(off)
        assert session_in_force() is None
    finally:
        disable_cachy()
    assert parcel(cache(store={})) is None
    assert b"cachy.engine" not in pickle.dumps(Parcel(""))  # it opens where there is no cachy
