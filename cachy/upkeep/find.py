"""Find an entry by its key, the first digits of one, or its file; and the filters of `ls`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import groupby
from typing import NamedTuple

from cachy.errors import CachyError, ConfigError, Defect
from cachy.store import journal, layout
from cachy.store.entry import Entry
from cachy.store.files import read_file
from cachy.store.folder import File, entry_files, read_entry, unpack
from cachy.store.layout import FOLDER, find_root
from cachy.store.names import NAME_LENGTH, SUFFIX, is_name, key_in, second_in, stamp_in
from cachy.store.program import seen_from
from cachy.upkeep.index import Row
from cachy.upkeep.transcript import answered, asked, is_outline

SHORTEST = 4
"""Digits of a key, at least: what starts with fewer would be half of a store."""

_MOST_LISTED = 10


def root_of(cache_dir: str | None = None) -> str:
    """Return the path of a store. `cache_dir` is the folder that holds `.cachy`, or `.cachy`
    itself; by default the store is found as `enable_cachy` finds it.

    Raises ConfigError if `cache_dir` is a file.
    """
    if cache_dir is not None and not os.path.isdir(os.path.join(cache_dir, FOLDER)):
        named = os.path.basename(os.path.abspath(cache_dir)) == FOLDER
        if named or os.path.isfile(layout.manifest(cache_dir)):
            return os.path.abspath(cache_dir)
    return find_root(cache_dir)


class FoundEntry(NamedTuple):
    """An entry, and the file it is in."""

    path: str
    entry: Entry


def find_entry(root: str, text: str) -> FoundEntry:
    """Return the entry with a key, with a key or name that starts with `text`, or in a file.

    Of several recordings of a key it is the one that is served: the newest that is sound.

    Raises ConfigError if no key or several keys match, or `text` is no start of a key; CachyError
    if no recording that matches is sound.
    """
    if is_file_name(text):
        return find_file(text)
    start = start_of_key(text)
    matches = [file for file in entry_files(root, start[:2]) if file.name.startswith(start)]
    keys = sorted({key_in(file.name) for file in matches})
    if not keys:
        raise ConfigError(f"no key in {root} starts with {text!r}: `cachy ls` lists them")
    if len(keys) > 1:
        more = f" and {len(keys) - _MOST_LISTED} more" if len(keys) > _MOST_LISTED else ""
        listed = "\n  ".join(keys[:_MOST_LISTED])
        raise ConfigError(
            f"{len(keys)} keys start with {text!r}, so give more digits:\n  {listed}{more}"
        )
    problem = ""
    for file in sorted(matches, key=lambda file: file.name, reverse=True):
        try:
            return FoundEntry(file.path, read_entry(file.path))
        except FileNotFoundError:
            problem = problem or "it was removed just now"
        except Defect as defect:
            problem = problem or f"{file.path}: {defect}"
    raise CachyError(f"no recording of {keys[0]} is sound ({problem}): see `cachy fsck`")


def newest_entries(root: str, number: int) -> list[FoundEntry]:
    """Return the newest sound entries of a store, at most `number`, newest first. Only files of the
    last seconds are read."""
    files = sorted(entry_files(root), key=lambda file: stamp_in(file.name), reverse=True)
    found: list[FoundEntry] = []
    for _, of_second in groupby(files, key=lambda file: second_in(file.name)):
        if len(found) >= number:
            break
        found += sorted(_sound(of_second), key=_recorded, reverse=True)
    return found[:number]


def _sound(files: Iterable[File]) -> Iterator[FoundEntry]:
    for file in files:
        try:
            yield FoundEntry(file.path, read_entry(file.path))
        except (Defect, FileNotFoundError):
            continue


def _recorded(found: FoundEntry) -> str:
    """Return when an entry was recorded, to the microsecond."""
    return str(found.entry.head.get("recorded"))


def is_file_name(text: str) -> bool:
    """Return whether this argument names a file, not a key."""
    return os.sep in text or "/" in text or text.endswith(SUFFIX)


def start_of_key(text: str) -> str:
    """Return the first digits of a key, or of the name of an entry, as names have them. Raises
    ConfigError if they are too few or none."""
    start = text.lower()
    if len(start) < SHORTEST or not set(start) <= _DIGITS:
        raise ConfigError(f"invalid key {text!r}: give at least its first {SHORTEST} digits")
    return start


_DIGITS = frozenset("0123456789abcdef-")


def find_file(path: str) -> FoundEntry:
    """Return the entry in a file anywhere whose name ends with that of an entry: git makes copies
    called `git-blob-…/NAME.entry` or `…_NAME.entry`.

    Raises ConfigError if there is no such file, CachyError if it is not a sound entry.
    """
    try:
        data = read_file(path)
        return FoundEntry(path, unpack(name_in(path), data))
    except FileNotFoundError:
        raise ConfigError(f"there is no file {path}: give a key, or the path of an entry") from None
    except Defect as defect:
        raise CachyError(f"{path} is not a sound entry: {defect}") from None


def name_in(path: str) -> str:
    """Return the name of an entry at the end of a path. Raises ConfigError if there is none."""
    name = os.path.basename(path).removesuffix(SUFFIX)[-NAME_LENGTH:]
    if path.endswith(SUFFIX) and is_name(name):
        return name
    raise ConfigError(f"{path} does not have the name of an entry, KEY-STAMP{SUFFIX}")


# ---- The filters of ls ----


class Filter(NamedTuple):
    """Which entries `ls` shows: those to which everything given applies. `model`, `host`,
    `scope` and `notebook` may contain `*`; `after` and `before` are seconds since 1970; `text`
    occurs in the prompt or the answer."""

    model: str = ""
    host: str = ""
    after: float | None = None
    before: float | None = None
    text: str = ""
    notebook: str = ""
    scope: str = ""


class Selection:
    """The rows of a store that pass a filter. Only `text` opens files.

    `outlines` counts the entries of which only the outline of the request was there to be searched,
    and did not have the text. Raises ConfigError for a `notebook` that is not in the journal.
    """

    def __init__(self, root: str, rows: Iterable[Row], wanted: Filter) -> None:
        self.outlines = 0
        tests: list[Callable[[Row], bool]] = []
        if wanted.model:
            tests.append(lambda row: matches(row.model, wanted.model))
        if wanted.host:
            tests.append(lambda row: matches(row.host, wanted.host))
        if wanted.scope:
            tests.append(lambda row: matches(row.scope, wanted.scope))
        if (after := wanted.after) is not None:
            tests.append(lambda row: row.second >= after)
        if (before := wanted.before) is not None:
            tests.append(lambda row: row.second <= before)
        if wanted.notebook:
            keys = _used_by(root, wanted.notebook)
            tests.append(lambda row: row.key in keys)
        if text := wanted.text.lower():
            tests.append(lambda row: self._contains(row, text))
        self._rows = (row for row in rows if all(test(row) for test in tests))

    def __iter__(self) -> Iterator[Row]:
        return self._rows

    def _contains(self, row: Row, text: str) -> bool:
        if text in row.prompt.lower():
            return True
        try:
            entry = read_entry(row.file.path)
        except (Defect, FileNotFoundError):
            return False
        if any(text in turn.text.lower() for turn in (*asked(entry.head), *answered(entry))):
            return True
        self.outlines += is_outline(entry.head)
        return False


def matches(value: str, pattern: str) -> bool:
    """Return whether a model, host or scope matches a pattern with `*`, in any case."""
    return fnmatchcase(value.lower(), pattern.lower())


def _used_by(root: str, notebook: str) -> set[str]:
    """Return the keys that a notebook or script used. It is named by its path from here or from the
    folder of the store, by its file name, or by a pattern of these."""
    path = seen_from(root, os.path.abspath(notebook))
    notes = journal.read(root)
    sessions = [
        note
        for note in notes
        if path == note.by
        or fnmatchcase(note.by, notebook)
        or fnmatchcase(note.by.rpartition("/")[2], notebook)
    ]
    if not sessions:
        known = sorted({note.by for note in notes})
        listed = f", only of {', '.join(known[:_MOST_LISTED])}" if known else ""
        raise ConfigError(f"the journal has no session of {notebook!r}{listed}: run it once")
    return {key for note in sessions for key in note.keys}
