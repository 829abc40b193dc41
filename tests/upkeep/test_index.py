"""The contents of a store, read fast from files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from many import add, make_entry
from stores import OLD, add_session, key_of, keys

from cachy.upkeep import gc, index
from cachy.upkeep.check import fsck
from cachy.upkeep.gc import Policy
from cachy.upkeep.index import scan
from cachy.upkeep.stats import stats


@pytest.mark.parametrize("slow", [0, 3600], ids=["slow-disk", "in-memory"])
def test_all_are_read_once_however_fast_the_disk_is(
    root: Path, monkeypatch: pytest.MonkeyPatch, slow: float
) -> None:
    monkeypatch.setattr(index, "_SLOW", slow)
    monkeypatch.setattr(index, "_CHUNK", 3)
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


def test_listing_writes_nothing_that_git_sees(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    subprocess.run(["git", "init", "-q", root.parent], check=True)
    subprocess.run(["git", "-C", root.parent, "add", "."], check=True)
    scan(str(root))
    add_session(root, path)
    status = ["git", "-C", str(root.parent), "status", "--porcelain", "-uall"]
    seen = subprocess.run(status, check=True, capture_output=True, text=True).stdout
    assert seen.splitlines() == [f"A  .cachy/{path.parent.name}/{path.name}"]
