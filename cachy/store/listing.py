"""Which files of a key a folder holds: from its listing, or from the note of an earlier one.

    local/names    for each of 256 shards its STATE and where its names begin; then the names,
                   sorted, 28 bytes each

To list a folder takes the kernel 0.4 µs a name: 2 ms in a store of a million. So what was listed of
long shards is noted when the store is left. The next process looks a key up there, at the place
where it must stand: keys are digests, and spread evenly. The rules:

- A note is believed while the folder is in the state it was in: the same inode, with the same times
  of change, which POSIX has every name set that comes, moves or goes.
- A folder that changed a moment ago is not noted: two changes in one tick of a clock look like one.
- A note tells where to look first. That there is nothing, only a listing tells.
- What a file holds is checked as ever: a note can be wrong, or somebody else's, and do no harm.
"""

from __future__ import annotations

import os
import struct
import time
from math import isqrt
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from cachy.rules.key import KEY_LENGTH
from cachy.store.entry import NAME_LENGTH, SUFFIX, is_name
from cachy.store.files import READ, make_local, try_remove

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHARDS = 256
WORTH_NOTING = 32
"""Names. To list fewer costs no more than to look into a note."""
SETTLED = 3 * 10**9
"""Nanoseconds. The coarsest of file systems tells times to 2 s."""
NOTES_HOLD = os.name == "posix"
"""Whether a folder's times tell that its names have changed."""

FILE_LENGTH = NAME_LENGTH + len(SUFFIX)
_STAMP = slice(KEY_LENGTH + 1, NAME_LENGTH)
_STATE = struct.Struct("<Qqq")  # inode, and when names and anything changed
_WHERE = struct.Struct("<QQ")  # offset in the file and count of the names
_ENTRY = _STATE.size + _WHERE.size
_LENGTH = (NAME_LENGTH - 1) // 2
_MAGIC = b"names 1\n"
_SHARD_DIGITS = 2


class Names(Protocol):
    """The files in one or more folders."""

    def paths(self, key: str) -> Sequence[str]:
        """Those of a key, newest first."""


class Listing:
    """The names in a folder, by key.

    The first request for a key of a shard waits for its listing, so nothing is done here for each
    name that can be done later for the few that are asked for.
    """

    __slots__ = ("_are_single", "_by_key", "_files", "_prefix")

    def __init__(self, folder: str, files: list[str]) -> None:
        self._prefix, self._files = f"{folder}{os.sep}", files
        self._by_key = {file[:KEY_LENGTH]: file for file in files}
        self._are_single = len(self._by_key) == len(files)

    def paths(self, key: str) -> Sequence[str]:
        """Those of a key, newest first."""
        file = self._by_key.get(key)
        if file is None:
            return ()
        if self._are_single:
            return (self._prefix + file,) if is_entry_file(file) else ()
        files = [file for file in self._files if file.startswith(key) and is_entry_file(file)]
        return [self._prefix + file for file in sorted(files, reverse=True)]


class Several:
    """More than one folder."""

    def __init__(self, names: Sequence[Names]) -> None:
        self._names = names

    def paths(self, key: str) -> Sequence[str]:
        """Those of a key, newest first."""
        found = {path for names in self._names for path in names.paths(key)}
        return sorted(found, key=os.path.basename, reverse=True)


def is_entry_file(file: str) -> bool:
    """Whether a file may be an entry, by its name."""
    return len(file) == FILE_LENGTH and file.endswith(SUFFIX)


# ---- Notes ----


class Noted:
    """The names in a folder that is in this state, as a note has them: `count` of them, from
    `offset` in a file on."""

    __slots__ = ("_count", "_fd", "_offset", "_prefix", "_reach", "state")

    def __init__(self, folder: str, state: bytes, fd: int, offset: int, count: int) -> None:
        self.state, self._prefix, self._fd = state, f"{folder}{os.sep}", fd
        self._offset, self._count = offset, count
        # Two of evenly spread names in a hundred stand farther from their places.
        self._reach = isqrt(count) + 4

    def paths(self, key: str) -> Sequence[str]:
        """Those of a key, newest first."""
        wanted = bytes.fromhex(key)
        place = self._count * int(key[_SHARD_DIGITS : _SHARD_DIGITS + 8], 16) >> 32
        first = max(0, place - self._reach)
        near = self._read(first, 2 * self._reach)
        at = near.find(wanted)
        after = at + _LENGTH
        if 0 < at < len(near) - _LENGTH and not near.startswith(wanted, after):
            return (self._path(key, near[at + len(wanted) : after]),)
        # There may be more of them, or none so near.
        names = self.all()
        at, found = names.find(wanted), []
        while at >= 0 and names.startswith(wanted, at):
            found.append(self._path(key, names[at + len(wanted) : at + _LENGTH]))
            at += _LENGTH
        return found[::-1]

    def all(self) -> bytes:
        """All names, as they stand in the note."""
        return self._read(0, self._count)

    def _path(self, key: str, stamp: bytes) -> str:
        return f"{self._prefix}{key}-{stamp.hex()}{SUFFIX}"

    def _read(self, first: int, count: int) -> bytes:
        """Some of the names; past the last come those of another shard."""
        try:
            return os.pread(self._fd, count * _LENGTH, self._offset + first * _LENGTH)
        except OSError:
            return b""


