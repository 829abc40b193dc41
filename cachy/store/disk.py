"""The file system, through functions that are bound when cachy is loaded.

A test may replace `os.listdir` or `open`, or with pyfakefs all such functions, while code under it
makes calls. Recordings are not what it wants to fake: they would vanish with the fake.
"""

from __future__ import annotations

import os
import stat

_lseek, _read = os.lseek, os.read


class Disk:
    """The functions. A class holds them, as pyfakefs replaces those that a module holds."""

    fdopen = open
    close, fstat, fsync, open = os.close, os.fstat, os.fsync, os.open
    getcwd, listdir, lstat, mkdir, stat = os.getcwd, os.listdir, os.lstat, os.mkdir, os.stat
    replace, unlink, write = os.replace, os.unlink, os.write
    if hasattr(os, "pread"):
        pread = os.pread  # which pipes, sockets and terminals refuse
    else:

        @staticmethod
        def pread(fd: int, size: int, at: int) -> bytes:
            _lseek(fd, at, os.SEEK_SET)
            return _read(fd, size)


def absolute(path: str | os.PathLike[str]) -> str:
    """Return a path from the root on, without `..`."""
    return os.path.abspath(path if os.path.isabs(path) else os.path.join(Disk.getcwd(), path))


def is_dir(path: str) -> bool:
    """Tell whether this is a folder, or a link to one."""
    return stat.S_ISDIR(_mode(path))


def is_link(path: str) -> bool:
    """Tell whether this is a link."""
    return stat.S_ISLNK(_mode(path, follow=False))


def exists(path: str) -> bool:
    """Tell whether there is something here, and not only a link to nothing."""
    return _mode(path) != 0


def lexists(path: str) -> bool:
    """Tell whether there is something here, if only a link to nothing."""
    return _mode(path, follow=False) != 0


def _mode(path: str, *, follow: bool = True) -> int:
    """Return the mode of what is at a path; 0 for nothing."""
    try:
        return Disk.stat(path, follow_symlinks=follow).st_mode
    except (OSError, ValueError):
        return 0
