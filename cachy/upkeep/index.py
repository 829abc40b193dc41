"""What is in a store: one row an entry.

    local/index.jsonl     CRC [version, name, bytes, …]      one line an entry

Reading 100,000 entries takes seconds; the index remembers what was read. The folders say which
entries there are, always; a line only saves opening the file of that name, whose bytes never
change. A line proves itself with a checksum: one that is torn, of another version, or about a file
that is gone is as good as none. The index can be deleted at any time, and where it cannot be
written everything works without it.
"""

from __future__ import annotations

import gc
import os
import stat
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

from cachy.errors import ConfigError, Defect, NewerFormat
from cachy.rules.key import KEY_LENGTH
from cachy.store import entry as codec
from cachy.store.entry import SUFFIX, Entry
from cachy.store.files import make_local, open_own, read_file, write_whole
from cachy.store.folder import DirStore
from cachy.upkeep.git import Repo
from cachy.upkeep.transcript import first_words, form

Progress = Callable[[int, int], None]
"""Told how many of how many files are done."""


def silent(done: int, total: int) -> None:
    """No progress."""


class File(NamedTuple):
    """A file of an entry's name. `private`: under `local/`, never committed."""

    path: str
    name: str
    private: bool


class Row(NamedTuple):
    """An entry in one line. `bytes` on disk; `ms` that the live call took; `input` and `output`
    tokens, where the answer told; `prompt`: the first words of what the user said last."""

    file: File
    bytes: int
    method: str
    url: str
    model: str
    status: int
    stream: str
    client: str
    ms: float
    input: int
    output: int
    prompt: str

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def key(self) -> str:
        return codec.key_in(self.file.name)

    @property
    def second(self) -> int:
        """When it was recorded, in seconds since 1970."""
        return codec.second_in(self.file.name)

    @property
    def host(self) -> str:
        return host_of(self.url)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        row = self._asdict()
        file = row.pop("file")
        recorded = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.second))
        start = {"key": self.key, "name": self.name, "recorded": recorded, "host": self.host}
        return {**start, **row, "file": show_path(file.path), "private": file.private}


class Flaw(NamedTuple):
    """A file that cannot be served, and why. `broken`: its bytes prove it, here and everywhere, so
    it may go to the trash; what merely cannot be read now, or is of a newer format, may not."""

    path: str
    what: str
    broken: bool

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {**self._asdict(), "path": show_path(self.path)}


class Listing(NamedTuple):
    """What was found in a store: the sound entries, newest first, and the rest."""

    rows: list[Row]
    flaws: list[Flaw]


def show_path(path: str) -> str:
    """A path as text that can be printed, whatever bytes it has."""
    return os.fsencode(path).decode("utf-8", "replace")


@lru_cache(maxsize=4096)
def host_of(url: str) -> str:
    """Host and port of a URL."""
    try:
        return urlsplit(url).netloc
    except ValueError:  # of a URL that is none
        return ""


def open_store(root: str) -> str:
    """The root of a store that is there. Raises ConfigError if it is none."""
    DirStore(root)
    if not os.path.isdir(root):
        repo = Repo.around(root)
        if repo is not None and repo.not_checked_out():
            raise ConfigError(
                f"the store at {root} is in git, but not checked out here: "
                f"`git sparse-checkout` tells what is"
            )
        raise ConfigError(
            f"there is no store at {root}: record something with enable_cachy(), make one with "
            f"`cachy init`, or name the folder that holds it with --cache-dir"
        )
    return root


def files(root: str, shard: str = "") -> list[File]:
    """The files of a store, or of one shard, that are named as entries and in their place."""
    found = []
    for parent, private in ((root, False), *((path, True) for path in _private_folders(root))):
        for each in shards(parent, shard):
            folder = os.path.join(parent, each)
            for file in listdir(folder):
                name = file[: -len(SUFFIX)]
                if file.endswith(SUFFIX) and codec.is_name(name) and name.startswith(each):
                    found.append(File(os.path.join(folder, file), name, private))
    return found


