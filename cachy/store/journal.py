"""Which entries each session used, and for which notebook or script.

    local/sessions/SECOND-PID-RANDOM.jsonl    one line of JSON a session

During a session a hit costs one `set.add`. At its end (exit, `disable_cachy`, another
`enable_cachy`) it is noted, once, in a file of its own, so that writers need no lock. A session
that is killed notes nothing. When there are many files, they become one: there an older session
forgets the keys that a newer one of the same notebook used, and nothing else is lost, not even if
two processes do it at once.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from cachy.lazy import orjson
from cachy.rules.key import KEY_LENGTH
from cachy.store.files import (
    flush_folder,
    make_local,
    open_own,
    refuse_links,
    try_remove,
    write_whole,
)
from cachy.store.folder import DirStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cachy.engine.events import Stats

RUN_VARIABLE = "CACHY_RUN"
"""In the environment: what `cachy run` calls its run, for all sessions below it."""

MANY_FILES = 64
FORGET_AFTER = 90 * 86400
"""Seconds after which a session that is alone with no key is dropped."""


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


def begin(store: object, stats: Stats) -> None:
    """Start to keep the journal of a session, if its store is a folder."""
    if isinstance(store, DirStore):
        _open[id(stats)] = _Journal(store.root, stats)


def end(stats: Stats) -> None:
    """Note a session: it is over. Raises nothing."""
    if (journal := _open.pop(id(stats), None)) is not None:
        journal.end()


class _Journal:
    def __init__(self, root: str, stats: Stats) -> None:
        self.root, self.stats = root, stats
        self._by = who(root)  # now: at exit Python has already forgotten the script's name
        self._started = time.time()
        self._before = (0, 0, 0, 0.0)

    def end(self) -> None:
        """Write the note, if there is anything to say and a store to say it in. Raises nothing."""
        counts = self._counts()
        if counts == self._before or not os.path.isdir(self.root):
            return
        now = time.time()
        since = [after - before for after, before in zip(counts, self._before, strict=True)]
        self._before = counts
        note = Note(
            f"{int(self._started):08x}-{os.getpid()}-{os.urandom(4).hex()}",
            self._by,
            os.environ.get(RUN_VARIABLE, ""),
            self._started,
            now,
            int(since[0]),
            int(since[1]),
            int(since[2]),
            round(since[3], 3),
            tuple(key[:KEY_LENGTH] for key in self.stats.used.copy()),
        )
        try:
            write(self.root, note)
        except OSError:
            pass  # a read-only store is a good store

    def forked(self) -> None:
        """In a forked child: what the parent has counted and used is the parent's to note."""
        self._started, self._before = time.time(), self._counts()
        self.stats.used.clear()
        if util := sys.modules.get("multiprocessing.util"):
            # Its children leave without running what atexit knows.
            util.register_after_fork(
                self, lambda journal: util.Finalize(None, journal.end, (), {}, 0)
            )

    def _counts(self) -> tuple[int, int, int, float]:
        stats = self.stats
        return stats.hits, stats.misses, stats.recorded, stats.seconds_saved


_open: dict[int, _Journal] = {}
"""By the identity of the counters, which a journal keeps alive."""


def _at_exit() -> None:
    for journal in list(_open.values()):
        journal.end()


def _after_fork() -> None:
    for journal in list(_open.values()):
        journal.forked()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def who(root: str) -> str:
    """The notebook or script that runs here, as seen from the folder that holds the store."""
    main = sys.modules.get("__main__")
    names = vars(main) if main is not None else {}
    path = os.environ.get("JPY_SESSION_NAME") or names.get("__vsc_ipynb_file__")
    path = path or names.get("__file__")
    if not path and "ipykernel" in sys.modules:
        path = os.path.join(os.getcwd(), "")  # a notebook whose front end does not tell its name
    return seen_from(root, path or "(interactive)")


def seen_from(root: str, path: str) -> str:
    """A path from the folder that holds the store, with `/`; absolute if it is not below that."""
    if path == "(interactive)":
        return path
    home = os.path.join(os.path.dirname(os.path.realpath(root)), "")
    full = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    return full.removeprefix(home).replace(os.sep, "/") or "./"


def write(root: str, note: Note) -> None:
    """Keep a note. Raises OSError."""
    make_local(root)
    folder = _folder(root)
    refuse_links(root, folder)
    os.makedirs(folder, exist_ok=True)
    _put(root, note.id, [note])
    if len(os.listdir(folder)) > MANY_FILES:
        compact(root)


def read(root: str) -> list[Note]:
    """All sessions that were noted, oldest first. What cannot be read was not."""
    return _merged(note for file in _files(root) for note in _read(root, file))


def compact(root: str) -> None:
    """Make one file of all. Raises OSError."""
    files = _files(root)
    read = {file: notes for file in files if (notes := _read(root, file))}
    notes = _merged(note for some in read.values() for note in some)
    if not notes:
        return
    kept = []
    seen: set[tuple[str, str]] = set()
    for note in reversed(notes):
        mine = {(note.by, key) for key in note.keys} - seen
        seen |= mine
        if mine or time.time() - note.ended < FORGET_AFTER:
            kept.append(note._replace(keys=tuple(key for _, key in sorted(mine))))
    name = f"{int(notes[-1].started):08x}-all-{os.urandom(4).hex()}"
    _put(root, name, kept)
    for file in read:  # only what is in the new file
        try_remove(file)


def _folder(root: str) -> str:
    return os.path.join(root, "local", "sessions")


def _files(root: str) -> list[str]:
    folder = _folder(root)
    try:
        refuse_links(root, folder)
        return [os.path.join(folder, name) for name in os.listdir(folder)]
    except OSError:
        return []


def _read(root: str, file: str) -> list[Note]:
    try:
        with open(open_own(root, file), "rb") as lines:
            return list(_notes(lines))
    except OSError:
        return []


def _notes(lines: Iterable[bytes]) -> Iterator[Note]:
    for line in lines:
        try:
            fields = orjson.loads(line)
            note = Note(**{**fields, "keys": tuple(fields["keys"])})
        except (ValueError, TypeError, KeyError):
            continue  # a line that a crash has torn
        if _is_sound(note):
            yield note


def _is_sound(note: Note) -> bool:
    return (
        all(isinstance(text, str) for text in (note.id, note.by, note.run, *note.keys))
        and all(isinstance(n, int | float) for n in (note.started, note.ended, note.seconds_saved))
        and all(isinstance(n, int) for n in (note.hits, note.misses, note.recorded, note.code))
    )


def _merged(notes: Iterable[Note]) -> list[Note]:
    """Oldest end first; of two versions of one session, the keys of both."""
    found: dict[str, Note] = {}
    for note in notes:
        other = found.get(note.id)
        keys = note.keys if other is None else tuple({*note.keys, *other.keys})
        found[note.id] = note._replace(keys=keys)
    return sorted(found.values(), key=lambda note: (note.ended, note.id))


def _put(root: str, name: str, notes: list[Note]) -> None:
    folder = _folder(root)
    data = b"".join(orjson.dumps(note._asdict()) + b"\n" for note in notes)
    write_whole(os.path.join(folder, f"{name}.jsonl"), data, os.path.join(root, "local", "tmp"))
    flush_folder(folder)  # what it replaces goes only after it is surely there
