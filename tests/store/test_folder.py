"""The store: real files in real folders, and whatever else may lie there."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from store_contract import (
    KEY,
    NEIGHBOUR,
    SECOND,
    Reports,
    StoreContract,
    body_of,
    frame,
    no_report,
)

from cachy import cachy, disable_cachy, enable_cachy
from cachy.errors import CachyWarning, ConfigError
from cachy.rules import protocols
from cachy.store import entry as codec
from cachy.store.base import Store, Where
from cachy.store.disk import Disk
from cachy.store.entry import FILE_LIMIT, FORMAT, loads
from cachy.store.folder import SHARD_LENGTH, DirStore, entry_files, read_entry
from cachy.store.layout import GITIGNORE, MANIFEST, find_root, shared_files
from cachy.store.mapping import MappingStore
from cachy.store.names import name_of, seal

URL = "https://api.openai.com/v1/chat/completions"


def place(root: Path, second: int = SECOND, body: bytes = b"body", key: str = KEY) -> Path:
    """Put an entry file where another process, or git, would."""
    data = frame(body, key)
    name = name_of(key, second, data)
    path = root / key[:2] / f"{name}.entry"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(seal(name, data))
    return path


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / ".cachy"


class TestFolder(StoreContract):
    """The contract."""

    @pytest.fixture
    def store(self, root: Path) -> Store:
        return DirStore(root)


# ---- The folder ----


def test_layout(root: Path) -> None:
    name = DirStore(root).put(KEY, frame(), SECOND).name
    assert files(root) == [".gitignore", f"ab/{name}.entry"]
    assert (root / ".gitignore").read_bytes() == GITIGNORE == b"/local/\n/.gitignore\n"
    assert (root / "local/tmp").is_dir()
    assert not [*(root / "local/tmp").iterdir()]
    assert read_entry(str(root / f"ab/{name}.entry")) == loads(frame())


def test_the_manifest_is_constant() -> None:
    """Its bytes never change within format 1."""
    data = json.loads(MANIFEST)
    assert (data["format"], data["version"]) == ("cachy", FORMAT)
    assert MANIFEST.endswith(b"}\n")
    assert b"\r" not in MANIFEST
    assert json.dumps(data, indent=2).encode() + b"\n" == MANIFEST


def test_the_stores_manifest_is_the_same_everywhere(root: Path) -> None:
    own = Path(__file__).parents[2] / ".cachy"
    for name, data in shared_files().items():
        assert (own / name).read_bytes() == data


def test_reading_creates_nothing(tmp_path: Path, root: Path) -> None:
    store = DirStore(root)
    assert store.get(KEY, no_report) is None
    assert [*tmp_path.iterdir()] == []
    path = place(root)
    assert body_of(store) == b"body"
    assert files(tmp_path) == [str(path.relative_to(tmp_path))]


def test_opening_lists_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(root)
    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", None)
        patch.setattr(os, "scandir", None)
        store = DirStore(root)
    assert body_of(store) == b"body"


def test_own_gitignore_is_not_overwritten(root: Path) -> None:
    root.mkdir()
    (root / ".gitignore").write_text("mine\n")
    DirStore(root).put(KEY, frame(), SECOND)
    assert (root / ".gitignore").read_text() == "mine\n"


def test_git_sees_entries_only(tmp_path: Path, root: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    store = DirStore(root)
    name = store.put(KEY, frame(), SECOND).name
    store.put(NEIGHBOUR, frame(key=NEIGHBOUR), SECOND, private=True)
    status = ["git", "-C", str(tmp_path), "status", "--porcelain", "--untracked-files=all"]
    seen = subprocess.run(status, check=True, capture_output=True, text=True).stdout
    assert seen == f"?? .cachy/ab/{name}.entry\n"


def test_stamps_sort_whatever_the_files_ages(root: Path) -> None:
    newest, older = place(root, SECOND + 1, b"new"), place(root, SECOND, b"old")
    os.utime(newest, (1, 1))
    assert older.stat().st_mtime > newest.stat().st_mtime
    assert body_of(DirStore(root)) == b"new"


def test_stamps_count_across_local_and_shared(root: Path) -> None:
    local = root / "local/entries"
    place(root, SECOND, b"shared")
    place(local, SECOND + 1, b"local")
    assert body_of(DirStore(root)) == b"local"
    place(root, SECOND + 2, b"shared again")
    assert body_of(DirStore(root)) == b"shared again"


def test_a_recording_of_another_process_is_found(root: Path) -> None:
    store = DirStore(root)
    assert store.get(KEY, no_report) is None
    DirStore(root).put(KEY, frame(b"theirs"), SECOND)
    assert body_of(store) == b"theirs"


def test_a_removed_recording_is_a_miss(root: Path) -> None:
    store = DirStore(root)
    path = root / "ab" / f"{store.put(KEY, frame(), SECOND).name}.entry"
    path.unlink()
    assert store.get(KEY, no_report) is None


def test_a_removed_recording_leaves_the_older(root: Path) -> None:
    store = DirStore(root)
    place(root, SECOND, b"old")
    newest = place(root, SECOND + 1, b"new")
    assert body_of(store) == b"new"
    newest.unlink()
    assert body_of(store) == b"old"


def test_a_replaced_recording_is_found(root: Path) -> None:
    """As gc in another process does: the known one goes, a newer one is there."""
    store = DirStore(root)
    old = place(root, SECOND, b"old")
    assert body_of(store) == b"old"
    place(root, SECOND + 1, b"new")
    old.unlink()
    assert body_of(store) == b"new"


def test_a_vanished_store_is_a_miss_and_can_be_written_again(root: Path) -> None:
    store = DirStore(root)
    store.put(KEY, frame(), SECOND)
    os.rename(root, root.with_name("away"))
    assert store.get(KEY, no_report) is None
    store.put(KEY, frame(b"again"), SECOND)
    assert body_of(DirStore(root)) == b"again"


def test_rewriting_after_another_process_recorded(root: Path) -> None:
    """Newest is what was recorded last, not what this object happens to know."""
    store = DirStore(root)
    store.put(KEY, frame(b"mine"), SECOND)
    DirStore(root).put(KEY, frame(b"theirs"), SECOND + 7)
    store.put(KEY, frame(b"mine again"), SECOND)
    assert body_of(DirStore(root)) == b"mine again"


def test_threads_may_share_a_store(root: Path) -> None:
    store = DirStore(root)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                key = f"ab{number:02x}{turn:02x}".ljust(32, "0")
                store.put(key, frame(b"%d" % number, key), SECOND)
                assert body_of(store, key) == b"%d" % number
        except BaseException as failure:  # noqa: BLE001
            failures.append(failure)

    threads = [Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len([*(root / "ab").iterdir()]) == 40
    assert not [*(root / "local/tmp").iterdir()]


def test_processes_may_share_a_store(root: Path) -> None:
    script = """if True:
        import sys
        from cachy.store.folder import DirStore
        from cachy.store.entry import Entry, dumps
        store = DirStore(sys.argv[1])
        for turn in range(20):
            key = "ab%02x" % turn + "0" * 28
            head = {"cachy": 1, "key": key, "status": 200, "headers": [], "ms": 1}
            store.put(key, dumps(Entry(head | {"by": sys.argv[2]}, b"body")), 1)
    """
    here = Path(__file__).parents[2]
    runs = [
        subprocess.Popen([sys.executable, "-c", script, str(root), str(number)], cwd=here)
        for number in range(2)
    ]
    assert [run.wait() for run in runs] == [0, 0]
    store = DirStore(root)
    for turn in range(20):
        assert body_of(store, f"ab{turn:02x}" + "0" * 28) == b"body"
    assert len([*(root / "ab").iterdir()]) == 40


# ---- What is huge ----


def test_what_is_over_2_mib_stays_local(root: Path) -> None:
    store = DirStore(root)
    body = random.Random(1).randbytes(FILE_LIMIT + 1)
    (name, where) = store.put(KEY, frame(body), SECOND)
    (small, small_where) = store.put(NEIGHBOUR, frame(b"small", NEIGHBOUR), SECOND)
    assert files(root) == [
        ".gitignore",
        f"ab/{small}.entry",
        f"local/entries/ab/{name}.entry",
    ]
    assert (where, small_where) == (Where.LARGE, Where.SHARED)
    assert body_of(store) == body_of(DirStore(root)) == body


def test_the_limit_is_that_of_the_file(root: Path) -> None:
    store = DirStore(root)
    fits = random.Random(1).randbytes(FILE_LIMIT - 1000)
    fits += random.Random(2).randbytes(FILE_LIMIT - len(frame(fits)) - 1)
    assert store.put(KEY, frame(fits), SECOND).where is Where.SHARED
    assert store.put(KEY, frame(fits + b"x"), SECOND).where is Where.LARGE
    assert store.put(KEY, frame(b"x" * 3 * FILE_LIMIT), SECOND).where is Where.SHARED


# ---- What else may lie in a folder ----


def link(path: Path) -> None:
    target = path.with_name("target")
    path.rename(target)
    path.symlink_to(target)


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def device(path: Path) -> None:
    path.unlink()
    try:
        os.mknod(path, 0o20600, os.makedev(1, 5))  # as /dev/zero
    except PermissionError:
        pytest.skip("only root makes devices")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)


def renamed(path: Path) -> None:
    path.rename(path.with_name(path.name[:33] + "f" * 8 + path.name[41:]))


def conflict(path: Path) -> None:
    path.write_bytes(b"<<<<<<< HEAD\n" + path.read_bytes() + b"\n=======\n>>>>>>> theirs\n")


def pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n")


def newline_damage(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")


def huge(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(2**40)  # sparse


DAMAGES = [
    link,
    dangling,
    fifo,
    folder,
    device,
    empty,
    cut,
    flipped,
    renamed,
    conflict,
    pointer,
    newline_damage,
    huge,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_broken_is_passed_over_and_reported(root: Path, damage: Any) -> None:
    broken = place(root, SECOND, b"broken")
    damage(broken)
    before = files(root)
    reports = Reports()
    assert DirStore(root).get(KEY, reports) is None
    assert [(Path(where).parent.name, bool(what)) for where, what in reports] == [("ab", True)]
    assert files(root) == before  # a reader never moves or deletes


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_older_is_served_where_the_newest_is_broken(root: Path, damage: Any) -> None:
    place(root, SECOND, b"older")
    damage(place(root, SECOND + 1, b"broken"))
    reports = Reports()
    assert body_of(DirStore(root), report=reports) == b"older"
    assert len(reports) == 1


def test_what_breaks_after_it_was_listed_is_reported_too(root: Path) -> None:
    place(root, SECOND, b"older")
    newest = place(root, SECOND + 1, b"newest")
    place(root, SECOND, b"neighbour", NEIGHBOUR)
    store = DirStore(root)
    assert body_of(store, NEIGHBOUR) == b"neighbour"  # lists the shard
    flipped(newest)
    reports = Reports()
    assert body_of(store, report=reports) == b"older"
    assert [where for where, _ in reports] == [str(newest)]


def test_a_new_recording_beats_a_broken_one(root: Path) -> None:
    flipped(place(root, SECOND + 99))
    store = DirStore(root)
    store.put(KEY, frame(b"new"), SECOND)
    assert body_of(store) == body_of(DirStore(root)) == b"new"


@pytest.mark.parametrize(
    "name",
    [
        "x",
        "README.md",
        f"{KEY}.entry",
        f"{KEY}-{'0' * 24}",
        f"{KEY}-{'0' * 24}.entry.swp",
        f"{KEY}-{'0' * 24}.ENTRY",
        f"{KEY}-{'0' * 24}.entry (2)",
        f".{KEY}-{'0' * 24}.entry",
        f"{'ff' * 16}-{'0' * 24}.entry",
    ],
)
def test_other_files_are_not_looked_at(root: Path, name: str) -> None:
    place(root)
    (root / "ab" / name).write_bytes(b"?")
    assert body_of(DirStore(root)) == b"body"


def test_a_file_in_the_place_of_a_shard_is_a_miss(root: Path) -> None:
    root.mkdir()
    (root / "ab").write_bytes(b"")
    store = DirStore(root)
    assert store.get(KEY, no_report) is None
    with pytest.raises(OSError, match="ab"):
        store.put(KEY, frame(), SECOND)


@pytest.mark.parametrize("where", ["local", "local/tmp"])
def test_a_store_that_cannot_be_written_raises_and_leaves_nothing(root: Path, where: str) -> None:
    (root / where).parent.mkdir(parents=True)
    (root / where).write_bytes(b"in the way")
    before = files(root)
    store = DirStore(root)
    with pytest.raises(OSError, match="local"):
        store.put(KEY, frame(), SECOND)
    assert store.get(KEY, no_report) is None
    assert files(root) == before


def test_a_failed_move_leaves_no_temporary_file(root: Path) -> None:
    root.mkdir()
    (root / "ab").symlink_to("/proc/self")  # another file system
    with pytest.raises(OSError, match="ab"):
        DirStore(root).put(KEY, frame(), SECOND)
    assert not [*(root / "local/tmp").iterdir()]


# ---- What is no store ----


def test_a_root_that_is_a_file_is_no_store(root: Path) -> None:
    root.write_bytes(b"")
    with pytest.raises(ConfigError, match=f"{re.escape(str(root))} is not a folder"):
        DirStore(root)


def test_a_root_that_leads_nowhere_is_no_store(root: Path) -> None:
    root.symlink_to("nowhere")
    with pytest.raises(ConfigError, match="not a folder"):
        DirStore(root)


def test_a_root_may_be_a_link(tmp_path: Path, root: Path) -> None:
    place(tmp_path / "elsewhere")
    root.symlink_to("elsewhere")
    assert body_of(DirStore(root)) == b"body"


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        pytest.param(b'{"format":"cachy","version":"1"}', "cachy init", id="text"),
        pytest.param(b'{"format":"other","version":1}', "cachy init", id="another"),
        pytest.param(b'{"version":1}', "cachy init", id="no-format"),
        pytest.param(b"[]", "cachy init", id="list"),
        pytest.param(b"", "cachy init", id="empty"),
        pytest.param(b"<<<<<<< HEAD\n", "cachy init", id="conflict"),
        pytest.param(b"\xff", "cachy init", id="bytes"),
        pytest.param(b"[" * 60_000, "cachy init", id="deep"),
    ],
)
def test_manifests_of_no_store_of_ours(root: Path, manifest: bytes, says: str) -> None:
    root.mkdir()
    (root / "manifest.json").write_bytes(manifest)
    store = DirStore(root)
    assert says in store.defect
    assert str(root) in store.defect
    place(root)
    assert body_of(store) == b"body"
    with pytest.warns(CachyWarning, match="not the manifest of a store"):
        enable_cachy(cache_dir=root.parent)
    disable_cachy()


def test_a_newer_format_is_refused(root: Path) -> None:
    root.mkdir()
    (root / "manifest.json").write_bytes(b'{"format":"cachy","version":2}')
    with pytest.raises(ConfigError, match=r"format 2.*pip install -U"):
        DirStore(root)


def test_an_entry_of_another_dictionary_is_passed_over(root: Path) -> None:
    import zstandard

    samples: list[Any] = [os.urandom(40) + b"some words that come again " * 9 for _ in range(300)]
    other = zstandard.train_dictionary(4096, samples, dict_id=7)
    compress = zstandard.ZstdCompressor(dict_data=other, write_content_size=True).compress
    data = compress(b"{}\nnull\nbody")
    name = name_of(KEY, SECOND, data)
    path = root / KEY[:2] / f"{name}.entry"
    path.parent.mkdir(parents=True)
    path.write_bytes(seal(name, data))
    reports = Reports()
    assert DirStore(root).get(KEY, reports) is None
    assert "made by a newer cachy" in reports[0][1]


@pytest.mark.parametrize("kind", ["folder", "link", "unreadable", "cut"])
def test_a_manifest_that_cannot_be_read(kind: str, root: Path, tmp_path: Path) -> None:
    """One warning, no error, and the recordings are there."""
    place(root)
    manifest = root / "manifest.json"
    match kind:
        case "folder":
            manifest.mkdir()
        case "link":
            (tmp_path / "sound.json").write_bytes(MANIFEST)
            manifest.symlink_to(tmp_path / "sound.json")
        case "unreadable":
            manifest.write_bytes(MANIFEST)
            manifest.chmod(0)
            if os.access(manifest, os.R_OK):
                pytest.skip("this user reads everything")
        case "cut":
            manifest.write_bytes(MANIFEST[:200])
    with pytest.warns(CachyWarning, match="not the manifest of a store") as warned:
        enable_cachy(cache_dir=root.parent)
    disable_cachy()
    assert len(warned) == 1
    assert body_of(DirStore(root)) == b"body"


@pytest.mark.parametrize("name", ["manifest.json", "dictionary"])
def test_a_store_without_what_init_writes_is_sound(name: str, root: Path) -> None:
    place(root)
    for each, data in shared_files().items():
        (root / each).write_bytes(data)
    (root / name).unlink()
    store = DirStore(root)
    assert (store.defect, body_of(store)) == ("", b"body")


def test_a_sound_manifest(root: Path) -> None:
    root.mkdir()
    (root / "manifest.json").write_bytes(MANIFEST)
    DirStore(root).put(KEY, frame(), SECOND)
    assert (root / "manifest.json").read_bytes() == MANIFEST


# ---- Where it is ----


@pytest.mark.parametrize(
    ("marks", "found"),
    [
        pytest.param([], "a/b/c", id="nothing"),
        pytest.param(["a/.cachy/x"], "a", id="a-store"),
        pytest.param(["a/.cachy/x", "a/b/.cachy/x"], "a/b", id="the-nearest-store"),
        pytest.param(["a/.cachy/x", "a/b/pyproject.toml"], "a", id="a-store-before-a-project"),
        pytest.param(["a/.cachy/x", "a/b/.git/x"], "a/b", id="no-store-above-a-repository"),
        pytest.param(["a/.git/x"], "a", id="a-repository"),
        pytest.param(["a/.git"], "a", id="a-work-tree"),
        pytest.param(["a/.git/x", "a/b/pyproject.toml"], "a/b", id="the-nearest-project"),
        pytest.param(["a/b/settings.ini"], "a/b", id="settings.ini"),
        pytest.param(["a/b/c/pyproject.toml", "a/.git/x"], "a/b/c", id="here"),
    ],
)
def test_the_default_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marks: list[str], found: str
) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    for mark in marks:
        (tmp_path / mark).parent.mkdir(exist_ok=True)
        (tmp_path / mark).write_text("")
    monkeypatch.chdir(tmp_path / "a/b/c")
    assert find_root() == str(tmp_path / found / ".cachy")


def test_a_place_of_ones_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert find_root(tmp_path / "x") == str(tmp_path / "x/.cachy")
    assert find_root("x") == str(tmp_path / "x/.cachy")
    assert find_root("~/x") == str(tmp_path / "home/x/.cachy")
    assert [*tmp_path.iterdir()] == []


def test_a_place_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("")
    with pytest.raises(ConfigError, match=r"cache_dir='.*x\.txt' is not a folder; give"):
        find_root(tmp_path / "x.txt")


# ---- How often it is listed ----


@pytest.fixture
def listings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The shards that are listed."""
    folders: list[str] = []
    listdir = os.listdir

    def spy(folder: str = ".") -> list[str]:
        if len(os.path.basename(folder)) == SHARD_LENGTH:
            folders.append(os.path.basename(folder))
        return listdir(folder)

    monkeypatch.setattr(Disk, "listdir", spy)
    return folders


