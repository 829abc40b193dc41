"""Whatever becomes of a store's files: never a wrong body, never a hang, never a path outside.

Each damage is done to a real file of each kind of body, and read back with all the memory that a
reader may have. `python tests/system/test_damage.py` prints the table of outcomes.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import fuzz_entry
import httpx
import pytest
import zstandard
from standin import Answer, Behaviour, Standin

import cachy
from cachy.errors import CacheMiss, CachyWarning
from cachy.store.entry import BODY_LIMIT, HEAD_LIMIT, Entry, dumps, loads
from cachy.store.folder import DirStore, read_entry
from cachy.store.layout import FOLDER
from cachy.store.names import SUFFIX, name_of, seal, unseal
from cachy.upkeep import check, index

MEMORY = 300 * 2**20
SECONDS = 10
SECOND = 0x6741F0A3
KEY = "ab" * 16
NEIGHBOUR = "ab" + "cd" * 15

BODIES: dict[str, bytes] = {
    "empty": b"",
    "json": json.dumps({"choices": [{"message": {"content": "Hello"}}]}).encode(),
    "stream": b"".join(b'data: {"delta":"%d"}\n\n' % i for i in range(500)),
    "newlines": b"\n\n\r\n\n",
    "image": random.Random(1).randbytes(300_000),
    "large": random.Random(2).randbytes(BODY_LIMIT),
}


@lru_cache(maxsize=32)
def sealed(body: bytes, key: str = KEY, second: int = SECOND, **head: Any) -> tuple[str, bytes]:
    """The name and the bytes of an entry's file."""
    basic = {"cachy": 1, "key": key + "0" * 32, "status": 200, "headers": [], "ms": 1.5}
    return framed(dumps(Entry(basic | head, body)), key, second)


def framed(frame: bytes, key: str = KEY, second: int = SECOND) -> tuple[str, bytes]:
    name = name_of(key, second, frame)
    return name, seal(name, frame)


def place(root: Path, name: str, data: bytes) -> Path:
    path = root / name[:2] / f"{name}{SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


# ---- The damages: each is given the path of a sound entry, and a folder outside the store ----

Damage = Callable[[Path, Path], object]


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 1 << (at % 8)
    path.write_bytes(data)


def swap(path: Path) -> None:
    """With the bytes of another sound entry of the same key."""
    name, data = sealed(b"WRONG", second=SECOND - 1)
    other = place(path.parent.parent, name, data)
    ours = path.read_bytes()
    path.write_bytes(data)
    other.write_bytes(ours)


def rename(path: Path, outside: Path) -> None:
    """A sound entry of another key under the name of ours: a copy by hand."""
    path.write_bytes(sealed(b"WRONG", key=NEIGHBOUR)[1])


def remade(path: Path, frame: bytes) -> None:
    """A file that proves itself, forged with a valid name, in the place of ours."""
    name, data = framed(frame)
    path.unlink()
    place(path.parent.parent, name, data)


def remade_head(path: Path, head: bytes, body: bytes = b"WRONG") -> None:
    remade(path, zstandard.compress(head + b"\nnull\n" + body))


def head(**changes: Any) -> bytes:
    basic = {"cachy": 1, "key": KEY + "0" * 32, "status": 200, "headers": [], "ms": 1.5}
    return json.dumps(basic | changes).encode()


def replaced(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


def linked(path: Path, target: Path | str) -> None:
    replaced(path, lambda path: path.symlink_to(target))


def linked_outside(path: Path, outside: Path) -> None:
    """To a sound copy of itself: even what it would find there is not looked at."""
    copy = outside / path.name
    copy.write_bytes(path.read_bytes())
    linked(path, copy)


def linked_inside(path: Path, outside: Path) -> None:
    name, data = sealed(b"WRONG", key=NEIGHBOUR)
    linked(path, place(path.parent.parent, name, data))


def moved_and_linked(path: Path, outside: Path) -> None:
    """The whole shard lies outside, sound, and is linked to."""
    path.parent.rename(outside / "shard")
    path.parent.symlink_to(outside / "shard")


def local_linked(path: Path, outside: Path) -> None:
    """The entry lies under `local/entries`, and that is outside."""
    root, shard = path.parent.parent, path.parent.name
    (outside / "entries").mkdir()
    path.parent.rename(outside / "entries" / shard)
    (root / "local").symlink_to(outside)


def fed_fifo(path: Path, outside: Path) -> None:
    """A pipe that delivers a sound entry and is never closed."""
    data = path.read_bytes()[:4096]
    replaced(path, os.mkfifo)
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    os.write(fd, data)
    _open.append(fd)


_open: list[int] = []


def device(path: Path, number: int) -> None:
    try:
        replaced(path, lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, number)))
    except PermissionError:
        pytest.skip("only root makes devices")


