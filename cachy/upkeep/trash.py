"""Getting files back from the trash of a store (`store/trash.py`), and emptying it."""

from __future__ import annotations

import os
import shutil
import time

from cachy import clock
from cachy.errors import ConfigError
from cachy.store import layout
from cachy.store.files import refuse_links
from cachy.store.folder import is_folder, list_folder
from cachy.store.trash import TIME, lock

KEEP = 14 * 86400
"""Seconds after which the trash is emptied."""
_WANTED_BACK = ("-gc", "-forget")


def undo(root: str) -> list[str]:
    """Move the files that the last gc or `%cachy forget` moved to the trash back to where they
    were, and return their paths. A file that exists again by now is left as it is.

    Raises ConfigError if there is nothing to undo, CachyError while another gc is at work, OSError.
    """
    with lock(root):
        names = sorted(n for n in list_folder(layout.trash(root)) if n.endswith(_WANTED_BACK))
        for trash in (os.path.join(layout.trash(root), name) for name in reversed(names)):
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
        raise ConfigError(f"nothing to undo: no gc or forget is in the trash of {root}")


def empty(root: str) -> None:
    """Delete what was moved to the trash more than `KEEP` seconds ago. Call it under the lock."""
    end = time.strftime(TIME, time.gmtime(clock.now() - KEEP))
    for name in list_folder(layout.trash(root)):
        if name < end and name.endswith((*_WANTED_BACK, "-fsck")):
            shutil.rmtree(os.path.join(layout.trash(root), name), ignore_errors=True)
