"""Which files of a key a folder holds: from its listing, or from the note of an earlier one.

    local/names/ab    28 bytes of the state of the folder ab; then its names, sorted, 28 bytes each

To list a folder takes the kernel 0.4 µs a name: 2 ms in a store of a million. So whoever has listed
a long one notes what he saw. The next process reads that, and looks a key up in it at the place
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
from typing import TYPE_CHECKING, Protocol

from cachy.entry import NAME_LENGTH, SUFFIX, is_name
from cachy.errors import Defect
from cachy.files import (
    NEW,
    READ,
    make_folder,
    make_local,
    read_file,
    refuse_links,
    try_remove,
)
from cachy.key import KEY_LENGTH

if TYPE_CHECKING:
    from collections.abc import Sequence

WORTH_NOTING = 32
"""Names. To list fewer costs no more than to look into a note."""
MOST_NOTED = 2**24
"""Bytes. A longer note is none of ours."""
SETTLED = 3 * 10**9
"""Nanoseconds. The coarsest of file systems tells times to 2 s."""
NOTES_HOLD = os.name == "posix"
"""Whether a folder's times tell that its names have changed."""

FILE_LENGTH = NAME_LENGTH + len(SUFFIX)
_STAMP = slice(KEY_LENGTH + 1, NAME_LENGTH)
_STATE = struct.Struct("<4sQqq")  # inode, and when names and anything changed
_LENGTH = (NAME_LENGTH - 1) // 2
assert _STATE.size == _LENGTH  # so that the first line is one like the others
_MAGIC = b"cn1\0"
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
    """The names in a folder, from the bytes of its note."""

    def __init__(self, folder: str, note: bytes) -> None:
        self._prefix, self._note = f"{folder}{os.sep}", note
        self._count = len(note) // _LENGTH - 1
        # Three of evenly spread names in a thousand stand farther from their places.
        self._reach = (3 * isqrt(self._count) // 2 + 8) * _LENGTH

    def paths(self, key: str) -> Sequence[str]:
        """Those of a key, newest first."""
        note, wanted = self._note, bytes.fromhex(key)
        place = (
            1 + (self._count * int(key[_SHARD_DIGITS : _SHARD_DIGITS + 8], 16) >> 32)
        ) * _LENGTH
        at = note.find(wanted, max(_LENGTH, place - self._reach), place + self._reach)
        if at < 0 and (at := note.find(wanted, _LENGTH)) < 0:
            return ()
        while note.startswith(wanted, at - _LENGTH):
            at -= _LENGTH
        found = []
        while note.startswith(wanted, at):
            stamp = note[at + len(wanted) : at + _LENGTH].hex()
            found.append(f"{self._prefix}{key}-{stamp}{SUFFIX}")
            at += _LENGTH
        return found[::-1]


class Notes:
    """The notes of a store's shards, read and written."""

    def __init__(self, root: str) -> None:
        self._root, self._folder = root, os.path.join(root, "local", "names")
        self._tmp = os.path.join(root, "local", "tmp")
        self._readable: bool | None = None if NOTES_HOLD else False
        self._writable: bool | None = self._readable

    def read(self, shard: str) -> Noted | None:
        """What was noted of a shard, if there is a note and it can be believed."""
        if self._readable is None:
            self._readable = os.path.isdir(self._folder)
        if not self._readable:
            return None
        folder = f"{self._root}{os.sep}{shard}"
        try:
            state = _state(os.lstat(folder))
            fd = os.open(f"{self._folder}{os.sep}{shard}", READ)
        except OSError:
            return None
        try:
            size = os.fstat(fd).st_size
            note = os.pread(fd, size, 0) if size <= MOST_NOTED else b""
        except OSError:
            return None
        finally:
            os.close(fd)
        return Noted(folder, note) if note.startswith(state) else None

    def write(self, shard: str, before: os.stat_result, files: list[str]) -> None:
        """Note what was listed after a shard was found as it was `before`, if that will hold.

        It is not flushed to the disk: in what a crash has torn, nothing is found. Raises nothing.
        """
        settled = max(before.st_mtime_ns, before.st_ctime_ns) + SETTLED
        if self._writable is False or time.time_ns() < settled:
            return
        state = _state(before)
        try:
            if self._writable is None:
                make_local(self._root)
                refuse_links(self._root, self._folder)
                make_folder(self._folder)
                self._readable = self._writable = True
            if not self._is_noted(shard, state):
                self._put(shard, state + _lines(files), settled)
        except OSError:
            self._writable = False  # a read-only store is a good store

    def _is_noted(self, shard: str, state: bytes) -> bool:
        try:
            return read_file(os.path.join(self._folder, shard)).startswith(state)
        except (FileNotFoundError, Defect):
            return False

    def _put(self, shard: str, data: bytes, settled: int) -> None:
        temporary = os.path.join(self._tmp, f"names.{os.urandom(4).hex()}")
        try:
            fd = os.open(temporary, NEW, 0o666)
            try:
                whole = os.write(fd, data) == len(data)
                # By the clock, too, that set the folder's times: that of a file server, perhaps.
                holds = whole and os.fstat(fd).st_mtime_ns >= settled
            finally:
                os.close(fd)
            if holds:
                os.replace(temporary, os.path.join(self._folder, shard))
            else:
                os.unlink(temporary)
        except OSError:
            try_remove(temporary)
            raise


def _lines(files: list[str]) -> bytes:
    """The names of entries among these, sorted, each as the bytes of its hex digits."""
    names = sorted([file for file in files if len(file) == FILE_LENGTH])
    try:
        lines = bytes.fromhex("".join([name[:KEY_LENGTH] + name[_STAMP] for name in names]))
    except ValueError:
        lines = b""
    if len(lines) != len(names) * _LENGTH:  # other files lie there, too
        return _lines([name for name in names if is_name(name[: -len(SUFFIX)])])
    return lines


def _state(folder: os.stat_result) -> bytes:
    return _STATE.pack(_MAGIC, folder.st_ino, folder.st_mtime_ns, folder.st_ctime_ns)
