"""Which files gc removes, and that it loses nothing, whatever happens meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from many import DAY, add, make_entry
from stores import NOW, OLD, add_session, collected, key_of

from cachy.errors import CachyError, ConfigError
from cachy.store.entry import dumps
from cachy.store.folder import DirStore
from cachy.store.names import SUFFIX, name_of, seal
from cachy.store.trash import lock
from cachy.upkeep import gc, trash
from cachy.upkeep.gc import Policy
from cachy.upkeep.index import scan

# ---- Plan ----


def test_gc_by_itself_takes_only_what_is_never_served(root: Path) -> None:
    older = add(root, make_entry(1), OLD)
    add(root, make_entry(1, again=1), OLD + 1)
    young = add(root, make_entry(2), NOW - 100)
    add(root, make_entry(2, again=1), NOW)
    alone = add(root, make_entry(3), OLD)
    broken = add(root, make_entry(4), OLD)
    broken.write_bytes(b"\0")
    os.utime(broken, (OLD, OLD))
    tmp = root / "local" / "tmp"
    tmp.mkdir(parents=True, exist_ok=True)
    for name, age in (("stale", 2 * DAY), ("fresh", 60)):
        (tmp / name).write_bytes(b"")
        os.utime(tmp / name, (NOW - age, NOW - age))
    plan = gc.plan(str(root), Policy())
    assert plan.in_grace == 1
    assert collected(root) == sorted([older.name, broken.name, "stale"])
    assert young.exists()
    assert alone.exists()
    assert collected(root) == []
    assert collected(root, Policy(grace=0)) == [young.name]


def test_gc_keeps_the_older_where_the_newer_is_broken(root: Path) -> None:
    """And what is private never pushes out what others have."""
    older = add(root, make_entry(1), OLD)
    newer = add(root, make_entry(1, again=1), OLD + 1)
    scan(str(root))
    newer.write_bytes(newer.read_bytes()[:-1])
    os.utime(newer, (OLD, OLD))
    public = add(root, make_entry(2), OLD)
    private = add(root, make_entry(2, again=1), OLD + 1, private=True)
    behind = add(root, make_entry(3), OLD, private=True)
    add(root, make_entry(3, again=1), OLD + 1)
    assert collected(root) == sorted([newer.name, behind.name])
    assert older.exists()
    assert public.exists()
    assert private.exists()


def test_gc_gives_grace_to_what_is_broken(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    path.write_bytes(b"damaged just now")
    plan = gc.plan(str(root), Policy())
    assert (plan.removals, [flaw.path for flaw in plan.flaws]) == ([], [str(path)])
    os.utime(path, (OLD, OLD))
    assert collected(root) == [path.name]


def test_gc_of_an_entry_from_the_future(root: Path) -> None:
    path = add(root, make_entry(1), NOW + 400 * DAY)
    assert collected(root, Policy(model="*", grace=60)) == []
    assert collected(root, Policy(older_than=60, grace=0)) == []
    assert collected(root, Policy(model="*", grace=0)) == [path.name]


def test_gc_does_not_believe_a_stamp_from_before_cachy(root: Path) -> None:
    """Its clock was wrong, or frozen by a test; the file's time is all that is known."""
    path = add(root, make_entry(1), 0)
    assert collected(root, Policy(older_than=90 * DAY)) == []
    os.utime(path, (OLD, OLD))
    assert collected(root, Policy(older_than=90 * DAY)) == [path.name]


def test_gc_never_takes_what_a_newer_cachy_reads(root: Path) -> None:
    newer = make_entry(1)
    newer.head["cachy"] = 2
    path = add(root, newer, OLD)
    assert collected(root) == []
    assert path.exists()


def test_an_entry_of_a_stolen_name(root: Path) -> None:
    """Bytes that match their digest, under another key: never served, and broken."""
    frame = dumps(make_entry(1))
    name = name_of("0" * 64, OLD, frame)
    path = root / "00" / (name + SUFFIX)
    path.parent.mkdir(parents=True)
    path.write_bytes(seal(name, frame))
    assert collected(root, Policy(grace=0)) == [path.name]


