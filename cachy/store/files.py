"""Files and folders: read whole, written whole, flushed; never through a link.

Anyone who can commit to a store decides what is in it: a link would lead readers and, worse,
writers of private recordings elsewhere, and a pipe would block them for ever.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from cachy.errors import Defect
from cachy.store.disk import Disk, is_dir, is_link
from cachy.store.entry import BODY_LIMIT, HEAD_LIMIT, TooLong

if TYPE_CHECKING:
    from collections.abc import Iterable

# Flags that a platform lacks are not needed there.
_SAFE_FLAGS = sum(
    getattr(os, flag, 0) for flag in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK")
)
_READ = os.O_RDONLY | _SAFE_FLAGS
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
"""Flags that open a file which is not there yet."""
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _SAFE_FLAGS
_FIRST_READ = 8192  # bytes: one call reads most entries; a longer or empty file is checked
LARGEST = BODY_LIMIT + HEAD_LIMIT
"""Bytes. No larger file is read: no entry expands to more."""


def read_file(path: str, limit: int = LARGEST) -> bytes:
    """Return the bytes of a regular file; never follow a link, or read a pipe or a device.

    Raises Defect for what cannot be read, FileNotFoundError, and TooLong for a file of more bytes
    than a lower `limit`.
    """
    try:
        fd = Disk.open(path, _READ)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(*error.args) from None
    except OSError as error:
        raise Defect(f"it cannot be opened ({error.strerror})") from None
    try:
        data = Disk.pread(fd, _FIRST_READ, 0)
        if len(data) == _FIRST_READ:
            return data + _rest(fd, limit)
        if not data:
            _check_regular(fd)
        return data
    except OSError as error:
        raise Defect(f"it cannot be read ({error.strerror})") from None
    finally:
        Disk.close(fd)


def _rest(fd: int, limit: int) -> bytes:
    """Return what follows the first `_FIRST_READ` bytes of a file."""
    _check_regular(fd)
    at, size = _FIRST_READ, Disk.fstat(fd).st_size
    if size > limit:
        if size <= LARGEST:
            raise TooLong
        raise Defect(f"it has {size:,} bytes, over the limit")
    pieces = []
    while at < size and (piece := Disk.pread(fd, size - at, at)):
        pieces.append(piece)
        at += len(piece)
    return b"".join(pieces)


def _check_regular(fd: int) -> None:
    if not stat.S_ISREG(Disk.fstat(fd).st_mode):
        raise Defect("it is not a regular file")


def write_whole(path: str, data: bytes, tmp: str) -> None:
    """Write a file in the folder `tmp`, flush it to the disk, then move it to `path`.

    No reader ever sees a part of it, not even after a crash. Raises OSError, and leaves nothing
    behind then.
    """
    write_pieces(path, (data,), tmp)


def write_pieces(path: str, pieces: Iterable[bytes | bytearray], tmp: str) -> None:
    """Do the same with a file that comes in pieces."""
    temporary = os.path.join(tmp, f"{os.path.basename(path)}.{os.urandom(4).hex()}")
    try:
        _write_flushed(temporary, pieces)
        Disk.replace(temporary, path)
    except BaseException:
        try_remove(temporary)
        raise


def _write_flushed(path: str, pieces: Iterable[bytes | bytearray]) -> None:
    fd = Disk.open(path, NEW, 0o666)
    try:
        for piece in pieces:
            view = memoryview(piece)
            while view:
                view = view[Disk.write(fd, view) :]
        Disk.fsync(fd)
    finally:
        Disk.close(fd)


def append(path: str, data: bytes) -> None:
    """Append to a file with one write, so that what several processes append does not mix. Raises
    OSError, for a link, too."""
    fd = Disk.open(path, _APPEND, 0o666)
    try:
        Disk.write(fd, data)
    finally:
        Disk.close(fd)


def flush_folder(folder: str) -> None:
    """Wait until the names in a folder are on the disk, where the platform supports it."""
    try:
        fd = Disk.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:
        return  # Windows opens no folders, and flushes names by itself
    try:
        Disk.fsync(fd)
    except OSError:
        pass  # some network file systems refuse; the move itself was done
    finally:
        Disk.close(fd)


def make_folder(folder: str) -> None:
    """Make a folder and its missing parents, and flush their names to the disk. Idempotent.

    Raises OSError.
    """
    if is_dir(folder):
        return
    parent = os.path.dirname(folder)
    if parent != folder:
        make_folder(parent)
    try:
        Disk.mkdir(folder)
    except FileExistsError:
        if not is_dir(folder):
            raise
    flush_folder(parent)


def refuse_links(root: str, folder: str) -> None:
    """Raise OSError if one of the folders below `root`, down to `folder`, is a link."""
    path = root
    for part in folder[len(root) + 1 :].split(os.sep):
        path = os.path.join(path, part)
        if is_link(path):
            raise OSError(errno.ELOOP, "it is a link, and might lead anywhere", path)


def try_remove(path: str) -> None:
    """Remove a file if it is there and can be."""
    try:
        Disk.unlink(path)
    except OSError:
        pass


def open_own(root: str, path: str, flags: int = os.O_RDONLY) -> int:
    """Open a file below `local/`, and return its descriptor.

    Anyone could have committed that file, so links are not followed, and only a regular file is
    opened. Raises OSError.
    """
    refuse_links(root, path)
    fd = Disk.open(path, flags | _SAFE_FLAGS, 0o666)
    if not stat.S_ISREG(Disk.fstat(fd).st_mode):
        Disk.close(fd)
        raise OSError(errno.EINVAL, "it is not a regular file", path)
    return fd
