"""The history of a key in git: `cachy log`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from cachy.errors import CachyError, ConfigError, Defect
from cachy.store.folder import File, entry_files, read_entry, unpack
from cachy.store.names import key_in, place_of
from cachy.upkeep.diff import first_words
from cachy.upkeep.find import is_file_name, name_in, start_of_key
from cachy.upkeep.git import Repo


class Event(NamedTuple):
    """A recording that a commit added (`sign` +) or removed (-). One that is not committed has no
    commit. `answer` holds the first words of the answer. `in_force`: of several recordings of its
    key, the one that is served."""

    sign: str
    name: str
    commit: str
    date: str
    author: str
    subject: str
    answer: str
    in_force: bool = False


def history(root: str, key: str) -> list[Event]:
    """Return what commits did to the recordings of the keys that start with `key`, or to that of a
    file, newest first.

    Raises ConfigError outside a repository, or for fewer than four digits; CachyError if git fails.
    """
    start = name_in(key) if is_file_name(key) else start_of_key(key)
    repo = Repo.around(root)
    if repo is None:
        raise ConfigError(f"{root} is not in a git repository, so there is no history")
    changes = repo.log(f"{start[:2]}/{start}")
    known = {change.path for change in changes}
    files = sorted(entry_files(root, start[:2]), key=lambda file: file.name, reverse=True)
    files = [file for file in files if file.name.startswith(start)]
    new = [
        Event("+", file.name, "", "", "", "", _words_on_disk(file.path))
        for file in files
        if f"{repo.prefix}/{place_of(file.name)}" not in known
    ]
    blobs = repo.blobs(change.blob for change in changes)
    old = []
    for change, data in zip(changes, blobs, strict=True):
        name = name_in(change.path)
        sign = "-" if change.removed else "+"
        old.append(
            Event(
                sign, name, change.commit, change.date, change.author, change.subject,
                _words(name, data),
            )
        )  # fmt: skip
    return list(_marked(new + old, files))


def _marked(events: list[Event], files: list[File]) -> Iterator[Event]:
    """Yield the events, and mark for each key with several recordings the one that is served, where
    it was added last. `files` are those of the store, newest first."""
    several = Counter(key_in(name) for name in {event.name for event in events})
    served: dict[str, str] = {}
    for file in files:
        key = key_in(file.name)
        if several[key] > 1 and key not in served and _is_sound(file):
            served[key] = file.name
    for event in events:
        if event.sign == "+" and served.get(key_in(event.name)) == event.name:
            del served[key_in(event.name)]
            event = event._replace(in_force=True)
        yield event


def _is_sound(file: File) -> bool:
    try:
        read_entry(file.path)
    except (Defect, FileNotFoundError):
        return False
    return True


def _words_on_disk(path: str) -> str:
    try:
        return first_words(read_entry(path))
    except (CachyError, FileNotFoundError):
        return ""


def _words(name: str, data: bytes) -> str:
    try:
        return first_words(unpack(name, data))
    except Defect:
        return ""