def _private_folders(root: str) -> list[str]:
    """Where recordings lie that stay on this machine: one folder, or none that can be trusted."""
    local = os.path.join(root, "local")
    entries = os.path.join(local, "entries")
    return [entries] if is_folder(local) and is_folder(entries) else []


def shards(parent: str, only: str = "") -> list[str]:
    """The folders of two hex digits, or only the one that is named. A link is none: it might lead
    anywhere."""
    names = [only] if only else sorted(listdir(parent))
    return [name for name in names if is_shard_name(name) and is_folder(os.path.join(parent, name))]


def is_shard_name(name: str) -> bool:
    return len(name) == 2 and set(name) <= set("0123456789abcdef")


def is_folder(path: str) -> bool:
    """Whether this is a folder itself, and no link to one."""
    return os.path.isdir(path) and not os.path.islink(path)


def listdir(folder: str) -> list[str]:
    """The names in a folder; of one that is absent or cannot be read, none."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def scan(root: str, *, trust: bool = True, progress: Progress = silent) -> Listing:
    """Everything in a store. With `trust`, what the index knows is not read again.

    A file that vanishes meanwhile was not there. The index is brought up to date.
    """
    known = _load(root)
    found = files(root)
    rows = [Row(file, *known[file.name]) for file in found if trust and file.name in known]
    unread = [file for file in found if not trust or file.name not in known]
    flaws, fresh = [], []
    with _no_collector():
        for report in _inspect_all(unread, progress):
            if isinstance(report, Flaw):
                flaws.append(report)
            else:
                rows.append(report)
                if report.name not in known:
                    fresh.append(report)
    if len(known) > 2 * (len(rows) - len(fresh)) + 1000:
        _write(root, rows, anew=True)
    elif fresh:
        _write(root, fresh)
    rows.sort(key=lambda row: row.name[KEY_LENGTH:], reverse=True)
    flaws.sort()
    return Listing(rows, flaws)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Rows are many and hold no cycles: to look for some, again and again, takes a third of all."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


_TOGETHER = 64  # files in a chunk
_BATCH = 32  # chunks that are fetched before the first of them is inspected
_THREADS = 8
_SLOW = 0.0002
"""Seconds for a file, of which half are spent on waiting for the disk."""


def _inspect_all(files: list[File], progress: Progress) -> Iterator[Row | Flaw]:
    """Of every file what it is."""
    chunks = [files[at : at + _TOGETHER] for at in range(0, len(files), _TOGETHER)]
    for done, reports in enumerate(_inspect_chunks(chunks)):
        progress(done * _TOGETHER, len(files))
        yield from reports
    progress(len(files), len(files))


def _inspect_chunks(chunks: list[list[File]]) -> Iterator[list[Row | Flaw]]:
    """One after the other while the files are in memory. Where they are not, threads have the
    system fetch many at a time; that is all they do, for beside work they get in its way."""
    if not chunks:
        return
    from concurrent.futures import ThreadPoolExecutor

    at, slow = 0, False
    with ThreadPoolExecutor(_THREADS) as pool:
        while at < len(chunks):
            batch = chunks[at : at + _BATCH] if slow else [chunks[at]]
            if slow:
                list(pool.map(_fetch, batch))
            for chunk in batch:
                started = time.perf_counter()
                reports = _inspect_chunk(chunk)
                slow = slow or time.perf_counter() - started > _SLOW * len(chunk)
                yield reports
            at += len(batch)


def _fetch(files: list[File]) -> None:
    for file in files:
        try:
            read_file(file.path)
        except (FileNotFoundError, Defect):
            pass  # the inspection will say so


def _inspect_chunk(files: list[File]) -> list[Row | Flaw]:
    return [report for file in files if (report := inspect(file)) is not None]


def inspect(file: File) -> Row | Flaw | None:
    """The row of an entry file, read now; a flaw if it is none; None if it is gone."""
    try:
        data = read_file(file.path)
    except FileNotFoundError:
        return None
    except Defect as defect:
        return Flaw(file.path, str(defect), _is_never_one(file.path))
    try:
        return row_of(file, len(data), unpack(file.name, data))
    except Defect as defect:
        if data.startswith(b"version https://git-lfs"):
            return Flaw(file.path, _LFS, False)  # what it stands for can be had
        return Flaw(file.path, str(defect), not isinstance(defect, NewerFormat))


def _is_never_one(path: str) -> bool:
    """Whether what could not be read is a link, a folder, or too large, and not just locked."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    too_large = status.st_size > codec.BODY_LIMIT + codec.HEAD_LIMIT
    return too_large or not stat.S_ISREG(status.st_mode)


