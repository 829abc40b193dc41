"""The contents of a store: one row for each entry, read from its file."""

from __future__ import annotations

import gc
import os
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from cachy import prices
from cachy.engine.secret_search import masked
from cachy.errors import ConfigError, Defect, NewerFormat
from cachy.rules.content import as_dict
from cachy.store.entry import Entry
from cachy.store.files import LARGEST, read_file
from cachy.store.folder import DirStore, File, entry_files, unpack
from cachy.store.layout import show_path
from cachy.store.names import key_in, second_in, stamp_in
from cachy.upkeep.git import Repo
from cachy.upkeep.transcript import first_words, model

Progress = Callable[[int, int], None]
"""Takes how many of how many files have been read."""


def silent(done: int, total: int) -> None:
    """Report no progress."""


class Row(NamedTuple):
    """One entry. `bytes` is its size on disk; `ms` the duration of the live call; `input` and
    `output` count tokens, where the answer reported them; `prompt` holds the first words of the
    user's last message; `recorded` the time in the head, UTC; a `superseded` entry is not served,
    because a newer one has its key; `scope` and `repeat` are those of its key, where they are
    stored."""

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
    recorded: str = ""
    superseded: bool = False
    cache_read: int = 0
    cache_write: int = 0
    scope: str = ""
    repeat: int = 0

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def shown(self) -> str:
        """The prompt as it is shown, without credentials."""
        return masked(self.prompt)

    @property
    def key(self) -> str:
        return key_in(self.file.name)

    @property
    def second(self) -> int:
        """The time of recording, in seconds since 1970, UTC."""
        return second_in(self.file.name)

    @property
    def host(self) -> str:
        return host_of(self.url)

    @property
    def cost(self) -> float | None:
        """The dollars that the call cost; None where its price is not known, or none is
        installed."""
        if not (self.input or self.output):
            return None
        usage = {name: getattr(self, name) for name in prices.TOKENS}
        return prices.price(self.url, self.model, usage, self.second)

    def as_dict(self) -> dict[str, Any]:
        """Return the row as `--json` prints it."""
        row = self._asdict()
        file = row.pop("file")
        row["prompt"] = self.shown
        row["ms"] = self.ms or None  # of what was imported it may not be known
        del row["recorded"]  # a file may say anything; its name is what counts
        if prices.installed():
            row["cost"] = self.cost
        recorded = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.second))
        start = {"key": self.key, "name": self.name, "recorded": recorded, "host": self.host}
        return {**start, **row, "file": show_path(file.path), "private": file.private}


class Flaw(NamedTuple):
    """A file that cannot be served, and why. A `broken` file is damaged everywhere, by the proof of
    its bytes, so it may go to the trash; one that merely cannot be read now, or is of a newer
    format, may not."""

    path: str
    what: str
    broken: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the flaw as `--json` prints it."""
        return {**self._asdict(), "path": show_path(self.path)}


class Contents(NamedTuple):
    """The contents of a store: the sound entries, newest first, and the files with a flaw."""

    rows: list[Row]
    flaws: list[Flaw]


@lru_cache(maxsize=4096)
def host_of(url: str) -> str:
    """Return the host and port of a URL; empty if it is invalid."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def open_store(root: str) -> str:
    """Return `root`. Raises ConfigError unless a store is there."""
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


def scan(root: str, *, progress: Progress = silent) -> Contents:
    """Read everything in a store. A file that vanishes meanwhile is left out."""
    rows, flaws = [], []
    with _no_collector():
        for report in _inspect_all(entry_files(root), progress):
            if isinstance(report, Flaw):
                flaws.append(report)
            else:
                rows.append(report)
    rows.sort(key=lambda row: stamp_in(row.name), reverse=True)
    flaws.sort()
    return Contents(list(_superseded(rows)), flaws)


def _superseded(rows: list[Row]) -> Iterator[Row]:
    """Yield rows, newest first, each marked if one before it has its key."""
    seen: set[str] = set()
    for row in rows:
        yield row._replace(superseded=True) if row.key in seen else row
        seen.add(row.key)


def by_time(rows: Iterable[Row]) -> list[Row]:
    """Return rows in the order in which they were recorded, newest first: by the microseconds in
    the head, within a second. The order of `scan` tells which of a key is served."""
    return sorted(rows, key=lambda row: (row.second, row.recorded, row.name), reverse=True)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Switch the garbage collector off: there are many rows without cycles, and looking for cycles
    would take a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


_CHUNK = 64  # files
_BATCH = 32  # chunks that are fetched before the first of them is inspected
_THREADS = 8
_SLOW = 0.0002
"""Seconds for a file. When one takes longer, half of that is spent waiting for the disk."""


def _inspect_all(files: list[File], progress: Progress) -> Iterator[Row | Flaw]:
    """Yield the row or the flaw of every file."""
    chunks = [files[at : at + _CHUNK] for at in range(0, len(files), _CHUNK)]
    for done, reports in enumerate(_inspect_chunks(chunks)):
        progress(done * _CHUNK, len(files))
        yield from reports
    progress(len(files), len(files))


def _inspect_chunks(chunks: list[list[File]]) -> Iterator[list[Row | Flaw]]:
    """Inspect chunks one after the other. Where the disk is slow, threads first read many files at
    a time into the memory of the system; they do no more, because they would compete for the
    interpreter."""
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
            pass  # the inspection reports it


def _inspect_chunk(files: list[File]) -> list[Row | Flaw]:
    return [report for file in files if (report := inspect(file)) is not None]


def inspect(file: File) -> Row | Flaw | None:
    """Return the row of an entry file; a flaw if it cannot be served; None if it is gone."""
    try:
        data = read_file(file.path)
    except FileNotFoundError:
        return None
    except Defect as defect:
        return Flaw(file.path, str(defect), _is_not_a_file(file.path))
    try:
        return row_of(file, len(data), unpack(file.name, data))
    except Defect as defect:
        if data.startswith(b"version https://git-lfs"):
            return Flaw(file.path, _LFS, False)  # the recording can be fetched
        return Flaw(file.path, str(defect), not isinstance(defect, NewerFormat))


def _is_not_a_file(path: str) -> bool:
    """Return whether this can never be read: a link, a folder, or a file above the limit."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return status.st_size > LARGEST or not stat.S_ISREG(status.st_mode)


_LFS = (
    "it is a pointer of Git LFS, not the recording: `git lfs pull` fetches that, and "
    "`cachy init` keeps .cachy out of LFS"
)


def row_of(file: File, size: int, entry: Entry) -> Row:
    """Return the row of an entry of `size` bytes on disk."""
    head = entry.head
    usage = as_dict(head.get("usage"))
    asked = as_dict(head.get("request"))
    return Row(
        file,
        size,
        _word(head.get("method")),
        _word(head.get("url")),
        _word(model(head)),
        head["status"],
        _word(head.get("stream")),
        _word(head.get("client")),
        head["ms"],
        _count(usage.get("input")),
        _count(usage.get("output")),
        first_words(head),
        recorded if isinstance(recorded := head.get("recorded"), str) else "",
        cache_read=_count(usage.get("cache_read")),
        cache_write=_count(usage.get("cache_write")),
        scope=_word(asked.get("scope")),
        repeat=_count(asked.get("repeat")),
    )


def _word(value: Any) -> str:
    return sys.intern(value) if isinstance(value, str) else ""


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0
