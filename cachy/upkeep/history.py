"""The history of a key in git: `cachy log`."""

from __future__ import annotations

from typing import NamedTuple

from cachy.errors import CachyError, ConfigError, Defect
from cachy.store.folder import entry_files, read_entry, unpack
from cachy.store.names import place_of
from cachy.upkeep.diff import first_words
from cachy.upkeep.find import is_file_name, name_in
from cachy.upkeep.git import Repo

SHORTEST = 4
"""Digits of a key: what starts with fewer would be half of the store."""


class Event(NamedTuple):
    """A recording that a commit added (`sign` +) or removed (-). One that is not committed has no
    commit. `answer` holds the first words of the answer."""

    sign: str
    name: str
    commit: str
    date: str
    author: str
    subject: str
    answer: str


def history(root: str, key: str) -> list[Event]:
    """Return what commits did to the recordings of the keys that start with `key`, or to that of a
    file, newest first.

    Raises ConfigError outside a repository, or for fewer than four digits; CachyError if git fails.
    """
    start = name_in(key) if is_file_name(key) else key.lower()
    repo = Repo.around(root)
    if repo is None:
        raise ConfigError(f"{root} is not in a git repository, so there is no history")
    if len(start) < SHORTEST or not start.replace("-", "").isalnum():
        raise ConfigError(f"invalid key {key!r}: give at least its first {SHORTEST} digits")
    changes = repo.log(f"{start[:2]}/{start}")
    known = {change.path for change in changes}
    new = [
        Event("+", file.name, "", "", "", "", _words_on_disk(file.path))
        for file in sorted(entry_files(root, start[:2]), key=lambda file: file.name, reverse=True)
        if file.name.startswith(start) and f"{repo.prefix}/{place_of(file.name)}" not in known
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
    return new + old


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