def listening(path: Path, outside: Path) -> None:
    short = tempfile.mkdtemp()  # the names of sockets are short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{short}/s")
        path.unlink()
        os.rename(f"{short}/s", path)
    os.rmdir(short)


def sparse(path: Path, outside: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(20 * 2**30)


def bomb(claimed: int | None, real: int) -> bytes:
    """A small frame of `real` zero bytes, which says that it is `claimed` long."""
    with_size = zstandard.ZstdCompressor(write_content_size=True).compress(b"")
    assert with_size[:4] == b"\x28\xb5\x2f\xfd"
    single_segment, eight_bytes = 0x20, 0xC0
    descriptor = eight_bytes | single_segment if claimed is not None else 0
    frame = b"\x28\xb5\x2f\xfd" + bytes((descriptor,))
    frame += struct.pack("<Q", claimed) if claimed is not None else b"\x58"
    block, repeated = 128 * 1024, 1
    for left in range(real, 0, -block):
        size = min(left, block)
        frame += struct.pack("<I", (left <= block) | repeated << 1 | size << 3)[:3] + b"\0"
    return frame


DAMAGES: dict[str, Damage] = {
    "first bit flipped": lambda path, _: flip(path, 0),
    "second byte flipped": lambda path, _: flip(path, 1),
    "middle bit flipped": lambda path, _: flip(path, path.stat().st_size // 2),
    "last bit flipped": lambda path, _: flip(path, -1),
    "cut by a byte": lambda path, _: os.truncate(path, path.stat().st_size - 1),
    "cut in half": lambda path, _: os.truncate(path, path.stat().st_size // 2),
    "emptied": lambda path, _: os.truncate(path, 0),
    "lengthened": lambda path, _: path.write_bytes(path.read_bytes() + b"\0"),
    "newlines converted": lambda path, _: path.write_bytes(b"\r\n" + path.read_bytes()),
    "conflict markers": lambda path, _: path.write_bytes(
        b"<<<<<<< HEAD\n%b=======\n%b>>>>>>> x\n" % ((path.read_bytes(),) * 2)
    ),
    "git lfs pointer": lambda path, _: path.write_bytes(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    ),
    "contents swapped": lambda path, _: swap(path),
    "another entry's contents": rename,
    "name of another key": lambda path, _: path.rename(
        path.with_name(NEIGHBOUR + path.name[len(NEIGHBOUR) :])
    ),
    "a link inside": linked_inside,
    "a link outside": linked_outside,
    "a link to nothing": lambda path, _: linked(path, "nothing"),
    "a link to itself": lambda path, _: linked(path, path.name),
    "a link to /dev/zero": lambda path, _: linked(path, "/dev/zero"),
    "a link to the terminal": lambda path, _: linked(path, "/dev/stdin"),
    "a folder": lambda path, _: replaced(path, Path.mkdir),
    "a pipe": lambda path, _: replaced(path, os.mkfifo),
    "a pipe with a writer": fed_fifo,
    "a device": lambda path, _: device(path, 5),  # /dev/zero
    "a socket": listening,
    "20 GB of nothing": sparse,
    "no permission": lambda path, _: path.chmod(0),
    "shard is a link": moved_and_linked,
    "shard is a file": lambda path, outside: (
        path.parent.rename(outside / "shard"),
        path.parent.write_bytes(b""),
    ),
    "local is a link": local_linked,
    # … forged with valid digests
    "expands to gigabytes": lambda path, _: remade(path, bomb(8 * 2**30, 64 * 2**20)),
    "expands to more than it says": lambda path, _: remade(path, bomb(10, 200 * 2**20)),
    "does not say what it expands to": lambda path, _: remade(path, bomb(None, 200 * 2**20)),
    "not zstd": lambda path, _: remade(path, b"WRONG"),
    "two frames": lambda path, _: remade(
        path, zstandard.compress(head() + b"\nWRONG") + zstandard.compress(b"x")
    ),
    "no head": lambda path, _: remade(path, zstandard.compress(b"WRONG")),
    "head is not JSON": lambda path, _: remade_head(path, b"{WRONG"),
    "head is a list": lambda path, _: remade_head(path, b"[1]"),
    "head of another key": lambda path, _: remade_head(path, head(key=NEIGHBOUR + "0" * 32)),
    "newer version": lambda path, _: remade_head(path, head(cachy=2)),
    "status of no response": lambda path, _: remade_head(path, head(status=1000)),
    "headers that are none": lambda path, _: remade_head(path, head(headers=[["a"]])),
    "an encoded body": lambda path, _: remade_head(
        path, head(headers=[["Content-Encoding", "gzip"]])
    ),
    "redirects that are none": lambda path, _: remade_head(path, head(redirects=[{}])),
    "endless time": lambda path, _: remade_head(path, head(ms=1e300)),
    "nested head": lambda path, _: remade_head(path, b"[" * 100_000),
    "a million small objects": lambda path, _: remade_head(
        path, head(x=[])[:-2] + b'{"":0},' * (HEAD_LIMIT // 7 - 50) + b"0]}", bytes(60 * 2**20)
    ),
}  # fmt: skip

HARMLESS = {"a million small objects"}
"""Sound all the same: what it takes is what matters."""
NEVER_OURS = {"name of another key", "shard is a file"}
"""There is nothing of that key, so there is nothing to warn of."""
AS_ROOT = {"no permission"} if os.geteuid() == 0 else set()
LESSER_BODIES = ("empty", "json", "image")


# ---- One reader that may not have much ----


@contextmanager
def bounded() -> Iterator[None]:
    """Ends the process if it takes long. Its memory is measured afterwards."""
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


def outcome(root: Path, body: bytes) -> tuple[str, list[str]]:
    """What a reader gets: the body, a wrong one, or nothing; and what it reports."""
    reports: list[str] = []
    entry = DirStore(root).get(KEY, lambda where, what: reports.append(f"{where}: {what}"))
    if entry is None:
        return "passed over", reports
    return ("WRONG BODY" if entry.body != body else "sound"), reports


def damaged(damage: str, body: bytes, folder: Path) -> Path:
    """A store whose one entry was damaged."""
    root, outside = folder / FOLDER, folder / "outside"
    outside.mkdir(parents=True)
    DAMAGES[damage](place(root, *sealed(body)), outside)
    return root


def one(damage: str, body: bytes, folder: Path) -> tuple[str, list[str], Path]:
    root = damaged(damage, body, folder)
    with bounded():
        what, reports = outcome(root, body)
    return what, reports, root


@pytest.mark.parametrize("kind", LESSER_BODIES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_never_a_wrong_body(damage: str, kind: str, tmp_path: Path) -> None:
    what, reports, root = one(damage, BODIES[kind], tmp_path)
    outside_before = sorted((tmp_path / "outside").rglob("*"))
    if damage in HARMLESS:
        return
    assert what == ("sound" if damage in AS_ROOT else "passed over")
    files = {"contents swapped": 2} | dict.fromkeys(NEVER_OURS | AS_ROOT, 0)
    assert len(reports) == files.get(damage, 1), reports

    # An older recording stands in for the broken one, and a new one is served from then on.
    if damage in ("shard is a link", "shard is a file", "local is a link"):
        with pytest.raises(OSError):
            DirStore(root).put(KEY, dumps(Entry(json.loads(head()), b"new")), SECOND + 5)
    else:
        place(root, *sealed(b"older", second=SECOND - 2))
        if damage not in AS_ROOT:
            assert outcome(root, b"older")[0] == "sound"
        DirStore(root).put(KEY, dumps(Entry(json.loads(head()), b"new")), SECOND + 5)
        assert outcome(root, b"new") == ("sound", [])
    assert sorted((tmp_path / "outside").rglob("*")) == outside_before


@pytest.mark.parametrize("damage", DAMAGES)
def test_fsck_moves_the_broken_to_the_trash(damage: str, tmp_path: Path) -> None:
    if damage in HARMLESS | AS_ROOT:
        pytest.skip("no entry is broken")
    _, _, root = one(damage, BODIES["json"], tmp_path)
    outside_before = sorted((tmp_path / "outside").rglob("*"))
    with bounded():
        found = check.fsck(str(root))
        assert not found.sound, damage
        listed = {row.file.path for row in index.scan(str(root)).rows}
        assert not any(str(tmp_path / "outside") in os.path.realpath(path) for path in listed)
        if damage == "local is a link":
            return  # there is no trash to move it to: fsck says to remove it
        check.fsck(str(root), repair=True)
    assert sorted((tmp_path / "outside").rglob("*")) == outside_before
    # A newer cachy can read it, git can fetch it, its owner can open it: it is reported, and stays.
    stays = damage in ("newer version", "git lfs pointer", "no permission")
    assert check.fsck(str(root)).sound is not stays
    assert stays or outcome(root, b"")[1] == []


def test_memory_that_a_reader_takes(tmp_path: Path) -> None:
    """One process reads every damage, and the largest body: no more than 300 MB."""
    roots, expected = [], {}
    for number, damage in enumerate(DAMAGES):
        large = damage in ("middle bit flipped", "contents swapped")
        folder = tmp_path / str(number)
        roots.append(damaged(damage, BODIES["large" if large else "json"], folder))
        expected[str(roots[-1])] = "passed over"
    for kind in BODIES:
        roots.append(tmp_path / kind / FOLDER)
        place(roots[-1], *sealed(BODIES[kind]))
        expected[str(roots[-1])] = digest(BODIES[kind])
    outcomes, peak = read(roots)
    for damage, root in zip(DAMAGES, roots, strict=False):
        if damage not in HARMLESS | AS_ROOT:
            assert outcomes[str(root)] == expected[str(root)], damage
    for kind, root in zip(BODIES, roots[len(DAMAGES) :], strict=True):
        assert outcomes[str(root)] == expected[str(root)], kind
    assert peak < MEMORY, f"{peak:,}"


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


READER = """
import hashlib, json, sys
from pathlib import Path
from cachy.store.folder import DirStore
for root in sys.argv[1:]:
    entry = DirStore(root).get("ab" * 16, lambda where, what: None)
    what = "passed over" if entry is None else hashlib.sha256(entry.body).hexdigest()
    del entry
    print(json.dumps([root, what]))
status = Path("/proc/self/status")  # getrusage would tell the peak of the process before exec
peak = status.read_text().split("VmHWM:")[1].split()[0] if status.exists() else 0
print(int(peak) * 1024)
"""


def read(roots: list[Path]) -> tuple[dict[str, str], int]:
    """What a process that does nothing else reads, and the memory that it takes."""
    command = [sys.executable, "-c", READER, *map(str, roots)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    *lines, peak = done.stdout.splitlines()
    return dict(map(json.loads, lines)), int(peak)


def main() -> None:
    """The table: each damage by each kind of body, and the most memory that a reader took."""
    most = 0
    print(f"{'':32}" + "".join(f"{kind:>13}" for kind in BODIES))
    for damage in DAMAGES:
        row = []
        with tempfile.TemporaryDirectory() as folder:
            for kind, body in BODIES.items():
                root = damaged(damage, body, Path(folder) / kind)
                outcomes, peak = read([root])
                names = {"passed over": "passed over", digest(body): "sound"}
                if damage in HARMLESS:
                    names[digest(bytes(60 * 2**20))] = "sound"
                row.append(f"{names.get(outcomes[str(root)], 'WRONG BODY'):>13}")
                most = max(most, peak)
        print(f"{damage:32}" + "".join(row), flush=True)
    print(f"at most {most / 2**20:.0f} MB")


# ---- Around the entries ----


@pytest.mark.parametrize(
    "make",
    [
        lambda path, outside: os.mkfifo(path),
        lambda path, outside: path.symlink_to("/dev/zero"),
        lambda path, outside: path.symlink_to(outside / "manifest.json"),
        lambda path, outside: path.mkdir(),
        lambda path, outside: path.write_bytes(b"[" * 10**6),
        lambda path, outside: path.write_bytes(b'{"format":"cachy","version":1' + b" " * 10**6),
        lambda path, outside: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 20 * 2**30),
    ],
    ids=["pipe", "device", "link", "folder", "nested", "long", "huge"],
)
def test_an_invalid_manifest(make: Callable[[Path, Path], object], tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / "manifest.json").write_text('{"format":"cachy","version":1}')
    make(tmp_path / FOLDER / "manifest.json", tmp_path)
    with bounded():
        assert "is not the manifest of a store" in DirStore(tmp_path / FOLDER).defect


SECRET = {"messages": [{"role": "user", "content": "ghp_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3gHi"}]}


@pytest.mark.parametrize("part", ["local", "local/entries", "local/tmp", "local/entries/SHARD"])
def test_a_private_recording_is_not_led_elsewhere(
    part: str, standin: Standin, tmp_path: Path
) -> None:
    """A committed link would put private recordings where git sees them."""
    elsewhere = tmp_path / "docs"
    elsewhere.mkdir()
    with pytest.warns(CachyWarning), cachy.cachy(cache_dir=tmp_path / "first"):
        httpx.post("https://api.openai.com/v1/chat/completions", json=SECRET)
    (kept,) = (tmp_path / "first").rglob("*.entry")
    path = tmp_path / FOLDER / part.replace("SHARD", kept.parent.name)
    path.parent.mkdir(parents=True)
    path.symlink_to(elsewhere)
    with warnings.catch_warnings(record=True) as caught, cachy.cachy(cache_dir=tmp_path):
        warnings.simplefilter("always")
        reply = httpx.post("https://api.openai.com/v1/chat/completions", json=SECRET)
    assert reply.status_code == 200
    assert list(elsewhere.rglob("*")) == []
    assert any("nothing is kept" in str(warning.message) for warning in caught)


@pytest.mark.parametrize("ignore", [b"", b"local2/\n", b"/local/x\n", None])
def test_a_private_recording_is_not_made_visible(
    ignore: bytes | None, standin: Standin, tmp_path: Path
) -> None:
    """A committed `.gitignore` would show private recordings to git."""
    (tmp_path / FOLDER).mkdir()
    path = tmp_path / FOLDER / ".gitignore"
    if ignore is None:
        (tmp_path / "ignore").write_bytes(b"/local/\n")
        path.symlink_to(tmp_path / "ignore")  # which git does not follow
    else:
        path.write_bytes(ignore)
    with pytest.warns(CachyWarning, match=r"nothing is kept"), cachy.cachy(cache_dir=tmp_path):
        httpx.post("https://api.openai.com/v1/chat/completions", json=SECRET)
    assert list((tmp_path / FOLDER).rglob("*.entry")) == []


def test_one_warning_for_a_broken_file(standin: Standin, tmp_path: Path) -> None:
    url, body = "https://api.openai.com/v1/chat/completions", {"messages": [], "model": "m"}
    answer = Behaviour(answer=Answer(200, {"content-type": "application/json"}, b'{"a":1}'))
    with standin.behave(answer), cachy.cachy(cache_dir=tmp_path):
        httpx.post(url, json=body)
    (path,) = (tmp_path / FOLDER).glob("??/*.entry")
    flip(path, 77)
    before = path.read_bytes()
    with warnings.catch_warnings(record=True) as caught, cachy.cachy("replay", cache_dir=tmp_path):
        warnings.simplefilter("always")
        for _ in range(3):
            with pytest.raises(CacheMiss):
                httpx.post(url, json=body)
    assert [str(path) in str(warning.message) for warning in caught] == [True]
    assert path.read_bytes() == before  # a reader moves and mends nothing


def test_a_request_too_long_to_store_is_left_out(standin: Standin, tmp_path: Path) -> None:
    """Not the recording: it would never be read again, and recorded anew each time."""
    url = "https://api.openai.com/v1/embeddings"
    body = {"model": "m", "input": [f"short text {i}" for i in range(150_000)]}
    for requests in ("outline", "full"):
        folder = tmp_path / requests
        with (
            standin.behave(Behaviour(answer=Answer(200, {"content-type": "text/plain"}, b"fine"))),
            cachy.cachy(cache_dir=folder, requests=requests) as session,
        ):
            live = httpx.post(url, json=body)
        assert session.stats.recorded == 1
        (path,) = folder.rglob("*.entry")
        assert "request" not in read_entry(str(path)).head
        with cachy.cachy("replay", cache_dir=folder):
            assert httpx.post(url, json=body).content == live.content


@pytest.mark.timing
def test_fuzzed_entries() -> None:
    """The short form of `python tests/support/fuzz_entry.py`."""
    outcomes = fuzz_entry.fuzz(1.5, seed=time.time_ns())
    assert outcomes["file: passed over"] > 100
    assert outcomes["values: passed over"] > 10
    assert outcomes["values: replayed"] > 10


@pytest.mark.storm
def test_fuzzed_entries_for_long() -> None:
    fuzz_entry.fuzz(300, seed=time.time_ns())


def test_readers_while_files_change(tmp_path: Path) -> None:
    """Threads read one key while its file is damaged, mended, removed and replaced."""
    root = tmp_path / FOLDER
    name, data = sealed(BODIES["json"])
    path = place(root, name, data)
    store, stop, wrong = DirStore(root), threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            entry = store.get(KEY, lambda where, what: None)
            if entry is not None and entry.body != BODIES["json"]:
                wrong.append(entry.body)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    dice = random.Random(7)
    for _ in range(100):
        with suppress(FileNotFoundError):
            flip(path, dice.randrange(1, len(data)))
        path.unlink(missing_ok=True)
        path.write_bytes(data[: dice.randrange(len(data))])
        path.write_bytes(data)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert loads(unseal(name, data)).body == BODIES["json"]


if __name__ == "__main__":
    main()
