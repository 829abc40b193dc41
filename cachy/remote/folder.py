"""A folder as remote: a plain `.cachy`, which any store could be. What it holds below `local/` was
never meant for others, and is not read."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cachy.errors import Defect
from cachy.remote.engine import Denied, Engine, Found, Listed, Misconfigured, RemoteError, TooLarge
from cachy.remote.objects import FORMAT, RUNS, key_at, pack, place_of, split
from cachy.store import layout
from cachy.store.disk import is_dir
from cachy.store.files import (
    read_file,
    try_remove,
)
from cachy.store.folder import entry_files, list_folder, shards
from cachy.store.names import NAME_LENGTH, SUFFIX, key_in
from cachy.store.names import place_of as place_in_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cachy.remote.address import Address

_RUNS = "runs"


class FolderEngine(Engine):
    """The newest entry of each key in a store. Its tag is the name of that entry."""

    keeps_signatures = False  # a plain store has no place for them

    def __init__(self, address: Address) -> None:
        """Raises Misconfigured if the folder is not there: a share that is not mounted must not be
        made on the disk beneath."""
        self._root = address.place
        existing = self._root
        if os.path.basename(existing) == layout.FOLDER:
            existing = os.path.dirname(existing)
        if not is_dir(existing):
            raise Misconfigured(f"there is no folder {existing}: is it mounted?")

    def get(self, path: str, limit: int) -> Found | None:
        with _translated():
            if key := key_at(path):
                for file in self._files(key):
                    name = os.path.basename(file)[: -len(SUFFIX)]
                    try:
                        packed = pack(name, read_file(file))
                    except FileNotFoundError:
                        continue
                    if len(packed) > limit:
                        raise TooLarge(f"has {len(packed):,} bytes")
                    return Found(packed, name)
                return None
            try:
                return Found(read_file(self._run(path)), "")
            except FileNotFoundError:
                return None

    def create(self, path: str, data: bytes) -> bool:
        with _translated():
            key = key_at(path)
            if self._files(key) if key else os.path.lexists(self._run(path)):
                return False
            self._write(path, data)
            return True

    def replace(self, path: str, data: bytes, tag: str) -> bool:
        with _translated():
            key = key_at(path)
            there = self._files(key) if key else []
            if key and not (there and there[0].endswith(tag + SUFFIX)):
                return False
            self._write(path, data)
            return True

    def listing(self, under: str) -> Iterator[Listed]:
        with _translated():
            if under.startswith(RUNS):
                folder = os.path.join(layout.local(self._root), _RUNS)
                for name in list_folder(folder):
                    yield self._listed(RUNS + name, os.path.join(folder, name), 0)
                return
            wanted = under.removeprefix(f"{FORMAT}/")[:2]
            for shard in shards(self._root):
                if not shard.startswith(wanted):
                    continue
                newest = {
                    key_in(file.name): file
                    for file in sorted(entry_files(self._root, shard), key=lambda file: file.name)
                    if not file.private
                }
                for key, file in newest.items():
                    if (path := place_of(key)).startswith(under):
                        yield self._listed(path, file.path, NAME_LENGTH + 1)

    def delete(self, paths: Sequence[str]) -> None:
        with _translated():
            for path in paths:
                key = key_at(path)
                for file in self._files(key) if key else [self._run(path)]:
                    try_remove(file)

    def _files(self, key: str) -> list[str]:
        """Return the files of a key, newest first."""
        names = [
            file
            for file in entry_files(self._root, key[:2])
            if not file.private and key_in(file.name) == key
        ]
        return [file.path for file in sorted(names, key=lambda file: file.name, reverse=True)]

    def _run(self, path: str) -> str:
        return os.path.join(layout.local(self._root), _RUNS, path.rpartition("/")[2])

    def _listed(self, path: str, file: str, more: int) -> Listed:
        status = os.stat(file)
        return Listed(path, status.st_size + more, status.st_mtime)

    def _write(self, path: str, data: bytes) -> None:
        if key_at(path):
            name, _, data = split(data)
            file = os.path.join(self._root, *place_in_store(name).split("/"))
        else:
            file = self._run(path)
        layout.write(self._root, file, (data,))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise Denied(f"{error.filename}: {error.strerror}") from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise RemoteError(f"{where}{error.strerror or error}") from None
    except Defect as defect:
        if "over the limit" in str(defect):
            raise TooLarge(str(defect)) from None
        raise RemoteError(str(defect)) from None
