"""The state of a store at a glance, from the names of its files: `cachy status`."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from cachy.errors import CachyError
from cachy.store import journal
from cachy.store.folder import entry_files
from cachy.store.layout import show_path
from cachy.store.names import key_in
from cachy.upkeep.git import Repo


class Status(NamedTuple):
    """How many entries a store has, of how many keys, in `bytes` on disk; and of the entries, how
    many are `uncommitted`: in no commit yet (None outside a repository); `private`: on this machine
    only; `superseded`: not served, for a newer one has their key; `unused`: served, but by no
    session of this machine (None where no session was noted)."""

    store: str
    entries: int
    keys: int
    bytes: int
    uncommitted: int | None
    private: int
    superseded: int
    unused: int | None

    def as_dict(self) -> dict[str, Any]:
        """Return the status as `--json` prints it."""
        return {**self._asdict(), "store": show_path(self.store)}


def status(root: str) -> Status:
    """Return the status of a store. No entry is read."""
    files = entry_files(root)
    keys = {key_in(file.name) for file in files}
    shared = [file.name for file in files if not file.private]
    notes = journal.read(root)
    used = {key for note in notes for key in note.keys}
    committed = _committed(root)
    return Status(
        root,
        len(files),
        len(keys),
        sum(_size(file.path) for file in files),
        None if committed is None else len([name for name in shared if name not in committed]),
        len(files) - len(shared),
        len(files) - len(keys),
        len(keys - used) if notes else None,
    )


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0  # it was removed just now


def _committed(root: str) -> set[str] | None:
    """Return the names of the entries in the last commit; None outside a repository."""
    repo = Repo.around(root)
    if repo is None:
        return None
    if not repo.has_commits():
        return set()
    try:
        tree = repo.tree(repo.commit("HEAD"))
    except CachyError:
        return None
    return {path.rpartition("/")[2].partition(".")[0] for path in tree}
