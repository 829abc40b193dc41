"""The index, finding, figures, fsck and gc: on real files, damaged as disks and people do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest
from many import DAY, add, make_entry

from cachy.cli import units
from cachy.errors import CachyError, ConfigError
from cachy.store import journal
from cachy.store.entry import dumps
from cachy.store.folder import DirStore
from cachy.store.layout import MANIFEST
from cachy.store.names import SUFFIX, key_in, name_of, seal
from cachy.store.trash import lock
from cachy.upkeep import check, find, index
from cachy.upkeep import gc as collect
from cachy.upkeep.gc import Policy
from cachy.upkeep.index import Row
from cachy.upkeep.stats import stats

NOW = int(time.time())
OLD = NOW - 100 * DAY


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / ".cachy"


def key_of(path: Path) -> str:
    return key_in(path.name)


def scan(root: Path) -> index.Contents:
    return index.scan(str(root))


def keys(rows: list[Row]) -> list[str]:
    return [row.key for row in rows]


def note(root: Path, *paths: Path, by: str = "a.ipynb", ended: float = NOW, run: str = "") -> None:
    used = tuple(key_of(path) for path in paths)
    identity = os.urandom(4).hex()
    journal.write(
        str(root), journal.Note(identity, by, run, ended - 60, ended, len(used), 0, 0, 3.5, used)
    )


def gc(root: Path, policy: Policy | None = None) -> list[str]:
    """Collect, and tell the names of the files that went."""
    plan = collect.plan(str(root), policy or Policy())
    return sorted(os.path.basename(path) for path in collect.collect(plan).moved)


# ---- The index ----


@pytest.mark.parametrize("slow", [0, 3600], ids=["slow-disk", "in-memory"])
def test_all_are_read_once_however_fast_the_disk_is(
    root: Path, monkeypatch: pytest.MonkeyPatch, slow: float
) -> None:
    monkeypatch.setattr(index, "_SLOW", slow)
    monkeypatch.setattr(index, "_CHUNK", 3)
    monkeypatch.setattr(index, "_BATCH", 2)
    paths = [add(root, make_entry(number), OLD + number) for number in range(20)]
    paths[7].write_bytes(b"broken")
    told: list[tuple[int, int]] = []
    found = index.scan(str(root), progress=lambda done, of: told.append((done, of)))
    assert [row.name for row in found.rows] == [
        path.stem for path in reversed(paths) if path != paths[7]
    ]
    assert [flaw.path for flaw in found.flaws] == [str(paths[7])]
    assert told == [*((3 * done, 20) for done in range(7)), (20, 20)]


def test_rows_tell_what_was_recorded(root: Path) -> None:
    path = add(root, make_entry(1, prompt="Why\nis  the sky\x1b[31m blue?"), OLD)
    row = scan(root).rows[0]
    assert row.key == key_of(path)
    assert row.second == OLD
    assert row.bytes == path.stat().st_size
    assert (row.model, row.host, row.status) == ("gpt-4o", "api.openai.com", 200)
    assert (row.ms, row.input, row.output) == (1200.5, 20, 5)
    assert row.prompt == "Why is the sky·[31m blue?"


def test_newest_first(root: Path) -> None:
    paths = [add(root, make_entry(n), OLD + second) for n, second in enumerate((5, 9, 1))]
    assert keys(scan(root).rows) == [key_of(paths[n]) for n in (1, 0, 2)]


def test_works_where_nothing_can_be_written(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    (root / "local").write_text("in the way")
    assert keys(scan(root).rows) == [key_of(path)]
    assert stats(str(root)).total.entries == 1
    assert check.fsck(str(root)).sound
    assert not collect.plan(str(root), Policy()).doomed


def test_listing_writes_nothing_that_git_sees(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    subprocess.run(["git", "init", "-q", root.parent], check=True)
    subprocess.run(["git", "-C", root.parent, "add", "."], check=True)
    scan(root)
    note(root, path)
    status = ["git", "-C", str(root.parent), "status", "--porcelain", "-uall"]
    seen = subprocess.run(status, check=True, capture_output=True, text=True).stdout
    assert seen.splitlines() == [f"A  .cachy/{path.parent.name}/{path.name}"]


def test_private_and_stray_files(root: Path) -> None:
    private = add(root, make_entry(1), OLD, private=True)
    (root / "ab").mkdir(exist_ok=True)
    (root / "ab" / "notes.txt").write_text("mine")
    (root / "xy").mkdir()
    rows = scan(root).rows
    assert keys(rows) == [key_of(private)]
    assert rows[0].file.private


# ---- Finding ----


def test_find_by_prefix_name_and_file(root: Path, tmp_path: Path) -> None:
    old = add(root, make_entry(1), OLD)
    new = add(root, make_entry(1, again=1), OLD + 5)
    copy = tmp_path / f"Xy12_{old.name}"  # as git 2.2 called them
    copy.write_bytes(old.read_bytes())
    key = key_of(old)
    for text in (key, key[:1], key[:12].upper(), str(new)):
        assert find.find(str(root), text).entry == make_entry(1, again=1)
    for text in (old.name.removesuffix(SUFFIX), str(copy)):
        assert find.find(str(root), text).entry == make_entry(1)


def test_find_serves_what_is_sound(root: Path) -> None:
    old = add(root, make_entry(1), OLD)
    new = add(root, make_entry(1, again=1), OLD + 5)
    new.write_bytes(b"\0damaged")
    assert find.find(str(root), key_of(new)).path == str(old)
    old.write_bytes(b"")
    with pytest.raises(CachyError, match=r"no recording of .* is sound"):
        find.find(str(root), key_of(new))


def test_find_refuses(root: Path, tmp_path: Path) -> None:
    paths = [add(root, make_entry(number), OLD) for number in range(40)]
    starts = [key_of(path)[0] for path in paths]
    several = max(starts, key=starts.count)
    with pytest.raises(ConfigError, match="give more digits") as error:
        find.find(str(root), several)
    assert all(key in str(error.value) for key in sorted(map(key_of, paths)) if key[0] == several)
    for text in ("f" * 32, "not hex", "", ".."):
        with pytest.raises(ConfigError, match="no key in"):
            find.find(str(root), text)
    with pytest.raises(ConfigError, match="there is no file"):
        find.find(str(root), str(tmp_path / "none.entry"))
    (tmp_path / "odd.entry").write_bytes(b"")
    with pytest.raises(ConfigError, match="not named as an entry"):
        find.find(str(root), str(tmp_path / "odd.entry"))


def test_filters(root: Path, tmp_path: Path) -> None:
    one = add(root, make_entry(1, prompt="Blue?", answer="Scattering"), OLD)
    two = add(root, make_entry(2, model="Claude-Sonnet", url="https://api.anthropic.com/v1/m"), NOW)
    note(root, two, by="work/b.ipynb")
    rows = scan(root).rows

    def select(**wanted: object) -> list[str]:
        return keys(list(find.select(str(root), rows, find.Filter(**wanted))))  # type: ignore[arg-type]

    assert select(model="claude*") == select(host="*.anthropic.com") == [key_of(two)]
    assert select(after=NOW - 5) == [key_of(two)]
    assert select(before=OLD + 5) == [key_of(one)]
    assert select(text="blue") == select(text="SCATTER") == [key_of(one)]
    for name in ("b.ipynb", "work/*", str(tmp_path / "work" / "b.ipynb")):
        assert select(notebook=name) == [key_of(two)]
    with pytest.raises(ConfigError, match=r"noted are work/b\.ipynb"):
        select(notebook="c.ipynb")


def test_root_is_the_folder_or_what_holds_it(root: Path, tmp_path: Path) -> None:
    add(root, make_entry(1), OLD)
    assert find.root_of(str(tmp_path)) == find.root_of(str(root)) == str(root)
    with pytest.raises(ConfigError, match="there is no store"):
        index.open_store(find.root_of(str(tmp_path / "ab")))


# ---- Figures ----


def test_stats(root: Path) -> None:
    first = add(root, make_entry(1), OLD)
    add(root, make_entry(1, again=1), OLD + 1)
    add(root, make_entry(2, model="other"), OLD, private=True)
    broken = add(root, make_entry(3), OLD)
    broken.write_bytes(b"")
    note(root, first)
    note(root, first, ended=NOW - 40 * DAY)
    report = stats(str(root))
    assert (report.total.entries, report.keys, report.older, report.private) == (3, 2, 1, 1)
    assert report.models["gpt-4o"].entries == 2
    assert report.hosts["api.openai.com"].input == 60
    recent = report.recent
    assert (recent.sessions, recent.hits, recent.seconds_saved) == (1, 1, 3.5)
    assert (recent.input, recent.output) == (20, 5)
    assert [flaw.path for flaw in report.flaws] == [str(broken)]


# ---- fsck ----


def test_fsck_of_a_sound_store(root: Path) -> None:
    add(root, make_entry(1), OLD)
    add(root, make_entry(2), OLD, private=True)
    (root / "manifest.json").write_bytes(MANIFEST)
    scan(root)
    report = check.fsck(str(root))
    assert report.sound
    assert (report.checked, report.strays) == (2, [])


def test_fsck_finds_damage_that_the_index_does_not_know(root: Path) -> None:
    """Every kind, and repair moves what its own bytes prove broken; nothing else."""
    sound = add(root, make_entry(0), OLD)
    flipped, cut, empty, link, folder = (add(root, make_entry(n), OLD) for n in range(1, 6))
    scan(root)
    data = bytearray(flipped.read_bytes())
    data[60] ^= 1
    flipped.write_bytes(data)
    cut.write_bytes(cut.read_bytes()[:-1])
    empty.write_bytes(b"")
    link.unlink()
    link.symlink_to(sound)
    folder.unlink()
    folder.mkdir()
    newer = make_entry(7)
    newer.head["cachy"] = 2
    future = add(root, newer, OLD)
    misplaced = root / "00" / sound.name
    misplaced.parent.mkdir(exist_ok=True)
    misplaced.write_bytes(sound.read_bytes())
    odd = sound.with_name("odd.entry")
    odd.write_bytes(b"")
    (root / "manifest.json").write_text("{}")
    stray = sound.with_name("notes.txt")
    stray.write_text("mine")

    broken = {str(path) for path in (flipped, cut, empty, link, folder, odd)}
    kept = {str(path) for path in (future, misplaced, root / "manifest.json")}
    report = check.fsck(str(root))
    assert {flaw.path for flaw in report.flaws} == broken | kept
    assert {flaw.path for flaw in report.flaws if flaw.broken} == broken
    assert report.strays == [str(stray)]
    assert not report.moved

    assert set(check.fsck(str(root), repair=True).moved) == broken
    assert {flaw.path for flaw in check.fsck(str(root)).flaws} == kept
    assert keys(scan(root).rows) == [key_of(sound)]


def test_fsck_names_lfs_pointers(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    os.utime(path, (OLD, OLD))
    report = check.fsck(str(root), repair=True)
    assert "git lfs pull" in report.flaws[0].what
    assert report.moved == gc(root, Policy(grace=0)) == []


def test_fsck_beside_writers(root: Path) -> None:
    store = DirStore(root)
    stop = False

    def write() -> None:
        number = 0
        while not stop:
            number += 1
            entry = make_entry(number)
            store.put(entry.head["key"][:32], dumps(entry), NOW)

    writer = Thread(target=write)
    writer.start()
    try:
        reports = [check.fsck(str(root)) for _ in range(5)]
    finally:
        stop = True
        writer.join()
    assert all(report.sound for report in reports)


# ---- gc ----


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
    plan = collect.plan(str(root), Policy())
    assert plan.young == 1
    assert gc(root) == sorted([older.name, broken.name, "stale"])
    assert young.exists()
    assert alone.exists()
    assert gc(root) == []
    assert gc(root, Policy(grace=0)) == [young.name]


def test_gc_keeps_the_older_where_the_newer_is_broken(root: Path) -> None:
    """And what is private never pushes out what others have."""
    older = add(root, make_entry(1), OLD)
    newer = add(root, make_entry(1, again=1), OLD + 1)
    scan(root)
    newer.write_bytes(newer.read_bytes()[:-1])
    os.utime(newer, (OLD, OLD))
    public = add(root, make_entry(2), OLD)
    private = add(root, make_entry(2, again=1), OLD + 1, private=True)
    behind = add(root, make_entry(3), OLD, private=True)
    add(root, make_entry(3, again=1), OLD + 1)
    assert gc(root) == sorted([newer.name, behind.name])
    assert older.exists()
    assert public.exists()
    assert private.exists()


def test_gc_gives_grace_to_what_is_broken(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    path.write_bytes(b"damaged just now")
    plan = collect.plan(str(root), Policy())
    assert (plan.doomed, [flaw.path for flaw in plan.flaws]) == ([], [str(path)])
    os.utime(path, (OLD, OLD))
    assert gc(root) == [path.name]


def test_gc_of_an_entry_from_the_future(root: Path) -> None:
    path = add(root, make_entry(1), NOW + 400 * DAY)
    assert gc(root, Policy(model="*", grace=60)) == []
    assert gc(root, Policy(older_than=60, grace=0)) == []
    assert gc(root, Policy(model="*", grace=0)) == [path.name]


def test_gc_never_takes_what_a_newer_cachy_reads(root: Path) -> None:
    newer = make_entry(1)
    newer.head["cachy"] = 2
    path = add(root, newer, OLD)
    assert gc(root) == []
    assert path.exists()


def test_gc_policies(root: Path) -> None:
    used = add(root, make_entry(1), OLD)
    unused = add(root, make_entry(2, model="gpt-4o-mini"), OLD)
    young = add(root, make_entry(3), NOW)
    note(root, used, ended=NOW - 10 * DAY)

    def would(**policy: object) -> set[str]:
        plan = collect.plan(str(root), Policy(**policy))  # type: ignore[arg-type]
        return {each.path for each in plan.doomed}

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
    assert collect.plan(str(root), Policy(max_size=0)).over == young.stat().st_size
    with pytest.raises(ConfigError, match="no session is noted since then"):
        would(unused=True, since=NOW - 5 * DAY)
    add(root, make_entry(4), OLD)
    note(root, used)
    assert would(unused=True, since=NOW - 120, grace=0) >= {str(unused)}
    assert str(young) not in would(unused=True, since=NOW - 120, grace=0)


def test_unused_needs_a_journal(root: Path) -> None:
    add(root, make_entry(1), OLD)
    with pytest.raises(ConfigError, match="run your notebooks and scripts first"):
        collect.plan(str(root), Policy(unused=True))


def test_undo_restores_the_last_run(root: Path) -> None:
    first = add(root, make_entry(1), OLD)
    second = add(root, make_entry(2), OLD, private=True)
    before = {path: path.read_bytes() for path in (first, second)}
    gc(root, Policy(model="none"))
    for number in (1, 2):
        gc(root, Policy(older_than=DAY))
        back = collect.undo(str(root)).moved
        assert sorted(back) == sorted(map(str, before)), number
    assert {path: path.read_bytes() for path in before} == before
    with pytest.raises(ConfigError, match="nothing to undo"):
        collect.undo(str(root))


def test_undo_never_replaces_what_is_there(root: Path) -> None:
    """A broken file went; git brought the sound one back."""
    path = add(root, make_entry(1), OLD)
    sound = path.read_bytes()
    path.write_bytes(b"\0")
    assert gc(root, Policy(grace=0)) == [path.name]
    path.write_bytes(sound)
    assert collect.undo(str(root)).moved == []
    assert path.read_bytes() == sound


def test_trash_is_emptied_after_two_weeks(root: Path) -> None:
    add(root, make_entry(1), OLD)
    gc(root, Policy(older_than=DAY))
    trash = root / "local" / "trash"
    (recent,) = trash.iterdir()
    ago = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(NOW - 15 * DAY))
    (trash / f"{ago}-000000-gc").mkdir()
    (trash / "mine").mkdir()
    add(root, make_entry(2), OLD)
    gc(root)
    assert sorted(path.name for path in trash.iterdir()) == sorted([recent.name, "mine"])


def test_gc_does_not_wait_for_another(root: Path) -> None:
    add(root, make_entry(1), OLD)
    plan = collect.plan(str(root), Policy(older_than=DAY))
    with lock(str(root)), pytest.raises(CachyError, match="another gc is at work"):
        collect.collect(plan)
    collect.collect(plan)


def test_a_plan_overtaken_by_events(root: Path) -> None:
    """Between plan and move one file vanished, and one lost what was to be served in its stead."""
    vanishing = add(root, make_entry(1), OLD)
    add(root, make_entry(1, again=1), OLD + 1)
    older = add(root, make_entry(2), OLD)
    newer = add(root, make_entry(2, again=1), OLD + 1)
    plan = collect.plan(str(root), Policy())
    vanishing.unlink()
    newer.unlink()
    assert collect.collect(plan).moved == []
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
    collect.undo(str(root))
    assert {path.name: path.read_bytes() for path in root.glob("??/*.entry")} == data


def test_two_gc_beside_writers_lose_nothing(root: Path) -> None:
    """Writers record anew while two gc take all that is older: whatever was recorded is served."""
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
    gc(root, Policy(grace=0))
    assert len(scan(root).rows) == len(wanted)


def test_last_run(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    with pytest.raises(ConfigError, match="cachy run"):
        collect.last_run(str(root))
    for run, started, code in (("first", 500, 0), ("second", 160, 0), ("third", 50, 1)):
        note(root, path, ended=NOW - started + 9, run=run)
        own = journal.Note(run, "$", run, NOW - started, NOW - started, 0, 0, 0, 0.0, (), code)
        journal.write(str(root), own)
    note(root, path, run="killed")
    journal.compact(str(root))
    assert collect.last_run(str(root)) == NOW - 160  # the last that succeeded


# ---- What anybody could have committed ----


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
    assert len(scan(root).rows) == 2
    assert journal.read(str(root)) == []
    if name == "sessions":
        with pytest.raises(OSError):
            note(root, root)
    if name in ("gc.lock", "trash"):
        with pytest.raises(OSError) as caught:
            gc(root)
        assert caught.value.filename
        assert len(scan(root).rows) == 2
    else:
        assert len(gc(root)) == 1
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
        collect.undo(str(root))
    assert (outside / "mine").exists()


# ---- Units ----


@pytest.mark.parametrize(
    ("text", "seconds"), [("90d", 90 * DAY), ("12 H", 43200), ("1.5w", 10.5 * DAY), ("0", 0)]
)
def test_ages(text: str, seconds: float) -> None:
    assert units.parse_age(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("50MB", 50_000_000), ("1 GiB", 2**30), ("800", 800), ("1.5k", 1500)]
)
def test_sizes(text: str, size: int) -> None:
    assert units.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "d", "-3d", "3 months", "1e3d", "MB"])
def test_bad_units(text: str) -> None:
    with pytest.raises(ConfigError, match="such as"):
        units.parse_age(text)
    with pytest.raises(ConfigError, match="such as"):
        units.parse_size(text)


def test_shown_units() -> None:
    assert [units.show_age(s) for s in (5, 90, 7200, 3 * DAY, 400 * DAY)] == [
        "now", "1m", "2h", "3d", "1y",
    ]  # fmt: skip
    sizes = [units.show_size(s) for s in (0, 999, 1234, 52_300_000, 3e9)]
    assert sizes == ["0 B", "999 B", "1.2 kB", "52 MB", "3 GB"]
    assert [units.show_duration(s) for s in (4.2, 720, 12600)] == ["4.2 s", "12 min", "3.5 h"]


def test_an_entry_of_a_stolen_name(root: Path) -> None:
    """Bytes that match their digest, under another key: never served, and broken."""
    frame = dumps(make_entry(1))
    name = name_of("0" * 64, OLD, frame)
    path = root / "00" / (name + SUFFIX)
    path.parent.mkdir(parents=True)
    path.write_bytes(seal(name, frame))
    assert gc(root, Policy(grace=0)) == [path.name]
