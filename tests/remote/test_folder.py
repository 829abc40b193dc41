"""A folder as remote."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from engine_contract import LIMIT, EngineContract, entry, new_key
from store_contract import SECOND, frame

from cachy.remote.address import parse
from cachy.remote.engine import Denied, Engine, Misconfigured
from cachy.remote.folder import FolderEngine
from cachy.remote.objects import pack, place_of
from cachy.store.folder import DirStore


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "share").mkdir()
    return tmp_path / "share" / ".cachy"


class TestFolder(EngineContract):
    @pytest.fixture
    def engine(self, root: Path) -> Engine:
        return FolderEngine(parse(root))

    def test_of_many_who_create_at_once_one_does(self, engine: Engine) -> None:
        """In a folder all of them may: the newest counts, as in every store."""


def test_it_is_a_store_as_any_other(root: Path) -> None:
    engine, store, key = FolderEngine(parse(root)), DirStore(root), new_key()
    engine.create(place_of(key), pack(*entry(key, b"theirs")))
    found = store.get(key, lambda *_: None)
    assert found is not None
    assert found.body == b"theirs"
    store.put(key, frame(b"ours", key), SECOND + 9)
    got = engine.get(place_of(key), LIMIT)
    assert got is not None
    assert got.tag.startswith(key)
    assert got.tag > entry(key, b"theirs")[0]


def test_what_is_private_there_is_not_read(root: Path) -> None:
    key = new_key()
    DirStore(root).put(key, frame(b"secret", key), SECOND, private=True)
    engine = FolderEngine(parse(root))
    assert engine.get(place_of(key), LIMIT) is None
    assert list(engine.listing("1/")) == []


def test_a_share_that_is_not_mounted(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="is it mounted"):
        FolderEngine(parse(tmp_path / "absent" / ".cachy"))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(root: Path) -> None:
    root.mkdir()
    root.chmod(0o500)
    key = new_key()
    with pytest.raises(Denied):
        FolderEngine(parse(root)).create(place_of(key), pack(*entry(key)))