def unpack(name: str, data: bytes) -> Entry:
    """The entry in the bytes of a file of this name. Raises Defect."""
    return codec.loads(codec.unseal(name, data), codec.key_in(name))


_LFS = (
    "it is a pointer of Git LFS, not the recording: `git lfs pull` fetches that, and "
    "`cachy init` keeps .cachy out of LFS"
)


def row_of(file: File, size: int, entry: Entry) -> Row:
    """The row of an entry of `size` bytes on disk."""
    head = entry.head
    usage = head.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Row(
        file,
        size,
        _word(head.get("method")),
        _word(head.get("url")),
        _word(head.get("model") or form(head).get("model")),
        head["status"],
        _word(head.get("stream")),
        _word(head.get("client")),
        head["ms"],
        _count(usage.get("input")),
        _count(usage.get("output")),
        first_words(head),
    )


def _word(value: Any) -> str:
    return sys.intern(value) if isinstance(value, str) else ""


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


# ---- The index ----

_VERSION = 1


def _path(root: str) -> str:
    return os.path.join(root, "local", "index.jsonl")


def _load(root: str) -> dict[str, list[Any]]:
    """What the index knows, by the entries' names; nothing, if it cannot be read."""
    known: dict[str, list[Any]] = {}
    try:
        with open(open_own(root, _path(root)), "rb") as lines:
            for line in lines:
                fields = _fields(line)
                if fields is not None:
                    for i in (3, 4, 5, 7, 8):  # the same few words, a hundred thousand times
                        fields[i] = sys.intern(fields[i])
                    known[fields[1]] = fields[2:]
    except OSError:
        pass
    return known


def _fields(line: bytes) -> list[Any] | None:
    text = line[9:-1]
    if line[:9] != b"%08x " % zlib.crc32(text):
        return None
    try:
        fields = orjson.loads(text)
    except ValueError:
        return None
    sound = isinstance(fields, list) and fields[:1] == [_VERSION] and _has_types(fields)
    return fields if sound else None


_TYPES: tuple[type | tuple[type, ...], ...] = (
    int, str, int, str, str, str, int, str, str, (float, int), int, int, str,
)  # fmt: skip


def _has_types(fields: list[Any]) -> bool:
    return len(fields) == len(_TYPES) and all(
        isinstance(field, kind) for field, kind in zip(fields, _TYPES, strict=True)
    )


def _lines(rows: Iterable[Row]) -> Iterator[bytes]:
    for row in rows:
        text = orjson.dumps([_VERSION, row.name, *row[1:]])
        yield b"%08x %b\n" % (zlib.crc32(text), text)


def _write(root: str, rows: list[Row], *, anew: bool = False) -> None:
    """Add rows to the index, or make it anew with them. Where that cannot be, it stays as it is."""
    path = _path(root)
    try:
        make_local(root)
        if anew:
            write_whole(path, b"".join(_lines(rows)), os.path.join(root, "local", "tmp"))
        else:
            fd = open_own(root, path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            with open(fd, "ab") as file:
                # A line that a crash has torn must not swallow the first of ours.
                file.write(b"\n" + b"".join(_lines(rows)))
    except OSError:
        pass
