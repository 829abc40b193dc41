"""The folder `.cachy`: names, shards, writes.

    .cachy/
      manifest.json                              made by `cachy init`; the same bytes in every store
      .gitignore                                 /local/ and itself; never committed
      ab/ab12…(32 hex)-6741f0a3…(24 hex).entry   an entry, in the shard of its key
      local/entries/ab/….entry                   an entry that must not be committed
      local/names                                what long shards held when they were listed
      local/tmp/                                 files being written

Finding an entry lists its shard once, or reads a note of that (listing.py), and remembers the
names; opening a store lists nothing.
A write is a temporary file, flushed, then moved to its final name, which no other recording has:
readers and writers need no lock. The rules:

- An entry file is never changed after it appears.
- A reader never moves or deletes a file: what is broken is passed over and reported.
- A file that vanishes is a miss.
- No link inside the store is followed (files.py).
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Protocol
from weakref import finalize

from cachy.errors import ConfigError, Defect
from cachy.lazy import json
from cachy.store import entry as codec
from cachy.store.entry import SUFFIX, Entry
from cachy.store.files import (
    GITIGNORE,
    flush_folder,
    lstat_folder,
    make_folder,
    make_local,
    read_file,
    refuse_links,
    write_whole,
)
from cachy.store.listing import FILE_LENGTH, WORTH_NOTING, Listing, Names, Notes, Several

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping, Sequence

    Report = Callable[[str, str], None]  # where (a file or a key), what is wrong with it

FOLDER = ".cachy"
FILE_LIMIT = 2 * 2**20
"""Bytes. A larger file stays in `local/`: files of several MB look alike to git, whatever they
hold, and weigh on every clone."""

MANIFEST = b"""\
{
  "format": "cachy",
  "version": 1,
  "about": "Recorded LLM API calls, replayed by https://pypi.org/project/cachy-store. \
Safe to commit: merging needs no configuration.",
  "layout": "KK/KEY-STAMP.entry; KK: the first 2 digits of KEY; \
KEY: the first 32 hex digits of the sha256 of the canonical request; \
STAMP: 8 hex digits of the UTC second of recording, then 16 of the sha256 of the frame. \
Of several entries of a KEY the greatest STAMP counts.",
  "entry": "a NUL byte, then the frame, masked; \
frame: zstd(head + newline + body); head: one line of JSON; body: the decoded response",
  "mask": "n: bytes of the file; step: min(16, 4 + n // 512); pad: sha256(KEY-STAMP), repeated; \
every step-th byte of the frame, from its first on, is XORed with the next byte of the pad",
  "local": "local/ is never committed: recordings over 2 MiB, temporary files, journals, the index"
}
"""


_NAME = slice(-FILE_LENGTH, -len(SUFFIX))
"""Where the name of an entry stands in its path."""


class Store(Protocol):
    """Anything that maps a key to recordings."""

    def get(self, key: str, report: Report) -> Entry | None:
        """The newest sound recording of a key (32 hex digits), without the outline of its request.
        Defects are reported on the way."""

    def put(self, key: str, frame: bytes, second: int, *, private: bool = False) -> str:
        """Keep a frame, recorded in this UTC second; the newest from now on. Returns its name.

        A `private` recording stays on this machine; where that cannot be, it is not kept, and the
        name is empty. Raises OSError.
        """


class DirStore:
    """A folder of entry files, shared by threads, processes, machines and branches."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        """Raises ConfigError for a store of a newer format, or a path that is no folder."""
        self.root = os.path.abspath(root)
        self._local = os.path.join(self.root, "local")
        self._entries = os.path.join(self._local, "entries")
        self._tmp = os.path.join(self._local, "tmp")
        self._shards: dict[str, Names] = {}
        self._notes = Notes(self.root)
        finalize(self, self._notes.close)  # at exit, if not before
        if os.path.lexists(self.root) and not os.path.isdir(self.root):
            raise ConfigError(f"{self.root} is not a folder, so it cannot be a store: move it away")
        _check_manifest(self.root)

    def __repr__(self) -> str:
        return self.root

    def get(self, key: str, report: Report) -> Entry | None:
        shard = self._shards.get(key[:2]) or self._noted(key[:2])
        found = None
        if shard is not None:
            found = self._first_sound(shard.paths(key), key, report, fresh=False)
        if found is None:
            # Not there, or not any more: another process may have recorded or collected.
            shard = self._list(key[:2], report, note=True)
            found = self._first_sound(shard.paths(key), key, report, fresh=True)
        return found

    def put(self, key: str, frame: bytes, second: int, *, private: bool = False) -> str:
        shard = key[:2]
        listed = self._list(shard)
        if paths := listed.paths(key):
            # Newest by name, even within one second, and if somebody's clock was ahead.
            second = max(second, codec.second_in(paths[0][_NAME]) + 1)
        second = min(second, codec.LAST_SECOND)
        name = codec.name_of(key, second, frame)
        data = codec.seal(name, frame)
        parent = self._entries if private or len(data) > FILE_LIMIT else self.root
        if private:
            self._check_ignored()
        folder = os.path.join(parent, shard)
        path = os.path.join(folder, name + SUFFIX)
        self._write(folder, path, data)
        self._shards[shard] = Several([listed, Listing(folder, [name + SUFFIX])])
        return name

    def is_local(self, name: str) -> bool:
        """Whether an entry that this object found or made is kept from being committed."""
        shard = self._shards.get(name[:2])
        paths = shard.paths(codec.key_in(name)) if shard is not None else ()
        return any(path[_NAME] == name and path.startswith(self._local) for path in paths)

    def _list(self, shard: str, report: Report | None = None, *, note: bool = False) -> Names:
        """The files of a shard, read from the disk now; and noted, where that is worth it."""
        found = []
        private = (self._entries,) if os.path.isdir(self._entries) else ()
        for parent in (self.root, *private):
            folder = f"{parent}{os.sep}{shard}"
            try:
                if parent != self.root:
                    refuse_links(self.root, parent)
                before = lstat_folder(folder)
                files = os.listdir(folder)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                if report is not None:
                    report(folder, f"it cannot be listed ({error.strerror})")
                continue
            found.append(Listing(folder, files))
            if note and parent == self.root and len(files) >= WORTH_NOTING:
                self._notes.add(shard, before, files)
        names = found[0] if len(found) == 1 else Several(found)
        self._shards[shard] = names
        return names

    def _noted(self, shard: str) -> Names | None:
        """The files of a shard, as somebody noted them who had listed it."""
        note = self._notes.read(shard)
        if note is None or os.path.isdir(f"{self._entries}{os.sep}{shard}"):
            return None
        self._shards[shard] = note
        return note

    def _first_sound(
        self, paths: Sequence[str], key: str, report: Report, *, fresh: bool
    ) -> Entry | None:
        for path in paths:
            try:
                return codec.loads(codec.unseal(path[_NAME], read_file(path)), key, replay=True)
            except FileNotFoundError:
                if not fresh:
                    return None  # the listing is stale
            except Defect as defect:
                report(path, str(defect))
        return None

    def _write(self, folder: str, path: str, data: bytes) -> None:
        make_local(self.root)
        refuse_links(self.root, folder)
        make_folder(folder)
        write_whole(path, data, self._tmp)
        flush_folder(folder)

    def _check_ignored(self) -> None:
        """Raises OSError where git would see what is private: a `.gitignore` can be committed."""
        make_local(self.root)
        path = os.path.join(self.root, ".gitignore")
        try:
            ignored = read_file(path) == GITIGNORE
        except Defect:
            ignored = False
        if not ignored:
            raise OSError(errno.EPERM, "it may not ignore /local/: remove it", path)


class MappingStore:
    """Any `MutableMapping[str, bytes]`: from a key to the newest frame. A dict will do.

    What it does with them nobody knows, so it gets nothing that is private.
    """

    def __init__(self, mapping: MutableMapping[str, bytes]) -> None:
        self.mapping = mapping

    def __repr__(self) -> str:
        return f"<{type(self.mapping).__name__}>"

    def get(self, key: str, report: Report) -> Entry | None:
        frame = self.mapping.get(key)
        if frame is None:
            return None
        try:
            return codec.loads(frame, key, replay=True)
        except (Defect, TypeError) as defect:
            report(key, str(defect))
            return None

    def put(self, key: str, frame: bytes, second: int, *, private: bool = False) -> str:
        if private:
            return ""
        self.mapping[key] = frame
        return codec.name_of(key, second, frame)


def read_entry(path: str) -> Entry:
    """The entry in a file. Raises Defect for whatever it is that is none, FileNotFoundError."""
    name = path[_NAME]
    return codec.loads(codec.unseal(name, read_file(path)), codec.key_in(name))


def _check_manifest(root: str) -> None:
    path = os.path.join(root, "manifest.json")
    try:
        text = read_file(path)[:65536]
        data = json.loads(text)
        version = data["version"] if data["format"] == "cachy" else None
    except FileNotFoundError:
        return  # a store without one is a sound store
    except (Defect, OSError, ValueError, KeyError, TypeError, RecursionError):
        version = None
    if not isinstance(version, int):
        raise ConfigError(
            f"{path} is no store's manifest: restore it with `cachy init`, or move it"
        )
    if version > codec.FORMAT:
        raise ConfigError(
            f"{root} is a store of format {version}, and this cachy reads format {codec.FORMAT}: "
            f"update it with `pip install -U cachy-store`"
        )


# ---- Where the store is ----

_PROJECT_MARKS = (FOLDER,), (".git", "pyproject.toml", "settings.ini")


def shown_path(path: str) -> str:
    """A path as seen from here, where that is shorter and says no less."""
    try:
        return min(path, os.path.relpath(path), key=len) if os.path.isabs(path) else path
    except (OSError, ValueError):  # the working directory is gone, or on another drive
        return path


def find_root(cache_dir: str | os.PathLike[str] | None = None) -> str:
    """The path of `.cachy`: in `cache_dir`, or by default in the nearest parent of the working
    directory that has one, then that looks like a project's root, then in the working directory.

    Raises ConfigError if `cache_dir` is a file.
    """
    if cache_dir is not None:
        if not isinstance(cache_dir, str | os.PathLike):
            raise ConfigError(f"cache_dir={cache_dir!r} is no path: give a folder, or None")
        if os.path.basename(os.path.normpath(cache_dir)) == FOLDER:
            cache_dir = os.path.dirname(os.path.normpath(cache_dir))  # the store itself was meant
        folder = existing = os.path.abspath(os.path.expanduser(cache_dir))
        while not os.path.lexists(existing):
            existing = os.path.dirname(existing)
        if not os.path.isdir(existing):
            raise ConfigError(
                f"cache_dir={os.fspath(cache_dir)!r} is not a folder; "
                f"give the folder that holds {FOLDER}, or shall hold it"
            )
        return os.path.join(folder, FOLDER)
    try:
        here = os.getcwd()
    except FileNotFoundError:
        raise ConfigError(
            "the working directory is gone; name one that is there: cache_dir=…"
        ) from None
    parents = [here]
    while (parent := os.path.dirname(parents[-1])) != parents[-1]:
        parents.append(parent)
    for marks in _PROJECT_MARKS:
        for folder in parents:
            if any(os.path.exists(os.path.join(folder, mark)) for mark in marks):
                return os.path.join(folder, FOLDER)
    return os.path.join(here, FOLDER)