class Notes:
    """The notes of a store's shards. What is added is written by `close`."""

    def __init__(self, root: str) -> None:
        self._root, self._path = root, os.path.join(root, "local", "names")
        self._added: dict[str, tuple[os.stat_result, list[str]]] = {}
        self._lock = Lock()
        self._fd: int | None = None
        self._size = -1 if NOTES_HOLD else 0

    def read(self, shard: str) -> Noted | None:
        """What was noted of a shard, if it was and can be believed."""
        if self._size < 0:
            self._open()
        if self._fd is None:
            return None
        folder = f"{self._root}{os.sep}{shard}"
        try:
            state = _state(os.lstat(folder))
            noted = os.pread(self._fd, _ENTRY, _place(int(shard, 16)))
        except OSError:
            return None
        if len(noted) < _ENTRY or not noted.startswith(state):
            return None
        offset, count = _WHERE.unpack(noted[_STATE.size :])
        if offset + count * _LENGTH > self._size:
            return None
        return Noted(folder, state, self._fd, offset, count)

    def _open(self) -> None:
        with self._lock:
            if self._size >= 0:
                return
            try:
                fd = os.open(self._path, READ)
            except OSError:
                self._size = 0
                return
            try:
                sound = os.pread(fd, len(_MAGIC), 0) == _MAGIC
            except OSError:
                sound = False  # no file
            if sound:
                self._fd, self._size = fd, os.fstat(fd).st_size
            else:
                os.close(fd)
                self._size = 0

    def add(self, shard: str, before: os.stat_result, files: list[str]) -> None:
        """Note what was listed after a shard was found as it was `before`, if that will hold."""
        if NOTES_HOLD and _settled(before) <= time.time_ns() and self.read(shard) is None:
            self._added[shard] = before, files

    def close(self) -> None:
        """Write what was added, and forget all. Raises nothing: a read-only store is a good store.

        It is not flushed to the disk: in what a crash has torn, nothing is found.
        """
        try:
            added = {shard: of for shard, of in self._added.items() if self._is_still(shard, of[0])}
            if added:
                make_local(self._root)
                self._write(added)
        except OSError:
            pass
        self._added = {}
        if self._fd is not None:
            os.close(self._fd)
        self._fd, self._size = None, 0

    def _is_still(self, shard: str, before: os.stat_result) -> bool:
        try:
            return _state(os.lstat(f"{self._root}{os.sep}{shard}")) == _state(before)
        except OSError:
            return False

    def _write(self, added: dict[str, tuple[os.stat_result, list[str]]]) -> None:
        temporary = os.path.join(self._root, "local", "tmp", f"names.{os.urandom(4).hex()}")
        try:
            with open(temporary, "xb") as file:
                # By the clock, too, that set the folders' times: that of a file server, perhaps.
                now = os.fstat(file.fileno()).st_mtime_ns
                if all(_settled(before) > now for before, _ in added.values()):
                    raise OSError("nothing has settled")
                offset = _place(SHARDS)
                table = [bytes(_ENTRY)] * SHARDS
                file.seek(offset)
                for number, state, names in self._blocks(added, now):
                    table[number] = state + _WHERE.pack(offset, len(names) // _LENGTH)
                    file.write(names)
                    offset += len(names)
                file.seek(0)
                file.write(_MAGIC + b"".join(table))
            os.replace(temporary, self._path)
        except OSError:
            try_remove(temporary)
            raise

    def _blocks(
        self, added: dict[str, tuple[os.stat_result, list[str]]], now: int
    ) -> Iterator[tuple[int, bytes, bytes]]:
        """Number, state and names of each shard that was added, or noted before and still is so."""
        for number in range(SHARDS):
            shard = f"{number:02x}"
            if shard in added:
                before, files = added[shard]
                if _settled(before) <= now:
                    yield number, _state(before), _pack(files)
            elif (noted := self.read(shard)) is not None:
                yield number, noted.state, noted.all()


def _pack(files: list[str]) -> bytes:
    """The names of entries among these, sorted, each as the bytes of its hex digits."""
    names = sorted([file for file in files if len(file) == FILE_LENGTH])
    try:
        lines = bytes.fromhex("".join([name[:KEY_LENGTH] + name[_STAMP] for name in names]))
    except ValueError:
        lines = b""
    if len(lines) != len(names) * _LENGTH:  # other files lie there, too
        return _pack([name for name in names if is_name(name[: -len(SUFFIX)])])
    return lines


def _place(number: int) -> int:
    """Where the entry of a shard stands in the file."""
    return len(_MAGIC) + number * _ENTRY


def _settled(folder: os.stat_result) -> int:
    """From when on a folder's times will tell any change: nanoseconds since 1970."""
    return max(folder.st_mtime_ns, folder.st_ctime_ns) + SETTLED


def _state(folder: os.stat_result) -> bytes:
    return _STATE.pack(folder.st_ino, folder.st_mtime_ns, folder.st_ctime_ns)
