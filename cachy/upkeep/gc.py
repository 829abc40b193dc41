"""gc: what goes, and how nothing is lost by it.

    plan()      which files go, and why                  changes nothing
    collect()   moves them to the trash                  local/trash/TIME-gc/PATH IN THE STORE
    undo()      moves the last run's files back          for two weeks

The rules:

- Without a policy only what can never be served goes: older recordings of a key, broken files,
  temporary files over a day old. A private recording never pushes out one that others have.
- What is broken here and sound in git stays: git can restore it.
- What is younger than the grace period stays, whatever the policy; and so does an older recording
  until the one that replaces it is as old, and has surely been committed. A stamp in the future
  is as young as can be.
- A file is moved, in one step, and never copied or deleted: killed at any point, a gc has lost
  nothing, and a writer beside it never sees half of anything.
- Folders stay: a writer may be about to put a file there.
- Concurrent gc is safe, but its reports would be confusing: one takes a lock, and the other fails.
"""

from __future__ import annotations

import os
import shlex
import shutil
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from cachy.errors import CachyError, ConfigError, Defect
from cachy.store import journal, layout
from cachy.store.files import refuse_links
from cachy.store.folder import is_folder, list_folder, unpack
from cachy.store.layout import show_path
from cachy.store.trash import lock, to_trash
from cachy.upkeep import index
from cachy.upkeep.find import matches, name_in
from cachy.upkeep.git import Repo
from cachy.upkeep.index import Flaw, Progress, Row, silent

DAY = 86400
TRASH_KEPT = 14 * DAY
"""Seconds that the trash is kept."""
STALE_TEMPORARY = DAY
"""Seconds after which nobody is still writing a temporary file."""

OLDER = "a newer recording of its key is served"
UNUSED = "no session used it"


class Policy(NamedTuple):
    """What goes beside what can never be served: what all of these apply to, if any is given.

    `unused`: no session noted since `since` (seconds since 1970; None: ever) used it; `older_than`:
    seconds since it was recorded; `model` and `host`, with `*`; `max_size`: bytes that may stay in
    all, the least recently used of those above going first. `grace`: seconds that entries stay.
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
        """Whether it chooses anything that could be served."""
        return bool(
            self.unused
            or self.model
            or self.host
            or self.older_than is not None
            or self.max_size is not None
        )


class Doomed(NamedTuple):
    """A file that goes, and why. `keeper`: the file that is served in its stead, or empty."""

    path: str
    bytes: int
    why: str
    row: Row | None = None
    keeper: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        about = {} if self.row is None else {"key": self.row.key, "model": self.row.model}
        path = show_path(self.path)
        return {"path": path, "bytes": self.bytes, "why": self.why, **about}


class Plan(NamedTuple):
    """What a gc would do. `left` and `left_bytes`: the entries that stay; `young`: how many of
    them would go, were they not in the grace period; `over`: bytes above `max_size` that stay;
    `flaws`: the unsound files that stay."""

    store: str
    doomed: list[Doomed]
    left: int
    left_bytes: int
    young: int
    over: int
    flaws: list[Flaw]

    @property
    def bytes(self) -> int:
        return sum(each.bytes for each in self.doomed)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        doomed = [each.as_dict() for each in self.doomed]
        flaws = [flaw.as_dict() for flaw in self.flaws]
        store = show_path(self.store)
        return {**self._asdict(), "store": store, "doomed": doomed, "flaws": flaws}


class Collected(NamedTuple):
    """What a gc did: the files moved, and the folder of the trash they are in (empty if none)."""

    moved: list[str]
    trash: str


# ---- What goes ----


def plan(root: str, policy: Policy, *, progress: Progress = silent) -> Plan:
    """What a gc of this policy would move to the trash. Reads every file: what replaces another
    must be sound. Raises ConfigError for `unused` where no session is noted."""
    used = _last_uses(root, policy) if policy.unused or policy.max_size is not None else {}
    rows, flaws = index.scan(root, progress=progress)
    flaws = told_by_git(root, flaws)
    now = time.time()
    doomed, young = [], 0
    served: list[Row] = []
    for row, keeper in _against_newest(rows):
        if keeper is None:
            served.append(row)
        elif now - min(keeper.second, now) < policy.grace:
            young += 1  # and perhaps its keeper is not committed yet
        else:
            doomed.append(Doomed(row.file.path, row.bytes, OLDER, row, keeper.file.path))
    chosen = [(row, why) for row in served if (why := _choice(row, policy, used, now))]
    old = [(row, why) for row, why in chosen if now - min(row.second, now) >= policy.grace]
    left = sum(row.bytes for row in rows) - sum(each.bytes for each in doomed)
    over = 0
    if policy.max_size is not None:
        old, over = _least_recent(old, used, left - policy.max_size)
    young += len(chosen) - len(old) if policy.max_size is None else 0
    doomed += [Doomed(row.file.path, row.bytes, why, row) for row, why in old]
    left -= sum(row.bytes for row, _ in old)
    entries = len(rows) - len(doomed)
    staying = []
    for flaw in flaws:
        size, changed = _size_and_time(flaw.path)
        if flaw.broken and now - min(changed, now) >= policy.grace:
            doomed.append(Doomed(flaw.path, size, flaw.what))
        else:
            staying.append(flaw)
    doomed += _stale_temporaries(root, now)
    return Plan(root, doomed, entries, left, young, max(over, 0), staying)


def told_by_git(root: str, flaws: list[Flaw]) -> list[Flaw]:
    """The same flaws; what is broken here and sound in git's index is not broken for good."""
    broken = [flaw.path for flaw in flaws if flaw.broken]
    repo = Repo.around(root) if broken else None
    if repo is None:
        return flaws
    places = {f"{repo.prefix}/{_place(root, path)}": path for path in broken}
    known = [file for file in repo.staged() if file.path in places]
    sound = set()
    try:
        for file, data in zip(known, repo.blobs(file.blob for file in known), strict=True):
            try:
                unpack(name_in(file.path), data)
            except (ConfigError, Defect):
                continue
            sound.add(places[file.path])
    except CachyError:
        pass  # git lacks an object
    return [_restorable(flaw) if flaw.path in sound else flaw for flaw in flaws]


