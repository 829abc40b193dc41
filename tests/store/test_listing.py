"""Listings and notes of them: real folders, and the clocks of real file systems."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cachy.store import listing
from cachy.store.entry import Entry, dumps, name_of, seal
from cachy.store.files import GITIGNORE
from cachy.store.folder import DirStore
from cachy.store.listing import WORTH_NOTING, Listing, Noted, Notes

MANY = 3 * WORTH_NOTING

pytestmark = pytest.mark.skipif(not listing.NOTES_HOLD, reason="folders tell no changes here")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / ".cachy"


@pytest.fixture(autouse=True)
def soon_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What changed a twentieth of a second ago is settled: far more than a tick of the clock."""
    monkeypatch.setattr(listing, "SETTLED", 5 * 10**7)


def key_of(number: int) -> str:
    """All in one shard, and else as evenly spread as keys are."""
    return "ab" + hashlib.sha256(str(number).encode()).hexdigest()[:30]


def place(root: Path, key: str, second: int = 1000, body: bytes = b"old") -> Path:
    """Put an entry where git would."""
    head = {"cachy": 1, "key": key + "0" * 32, "status": 200, "headers": [], "ms": 1}
    frame = dumps(Entry(head, body))
    name = name_of(key, second, frame)
    path = root / key[:2] / f"{name}.entry"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(seal(name, frame))
    return path


@pytest.fixture
def noted(root: Path) -> Path:
    """A store with a long shard, settled, and noted by a process before."""
    for number in range(MANY):
        place(root, key_of(number))
    time.sleep(0.1)
    assert body(DirStore(root), key_of(0)) == b"old"
    assert note_of(root).exists()
    return root


TABLE = 8 + 256 * 40
"""Bytes before the names in a note."""


def note_of(root: Path) -> Path:
    return root / "local" / "names"


def body(store: DirStore, key: str) -> bytes | None:
    def report(where: str, what: str) -> None:
        pytest.fail(f"{where}: {what}")

    entry = store.get(key, report)
    return None if entry is None else entry.body


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that are listed from now on."""
    folders: list[str] = []
    real = os.listdir

    def listdir(folder: str) -> list[str]:
        folders.append(os.path.basename(folder))
        return real(folder)

    monkeypatch.setattr(os, "listdir", listdir)
    return folders


# ---- What is noted ----


def test_the_next_process_lists_nothing(noted: Path, listed: list[str]) -> None:
    store = DirStore(noted)
    for number in range(MANY):
        assert body(store, key_of(number)) == b"old"
    assert listed == []


def test_a_short_shard_is_not_noted(root: Path) -> None:
    for number in range(WORTH_NOTING - 1):
        place(root, key_of(number))
    time.sleep(0.1)
    body(DirStore(root), key_of(0))
    assert not (root / "local").exists()


def test_each_shard_is_noted_once_and_kept(root: Path, listed: list[str]) -> None:
    for shard in ("00", "ab", "ff"):
        for number in range(MANY):
            place(root, shard + key_of(number)[2:])
    time.sleep(0.1)
    for turn, shard in enumerate(("ff", "ab", "00"), start=1):
        assert body(DirStore(root), shard + key_of(1)[2:]) == b"old"
        assert note_of(root).stat().st_size == TABLE + 28 * MANY * turn
    assert listed == ["ff", "ab", "00"]
    place(root, "ab" + "0" * 30)
    time.sleep(0.1)
    for _ in range(2):
        store = DirStore(root)
        for shard in ("00", "ab", "ff"):
            assert body(store, shard + key_of(2)[2:]) == b"old"
        del store
    assert listed == ["ff", "ab", "00", "ab"]


def test_what_was_recorded_meanwhile_leaves_no_note(root: Path) -> None:
    for number in range(MANY):
        place(root, key_of(number))
    time.sleep(0.1)
    store = DirStore(root)
    assert body(store, key_of(0)) == b"old"
    place(root, key_of(MANY))
    del store
    assert not note_of(root).exists()


def test_what_has_just_changed_is_not_noted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "SETTLED", 60 * 10**9)
    for number in range(MANY):
        place(root, key_of(number))
    body(DirStore(root), key_of(0))
    assert not note_of(root).exists()


def test_what_has_just_changed_by_the_servers_clock_is_not_noted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours may be ahead of the clock that sets a folder's times."""
    for number in range(MANY):
        place(root, key_of(number))
    ahead = time.time_ns() + 10**12
    monkeypatch.setattr(listing, "SETTLED", 60 * 10**9)
    monkeypatch.setattr(time, "time_ns", lambda: ahead)
    body(DirStore(root), key_of(0))
    assert not note_of(root).exists()
    assert list((root / "local" / "tmp").iterdir()) == []


