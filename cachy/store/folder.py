"""The folder `.cachy` as a store: shards, listings, writes.

Finding an entry lists its shard once and remembers the names; opening a store lists nothing. A
write is a temporary file, flushed, then moved to its final name, which no other recording has:
readers and writers need no lock. The rules:

- An entry file is never changed after it appears.
- A reader never moves or deletes a file: what is damaged is passed over and reported.
- A file that vanishes is a miss.
- No link inside the store is followed (files.py).

A recorded call lists its shard once, when it misses; `put` names the entry by that listing. What
another process records between the two is concurrent with this call: both calls were made before
either answer was stored, so either may be the one that is served. If its stamp is the greater,
because it fell into the same second or its clock is ahead, it is served; both are answers to the
same request. A call that has not missed (a refresh) replaces what is there, so its `put` lists the
shard first.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, NamedTuple

from cachy.errors import ConfigError, Defect
from cachy.store import entry as codec
from cachy.store import layout
from cachy.store.base import Kept, Store, Where
from cachy.store.disk import Disk, absolute, is_dir, is_link, lexists
from cachy.store.entry import FILE_LIMIT
from cachy.store.files import (
    LARGEST,
    read_file,
    refuse_links,
)
from cachy.store.names import (
    KEY_LENGTH,
    SUFFIX,
    is_entry_file,
    is_name,
    key_in,
    name_in,
    name_of,
    name_with,
    seal,
    seal_pieces,
    second_in,
    stamp_in,
    unseal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from cachy.store.base import Report
    from cachy.store.entry import Entry, Packed

SHARD_LENGTH = 2
_HEX_DIGITS = frozenset("0123456789abcdef")


class DirStore(Store):
    """A folder of entry files, shared by threads, processes, machines and branches."""

    root: str

    def __init__(self, root: str | os.PathLike[str]) -> None:
        """Raises ConfigError for a store of a newer format, or a path that is not a folder."""
        self.root = absolute(root)
        self._shards: dict[str, _Shard] = {}
        if lexists(self.root) and not is_dir(self.root):
            raise ConfigError(f"{self.root} is not a folder, so it cannot be a store: move it away")
        self.defect = layout.check_manifest(self.root)
        self._has_fetched = is_dir(layout.fetched(self.root))

    @property
    def label(self) -> str:
        return self.root

    def get(self, key: str, report: Report) -> Entry | None:
        return self.get_short(key, report, LARGEST)

    def get_short(self, key: str, report: Report, limit: int) -> Entry | None:
        shard = self._shards.get(key[:SHARD_LENGTH])
        if shard is not None:
            entry = self._first_sound(shard.paths(key), key, report, limit, fresh=False)
            if entry is not None:
                return entry
        # Not there, or not any more: another process may have recorded or collected.
        shard = self._list(key[:SHARD_LENGTH], report)
        entry = self._first_sound(shard.paths(key), key, report, limit, fresh=True)
        if entry is None:
            shard.missed.add(key)
        return entry

    def put(self, key: str, frame: bytes, second: int, *, private: bool = False) -> Kept:
        return self._put(
            key,
            second,
            len(frame),
            lambda second: name_of(key, second, frame),
            lambda name: (seal(name, frame),),
            private=private,
        )

    def put_packed(self, key: str, frame: Packed, second: int, *, private: bool = False) -> Kept:
        if frame.length < FILE_LIMIT:
            return self.put(key, b"".join(frame), second, private=private)
        return self._put(
            key,
            second,
            frame.length,
            lambda second: name_with(key, second, frame.digest),
            lambda name: seal_pieces(name, frame),
            private=private,
        )

    def _put(
        self,
        key: str,
        second: int,
        length: int,
        name_at: Callable[[int], str],
        sealed: Callable[[str], Iterable[bytes | bytearray]],
        *,
        private: bool,
    ) -> Kept:
        shard = self._shards.get(key[:SHARD_LENGTH])
        if shard is None or key not in shard.missed:
            shard = self._list(key[:SHARD_LENGTH])
        if paths := shard.paths(key):
            # Newest by name, even within one second, and if another clock was ahead.
            second = max(second, second_in(name_in(paths[0])) + 1)
        name = name_at(second)
        where = Where.SHARED
        if private:
            where = Where.PRIVATE
            self._check_ignored()
        elif 1 + length > FILE_LIMIT:
            where = Where.LARGE
        parent = self.root if where is Where.SHARED else layout.local_entries(self.root)
        path = os.path.join(parent, key[:SHARD_LENGTH], name + SUFFIX)
        layout.write(self.root, path, sealed(name))
        shard.add(path)
        shard.missed.discard(key)
        self._shards[key[:SHARD_LENGTH]] = shard
        return Kept(name, where)

    def names(self) -> list[str]:
        return [file.name for file in sorted(entry_files(self.root), key=_stamp, reverse=True)]

    def frame(self, name: str) -> memoryview:
        try:
            return unseal(name, read_file(self.locate(name)))
        except FileNotFoundError:
            raise KeyError(name) from None

    def drop(self, names: Collection[str]) -> None:
        """Move these files to the trash. Raises CachyError while gc runs, OSError."""
        from cachy.store import trash  # rarely used

        with trash.lock(self.root):
            trash.to_trash(self.root, [self.locate(name) for name in sorted(names)], "forget")

    def expect_fetched(self) -> None:
        self._has_fetched = True

    def locate(self, name: str) -> str:
        parts = name[:SHARD_LENGTH], name + SUFFIX
        path = os.path.join(self.root, *parts)
        local = os.path.join(layout.local_entries(self.root), *parts)
        return local if not lexists(path) and lexists(local) else path

    def _list(self, shard: str, report: Report | None = None) -> _Shard:
        """Return the files of a shard, read from the disk now."""
        before = self._shards.get(shard)
        folders = [
            _Folder(listed.folder, listed.files)
            for listed in _list_shard(self.root, shard, report, fetched=self._has_fetched)
        ]
        # What was missed in an earlier listing is known to this newer one, too.
        current = _Shard(folders, before.missed if before is not None else set())
        self._shards[shard] = current
        return current

    def _first_sound(
        self, paths: Sequence[str], key: str, report: Report, limit: int, *, fresh: bool
    ) -> Entry | None:
        for path in paths:
            try:
                # No name for the file's bytes: they are freed before the frame is expanded.
                frame = unseal(name_in(path), read_file(path, limit))
                return codec.loads(frame, key, replay=True, limit=limit)
            except FileNotFoundError:
                if not fresh:
                    return None  # the listing is stale
            except Defect as defect:
                report(path, str(defect))
        return None

    def _check_ignored(self) -> None:
        """Raise OSError where git would see what is private."""
        layout.make_local(self.root)
        if not layout.is_local_ignored(self.root):
            path = layout.gitignore(self.root)
            raise OSError(errno.EPERM, "it may not ignore /local/: remove it", path)


class _Folder:
    """The files of one folder, by key.

    The first request for a key of a shard waits for its listing, so nothing is done here for every
    file that can be done later for the few that are looked up.
    """

    __slots__ = ("_are_single", "_by_key", "_files", "_prefix")

    def __init__(self, folder: str, files: list[str]) -> None:
        self._prefix, self._files = f"{folder}{os.sep}", files
        self._by_key = {file[:KEY_LENGTH]: file for file in files}
        self._are_single = len(self._by_key) == len(files)

    def paths(self, key: str) -> Sequence[str]:
        """Return the paths of a key, newest first."""
        file = self._by_key.get(key)
        if file is None:
            return ()
        if self._are_single:
            return (self._prefix + file,) if is_entry_file(file) else ()
        files = [file for file in self._files if file.startswith(key) and is_entry_file(file)]
        return [self._prefix + file for file in sorted(files, reverse=True)]


class _Shard:
    """The files of one shard, shared and local: as listed, and as written since.

    `missed` are the keys that were looked up in vain in a listing, and not written since.
    """

    __slots__ = ("_added", "_folders", "missed")

    def __init__(self, folders: list[_Folder], missed: set[str]) -> None:
        self._folders, self.missed = folders, missed
        self._added: dict[str, list[str]] = {}

    def paths(self, key: str) -> Sequence[str]:
        """Return the paths of a key, newest first."""
        if len(self._folders) == 1 and key not in self._added:
            return self._folders[0].paths(key)
        paths = {path for folder in self._folders for path in folder.paths(key)}
        paths.update(self._added.get(key, ()))
        return sorted(paths, key=os.path.basename, reverse=True)

    def add(self, path: str) -> None:
        """Add a file that was written."""
        key = key_in(name_in(path))
        self._added[key] = [*self._added.get(key, ()), path]


# ---- The walk over a store ----


class File(NamedTuple):
    """A file with an entry's name. `private`: under `local/`, never committed."""

    path: str
    name: str
    private: bool


