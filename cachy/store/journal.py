"""The journal: which entries each session used, and for which notebook or script.

    local/sessions/SECOND-PID-RANDOM.part     of a session that goes on: a line for each key
    local/sessions/SECOND-PID-RANDOM.jsonl    one line of JSON a session

A key is noted when a session first uses it: a process may be killed, or leave by `os._exit`, as
many forked workers do. So the first use of a key costs one append to a file, and each later use
nothing. At its end (exit, `disable_cachy`, another `enable_cachy`) the session is noted whole, in
place of its part. Each session has files of its own, so that writers need no lock. Many files are
compacted into one, in which an older session loses the keys that a newer one of the same notebook
used; nothing else is lost, not even if two processes compact at the same time.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cachy import clock
from cachy.lazy import orjson
from cachy.store import layout
from cachy.store.disk import Disk, is_dir
from cachy.store.files import (
    append,
    flush_folder,
    make_folder,
    open_own,
    refuse_links,
    try_remove,
    write_whole,
)
from cachy.store.names import key_of
from cachy.store.program import INTERACTIVE, executed_notebook, program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    _Totals = tuple[int, int, int, float]

RUN_VARIABLE = "CACHY_RUN"
"""The environment variable with the id of a `cachy run`, for all sessions below it."""

MANY_FILES = 64
PART_GOES_ON = 3600
"""Seconds since its last line for which a part is not compacted: its session may add to it."""
FORGET_AFTER = 90 * 86400
"""Seconds after which a session that has no key left is dropped."""

_PART = ".part"
_TOGETHER = 1.0
"""Seconds whose keys are noted together."""

_NOTHING = (0, 0, 0, 0.0)


class Note(NamedTuple):
    """One session. `by`: its notebook or script, from the store's folder if it is below that;
    `run`: of `cachy run`, or empty; times in seconds since 1970; `keys`: 32 hex digits each;
    `code`: in the note of a run itself, whose id is the run's, the exit code of its command."""

    id: str
    by: str
    run: str
    started: float
    ended: float
    hits: int
    misses: int
    recorded: int
    seconds_saved: float
    keys: tuple[str, ...]
    code: int = 0


class Counters(Protocol):
    """What a session counts. `used` are the full keys that it replayed or recorded; `first_use` is
    called with each that is added."""

    hits: int
    misses: int
    recorded: int
    seconds_saved: float
    used: set[str]
    first_use: Callable[[str], None] | None


class Journal:
    """The open sessions of a process, each noted once, when it ends.

    Its owner calls `end_all` at exit and `forked` in a forked child.
    """

    eager = False
    """Whether this process may end without a word, and each key is to be noted at once."""

    def __init__(self) -> None:
        # By the identity of the counters, which the value keeps alive.
        self._open: dict[int, _OpenSession] = {}

    def begin(self, root: str | None, counters: Counters) -> None:
        """Begin a session on the store at `root`; None, for a store without a folder, does
        nothing."""
        if root is not None:
            eager = self.eager or _is_worker()
            self._open[id(counters)] = _OpenSession(root, counters, eager=eager)

    def end(self, counters: Counters) -> None:
        """Note a session, which is over. Raises nothing; idempotent."""
        if (session := self._open.pop(id(counters), None)) is not None:
            session.note()

    def end_all(self) -> None:
        """Note all open sessions, each with what it did since it was last noted. Raises nothing."""
        for session in list(self._open.values()):
            session.note()

    def forked(self) -> None:
        """In a forked child: leave what the parent counted and used for the parent to note."""
        self.eager = True
        for session in list(self._open.values()):
            session.forked()
        if self._open and (util := sys.modules.get("multiprocessing.util")):
            # The children of multiprocessing exit without running what atexit knows.
            util.register_after_fork(
                self, lambda journal: util.Finalize(None, journal.end_all, (), {}, 0)
            )


def _is_worker() -> bool:
    """Whether this is a worker process of multiprocessing, which exits without running what atexit
    knows. Its parent may know nothing of cachy: `marimo export` runs a notebook in one."""
    process = sys.modules.get("multiprocessing.process")
    return getattr(process, "_parent_process", None) is not None


