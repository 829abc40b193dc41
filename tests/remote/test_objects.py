"""What objects hold, and what is no object."""

from __future__ import annotations

import pytest
from engine_contract import entry, new_key
from hypothesis import given
from hypothesis import strategies as st

from cachy.errors import Defect, NewerFormat
from cachy.remote.objects import (
    Run,
    key_at,
    name_in,
    pack,
    pack_run,
    place_of,
    place_of_run,
    unpack,
    unpack_run,
)
from cachy.store.entry import Entry, dumps
from cachy.store.names import name_of, seal

KEY = "0af1" * 8
NAME, DATA = entry(KEY)
PACKED = pack(NAME, DATA)


def test_there_and_back() -> None:
    found = unpack(KEY, PACKED)
    assert (found.name, found.data, found.entry.body) == (NAME, DATA, b"body")
    assert name_in(PACKED) == NAME
    assert key_at(place_of(KEY)) == KEY


def newer() -> bytes:
    head = {"cachy": 2, "key": KEY + "0" * 32, "status": 200, "headers": [], "ms": 1}
    frame = dumps(Entry(head, b""))
    name = name_of(KEY, 1_800_000_000, frame)
    return pack(name, seal(name, frame))


@pytest.mark.parametrize(
    ("packed", "said"),
    [
        (b"", "is empty"),
        (PACKED[:40], "is not one of cachy's"),
        (PACKED[:57], "is not one of cachy's"),
        (PACKED[:-1], "its bytes are not the ones that were recorded"),
        (PACKED[:90] + b"X" + PACKED[91:], "its bytes are not the ones that were recorded"),
        (pack(*entry(new_key())), "is that of another key"),
        (pack(NAME, entry(new_key())[1]), "its bytes are not the ones that were recorded"),
        (b"\n<!DOCTYPE html><html>", "is a page of HTML: does a proxy or a login stand before"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of git LFS"),
        (b'{"error": "x"}' * 20, "is not one of cachy's"),
    ],
)
def test_what_is_no_object_of_a_key(packed: bytes, said: str) -> None:
    with pytest.raises(Defect, match=said):
        unpack(KEY, packed)


def test_a_newer_format() -> None:
    with pytest.raises(NewerFormat, match="update cachy-store"):
        unpack(KEY, newer())


@given(st.binary(max_size=300), st.booleans())
def test_anything(data: bytes, named: bool) -> None:
    with pytest.raises(Defect):
        unpack(KEY, pack(NAME, data) if named else data)


def test_other_paths_are_of_no_key() -> None:
    for path in ("1/runs/" + KEY, f"1/zz/{KEY}", f"2/{KEY[:2]}/{KEY}", KEY, "1/ab/x", ""):
        assert key_at(path) == ""


def test_runs() -> None:
    run = Run("notebooks/a b.ipynb", (KEY, new_key()))
    assert unpack_run(pack_run(run)) == run
    assert place_of_run("$ pytest --token=abc").startswith("1/runs/")
    assert "abc" not in place_of_run("$ pytest --token=abc")[:14]
    for bad in (b"", b"[]", b'{"by": 1, "keys": []}', b'{"by": "x", "keys": ["../../etc"]}'):
        with pytest.raises(Defect):
            unpack_run(bad)