class _Listed(NamedTuple):
    folder: str
    private: bool
    files: list[str]


def entry_files(root: str, shard: str = "") -> list[File]:
    """Return the files of a store, or of one shard, that are named as entries and in their place.

    What cannot be listed is passed over, and so are links: they might lead anywhere.
    """
    return [
        File(os.path.join(listed.folder, file), name, listed.private)
        for each in ([shard] if shard else shards(root))
        if is_shard_name(each)
        for listed in _list_shard(root, each)
        for file in listed.files
        if is_name(name := file[: -len(SUFFIX)]) and file.endswith(SUFFIX) and name.startswith(each)
    ]


def shards(root: str) -> list[str]:
    """Return the names of a store's shards, sorted: folders of two hex digits."""
    names = {*list_folder(root), *list_folder(layout.local_entries(root))}
    return sorted(filter(is_shard_name, names))


def is_shard_name(name: str) -> bool:
    """Return whether this is the name of a shard: two hex digits."""
    return len(name) == SHARD_LENGTH and _HEX_DIGITS.issuperset(name)


def is_folder(path: str) -> bool:
    """Return whether this is a folder itself, not a link to one."""
    return is_dir(path) and not is_link(path)


def list_folder(folder: str) -> list[str]:
    """Return the names in a folder; none if it is absent or cannot be read."""
    try:
        return Disk.listdir(folder)
    except OSError:
        return []


def read_entry(path: str) -> Entry:
    """Return the entry in a file. Raises Defect if it is damaged or not an entry,
    FileNotFoundError."""
    return unpack(name_in(path), read_file(path))


def unpack(name: str, data: bytes) -> Entry:
    """Return the entry in the bytes of a file of this name. Raises Defect."""
    return codec.loads(unseal(name, data), key_in(name))


def _list_shard(
    root: str, shard: str, report: Report | None = None, *, fetched: bool = False
) -> Iterator[_Listed]:
    """List the folders of a shard, shared then local, that exist; also the one of what was
    `fetched` from a remote. Raises nothing."""
    entries = layout.local_entries(root)
    parents = (root, entries) if is_dir(entries) else (root,)
    for parent in (*parents, layout.fetched(root)) if fetched else parents:
        folder = f"{parent}{os.sep}{shard}"
        try:
            refuse_links(root, folder)
            files = Disk.listdir(folder)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            if report is not None:
                report(folder, f"it cannot be listed ({error.strerror})")
            continue
        yield _Listed(folder, parent != root, files)


def _stamp(file: File) -> str:
    return stamp_in(file.name)