class Draft:
    """The note of a session in the making: `add` what was done, then `write` it, once. What is
    `use`d before is noted at once."""

    def __init__(self, root: str, by: str = "") -> None:
        self._root = root
        self.by = by or program(root)  # now: at exit Python has forgotten the script's name
        self._started = clock.now()
        self._id = f"{int(self._started):08x}-{os.getpid()}-{os.urandom(4).hex()}"
        self._part = os.path.join(layout.sessions(root), self._id + _PART)
        self._totals = _NOTHING
        self._keys: set[str] = set()
        self._begun = self._failed = False

    def use(self, keys: Iterable[str], totals: _Totals = _NOTHING) -> None:
        """Note now that full keys are used, and what was counted until now. Raise nothing.

        A forked child may do so, too: the lines of both stand in one file.
        """
        if self._failed:
            return
        try:
            if not self._begun:
                self._begin()
            append(self._part, _line(self._note(totals, tuple(map(key_of, keys)))))
        except FileNotFoundError:
            self._begun = False  # the store was removed; it may come again
        except OSError:
            self._failed = True  # a read-only store is a good store

    def _begin(self) -> None:
        """Make the folder of sessions. Raises OSError."""
        if not is_dir(self._root):
            raise FileNotFoundError(self._root)
        if self.by == INTERACTIVE:
            self.by = program(self._root)  # a worker process learns late what it runs
        _make_folder(self._root)
        _compact_many(self._root)
        self._begun = True

    def add(self, counters: Counters, since: _Totals = _NOTHING) -> None:
        """Add what was counted, less the totals of an earlier time."""
        more = _difference(_totals(counters), since)
        self._totals = (
            self._totals[0] + more[0],
            self._totals[1] + more[1],
            self._totals[2] + more[2],
            self._totals[3] + more[3],
        )
        self._keys.update(map(key_of, counters.used.copy()))

    def write(self) -> None:
        """Write the note, if anything was counted and the store exists. Raises nothing."""
        if self._totals == _NOTHING or not is_dir(self._root):
            return
        if self.by.endswith("/"):
            self.by = executed_notebook(self._root) or self.by
        if self._begun:  # perhaps forked children have used more
            self._keys.update(key for note in _read(self._root, self._part) for key in note.keys)
        with suppress(OSError):  # a read-only store is a good store
            write(self._root, self._note(self._totals, tuple(self._keys)))
            try_remove(self._part)

    def _note(self, totals: _Totals, keys: tuple[str, ...]) -> Note:
        hits, misses, recorded, seconds_saved = totals
        return Note(
            self._id,
            self.by,
            os.environ.get(RUN_VARIABLE, ""),
            self._started,
            clock.now(),
            hits,
            misses,
            recorded,
            round(seconds_saved, 3),
            keys,
        )


class _OpenSession:
    """A session that goes on. `eager`: its process may end at any moment without a word, as
    children do, so each key is noted at once. Elsewhere the keys of a second are noted together,
    which costs a hit nothing."""

    def __init__(self, root: str, counters: Counters, *, eager: bool = False) -> None:
        self._root, self._counters, self._eager = root, counters, eager
        self._noted = _NOTHING
        self._draft = Draft(root)
        self._fresh: list[str] = []
        self._written = clock.perf_counter()
        counters.first_use = self._use

    def _use(self, key: str) -> None:
        self._fresh.append(key)
        now = clock.perf_counter()
        if self._eager or now - self._written > _TOGETHER:
            self._written = now
            fresh, self._fresh = self._fresh, []
            self._draft.use(fresh, _difference(_totals(self._counters), self._noted))

    def note(self) -> None:
        """Note what was done since the last time."""
        self._draft.add(self._counters, self._noted)
        self._noted = _totals(self._counters)
        self._draft.write()
        self._draft = Draft(self._root, self._draft.by)

    def forked(self) -> None:
        self._eager, self._fresh = True, []
        self._noted = _totals(self._counters)
        self._counters.used.clear()
        self._draft = Draft(self._root, self._draft.by)


def _totals(counters: Counters) -> _Totals:
    return counters.hits, counters.misses, counters.recorded, counters.seconds_saved