def make_shards(root: Path) -> None:
    """Make every folder: one that does not exist is not listed."""
    for number in range(256):
        (root / f"{number:02x}").mkdir(parents=True)


def answer(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"asked": request.content.decode()})


def test_a_recorded_call_lists_its_shard_once(tmp_path: Path, listings: list[str]) -> None:
    protocols.known()  # which lists the package, once a process
    listings.clear()
    make_shards(tmp_path / ".cachy")
    with (
        httpx.Client(transport=httpx.MockTransport(answer)) as client,
        cachy(cache_dir=tmp_path, fakes=True) as session,
    ):
        client.post(URL, json={"n": 1})
        [key] = session.stats.made
        assert listings == [key[:2]]
        client.post(URL, json={"n": 1})
        assert (listings, session.stats.hits) == ([key[:2]], 1)
        with cachy("refresh"):
            client.post(URL, json={"n": 1})
        assert listings == [key[:2]] * 2  # of sessions once, too


def test_a_hit_of_another_process_lists_its_shard_once(root: Path, listings: list[str]) -> None:
    place(root)
    store = DirStore(root)
    assert body_of(store) == body_of(store) == b"body"
    assert listings == ["ab"]


def test_a_recording_after_a_miss_is_the_newest_that_is_known(root: Path) -> None:
    store = DirStore(root)
    assert body_of(store) is None
    place(root, SECOND, b"of another process, meanwhile")
    store.put(KEY, frame(b"ours"), SECOND + 1)
    assert body_of(store) == body_of(DirStore(root)) == b"ours"


