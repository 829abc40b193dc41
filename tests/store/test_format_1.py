"""Entries that were made when format 1 was fixed read as they did then. They are never made again:
where this fails, cachy can no longer read the stores of its users."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import zstandard
from store_contract import no_report

from cachy.engine.entries import pieces
from cachy.store.entry import loads
from cachy.store.folder import DirStore
from cachy.store.names import unseal

FOLDER = Path(__file__).parent / "format-1"
PINNED: dict[str, dict[str, Any]] = json.loads((FOLDER / "entries.json").read_text("utf-8"))


def file_of(what: str) -> Path:
    return FOLDER / f"{PINNED[what]['name']}.entry"


@pytest.mark.parametrize("what", PINNED)
def test_reads_as_it_did(what: str) -> None:
    pinned, path = PINNED[what], file_of(what)
    entry = loads(unseal(path.stem, path.read_bytes()), pinned["head"]["key"])
    assert entry.head == pinned["head"]
    assert len(entry.body) == pinned["size"]
    assert hashlib.sha256(entry.body).hexdigest() == pinned["sha256"]
    if "body" in pinned:
        assert entry.body == base64.b64decode(pinned["body"])


@pytest.mark.parametrize("what", PINNED)
def test_replays_from_a_store(what: str, tmp_path: Path) -> None:
    pinned, path = PINNED[what], file_of(what)
    shard = tmp_path / path.name[:2]
    shard.mkdir()
    shutil.copy(path, shard)
    entry = DirStore(tmp_path).get(pinned["head"]["key"][:32], no_report)
    assert entry is not None
    assert entry.head == {k: v for k, v in pinned["head"].items() if k != "request"}
    assert [name.decode() for name, _ in entry.wire] == [n for n, _ in pinned["head"]["headers"]]
    assert hashlib.sha256(entry.body).hexdigest() == pinned["sha256"]
    cut = pieces(entry.head, entry.body)
    assert b"".join(cut) == entry.body
    assert len(cut) == len(pinned["head"].get("times", [0]))


def test_what_the_files_cover() -> None:
    heads = [pinned["head"] for pinned in PINNED.values()]
    assert {head["stream"] for head in heads} == {
        None, "sse", "ndjson", "json-array", "aws-eventstream",
    }  # fmt: skip
    assert sum("times" in head for head in heads) == 4
    assert {"http", "reason"} <= set().union(*heads)
    assert {head["status"] for head in heads} == {200, 302, 404}
    assert sorted(FOLDER.glob("*.entry")) == sorted(map(file_of, PINNED))
    ids = {
        what: zstandard.get_frame_parameters(unseal(p.stem, p.read_bytes())).dict_id
        for what, p in ((what, file_of(what)) for what in PINNED)
    }
    assert {what for what, number in ids.items() if number == 0} == {"without dictionary"}
    assert set(ids.values()) == {0, 51906}


def test_no_file_was_made_again() -> None:
    """Their names hold the digests of their frames, so this stands for all their bytes."""
    names = "\n".join(sorted(pinned["name"] for pinned in PINNED.values()))
    assert hashlib.sha256(names.encode()).hexdigest()[:32] == "745d218e9a18951f4746e75b4264a29b"
