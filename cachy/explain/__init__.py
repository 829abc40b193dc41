"""Why a request was not answered: the closest recording, and what differs from it.

    request.py    the request that missed
    closest.py    finds the closest recording; distance.py says how far two are apart
    diff.py       compares the two, field by field
    words.py      puts the differences into words
    remedy.py     how to record what is missing

`explain()` is about a miss, `why()` about a recording: why no older one answered its request.

Only this file does IO: it reads heads from the store, newest first, for BUDGET seconds at most, and
says so if that was not enough. It runs after a miss whose explanation is wanted, never for a hit.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.errors import Defect
from cachy.explain.closest import Closest, closest
from cachy.explain.diff import differences
from cachy.explain.remedy import remedy
from cachy.explain.request import Address, MissedRequest
from cachy.explain.words import is_new, lines, verdict
from cachy.store import entry as codec
from cachy.store.disk import is_dir
from cachy.store.folder import list_folder
from cachy.store.layout import FOLDER
from cachy.store.names import key_of
from cachy.wording import count

if TYPE_CHECKING:
    from cachy.store.base import Store

BUDGET = 0.15
"""Seconds. 5,000 recordings take about 0.12."""


class Explanation(NamedTuple):
    """Why a request was not answered. `reason` is a sentence; `differences` are lines."""

    reason: str
    differences: list[str]
    remedy: str


def explain(store: Store, canonical: bytes, key: str, *, budget: float = BUDGET) -> Explanation:
    """Explain why the store has no answer to the canonical request with this key.

    `budget` is in seconds. A mapping that serves as the store may raise anything.
    """
    request = MissedRequest.from_canonical(canonical)
    recorded = _Recorded(store, budget)
    search = closest(request, recorded)
    reason, differences = _reason(request, search, recorded)
    if elsewhere := _elsewhere(store, key, lost=search.head is None):
        reason += f"; {elsewhere}"
    return Explanation(reason, differences, remedy(store))


def why(store: Store, head: dict[str, Any], *, budget: float = 10.0) -> Explanation:
    """Explain why no older entry of the store answered the request of the entry with this head.
    `budget` is in seconds."""
    request = MissedRequest.from_head(head)
    recorded = _Recorded(store, budget, before=str(head.get("recorded", "")))
    search = closest(request, (lines for lines in recorded if not _is_of(head, lines[0])))
    if not isinstance(head.get("request"), dict):
        search = search._replace(head=None, bare=search.same)
    return Explanation(*_reason(request, search, recorded), remedy="")


def _reason(request: MissedRequest, search: Closest, recorded: _Recorded) -> tuple[str, list[str]]:
    """Return a sentence, and the differences if there is a recording to compare with."""
    host = Address.from_url(request.url).host
    if not recorded.listed:
        return "nothing was recorded for it (and this kind of store lists nothing to compare)", []
    if not search.seen:
        return recorded.emptiness, []
    if search.head is not None:
        found = differences(search.head, request)
        among = f" of {count(search.same, 'recording')} of this endpoint" if search.same else ""
        key, day = str(search.head.get("key", ""))[:8], str(search.head.get("recorded", ""))[:10]
        which = f"the closest{among}{recorded.limits} is {key} of {day}"
        # How a new question differs from another tells nothing.
        return f"{verdict(found)}; {which}", [] if is_new(found) else lines(found)
    if search.bare:
        were = "was" if search.same == 1 else "were"
        return (
            f"nothing was recorded for it; {count(search.same, 'recording')} of this endpoint "
            f'{were} made with requests="none", which stores nothing to compare'
        ), []
    if search.endpoints:
        others = ", ".join(path for path, _ in search.endpoints.most_common(3))
        if recorded.limits:
            return f"none{recorded.limits} is of this endpoint; those of {host} are {others}", []
        return f"nothing was recorded for this endpoint; from {host} the store has {others}", []
    hosts = ", ".join(name for name, _ in search.hosts.most_common(3))
    if recorded.limits:
        return f"none{recorded.limits} is from {host}; they are from {hosts}", []
    are = "is" if search.seen == 1 else "are"
    return (
        f"nothing was recorded from {host}: "
        f"the {count(search.seen, 'recording')} in the store {are} from {hosts}"
    ), []


# ---- What was recorded ----


class _Recorded:
    """The heads and requests in a store, as lines of JSON, newest first, while the time lasts."""

    def __init__(self, store: Store, budget: float, before: str = "") -> None:
        self._store, self._budget, self._before = store, budget, before
        self.listed = True
        self.limits = ""
        self.emptiness = "the store is empty: nothing has been recorded in it yet"
        if store.root is not None and not is_dir(store.root):
            self.emptiness = f"there is no store at {store.root} yet"
        elif before:
            self.emptiness = "nothing was recorded before it"

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        names = self._store.names()
        if names is None:
            self.listed = False
            return
        until = 0.0
        sound = False
        for done, name in enumerate(names):
            if until and time.perf_counter() > until:
                self.limits = f" (of the newest {done:,} of {len(names):,} recordings)"
                return
            try:
                head, request = codec.lines(self._store.frame(name))
            except (Defect, OSError, KeyError):
                continue  # `get` has warned of what is broken
            sound = True
            if not self._before or _recorded(head) < self._before:
                yield head, request
            # From the first on: what reads and compares them is imported and warm by now.
            until = until or time.perf_counter() + self._budget
        if names and not sound:
            self.emptiness = (
                f"of the {count(len(names), 'recording')} in the store none can be read: "
                "`cachy fsck` tells more"
            )


def _recorded(line: bytes) -> str:
    """When the entry with this head was recorded."""
    _, _, rest = line.partition(b'"recorded":"')
    return rest.partition(b'"')[0].decode("utf-8", "replace")


def _is_of(head: dict[str, Any], line: bytes) -> bool:
    return f'"key":"{head.get("key")}"'.encode() in line[:200]


# ---- Stores elsewhere ----


def _elsewhere(store: Store, key: str, *, lost: bool) -> str:
    """Say that another store has the key; or, if nothing comparable was recorded, that there is
    another store."""
    if store.root is None:
        return ""
    mine = os.path.normcase(store.root)
    others = [root for root in _others(store.root) if os.path.normcase(root) != mine]
    for root in others:
        if any(name.startswith(key_of(key)) for name in list_folder(os.path.join(root, key[:2]))):
            folder = os.path.dirname(root)
            return f"but {root} has it: run from that folder, or pass cache_dir={folder!r}"
    return f"there is another store at {others[0]}" if others and lost else ""


def _others(root: str) -> list[str]:
    """Return the stores with recordings in the working directory, beside `root`, or above them."""
    home = os.path.expanduser("~")
    folders: dict[str, None] = {}
    for folder in (*_here(), os.path.dirname(root)):
        folders[folder] = None
        while (folder := os.path.dirname(folder)) not in (*folders, home):
            folders[folder] = None
    roots = [os.path.join(folder, FOLDER) for folder in folders]
    return [each for each in roots if any(len(name) == 2 for name in list_folder(each))]


def _here() -> list[str]:
    try:
        return [os.getcwd()]
    except OSError:  # it was deleted
        return []