def _difference(now: _Totals, then: _Totals) -> _Totals:
    return now[0] - then[0], now[1] - then[1], now[2] - then[2], now[3] - then[3]


def write(root: str, note: Note) -> None:
    """Write a note. Raises OSError."""
    _make_folder(root)
    _put(root, note.id, [note])
    _compact_many(root)


def _make_folder(root: str) -> None:
    """Make the folder of sessions. Raises OSError."""
    layout.make_local(root)
    folder = layout.sessions(root)
    refuse_links(root, folder)
    make_folder(folder)


def _compact_many(root: str) -> None:
    """Compact the files if they are many. Raises OSError."""
    names = Disk.listdir(layout.sessions(root))
    if len(names) > MANY_FILES and len(_closed(root)) > MANY_FILES:
        compact(root)


def read(root: str) -> list[Note]:
    """Return all sessions that were noted, oldest first. What cannot be read is passed over."""
    return _merged(note for file in _files(root) for note in _read(root, file))


def compact(root: str) -> None:
    """Compact all files into one, but for parts that may go on. Raises OSError."""
    files = _closed(root)
    read = {file: notes for file in files if (notes := _read(root, file))}
    notes = _merged(note for some in read.values() for note in some)
    if not notes:
        return
    kept = []
    seen: set[tuple[str, str]] = set()
    for note in reversed(notes):
        mine = {(note.by, key) for key in note.keys} - seen
        seen |= mine
        if mine or clock.now() - note.ended < FORGET_AFTER:
            kept.append(note._replace(keys=tuple(key for _, key in sorted(mine))))
    name = f"{int(notes[-1].started):08x}-all-{os.urandom(4).hex()}"
    _put(root, name, kept)
    for file in read:  # only what is in the new file
        try_remove(file)


def _files(root: str) -> list[str]:
    folder = layout.sessions(root)
    try:
        refuse_links(root, folder)
        return [os.path.join(folder, name) for name in Disk.listdir(folder)]
    except OSError:
        return []


def _closed(root: str) -> list[str]:
    """Return the files that nobody adds to."""
    return [file for file in _files(root) if not file.endswith(_PART) or _is_over(file)]


def _is_over(part: str) -> bool:
    try:
        return clock.now() - Disk.stat(part).st_mtime > PART_GOES_ON
    except OSError:
        return False


def _read(root: str, file: str) -> list[Note]:
    try:
        with Disk.fdopen(open_own(root, file), "rb") as lines:
            return list(_notes(lines))
    except OSError:
        return []


def _notes(lines: Iterable[bytes]) -> Iterator[Note]:
    for line in lines:
        try:
            fields = orjson.loads(line)
            note = Note(**{**fields, "keys": tuple(fields["keys"])})
        except (ValueError, TypeError, KeyError):
            continue  # a crash cut the line short
        if _is_sound(note):
            yield note


def _is_sound(note: Note) -> bool:
    return (
        all(isinstance(text, str) for text in (note.id, note.by, note.run, *note.keys))
        and all(isinstance(n, int | float) for n in (note.started, note.ended, note.seconds_saved))
        and all(isinstance(n, int) for n in (note.hits, note.misses, note.recorded, note.code))
    )


def _merged(notes: Iterable[Note]) -> list[Note]:
    """Return notes sorted by their end. Of the notes of one session the last counts, with the keys
    of all."""
    keys: dict[str, set[str]] = {}
    last: dict[str, Note] = {}
    for note in notes:
        keys.setdefault(note.id, set()).update(note.keys)
        last[note.id] = max(last.get(note.id, note), note, key=_progress)
    whole = [note._replace(keys=tuple(keys[note.id])) for note in last.values()]
    return sorted(whole, key=lambda note: (note.ended, note.id))


def _progress(note: Note) -> tuple[int, float]:
    return note.hits + note.misses + note.recorded, note.ended


def _put(root: str, name: str, notes: list[Note]) -> None:
    folder = layout.sessions(root)
    data = b"".join(map(_line, notes))
    write_whole(os.path.join(folder, f"{name}.jsonl"), data, layout.tmp(root))
    flush_folder(folder)  # the files it replaces are removed only once it is on the disk


def _line(note: Note) -> bytes:
    return orjson.dumps(note._asdict()) + b"\n"
