"""What git shows of entries.

    git diff                  calls `cachy git-diff` for each file     describe()
    git show, git log -p      call `cachy cat --text` for each blob    changes()

A recording has a file of its own, and no two files look alike, so git takes an answer that was
recorded again for a new file. Its predecessor is the newest older recording of the key, in git's
index or in the history of HEAD: with that it is compared.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from cachy.engine.secret_search import masked
from cachy.errors import CachyError, Defect
from cachy.store.entry import Entry
from cachy.store.files import read_file
from cachy.store.folder import unpack
from cachy.store.names import SUFFIX, is_name, key_in, stamp_in
from cachy.upkeep.compare import Comparison, compare
from cachy.upkeep.find import name_in
from cachy.upkeep.git import History
from cachy.upkeep.transcript import first_words, model, one_line, readable
from cachy.upkeep.word_diff import folded, marked

_ABSENT = os.devnull
_SHOWN = 100


class Shown(NamedTuple):
    """What is shown of a file. `op` is "~" for an answer that was recorded again, "+" for a new
    one, "-" for one that is gone, "" where `text` says it all; `compared` what differs from the
    recording before, else `text` is the whole entry."""

    op: str
    title: str
    prompt: str
    text: str = ""
    compared: Comparison | None = None


def describe(path: str, old: str, new: str) -> Shown:
    """Return what `git diff` shows of an entry: `old` and `new` are files with its two sides, one
    of which is the null device. Raises CachyError if it is no entry or not sound."""
    name = name_in(path)
    if new == _ABSENT:
        return _gone(path, name, _read(old, name))
    entry = _read(new, name)
    before = predecessor(name)
    if before is None:
        return Shown("+", f"added {_about(entry)}", _prompt(entry), readable(entry))
    return _again(before, entry)


def changes(path: str, entry: Entry) -> str:
    """Return as text how an entry differs from its predecessor; empty if it has none. Raises
    nothing: if this failed, `git show` would fail."""
    try:
        before = predecessor(name_in(path))
    except (CachyError, OSError):
        return ""
    if before is None:
        return ""
    shown = _again(before, entry)
    assert shown.compared is not None
    lines = [f"~ {shown.title}"]
    for part in shown.compared.parts:
        text = marked(folded(part.pieces))
        lines += [f"  {part.role}", *(f"    {line}" for line in text.split("\n"))]
    return "\n".join(lines) + "\n\n"


def predecessor(name: str) -> Entry | None:
    """Return the newest recording of a key that git has and that is older than this one."""
    history = History(os.getcwd())
    for found in history.recordings(key_in(name)):
        if (sound := _older(history, found, name)) is not None:
            return sound
    return None


def _older(history: History, found: dict[str, str], name: str) -> Entry | None:
    older = [each for each in found if stamp_in(each) < stamp_in(name)]
    for each in sorted(older, key=stamp_in, reverse=True):
        try:
            return unpack(each, history.blob(found[each]))
        except (Defect, CachyError):
            continue
    return None


def _gone(path: str, name: str, entry: Entry) -> Shown:
    """A recording that is not there any more, perhaps because a newer one took its place: one that
    git has shows the change itself."""
    newer = [
        each
        for found in History(os.getcwd()).recordings(key_in(name))
        for each in found
        if stamp_in(each) > stamp_in(name)
    ]
    if newer:
        title = f"replaced by the recording {min(newer, key=stamp_in)}"
        return Shown("", title, "")
    if (found := _beside(path, name)) is not None:
        return _again(entry, found)
    return Shown("-", f"removed {_about(entry)}", _prompt(entry), readable(entry))


def _beside(path: str, name: str) -> Entry | None:
    """Return the newest recording of the key in the work tree that git does not have yet."""
    folder = os.path.dirname(path)
    try:
        names = [each.removesuffix(SUFFIX) for each in os.listdir(folder or os.curdir)]
    except OSError:
        return None
    newer = [
        each
        for each in names
        if is_name(each) and key_in(each) == key_in(name) and stamp_in(each) > stamp_in(name)
    ]
    for each in sorted(newer, key=stamp_in, reverse=True):
        try:
            return _read(os.path.join(folder, each + SUFFIX), each)
        except CachyError:
            continue
    return None


def _again(before: Entry, entry: Entry) -> Shown:
    compared = compare(before, entry)
    notes = "; ".join(compared.notes) or ("another text" if compared.parts else "the same text")
    return Shown("~", f"re-recorded {_about(entry)}: {notes}", _prompt(entry), "", compared)


def _read(path: str, name: str) -> Entry:
    try:
        return unpack(name, read_file(path))
    except (Defect, FileNotFoundError) as error:
        raise CachyError(f"{path} is not a sound entry: {error}") from None


def _about(entry: Entry) -> str:
    head = entry.head
    return one_line(f"{str(head['key'])[:8]} {model(head) or '-'} {head.get('url')}", _SHOWN)


def _prompt(entry: Entry) -> str:
    return masked(first_words(entry.head))
