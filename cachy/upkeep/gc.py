"""Garbage collection: which files are not needed, and their way to the trash.

    plan()      says which files would be removed, and why      changes nothing
    collect()   moves them to the trash, which can be undone    see trash.py

The rules:

- Without a policy only what can never be served is removed: older recordings of a key, broken
  files, temporary files over a day old. An older recording that others have too is never removed
  in favour of a private one.
- A file that is broken here and sound in git stays: git can restore it.
- What is younger than the grace period stays, whatever the policy. An older recording also stays
  until its replacement has that age, and so has surely been committed. An entry with a time in the
  future counts as new; one with a time before 2025, from a clock that was wrong, is as old as its
  file.
- Folders stay: a writer may be about to put a file there.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple

from cachy import clock
from cachy.errors import CachyError, ConfigError, Defect
from cachy.store import journal, layout
from cachy.store.folder import list_folder, unpack
from cachy.store.layout import show_path
from cachy.store.trash import lock, to_trash
from cachy.upkeep import index
from cachy.upkeep.find import matches, name_in
from cachy.upkeep.git import Repo
from cachy.upkeep.index import Flaw, Progress, Row, silent
from cachy.upkeep.trash import empty

DAY = 86400
STALE_TEMPORARY = DAY
"""Seconds after which a temporary file has no writer any more."""

REPLACED = "replaced by a newer recording of the same key"
UNUSED = "not used by any session"


class Policy(NamedTuple):
    """What to remove besides what can never be served: the entries to which all of these apply.

    `unused`: not used by a session since `since` (seconds since 1970; None: ever); `older_than`:
    seconds since the recording; `model` and `host`, with `*`; `max_size`: bytes that may remain in
    all, the least recently used of the other entries being removed first. `grace`: age in seconds
    below which every entry stays.
    """

    unused: bool = False
    since: float | None = None
    older_than: float | None = None
    model: str = ""
    host: str = ""
    max_size: int | None = None
    grace: float = DAY

    @property
    def is_given(self) -> bool:
        """Whether it can select an entry that could be served."""
        return bool(
            self.unused
            or self.model
            or self.host
            or self.older_than is not None
            or self.max_size is not None
        )


class Removal(NamedTuple):
    """A file to remove, and the reason. `row` describes its entry, if it holds a sound one;
    `replacement` is the file that is served instead, or empty."""

    path: str
    bytes: int
    reason: str
    row: Row | None = None
    replacement: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the removal as `--json` prints it."""
        about = {} if self.row is None else {"key": self.row.key, "model": self.row.model}
        path = show_path(self.path)
        return {"path": path, "bytes": self.bytes, "reason": self.reason, **about}


class Plan(NamedTuple):
    """What a gc would do. `remaining` counts the entries that stay, of `remaining_bytes` in all;
    `in_grace` counts those of them that only the grace period protects; `excess` is how many bytes
    more than `max_size` stay; `flaws` are the unsound files that stay."""

    store: str
    removals: list[Removal]
    remaining: int
    remaining_bytes: int
    in_grace: int
    excess: int
    flaws: list[Flaw]

    @property
    def bytes(self) -> int:
        return sum(removal.bytes for removal in self.removals)

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as `--json` prints it."""
        removals = [removal.as_dict() for removal in self.removals]
        flaws = [flaw.as_dict() for flaw in self.flaws]
        store = show_path(self.store)
        return {**self._asdict(), "store": store, "removals": removals, "flaws": flaws}


class Collected(NamedTuple):
    """What a gc did: the files moved, and the folder of the trash they are in (empty if none)."""

    moved: list[str]
    trash: str


# ---- Plan ----


def plan(root: str, policy: Policy, *, progress: Progress = silent) -> Plan:
    """Return what a gc of this policy would move to the trash.

    Reads every file, because the replacement of another must be sound. Raises ConfigError for
    `unused` if no session is in the journal.
    """
    used = _last_uses(root, policy) if policy.unused or policy.max_size is not None else {}
    rows, flaws = index.scan(root, progress=progress)
    flaws = keep_restorable(root, flaws)
    now = clock.now()
    removals, served, in_grace = _replaced(rows, policy.grace, now)
    selected = [(row, reason) for row in served if (reason := _reason(row, policy, used, now))]
    old = [(row, reason) for row, reason in selected if _age(_second(row), now) >= policy.grace]
    size = sum(row.bytes for row in rows) - sum(removal.bytes for removal in removals)
    excess = 0
    if policy.max_size is None:
        in_grace += len(selected) - len(old)
    else:
        old, excess = _least_recently_used(old, used, size - policy.max_size)
    removals += [Removal(row.file.path, row.bytes, reason, row) for row, reason in old]
    size -= sum(row.bytes for row, _ in old)
    remaining = len(rows) - len(removals)
    broken, flaws = _broken(flaws, policy.grace, now)
    removals += [*broken, *_stale_temporaries(root, now)]
    return Plan(root, removals, remaining, size, in_grace, max(excess, 0), flaws)


def keep_restorable(root: str, flaws: list[Flaw]) -> list[Flaw]:
    """Return the same flaws, with those files no longer `broken` that are sound in git's index."""
    broken = [flaw.path for flaw in flaws if flaw.broken]
    repo = Repo.around(root) if broken else None
    if repo is None:
        return flaws
    paths = {f"{repo.prefix}/{_place(root, path)}": path for path in broken}
    known = [file for file in repo.staged() if file.path in paths]
    sound = set()
    try:
        for file, data in zip(known, repo.blobs(file.blob for file in known), strict=True):
            try:
                unpack(name_in(file.path), data)
            except (ConfigError, Defect):
                continue
            sound.add(paths[file.path])
    except CachyError:
        pass  # git lacks an object
    return [_restorable(flaw) if flaw.path in sound else flaw for flaw in flaws]


