"""The contents of a store, read fast from files and the index."""

from __future__ import annotations

import subprocess
import zlib
from pathlib import Path
from typing import Any

import orjson
import pytest
from many import add, make_entry
from stores import OLD, add_session, key_of, keys

from cachy.upkeep import gc, index
from cachy.upkeep.check import fsck
from cachy.upkeep.gc import Policy
from cachy.upkeep.index import Row, scan
from cachy.upkeep.stats import stats


@pytest.mark.parametrize("slow", [0, 3600], ids=["slow-disk", "in-memory"])
def test_all_are_read_once_however_fast_the_disk_is(
    root: Path, monkeypatch: pytest.MonkeyPatch, slow: float
) -> None:
    monkeypatch.setattr(index, "_SLOW", slow)
    monkeypatch.setattr(index, "_TOGETHER", 3)
    monkeypatch.setattr(index, "_BATCH", 2)
    paths = [add(root, make_entry(number), OLD + number) for number in range(20)]
    paths[7].write_bytes(b"broken")
    calls: list[tuple[int, int]] = []
    found = scan(str(root), progress=lambda done, of: calls.append((done, of)))
    assert [row.name for row in found.rows] == [
        path.stem for path in reversed(paths) if path != paths[7]
    ]
    assert [flaw.path for flaw in found.flaws] == [str(paths[7])]
    assert calls == [*((3 * done, 20) for done in range(7)), (20, 20)]


def test_rows_tell_what_was_recorded(root: Path) -> None:
    path = add(root, make_entry(1, prompt="Why\nis  the sky\x1b[31m blue?"), OLD)
    row = scan(str(root)).rows[0]
    assert row.key == key_of(path)
    assert row.second == OLD
    assert row.bytes == path.stat().st_size
    assert (row.model, row.host, row.status) == ("gpt-4o", "api.openai.com", 200)
    assert (row.ms, row.input, row.output) == (1200.5, 20, 5)
    assert row.prompt == "Why is the sky·[31m blue?"


def test_newest_first(root: Path) -> None:
    paths = [add(root, make_entry(n), OLD + second) for n, second in enumerate((5, 9, 1))]
    assert keys(scan(str(root)).rows) == [key_of(paths[n]) for n in (1, 0, 2)]


def test_private_and_stray_files(root: Path) -> None:
    private = add(root, make_entry(1), OLD, private=True)
    (root / "ab").mkdir(exist_ok=True)
    (root / "ab" / "notes.txt").write_text("mine")
    (root / "xy").mkdir()
    rows = scan(str(root)).rows
    assert keys(rows) == [key_of(private)]
    assert rows[0].file.private


def test_works_where_nothing_can_be_written(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    (root / "local").write_text("in the way")
    assert keys(scan(str(root)).rows) == [key_of(path)]
    assert stats(str(root)).total.entries == 1
    assert fsck(str(root)).sound
    assert not gc.plan(str(root), Policy()).removals


# ---- The index ----


def test_index_saves_reading(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(root, make_entry(1), OLD)
    before = scan(str(root))
    add(root, make_entry(2), OLD + 1)
    read = []
    inspect = index.inspect

    def spy(file: index.File) -> Row | index.Flaw | None:
        read.append(file.name)
        return inspect(file)

    monkeypatch.setattr(index, "inspect", spy)
    after = scan(str(root))
    assert len(read) == 1
    assert after.rows[1:] == before.rows
    assert scan(str(root)) == after
    assert len(read) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-30]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"gpt-4o", b"gpt-5o")),
        lambda path: path.write_bytes(b"\xff\n[]\n\n" + path.read_bytes() * 2),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["gone", "empty", "torn", "forged", "padded", "a folder"],
)
def test_index_changes_nothing(root: Path, damage: object) -> None:
    for number in range(5):
        add(root, make_entry(number), OLD + number)
    listing = scan(str(root))
    assert callable(damage)
    damage(root / "local" / "index.jsonl")
    assert scan(str(root)) == listing
    add(root, make_entry(9), OLD)
    assert len(scan(str(root)).rows) == 6
    assert len(scan(str(root)).rows) == 6


def test_index_forgets_what_is_gone(root: Path) -> None:
    for number in range(1200):
        add(root, make_entry(number), OLD + number)
    scan(str(root))
    size = (root / "local" / "index.jsonl").stat().st_size
    for number, path in enumerate(root.glob("??/*.entry")):
        if number:
            path.unlink()
    assert len(scan(str(root)).rows) == 1
    assert (root / "local" / "index.jsonl").stat().st_size < size / 100


def test_listing_writes_nothing_that_git_sees(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    subprocess.run(["git", "init", "-q", root.parent], check=True)
    subprocess.run(["git", "-C", root.parent, "add", "."], check=True)
    scan(str(root))
    add_session(root, path)
    status = ["git", "-C", str(root.parent), "status", "--porcelain", "-uall"]
    seen = subprocess.run(status, check=True, capture_output=True, text=True).stdout
    assert seen.splitlines() == [f"A  .cachy/{path.parent.name}/{path.name}"]


@pytest.mark.parametrize("fields", [[1, "x"], [1, "NAME", *[5] * 11], {"1": 2}, [], 7])
def test_an_index_of_other_types(root: Path, fields: Any) -> None:
    path = add(root, make_entry(1), OLD)
    rows = scan(str(root)).rows
    text = orjson.dumps(fields).replace(b"NAME", path.stem.encode())
    (root / "local" / "index.jsonl").write_bytes(b"%08x %b\n" % (zlib.crc32(text), text))
    assert scan(str(root)).rows == rows