def test_a_refresh_replaces_what_was_recorded_meanwhile(root: Path) -> None:
    store = DirStore(root)
    place(root, SECOND, b"old")
    assert body_of(store) == b"old"
    place(root, SECOND + 10**6, b"of a clock that is ahead")
    store.put(KEY, frame(b"ours"), SECOND + 1)
    assert body_of(store) == body_of(DirStore(root)) == b"ours"


def test_misses_of_neighbours_need_no_listing_of_their_own(root: Path, listings: list[str]) -> None:
    """As when many calls are made at once."""
    make_shards(root)
    store = DirStore(root)
    assert body_of(store) is body_of(store, NEIGHBOUR) is None
    assert listings == ["ab"] * 2
    store.put(KEY, frame(), SECOND)
    store.put(NEIGHBOUR, frame(key=NEIGHBOUR), SECOND)
    assert (body_of(store), body_of(store, NEIGHBOUR)) == (b"body", b"body")
    assert listings == ["ab"] * 2


# ---- The walk ----


def test_the_walk_keeps_to_the_store(root: Path, tmp_path: Path) -> None:
    path = place(root)
    place(tmp_path / "outside", key="cd" * 16)
    (root / "cd").symlink_to(tmp_path / "outside" / "cd")
    (root / "ab" / "other").touch()
    (root / "ef").touch()
    place(root / "local" / "entries", SECOND + 1)
    assert [(file.private, file.name[:2]) for file in entry_files(str(root))] == [
        (False, "ab"),
        (True, "ab"),
    ]
    assert entry_files(str(root), "ab") == entry_files(str(root))
    assert entry_files(str(root), "..") == []
    store = DirStore(root)
    newest, oldest = store.names()
    assert store.locate(oldest) == str(path)
    assert store.locate(newest).startswith(str(root / "local" / "entries"))