def test_gc_policies(root: Path) -> None:
    used = add(root, make_entry(1), OLD)
    unused = add(root, make_entry(2, model="gpt-4o-mini"), OLD)
    young = add(root, make_entry(3), NOW)
    add_session(root, used, ended=NOW - 10 * DAY)

    def would(**policy: object) -> set[str]:
        plan = gc.plan(str(root), Policy(**policy))  # type: ignore[arg-type]
        return {each.path for each in plan.removals}

    assert would(unused=True) == {str(unused)}
    assert would(unused=True, since=NOW - 20 * DAY) == {str(unused)}
    assert would(unused=True, grace=0) == {str(unused), str(young)}
    assert would(older_than=90 * DAY) == {str(used), str(unused)}
    assert would(older_than=120 * DAY) == set()
    assert would(model="*-mini") == {str(unused)}
    assert would(host="api.openai.com", older_than=50 * DAY) == {str(used), str(unused)}
    assert would(host="elsewhere") == set()
    assert would(max_size=0) == {str(used), str(unused)}
    total = sum(path.stat().st_size for path in (used, unused, young))
    assert would(max_size=total) == set()
    assert would(max_size=total - 1) == {str(unused)}  # the least recently used
    assert gc.plan(str(root), Policy(max_size=0)).excess == young.stat().st_size
    with pytest.raises(ConfigError, match="the journal has no session since then"):
        would(unused=True, since=NOW - 5 * DAY)
    add(root, make_entry(4), OLD)
    add_session(root, used)
    assert would(unused=True, since=NOW - 120, grace=0) >= {str(unused)}
    assert str(young) not in would(unused=True, since=NOW - 120, grace=0)


def test_unused_needs_a_journal(root: Path) -> None:
    add(root, make_entry(1), OLD)
    with pytest.raises(ConfigError, match="run your notebooks and scripts first"):
        gc.plan(str(root), Policy(unused=True))


# ---- Collect ----


def test_gc_does_not_wait_for_another(root: Path) -> None:
    add(root, make_entry(1), OLD)
    plan = gc.plan(str(root), Policy(older_than=DAY))
    with lock(str(root)), pytest.raises(CachyError, match="another gc is at work"):
        gc.collect(plan)
    gc.collect(plan)


def test_files_that_change_after_the_plan(root: Path) -> None:
    """One file was removed, and one lost its replacement."""
    removed = add(root, make_entry(1), OLD)
    add(root, make_entry(1, again=1), OLD + 1)
    older = add(root, make_entry(2), OLD)
    newer = add(root, make_entry(2, again=1), OLD + 1)
    plan = gc.plan(str(root), Policy())
    removed.unlink()
    newer.unlink()
    assert gc.collect(plan).moved == []
    assert older.exists()


_GC = """
import sys
from cachy.upkeep.gc import Policy, collect, plan
collect(plan(sys.argv[1], Policy(older_than=0, grace=0)))
"""


def test_a_killed_gc_loses_nothing(root: Path) -> None:
    paths = [add(root, make_entry(number), OLD) for number in range(3000)]
    data = {path.name: path.read_bytes() for path in paths}
    process = subprocess.Popen([sys.executable, "-c", _GC, root])
    while not list((root / "local" / "trash").glob("*/*/*.entry")) and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert {path.name: path.read_bytes() for path in root.rglob("*.entry")} == data
    trash.undo(str(root))
    assert {path.name: path.read_bytes() for path in root.glob("??/*.entry")} == data


def test_two_gc_beside_writers_lose_nothing(root: Path) -> None:
    """Writers record again while two gc remove all older entries: every recording is served."""
    store = DirStore(root)
    wanted = set()
    for number in range(200):
        wanted.add(key_of(add(root, make_entry(number), OLD)))
        add(root, make_entry(number, again=1), OLD + 1)
    collectors = [
        subprocess.Popen(
            [sys.executable, "-c", _GC.replace("older_than=0, ", ""), root],
            stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    for number in range(300):
        entry = make_entry(number, again=2)
        store.put(entry.head["key"][:32], dumps(entry), OLD + 2)
        wanted.add(entry.head["key"][:32])
    assert min(process.wait() for process in collectors) == 0
    reader = DirStore(root)
    assert all(reader.get(key, lambda *_: None) for key in wanted)
    collected(root, Policy(grace=0))
    assert len(scan(str(root)).rows) == len(wanted)
