"""Why a request was not answered: the closest recording, and what differs from it.

    request.py    the request that missed
    closest.py    finds the closest recording; distance.py says how far two are apart
    diff.py       compares the two, field by field
    words.py      puts the differences into words

`explain()` is about a miss, `why()` about a recording: why no older one answered its request.

Only this file does IO: it reads heads from the store, newest first, for BUDGET seconds at most, and
says so if that was not enough. It runs after a miss whose explanation is wanted, never for a hit.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.errors import Defect
from cachy.explain.closest import Closest, closest
from cachy.explain.diff import differences
from cachy.explain.request import Address, MissedRequest
from cachy.explain.words import lines, verdict
from cachy.store import entry as codec
from cachy.store.folder import list_folder
from cachy.store.layout import FOLDER, short_path
from cachy.store.names import key_of

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
        among = f" of {_count(search.same)} of this endpoint" if search.same else ""
        key, day = str(search.head.get("key", ""))[:8], str(search.head.get("recorded", ""))[:10]
        which = f"the closest{among}{recorded.limits} is {key} of {day}"
        return f"{verdict(found)}; {which}", lines(found)
    if search.bare:
        were = "was" if search.same == 1 else "were"
        return (
            f"nothing was recorded for it; {_count(search.same)} of this endpoint {were} made with "
            'requests="none", which stores nothing to compare'
        ), []
    if search.endpoints:
        others = ", ".join(path for path, _ in search.endpoints.most_common(3))
        return f"nothing was recorded for this endpoint; from {host} the store has {others}", []
    hosts = ", ".join(name for name, _ in search.hosts.most_common(3))
    are = "is" if search.seen == 1 else "are"
    return (
        f"nothing was recorded from {host}: "
        f"the {_count(search.seen)} in the store {are} from {hosts}"
    ), []


def _count(recordings: int) -> str:
    return f"{recordings:,} recording{'s' * (recordings != 1)}"


# ---- What was recorded ----


class _Recorded:
    """The heads and requests in a store, as lines of JSON, newest first, while the time lasts."""

    def __init__(self, store: Store, budget: float, before: str = "") -> None:
        self._store, self._budget, self._before = store, budget, before
        self.listed = True
        self.limits = ""
        self.emptiness = "the store is empty: nothing has been recorded in it yet"
        if store.root is not None and not os.path.isdir(store.root):
            self.emptiness = f"there is no store at {store.root} yet"
        elif before:
            self.emptiness = "nothing was recorded before it"

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        until = time.perf_counter() + self._budget
        names = self._store.names()
        if names is None:
            self.listed = False
            return
        for done, name in enumerate(names):
            if done and time.perf_counter() > until:
                self.limits = f" (of the newest {done:,} of {len(names):,} recordings)"
                return
            try:
                head, request = codec.lines(self._store.frame(name))
            except (Defect, OSError, KeyError):
                continue  # `get` has warned of what is broken
            if not self._before or _recorded(head) < self._before:
                yield head, request


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


# ---- What to do about it ----


def remedy(store: Store) -> str:
    """How to record what is missing: the command of this very run, in another mode."""
    where = "where the API can be reached"
    if store.root is not None:
        where += f", then commit what is new in {store.root}"
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    if get_ipython is not None and getattr(get_ipython(), "kernel", None) is not None:
        return f'run this cell again after enable_cachy(mode="auto"), {where}'
    return f"{_in_auto_mode(_command())}, {where}"


def _command() -> str:
    """What to type to run this again, without arguments, which may hold anything."""
    if test := os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]:
        return f"pytest {shlex.quote(test)}"
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None and spec.name:
        return f"python -m {spec.name.removesuffix('.__main__')}"
    script = sys.argv[0] if sys.argv else ""
    if not script or script == "-c":
        return "python …"
    return f"python {shlex.quote(short_path(script))}"


def _in_auto_mode(command: str) -> str:
    if os.name == "nt":
        return f'$env:CACHY_MODE="auto"; {command}'
    return f"CACHY_MODE=auto {command}"