def test_a_miss_writes_no_note_again(noted: Path) -> None:
    before = note_of(noted).stat()
    assert body(DirStore(noted), "ab" + "0" * 30) is None
    after = note_of(noted).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_git_does_not_see_notes(tmp_path: Path, noted: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert (noted / ".gitignore").read_bytes() == GITIGNORE
    told = subprocess.check_output(["git", "status", "--porcelain", "-uall"], cwd=tmp_path)
    assert told.count(b".entry") == told.count(b"\n") == MANY


def test_other_files_are_not_noted(root: Path) -> None:
    for number in range(MANY):
        place(root, key_of(number))
    folder = root / "ab"
    (folder / "README").write_text("hello")
    (folder / ("x" * 57 + ".entry")).write_text("as long as a name")
    (folder / (" " * 57 + ".entry")).write_text("as long as a name")
    (folder / (key_of(1).upper() + "-" + "0" * 24 + ".entry")).write_text("capitals")
    time.sleep(0.1)
    body(DirStore(root), key_of(0))
    assert note_of(root).stat().st_size == TABLE + 28 * MANY


# ---- What is believed ----


def test_a_newer_recording_is_found(noted: Path) -> None:
    place(noted, key_of(5), second=2000, body=b"new")
    assert body(DirStore(noted), key_of(5)) == b"new"


def test_a_new_key_is_found(noted: Path) -> None:
    place(noted, key_of(MANY))
    assert body(DirStore(noted), key_of(MANY)) == b"old"


def test_a_key_that_comes_after_the_note_was_read_is_found(noted: Path) -> None:
    store = DirStore(noted)
    assert body(store, key_of(0)) == b"old"
    place(noted, key_of(MANY))
    assert body(store, key_of(MANY)) == b"old"


def test_a_removed_recording_is_a_miss(noted: Path) -> None:
    store = DirStore(noted)
    assert body(store, key_of(0)) == b"old"
    for path in (noted / "ab").glob(f"{key_of(7)}*"):
        path.unlink()
    assert body(store, key_of(7)) is None
    assert body(DirStore(noted), key_of(7)) is None


def test_a_shard_that_was_put_in_place_of_another_is_listed(tmp_path: Path, noted: Path) -> None:
    """Even with the times of the one before, as `cp -a` and `tar` set them."""
    shard = noted / "ab"
    times = shard.stat()
    shard.rename(tmp_path / "away")
    place(noted, key_of(3), second=2000, body=b"new")
    os.utime(shard, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert body(DirStore(noted), key_of(3)) == b"new"


def test_what_this_process_records_is_found(noted: Path) -> None:
    store = DirStore(noted)
    assert body(store, key_of(9)) == b"old"
    head = {"cachy": 1, "key": key_of(9) + "0" * 32, "status": 200, "headers": [], "ms": 1}
    store.put(key_of(9), dumps(Entry(head, b"mine")), 2000)
    assert body(store, key_of(9)) == b"mine"
    assert body(DirStore(noted), key_of(9)) == b"mine"


def test_a_private_recording_is_found(noted: Path) -> None:
    head = {"cachy": 1, "key": key_of(9) + "0" * 32, "status": 200, "headers": [], "ms": 1}
    DirStore(noted).put(key_of(9), dumps(Entry(head, b"private")), 2000, private=True)
    assert body(DirStore(noted), key_of(9)) == b"private"


def test_the_newest_of_several_counts(root: Path) -> None:
    for number in range(MANY):
        for second in (3000, 1000, 2000):
            place(root, key_of(number), second, str(second).encode())
    time.sleep(0.1)
    assert body(DirStore(root), key_of(0)) == b"3000"
    assert note_of(root).exists()
    store = DirStore(root)
    assert {body(store, key_of(number)) for number in range(MANY)} == {b"3000"}


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: bytes(len(data)), id="zeros"),
        pytest.param(lambda data: data[:8] + bytes(len(data) - 8), id="no-table"),
        pytest.param(lambda data: data[:TABLE] + bytes(len(data) - TABLE), id="no-names"),
        pytest.param(lambda data: data[: TABLE + 28 * MANY // 2 + 5], id="cut"),
        pytest.param(lambda data: data[:4000], id="cut-in-the-table"),
        pytest.param(lambda data: data[:TABLE] + random.Random(3).randbytes(28 * MANY), id="noise"),
        pytest.param(lambda data: data[:8] + b"\xff" * 20_000, id="ones"),
        pytest.param(lambda data: b"names 2\n" + data[8:], id="of-another-version"),
    ],
)
def test_a_broken_note_does_no_harm(noted: Path, damage: object) -> None:
    note = note_of(noted)
    note.write_bytes(damage(note.read_bytes()))  # type: ignore[operator]
    store = DirStore(noted)
    for number in range(MANY):
        assert body(store, key_of(number)) == b"old"


@pytest.mark.parametrize("kind", ["folder", "pipe", "link", "huge"])
def test_what_is_no_note_does_no_harm(tmp_path: Path, noted: Path, kind: str) -> None:
    note = note_of(noted)
    data = note.read_bytes()
    note.unlink()
    if kind == "folder":
        note.mkdir()
    elif kind == "pipe":
        os.mkfifo(note)
    elif kind == "link":
        (tmp_path / "elsewhere").write_bytes(data)
        note.symlink_to(tmp_path / "elsewhere")
    else:
        note.write_bytes(data)
        os.truncate(note, 2**40)
    assert body(DirStore(noted), key_of(0)) == b"old"


def test_no_note_is_written_through_a_link(tmp_path: Path, root: Path) -> None:
    for number in range(MANY):
        place(root, key_of(number))
    (tmp_path / "elsewhere").write_text("mine")
    (root / "local").mkdir()
    (root / "local" / "names").symlink_to(tmp_path / "elsewhere")
    time.sleep(0.1)
    assert body(DirStore(root), key_of(0)) == b"old"
    assert (tmp_path / "elsewhere").read_text() == "mine"
    assert not note_of(root).is_symlink()


def test_a_store_that_takes_no_notes_is_a_good_store(root: Path) -> None:
    for number in range(MANY):
        place(root, key_of(number))
    (root / "local").write_text("in the way, even of root")
    time.sleep(0.1)
    store = DirStore(root)
    assert [body(store, key_of(number)) for number in range(3)] == [b"old"] * 3


def test_processes_note_and_read_at_once(root: Path) -> None:
    for number in range(MANY):
        place(root, key_of(number))
    time.sleep(0.1)
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); import test_listing as t\n"
        "t.listing.SETTLED = 5 * 10**7\n"
        "for turn in range(30):\n"
        "    store = t.DirStore(sys.argv[1])\n"
        "    assert all(t.body(store, t.key_of(number)) == b'old' for number in range(9))\n"
        "    del store\n"
        "    if turn % 3 == 0:\n"
        "        t.Path(sys.argv[1], 'local', 'names').unlink(missing_ok=True)\n"
    )
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", code, str(root), here]
    running = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]


# ---- The two ways to know the names ----


@pytest.mark.parametrize("count", [1, 2, 31, 390, 5000])
def test_a_note_tells_what_a_listing_tells(tmp_path: Path, count: int) -> None:
    dice = random.Random(count)
    files = [
        f"{key_of(number)}-{dice.randbytes(12).hex()}.entry"
        for number in range(count)
        for _ in range(dice.choice((1, 1, 1, 3)))
    ]
    root = tmp_path / ".cachy"
    folder = root / "ab"
    folder.mkdir(parents=True)
    time.sleep(0.1)
    notes = Notes(str(root))
    notes.add("ab", os.lstat(folder), files)
    notes.close()
    notes = Notes(str(root))
    note, listing = notes.read("ab"), Listing(str(folder), files)
    assert isinstance(note, Noted)
    for number in range(count):
        assert list(note.paths(key_of(number))) == list(listing.paths(key_of(number)))
    assert note.paths(key_of(count)) == note.paths("ab" + "f" * 30) == note.paths("a" * 32) == []
