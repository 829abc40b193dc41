"""The trash: undone, emptied, and never led elsewhere."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from many import DAY, add, make_entry
from stores import NOW, OLD, add_session, collected

from cachy.errors import ConfigError
from cachy.store import journal
from cachy.store.trash import lock, to_trash
from cachy.upkeep import trash
from cachy.upkeep.gc import Policy
from cachy.upkeep.index import scan


def test_files_keep_their_path_in_the_trash(root: Path) -> None:
    public, gone = add(root, make_entry(1), OLD), add(root, make_entry(2), OLD)
    private = add(root, make_entry(3), OLD, private=True)
    gone.unlink()
    paths = [str(path) for path in (public, gone, private)]
    with lock(str(root)):
        folder, moved = to_trash(str(root), paths, "fsck")
        assert moved == [str(public), str(private)]
        assert to_trash(str(root), [str(gone)], "fsck") == ("", [])
    for path in (public, private):
        assert Path(folder, path.relative_to(root)).exists()
        assert not path.exists()


def test_only_gc_is_undone(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    with lock(str(root)):
        to_trash(str(root), [str(path)], "fsck")
    with pytest.raises(ConfigError, match="nothing to undo"):
        trash.undo(str(root))


def test_undo_restores_the_last_run(root: Path) -> None:
    first = add(root, make_entry(1), OLD)
    second = add(root, make_entry(2), OLD, private=True)
    before = {path: path.read_bytes() for path in (first, second)}
    collected(root, Policy(model="none"))
    for number in (1, 2):
        collected(root, Policy(older_than=DAY))
        back = trash.undo(str(root))
        assert sorted(back) == sorted(map(str, before)), number
    assert {path: path.read_bytes() for path in before} == before
    with pytest.raises(ConfigError, match="nothing to undo"):
        trash.undo(str(root))


def test_undo_never_replaces_what_is_there(root: Path) -> None:
    """A broken file went; git brought the sound one back."""
    path = add(root, make_entry(1), OLD)
    sound = path.read_bytes()
    path.write_bytes(b"\0")
    assert collected(root, Policy(grace=0)) == [path.name]
    path.write_bytes(sound)
    assert trash.undo(str(root)) == []
    assert path.read_bytes() == sound


def test_trash_is_emptied_after_two_weeks(root: Path) -> None:
    add(root, make_entry(1), OLD)
    collected(root, Policy(older_than=DAY))
    trash = root / "local" / "trash"
    (recent,) = trash.iterdir()
    ago = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(NOW - 15 * DAY))
    (trash / f"{ago}-000000-gc").mkdir()
    (trash / "mine").mkdir()
    add(root, make_entry(2), OLD)
    collected(root)
    assert sorted(path.name for path in trash.iterdir()) == sorted([recent.name, "mine"])


@pytest.mark.parametrize("name", ["gc.lock", "sessions", "trash", "sessions/x.jsonl"])
@pytest.mark.skipif(os.name == "nt", reason="there are no pipes, and links need a right")
@pytest.mark.parametrize("kind", ["link", "dangling", "pipe"])
def test_nothing_below_local_leads_elsewhere(
    root: Path, tmp_path: Path, name: str, kind: str
) -> None:
    outside = tmp_path / "outside"
    if name in ("sessions", "trash"):
        outside.mkdir()
    elif kind == "link":
        outside.write_text("mine")
    path = root / "local" / name
    path.parent.mkdir(parents=True)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(outside)
    for again in range(2):
        add(root, make_entry(1, again=again), OLD + again)
    assert len(scan(str(root)).rows) == 2
    assert journal.read(str(root)) == []
    if name == "sessions":
        with pytest.raises(OSError):
            add_session(root, root)
    if name in ("gc.lock", "trash"):
        with pytest.raises(OSError) as caught:
            collected(root)
        assert caught.value.filename
        assert len(scan(str(root)).rows) == 2
    else:
        assert len(collected(root)) == 1
    if outside.is_dir():
        assert list(outside.iterdir()) == []
    else:
        assert not outside.exists() or outside.read_text() == "mine"


def test_a_trash_that_is_a_link_is_not_undone(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").touch()
    (root / "local" / "trash").mkdir(parents=True)
    (root / "local" / "trash" / "20260101T000000Z-000000-gc").symlink_to(outside)
    with pytest.raises(ConfigError, match="nothing to undo"):
        trash.undo(str(root))
    assert (outside / "mine").exists()