def test_what_git_will_hold_is_compressed_most() -> None:
    words = [b"%x" % (number * number) for number in range(300)]
    text = b" ".join(random.Random(1).choices(words, k=codec.LONG // 4))
    head = {"cachy": 1, "key": KEY + "0" * 32, "status": 200, "headers": [], "ms": 1}
    entry = codec.Entry(head, text)
    assert len(text) > codec.LONG
    packed = codec.Packed(entry)
    assert packed.length < FILE_LIMIT
    assert packed.length == pytest.approx(len(codec.dumps(entry)), rel=0.001)


@pytest.mark.parametrize("body", [bytes(5 * 2**20), random.Random(1).randbytes(5 * 2**20 + 7)])
def test_a_long_frame_is_written_as_a_short_one(tmp_path: Path, body: bytes) -> None:
    head = {"cachy": 1, "key": KEY + "0" * 32, "status": 200, "headers": [], "ms": 1}
    entry = codec.Entry(head, body)
    packed = codec.Packed(entry)
    whole = b"".join(packed)
    assert (packed.length, packed.digest) == (len(whole), hashlib.sha256(whole).hexdigest())
    written = {
        way: (store.put if way == "whole" else store.put_packed)(KEY, frame, SECOND)  # type: ignore[arg-type]
        for way, frame in (("whole", whole), ("packed", packed))
        for store in [DirStore(tmp_path / way)]
    }
    assert written["whole"] == written["packed"]
    name = written["whole"].name
    files = [DirStore(tmp_path / way).locate(name) for way in written]
    assert Path(files[0]).read_bytes() == Path(files[1]).read_bytes()
    assert read_entry(files[1]).body == body
    held: dict[str, bytes] = {}
    assert MappingStore(held).put_packed(KEY, packed, SECOND).name == name
    assert held[KEY] == whole
