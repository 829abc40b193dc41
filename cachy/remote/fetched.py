"""What was fetched, in `local/fetched/`: files as everywhere in the store, never committed, which
the folder store reads with the others. Above `CAP` those go that were used least recently."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, NamedTuple

from cachy.errors import Defect
from cachy.store import journal, layout
from cachy.store.disk import Disk
from cachy.store.files import (
    NEW,
    make_folder,
    read_file,
    refuse_links,
    try_remove,
    write_whole,
)
from cachy.store.folder import list_folder
from cachy.store.names import FILE_LENGTH, SUFFIX, is_name, key_in, place_of
from cachy.trust import ANYONE

if TYPE_CHECKING:
    from cachy.remote.objects import Object

CAP = 2**30
"""Bytes."""
_NOTE = "fetched.trust"
_settling = threading.Lock()
_LESS = 0.9  # of the cap is left, so that not every fetch has to make room


class Fetched:
    """The fetched entries of the store at `root`."""

    def __init__(self, root: str, cap: int = CAP, *, trusted: tuple[str, ...] = ()) -> None:
        self._root, self._cap = root, cap
        self._size: int | None = None
        self._folder, self._tmp = layout.fetched(root), layout.tmp(root)
        self._made: set[str] = set()
        self._trusted = trusted

    def keep(self, fetched: Object) -> None:
        """Write an entry. Raises OSError.

        It is not flushed to the disk: what a crash tears proves it, and is fetched again.
        """
        settle(self._root, self._trusted)
        path = f"{self._folder}{os.sep}{place_of(fetched.name).replace('/', os.sep)}"
        folder = path[: -FILE_LENGTH - 1]
        if folder not in self._made:
            self._make(folder)
        try:
            self._write(path, fetched)
        except FileNotFoundError:  # somebody has cleared away
            self._make(folder)
            self._write(path, fetched)
        self._make_room(len(fetched.data))

    def _make(self, folder: str) -> None:
        layout.make_local(self._root)
        refuse_links(self._root, folder)
        make_folder(folder)
        self._made.add(folder)

    def _write(self, path: str, fetched: Object) -> None:
        temporary = f"{self._tmp}{os.sep}{fetched.name}.{os.urandom(4).hex()}"
        fd = Disk.open(temporary, NEW, 0o666)
        try:
            try:
                view = memoryview(fetched.data)
                while view:
                    view = view[Disk.write(fd, view) :]
            finally:
                Disk.close(fd)
            Disk.replace(temporary, path)
        except BaseException:
            try_remove(temporary)
            raise

    def _make_room(self, added: int) -> None:
        if self._size is None:
            self._size = sum(file.size for file in files(self._root))
        else:
            self._size += added
        if self._size <= self._cap:
            return
        used = {key: note.ended for note in journal.read(self._root) for key in note.keys}
        found = sorted(files(self._root), key=lambda file: max(used.get(file.key, 0.0), file.time))
        size = sum(file.size for file in found)
        for file in found:
            if size <= self._cap * _LESS:
                break
            try_remove(file.path)
            size -= file.size
        self._size = size


def settle(root: str, trusted: tuple[str, ...]) -> None:
    """Remove what was fetched while others were trusted than these public keys. Raises OSError.

    What is in `local/fetched/` has lost its signatures, so a note beside it says who was trusted;
    there is none where anyone was.
    """
    path = os.path.join(layout.local(root), _NOTE)
    if not trusted or trusted == ANYONE:
        try_remove(path)
        return
    told = " ".join(trusted).encode()
    if _noted(path) == told:
        return
    with _settling:
        if _noted(path) == told:  # another thread was first, and may have kept something since
            return
        layout.make_local(root)
        for file in files(root):
            try_remove(file.path)
        write_whole(path, told, layout.tmp(root))


def _noted(path: str) -> bytes:
    try:
        return read_file(path)
    except (OSError, Defect):
        return b""


class _File(NamedTuple):
    path: str
    key: str
    size: int
    time: float


def files(root: str) -> list[_File]:
    """Return the fetched entries of a store."""
    found = []
    for shard in list_folder(layout.fetched(root)):
        folder = os.path.join(layout.fetched(root), shard)
        for file in list_folder(folder):
            name = file.removesuffix(SUFFIX)
            if not is_name(name):
                continue
            path = os.path.join(folder, file)
            try:
                status = os.lstat(path)
            except OSError:
                continue
            found.append(_File(path, key_in(name), status.st_size, status.st_mtime))
    return found
