"""From what a user typed to an entry: a key, the start of one, a file. And the filters of `ls`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from cachy.errors import CachyError, ConfigError, Defect
from cachy.store import journal
from cachy.store.entry import Entry
from cachy.store.files import read_file
from cachy.store.folder import File, entry_files, read_entry, unpack
from cachy.store.layout import FOLDER, find_root
from cachy.store.names import NAME_LENGTH, SUFFIX, is_name, key_in
from cachy.upkeep.index import Row
from cachy.upkeep.transcript import answered, asked

_LISTED = 10


def root_of(cache_dir: str | None = None) -> str:
    """The store meant: the folder that holds `.cachy`, or `.cachy` itself; by default as
    `enable_cachy` finds it. Raises ConfigError if `cache_dir` is a file."""
    if cache_dir is not None and not os.path.isdir(os.path.join(cache_dir, FOLDER)):
        named = os.path.basename(os.path.abspath(cache_dir)) == FOLDER
        if named or os.path.isfile(os.path.join(cache_dir, "manifest.json")):
            return os.path.abspath(cache_dir)
    return find_root(cache_dir)


class Found(NamedTuple):
    """An entry, and the file it is in."""

    path: str
    entry: Entry


def find(root: str, text: str) -> Found:
    """The entry of a key, of the start of one (or of a name), or in a file.

    Of several recordings of a key it is the one that is served: the newest that is sound. Raises
    ConfigError if none or several match, CachyError if none that matches is sound.
    """
    if is_file_name(text):
        return find_file(text)
    matches = _matches(root, text.lower())
    keys = sorted({key_in(file.name) for file in matches})
    if not keys:
        raise ConfigError(f"no key in {root} starts with {text!r}: `cachy ls` lists them")
    if len(keys) > 1:
        more = f" and {len(keys) - _LISTED} more" if len(keys) > _LISTED else ""
        listed = "\n  ".join(keys[:_LISTED])
        raise ConfigError(
            f"{len(keys)} keys start with {text!r}, so give more digits:\n  {listed}{more}"
        )
    what = ""
    for file in sorted(matches, key=lambda file: file.name, reverse=True):
        try:
            return Found(file.path, read_entry(file.path))
        except FileNotFoundError:
            what = "it was removed just now"
        except Defect as defect:
            what = what or f"{file.path}: {defect}"
    raise CachyError(f"no recording of {keys[0]} is sound ({what}): `cachy fsck` tells more")


def is_file_name(text: str) -> bool:
    """Whether a user who types this means a file, not a key."""
    return os.sep in text or "/" in text or text.endswith(SUFFIX)


def _matches(root: str, start: str) -> list[File]:
    if not start:
        return []
    if len(start) >= 2:  # one shard, not all
        return [file for file in entry_files(root, start[:2]) if file.name.startswith(start)]
    return [file for file in entry_files(root) if file.name.startswith(start)]


def find_file(path: str) -> Found:
    """The entry in a file whose name ends like an entry's, wherever it is: git hands out copies
    under `git-blob-…/NAME.entry` or `…_NAME.entry`. Raises ConfigError, CachyError."""
    try:
        data = read_file(path)
        return Found(path, unpack(name_in(path), data))
    except FileNotFoundError:
        raise ConfigError(f"there is no file {path}: give a key, or the path of an entry") from None
    except Defect as defect:
        raise CachyError(f"{path} is no sound entry: {defect}") from None


def name_in(path: str) -> str:
    """The entry's name at the end of a file's. Raises ConfigError if there is none."""
    name = os.path.basename(path).removesuffix(SUFFIX)[-NAME_LENGTH:]
    if path.endswith(SUFFIX) and is_name(name):
        return name
    raise ConfigError(f"{path} is not named as an entry is: KEY-STAMP{SUFFIX}")


# ---- The filters of ls ----


class Filter(NamedTuple):
    """What `ls` shows: all of these must hold. `model`, `host` and `notebook` take `*`; `after`
    and `before` are seconds since 1970; `text` is looked for in what was asked and answered."""

    model: str = ""
    host: str = ""
    after: float | None = None
    before: float | None = None
    text: str = ""
    notebook: str = ""


def select(root: str, rows: Iterable[Row], wanted: Filter) -> Iterator[Row]:
    """The rows that pass. Only `text` opens files."""
    tests: list[Callable[[Row], bool]] = []
    if wanted.model:
        tests.append(lambda row: matches(row.model, wanted.model))
    if wanted.host:
        tests.append(lambda row: matches(row.host, wanted.host))
    if (after := wanted.after) is not None:
        tests.append(lambda row: row.second >= after)
    if (before := wanted.before) is not None:
        tests.append(lambda row: row.second <= before)
    if wanted.notebook:
        keys = _used_by(root, wanted.notebook)
        tests.append(lambda row: row.key in keys)
    if wanted.text:
        tests.append(lambda row: _says(row, wanted.text.lower()))
    return (row for row in rows if all(test(row) for test in tests))


def matches(value: str, pattern: str) -> bool:
    """Whether a model or host is the one meant. Case does not matter."""
    return fnmatchcase(value.lower(), pattern.lower())


def _used_by(root: str, notebook: str) -> set[str]:
    """The keys that a notebook or script used: by its path from here or from the store, its name,
    or a pattern of these. Raises ConfigError if no session is noted for it."""
    path = journal.seen_from(root, os.path.abspath(notebook))
    notes = journal.read(root)
    found = [
        note
        for note in notes
        if path == note.by
        or fnmatchcase(note.by, notebook)
        or fnmatchcase(note.by.rpartition("/")[2], notebook)
    ]
    if not found:
        known = sorted({note.by for note in notes})
        listed = f"; noted are {', '.join(known[:_LISTED])}" if known else ""
        raise ConfigError(f"no session of {notebook!r} is noted here{listed}: run it once")
    return {key for note in found for key in note.keys}


def _says(row: Row, text: str) -> bool:
    if text in row.prompt.lower():
        return True
    try:
        entry = read_entry(row.file.path)
    except (Defect, FileNotFoundError):
        return False
    return any(text in turn.text.lower() for turn in (*asked(entry.head), *answered(entry)))
