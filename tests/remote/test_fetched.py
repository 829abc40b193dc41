"""What was fetched, and its cap."""

from __future__ import annotations

import os
from pathlib import Path

from engine_contract import entry, new_key

from cachy.remote.fetched import Fetched, files
from cachy.remote.objects import Object, pack, unpack
from cachy.store import journal
from cachy.store.folder import DirStore
from cachy.store.journal import Note


def one(key: str, body: bytes = b"body") -> Object:
    return unpack(key, pack(*entry(key, body)))


def test_it_is_read_with_the_others_and_not_listed(tmp_path: Path) -> None:
    root, key = tmp_path / ".cachy", new_key()
    store = DirStore(root)
    assert store.get(key, lambda *_: None) is None
    Fetched(str(root)).keep(one(key))
    store.expect_fetched()
    for each in (store, DirStore(root)):
        found = each.get(key, lambda *_: None)
        assert found is not None
        assert found.body == b"body"
        assert each.names() == []
    assert (root / ".gitignore").read_text() == "/local/\n/.gitignore\n"


def test_above_the_cap_the_least_used_go(tmp_path: Path) -> None:
    root = str(tmp_path / ".cachy")
    keys = [new_key() for _ in range(10)]
    fetched = Fetched(root, cap=10_000)
    for number, key in enumerate(keys):
        fetched.keep(one(key, os.urandom(1500)))
        for file in files(root):
            if file.key == key:
                os.utime(file.path, (number + 1_700_000_000,) * 2)
        if number == 4:  # the oldest file was used last
            note = Note("a", "n", "", 2e9, 2e9, 1, 0, 0, 0.0, (keys[0],))
            journal.write(root, note)
    left = {file.key for file in files(root)}
    assert keys[0] in left
    assert keys[-1] in left
    assert keys[1] not in left
    assert sum(file.size for file in files(root)) <= 10_000