def _place(root: str, path: str) -> str:
    return os.path.relpath(path, root).replace(os.sep, "/")


def _restorable(flaw: Flaw) -> Flaw:
    path = shlex.quote(show_path(flaw.path))
    return flaw._replace(
        what=f"{flaw.what}; git has it sound: restore it with `git checkout -- {path}`",
        broken=False,
    )


def _against_newest(rows: list[Row]) -> Iterator[tuple[Row, Row | None]]:
    """Each row, newest first, with the one that is served in its stead."""
    newest: dict[tuple[str, bool], Row] = {}
    for row in rows:
        # What others have is replaced only by what others have.
        public = newest.get((row.key, False))
        keeper = public or (newest.get((row.key, True)) if row.file.private else None)
        yield row, keeper
        newest.setdefault((row.key, row.file.private), row)


def _choice(row: Row, policy: Policy, used: dict[str, float], now: float) -> str:
    """Why the policy chooses an entry that could be served, or the empty string."""
    whys = []
    if policy.unused:
        start = policy.since or 0.0
        if used.get(row.key, -1.0) >= start or (policy.since and row.second >= start):
            return ""
        whys.append(UNUSED)
    if policy.older_than is not None:
        if now - min(row.second, now) < policy.older_than:
            return ""
        whys.append(f"it is {(now - row.second) / DAY:.0f} days old")
    for name, value, pattern in (
        ("model", row.model, policy.model),
        ("host", row.host, policy.host),
    ):
        if pattern:
            if not matches(value, pattern):
                return ""
            whys.append(f"its {name} is {value}")
    if not whys and policy.max_size is not None:
        whys.append("the least recently used make room")
    return " and ".join(whys)


