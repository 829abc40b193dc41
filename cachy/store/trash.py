"""The trash of a store: files are moved there in one step, never deleted at once.

    local/trash/TIME-RANDOM-BY/PATH IN THE STORE

Killed at any point, a move to the trash has lost nothing. Concurrent moves are safe, but their
reports would be confusing, so they take a lock, which does not wait.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cachy import clock
from cachy.errors import CachyError
from cachy.store import layout
from cachy.store.files import open_own, refuse_links

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@contextmanager
def lock(root: str) -> Iterator[None]:
    """Hold the lock of this store's trash, on this machine. It is freed if the process is killed.

    Raises CachyError at once if another process holds it, OSError if the store cannot be written.
    """
    layout.make_local(root)
    refuse_links(root, layout.trash(root))
    fd = open_own(root, layout.gc_lock(root), os.O_RDWR | os.O_CREAT)
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


TIME = "%Y%m%dT%H%M%SZ"
"""How the names of folders in the trash begin, so that they sort by age."""


def to_trash(root: str, paths: Iterable[str], by: str) -> tuple[str, list[str]]:
    """Move files to a new folder of the trash, each to its path in the store.

    Returns the folder and the files that were moved; those that vanish meanwhile are not. Call it
    under the lock. Raises OSError.
    """
    name = f"{time.strftime(TIME, time.gmtime(clock.now()))}-{os.urandom(3).hex()}-{by}"
    trash = os.path.join(layout.trash(root), name)
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