def _place(root: str, path: str) -> str:
    return os.path.relpath(path, root).replace(os.sep, "/")


def _restorable(flaw: Flaw) -> Flaw:
    path = shlex.quote(show_path(flaw.path))
    return flaw._replace(
        what=f"{flaw.what}; git has a sound copy: restore it with `git checkout -- {path}`",
        broken=False,
    )


def _age(second: float, now: float) -> float:
    return now - min(second, now)


def _second(row: Row) -> float:
    """Return when an entry was recorded: by its stamp, or by its file's time if the clock that made
    the stamp was wrong."""
    return row.second if row.second >= clock.FIRST else _size_and_time(row.file.path)[1]


def _replaced(rows: list[Row], grace: float, now: float) -> tuple[list[Removal], list[Row], int]:
    """Split the entries: older recordings to remove, entries that are served, and the number of
    older recordings that the grace period protects."""
    removals: list[Removal] = []
    served: list[Row] = []
    in_grace = 0
    for row, replacement in _with_replacements(rows):
        if replacement is None:
            served.append(row)
        elif _age(_second(replacement), now) < grace:
            in_grace += 1
        else:
            path, instead = row.file.path, replacement.file.path
            removals.append(Removal(path, row.bytes, REPLACED, row, instead))
    return removals, served, in_grace


def _with_replacements(rows: list[Row]) -> Iterator[tuple[Row, Row | None]]:
    """Yield each row, newest first, with the one that is served instead of it."""
    newest: dict[tuple[str, bool], Row] = {}
    for row in rows:
        # An entry that others have is replaced only by one that others have.
        public = newest.get((row.key, False))
        replacement = public or (newest.get((row.key, True)) if row.file.private else None)
        yield row, replacement
        newest.setdefault((row.key, row.file.private), row)


def _reason(row: Row, policy: Policy, used: dict[str, float], now: float) -> str:
    """Return why the policy selects an entry that could be served, or the empty string."""
    reasons = []
    if policy.unused:
        start = policy.since or 0.0
        if used.get(row.key, -1.0) >= start or (policy.since and _second(row) >= start):
            return ""
        reasons.append(UNUSED)
    if policy.older_than is not None:
        if _age(_second(row), now) < policy.older_than:
            return ""
        reasons.append(f"{(now - _second(row)) / DAY:.0f} days old")
    for name, value, pattern in (
        ("model", row.model, policy.model),
        ("host", row.host, policy.host),
    ):
        if pattern:
            if not matches(value, pattern):
                return ""
            reasons.append(f"{name} {value}")
    if not reasons and policy.max_size is not None:
        reasons.append("least recently used")
    return ", ".join(reasons)


def _least_recently_used(
    selected: list[tuple[Row, str]], used: dict[str, float], surplus: int
) -> tuple[list[tuple[Row, str]], int]:
    """Return as many of the least recently used entries as free `surplus` bytes, and the bytes that
    they do not free."""
    selected = sorted(selected, key=lambda pair: max(used.get(pair[0].key, 0.0), _second(pair[0])))
    removed = []
    for row, reason in selected:
        if surplus <= 0:
            break
        removed.append((row, reason))
        surplus -= row.bytes
    return removed, surplus


def _last_uses(root: str, policy: Policy) -> dict[str, float]:
    """Return when each key was used last, in seconds since 1970."""
    notes = journal.read(root)
    if policy.unused and not any(note.ended >= (policy.since or 0) and note.keys for note in notes):
        period = " since then" if policy.since else ""
        raise ConfigError(
            f"the journal has no session{period}, so what is in use is unknown: run your notebooks "
            "and scripts first, or `cachy run -- COMMAND`"
        )
    return {key: note.ended for note in notes for key in note.keys}


def _broken(flaws: list[Flaw], grace: float, now: float) -> tuple[list[Removal], list[Flaw]]:
    """Split the unsound files: those to remove, and those that stay."""
    removals, staying = [], []
    for flaw in flaws:
        size, changed = _size_and_time(flaw.path)
        if flaw.broken and _age(changed, now) >= grace:
            removals.append(Removal(flaw.path, size, flaw.what))
        else:
            staying.append(flaw)
    return removals, staying


def _stale_temporaries(root: str, now: float) -> list[Removal]:
    removals = []
    folder = layout.tmp(root)
    for name in list_folder(folder):
        path = os.path.join(folder, name)
        try:
            status = os.lstat(path)
        except OSError:
            continue
        if now - status.st_mtime > STALE_TEMPORARY:
            removals.append(Removal(path, status.st_size, "left over from an interrupted write"))
    return removals


def _size_and_time(path: str) -> tuple[int, float]:
    try:
        status = os.lstat(path)
    except OSError:
        return 0, 0.0
    return status.st_size, status.st_mtime


# ---- Collect ----


def collect(plan: Plan) -> Collected:
    """Move the files that a plan removes to the trash, and delete what has been in the trash for
    two weeks.

    Raises CachyError if another gc is at work, OSError if the store cannot be written.
    """
    with lock(plan.store):
        empty(plan.store)
        # A checkout may have taken a replacement away since the plan was made.
        paths = [
            removal.path
            for removal in plan.removals
            if not removal.replacement or os.path.exists(removal.replacement)
        ]
        trash, moved = to_trash(plan.store, paths, "gc")
        return Collected(moved, trash)
