"""The trash of a store: files are moved there in one step, and can be moved back for two weeks.

    local/trash/TIME-RANDOM-BY/PATH IN THE STORE

Nothing is copied or deleted at once: a process that is killed at any point has lost nothing, and a
writer beside it never sees half of a file. Concurrent moves are safe, but their reports would be
confusing, so they take a lock, which does not wait.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from cachy.errors import CachyError, ConfigError
from cachy.store.files import make_local, open_own, refuse_links
from cachy.upkeep.index import is_folder
from cachy.upkeep.index import listdir as list_folder

KEEP = 14 * 86400
"""Seconds after which the trash is emptied."""

_TIME = "%Y%m%dT%H%M%SZ"


@contextmanager
def lock(root: str) -> Iterator[None]:
    """Hold the lock of this store's trash, on this machine. It is freed if the process is killed.

    Raises CachyError at once if another process holds it, OSError if the store cannot be written.
    """
    make_local(root)
    refuse_links(root, _folder(root))
    fd = open_own(root, os.path.join(root, "local", "gc.lock"), os.O_RDWR | os.O_CREAT)
    try:
        if not _try_lock(fd):
            raise CachyError(f"another gc is at work in {root}: try again when it is done")
        yield
    finally:
        os.close(fd)


def _try_lock(fd: int) -> bool:
    try:
        import fcntl
    except ImportError:
        import msvcrt

        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks: concurrent moves are safe, see above
    return True


def to_trash(root: str, paths: Iterable[str], by: str) -> tuple[str, list[str]]:
    """Move files to a new folder of the trash, each to its path in the store.

    Returns the folder and the files that were moved; those that vanish meanwhile are not. Call it
    under the lock. Raises OSError.
    """
    name = time.strftime(_TIME, time.gmtime()) + f"-{os.urandom(3).hex()}-{by}"
    trash = os.path.join(_folder(root), name)
    moved = []
    made = set()
    for path in paths:
        target = os.path.join(trash, os.path.relpath(path, root))
        folder = os.path.dirname(target)
        if folder not in made:
            refuse_links(root, os.path.dirname(path))
            os.makedirs(folder, exist_ok=True)
            made.add(folder)
        try:
            os.rename(path, target)
        except FileNotFoundError:
            continue
        moved.append(path)
    return (trash, moved) if moved else ("", [])


def undo(root: str) -> list[str]:
    """Move the files that the last gc moved to the trash back to where they were, and return their
    paths. A file that exists again by now is left as it is.

    Raises ConfigError if there is nothing to undo, CachyError while another gc is at work, OSError.
    """
    with lock(root):
        names = sorted(name for name in list_folder(_folder(root)) if name.endswith("-gc"))
        for trash in (os.path.join(_folder(root), name) for name in reversed(names)):
            if not is_folder(trash):
                continue
            paths = [os.path.join(at, name) for at, _, files in os.walk(trash) for name in files]
            restored = []
            for path in sorted(paths):
                target = os.path.join(root, os.path.relpath(path, trash))
                if not os.path.lexists(target):
                    refuse_links(root, os.path.dirname(target))
                    os.makedirs(os.path.dirname(target), exist_ok=True)
                    os.rename(path, target)
                    restored.append(target)
            shutil.rmtree(trash)
            if paths:  # a gc that was killed early moved nothing: undo the one before it
                return restored
        raise ConfigError(f"nothing to undo: there is no gc in the trash of {root}")


def empty(root: str) -> None:
    """Delete what gc and fsck moved to the trash more than `KEEP` seconds ago. Call it under the
    lock."""
    end = time.strftime(_TIME, time.gmtime(time.time() - KEEP))
    for name in list_folder(_folder(root)):
        if name < end and name.endswith(("-gc", "-fsck")):
            shutil.rmtree(os.path.join(_folder(root), name), ignore_errors=True)


def _folder(root: str) -> str:
    return os.path.join(root, "local", "trash")
