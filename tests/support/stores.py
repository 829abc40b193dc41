"""What the tests of upkeep and of the commands do to a store, and read from it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from many import DAY

from cachy.store import journal
from cachy.store.names import key_in
from cachy.upkeep import gc
from cachy.upkeep.gc import Policy
from cachy.upkeep.index import Row

NOW = int(time.time())
OLD = NOW - 100 * DAY


def key_of(path: Path) -> str:
    """Return the key of the entry in a file."""
    return key_in(path.name)


def keys(rows: Iterable[Row]) -> list[str]:
    """Return the keys of rows, in order."""
    return [row.key for row in rows]


def add_session(
    root: Path, *paths: Path, by: str = "a.ipynb", ended: float = NOW, run: str = ""
) -> None:
    """Note a session that used the entries in these files."""
    used = tuple(key_of(path) for path in paths)
    identity = os.urandom(4).hex()
    journal.write(
        str(root), journal.Note(identity, by, run, ended - 60, ended, len(used), 0, 0, 3.5, used)
    )


def collected(root: Path, policy: Policy | None = None) -> list[str]:
    """Collect garbage, and return the names of the files that were moved to the trash."""
    plan = gc.plan(str(root), policy or Policy())
    return sorted(os.path.basename(path) for path in gc.collect(plan).moved)
