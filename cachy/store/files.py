"""Files and folders: read whole, written whole, flushed; and never through a link.

A store comes from whoever commits to it: a link in it would lead readers and, worse, writers of
private recordings to another place, and a pipe would have them wait for ever.
"""

from __future__ import annotations

import errno
import os
import stat

from cachy.errors import Defect
from cachy.store.entry import BODY_LIMIT, HEAD_LIMIT

# Where a platform has no such flag, it has no such trap either.
_TRUSTING_NOBODY = sum(
    getattr(os, flag, 0) for flag in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK")
)
READ = os.O_RDONLY | _TRUSTING_NOBODY
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_MOST = 8192  # bytes: most entries are read with one call; what is longer, or empty, is looked at


def read_file(path: str) -> bytes:
    """The bytes of a regular file; never follows a link, waits for a pipe or asks a device.

    Raises Defect for what cannot be read, FileNotFoundError.
    """
    try:
        fd = os.open(path, READ)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(*error.args) from None
    except OSError as error:
        raise Defect(f"it cannot be opened ({error.strerror})") from None
    try:
        data = _pread(fd, _MOST, 0)
        if len(data) == _MOST:
            return data + _rest(fd)
        if not data:
            _check_regular(fd)
        return data
    except OSError as error:
        raise Defect(f"it cannot be read ({error.strerror})") from None
    finally:
        os.close(fd)


def _rest(fd: int) -> bytes:
    """What follows the first `_MOST` bytes of a file."""
    _check_regular(fd)
    at, size = _MOST, os.fstat(fd).st_size
    if size > BODY_LIMIT + HEAD_LIMIT:
        raise Defect(f"it has {size:,} bytes, over the limit")
    pieces = []
    while at < size and (piece := _pread(fd, size - at, at)):
        pieces.append(piece)
        at += len(piece)
    return b"".join(pieces)


if hasattr(os, "pread"):
    _pread = os.pread  # which pipes, sockets and terminals refuse
else:

    def _pread(fd: int, size: int, at: int) -> bytes:
        os.lseek(fd, at, os.SEEK_SET)
        return os.read(fd, size)


def _check_regular(fd: int) -> None:
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise Defect("it is not a regular file")


def write_whole(path: str, data: bytes, tmp: str) -> None:
    """Write a file in the folder `tmp`, flush it to the disk, then move it to `path`: nobody ever
    sees half of it, not even after a crash. Raises OSError, and leaves nothing behind then."""
    temporary = os.path.join(tmp, f"{os.path.basename(path)}.{os.urandom(4).hex()}")
    try:
        _write_flushed(temporary, data)
        os.replace(temporary, path)
    except BaseException:
        try_remove(temporary)
        raise


def _write_flushed(path: str, data: bytes) -> None:
    fd = os.open(path, _NEW, 0o666)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    finally:
        os.close(fd)


def flush_folder(folder: str) -> None:
    """Wait until the names in a folder are on the disk, where the platform can."""
    try:
        fd = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:
        return  # Windows opens no folders, and flushes names by itself
    try:
        os.fsync(fd)
    except OSError:
        pass  # some network file systems refuse; the move itself was done
    finally:
        os.close(fd)


def make_folder(folder: str) -> None:
    """Make a folder, and those above it that are missing; their names are on the disk, too."""
    missing = []
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for folder in reversed(missing):
        try:
            os.mkdir(folder)
        except FileExistsError:
            if not os.path.isdir(folder):
                raise
        flush_folder(os.path.dirname(folder))


def refuse_links(root: str, folder: str) -> None:
    """Raises OSError if one of the folders from `root` (which may be one) to `folder` is a link."""
    path = root
    for part in folder[len(root) + 1 :].split(os.sep):
        path = os.path.join(path, part)
        if os.path.islink(path):
            raise _is_a_link(path)


def lstat_folder(folder: str) -> os.stat_result:
    """The state of a folder. Raises OSError, as for a link to one."""
    found = os.lstat(folder)
    if stat.S_ISLNK(found.st_mode):
        raise _is_a_link(folder)
    return found


def _is_a_link(path: str) -> OSError:
    return OSError(errno.ELOOP, "it is a link, and might lead anywhere", path)


def try_remove(path: str) -> None:
    """Remove a file if it is there and can be."""
    try:
        os.unlink(path)
    except OSError:
        pass


# ---- local/, which never leaves this machine ----

GITIGNORE = b"/local/\n/.gitignore\n"


def make_local(root: str) -> None:
    """`local/`, and the `.gitignore` that keeps it and itself out of git. Raises OSError."""
    tmp = os.path.join(root, "local", "tmp")
    refuse_links(root, tmp)
    make_folder(tmp)
    ignore = os.path.join(root, ".gitignore")
    if not os.path.lexists(ignore):
        write_whole(ignore, GITIGNORE, tmp)


def open_own(root: str, path: str, flags: int = os.O_RDONLY) -> int:
    """Open a file below `local/`, which anybody could have committed: never through a link, and
    nothing but a regular file. Returns a descriptor. Raises OSError."""
    refuse_links(root, path)
    fd = os.open(path, flags | _TRUSTING_NOBODY, 0o666)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "it is not a regular file", path)
    return fd