def _least_recent(
    chosen: list[tuple[Row, str]], used: dict[str, float], surplus: int
) -> tuple[list[tuple[Row, str]], int]:
    """As many of the least recently used as free `surplus` bytes, and what they do not free."""
    chosen = sorted(chosen, key=lambda pair: max(used.get(pair[0].key, 0.0), pair[0].second))
    going = []
    for row, why in chosen:
        if surplus <= 0:
            break
        going.append((row, why))
        surplus -= row.bytes
    return going, surplus


def _last_uses(root: str, policy: Policy) -> dict[str, float]:
    """When each key was used last, in seconds since 1970."""
    notes = journal.read(root)
    if policy.unused and not any(note.ended >= (policy.since or 0) and note.keys for note in notes):
        raise ConfigError(
            "no session is noted "
            + ("since then" if policy.since else "here")
            + ", so nothing is known to be in use: run your notebooks and scripts first, or "
            "`cachy run -- COMMAND`"
        )
    return {key: note.ended for note in notes for key in note.keys}


def _stale_temporaries(root: str, now: float) -> list[Doomed]:
    doomed = []
    folder = layout.tmp(root)
    for name in list_folder(folder):
        path = os.path.join(folder, name)
        try:
            status = os.lstat(path)
        except OSError:
            continue
        if now - status.st_mtime > STALE_TEMPORARY:
            doomed.append(Doomed(path, status.st_size, "whoever wrote it is gone"))
    return doomed


def _size_and_time(path: str) -> tuple[int, float]:
    try:
        status = os.lstat(path)
    except OSError:
        return 0, 0.0
    return status.st_size, status.st_mtime


# ---- How it goes ----


def collect(plan: Plan) -> Collected:
    """Move what a plan dooms to the trash, and empty the trash of what is older than two weeks.

    Raises CachyError if another gc is at work, OSError if the store cannot be written.
    """
    with lock(plan.store):
        _empty_trash(plan.store)
        # Between the plan and now a checkout may have taken away what was to be served instead.
        going = [
            each.path for each in plan.doomed if not each.keeper or os.path.exists(each.keeper)
        ]
        trash, moved = to_trash(plan.store, going, "gc")
        return Collected(moved, trash)


def undo(root: str) -> Collected:
    """Move what the last gc removed back to where it was. Returns the files that are back.

    Raises ConfigError if there is nothing to undo, CachyError if a gc is at work, OSError.
    """
    with lock(root):
        names = sorted(name for name in list_folder(layout.trash(root)) if name.endswith("-gc"))
        for trash in (os.path.join(layout.trash(root), name) for name in reversed(names)):
            if not is_folder(trash):
                continue
            paths = [os.path.join(at, name) for at, _, files in os.walk(trash) for name in files]
            back = []
            for path in sorted(paths):
                target = os.path.join(root, os.path.relpath(path, trash))
                if not os.path.lexists(target):  # else it is back already, and may be better
                    refuse_links(root, os.path.dirname(target))
                    os.makedirs(os.path.dirname(target), exist_ok=True)
                    os.rename(path, target)
                    back.append(target)
            shutil.rmtree(trash)
            if paths:  # a gc that was killed at once moved nothing: look further back
                return Collected(back, trash)
        raise ConfigError(f"nothing to undo: there is no gc in the trash of {root}")


def _empty_trash(root: str) -> None:
    end = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - TRASH_KEPT))
    for name in list_folder(layout.trash(root)):
        if name < end and name.endswith(("-gc", "-fsck")):
            shutil.rmtree(os.path.join(layout.trash(root), name), ignore_errors=True)


def last_run(root: str) -> float:
    """When the last `cachy run` that succeeded began, in seconds since 1970. Raises ConfigError if
    none did."""
    # The note of a run itself is the last; one that was killed has none.
    runs = [note for note in journal.read(root) if note.run and note.id == note.run]
    starts = [note.started for note in runs if note.code == 0]
    if not starts:
        what = "no run noted here has succeeded" if runs else "no run is noted here"
        raise ConfigError(f"{what}, in {root}: start one with `cachy run -- COMMAND`")
    return max(starts)
