"""Why a request was not answered: the closest recording, and what differs from it.

    Asked ───┐
    heads ───┴─closest()─▶ Closest ──differences()──▶ [Change, …] ──verdict()──▶ one sentence

    explain()        of a miss: the reason, the differences, and what to do about it
    why()            of a recording: what kept an older one from answering (`cachy why`)

    closest.py       finds the recording; alike.py tells how far two are apart
    differences.py   field by field; texts.py within long texts
    changes.py       one difference, and the words for many

Only this file does any IO: it reads the heads from the store. It runs when a request has missed and
its explanation is wanted, never on the path of a hit; it reads newest first, for BUDGET seconds at
most, and says so if that was not enough.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import zstandard

from cachy.errors import Defect
from cachy.explain.closest import Asked, Closest, Place, closest
from cachy.explain.diff import differences
from cachy.explain.words import lines, verdict
from cachy.store import entry as codec
from cachy.store.folder import DirStore, list_folder
from cachy.store.layout import FOLDER
from cachy.store.names import key_of

if TYPE_CHECKING:
    from cachy.store.base import Store
    from cachy.store.names import Buffer

BUDGET = 0.15
"""Seconds. 5,000 recordings take about 0.12."""

_BLOCK = 65536


class Explanation(NamedTuple):
    """Why a request was not answered. `reason` is a sentence; `differences` are lines."""

    reason: str
    differences: list[str]
    remedy: str


def explain(store: Store, canonical: bytes, key: str, *, budget: float = BUDGET) -> Explanation:
    """Why the store has no answer to the canonical request with this key. A mapping that is a
    store may raise anything."""
    asked = Asked.of(canonical)
    recorded = _Recorded(store, budget)
    found = closest(asked, recorded)
    reason, differences = _reason(asked, found, recorded)
    if elsewhere := _elsewhere(store, key, lost=found.head is None):
        reason += f"; {elsewhere}"
    return Explanation(reason, differences, remedy(store))


def why(root: str, head: dict[str, Any], *, budget: float = 10.0) -> Explanation:
    """Of the entry in the store at `root` with this head: why no older one answered its request."""
    asked = Asked.again(head)
    recorded = _Recorded(DirStore(root), budget, before=str(head.get("recorded", "")))
    found = closest(asked, (lines for lines in recorded if not _is_of(head, lines[0])))
    if not isinstance(head.get("request"), dict):
        found = found._replace(head=None, bare=found.same)
    return Explanation(*_reason(asked, found, recorded), remedy="")


def _reason(asked: Asked, found: Closest, recorded: _Recorded) -> tuple[str, list[str]]:
    """One sentence, and the differences if there is something to compare with."""
    place = Place.of(asked.url)
    if not recorded.listed:
        return "nothing was recorded for it (and this kind of store lists nothing to compare)", []
    if not found.seen:
        return recorded.emptiness, []
    if found.head is not None:
        changes = differences(found.head, asked)
        among = f" of {_count(found.same, 'recording')} of this endpoint" if found.same else ""
        key, day = str(found.head.get("key", ""))[:8], str(found.head.get("recorded", ""))[:10]
        which = f"the closest{among}{recorded.limits} is {key} of {day}"
        return f"{verdict(changes)}; {which}", lines(changes)
    if found.bare:
        return (
            f"nothing was recorded for it. There are {_count(found.same, 'recording')} of this "
            f'endpoint, but made with requests="none", which keeps nothing to compare'
        ), []
    if found.endpoints:
        others = ", ".join(path for path, _ in found.endpoints.most_common(3))
        return f"nothing was recorded of this endpoint; of {place.host} there is {others}", []
    hosts = ", ".join(host for host, _ in found.hosts.most_common(3))
    return (
        f"nothing was recorded from {place.host}: "
        f"the {_count(found.seen, 'recording')} in the store {_are(found.seen)} from {hosts}"
    ), []


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


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
        decompressor = zstandard.ZstdDecompressor()
        names = self._store.names()
        if names is None:
            self.listed = False
            return
        for done, name in enumerate(names):
            if done and time.perf_counter() > until:
                self.limits = f" (of the newest {done:,} of {len(names):,} recordings)"
                return
            try:
                head, request = _lines(self._store.frame(name), decompressor)
            except (Defect, OSError, KeyError, zstandard.ZstdError):
                continue  # `get` has warned of what is broken
            if not self._before or _recorded(head) < self._before:
                yield head, request


def _lines(frame: Buffer, decompressor: zstandard.ZstdDecompressor) -> tuple[bytes, bytes]:
    """Return the head and the request in a frame; a long body after them is not expanded."""
    if zstandard.frame_content_size(frame) <= _BLOCK:
        text = decompressor.decompress(frame, max_output_size=_BLOCK)
    else:
        with decompressor.stream_reader(frame) as reader:
            text = reader.read(_BLOCK)
            while text.count(b"\n") < 2 and len(text) <= codec.HEAD_LIMIT:
                if not (more := reader.read(_BLOCK)):
                    break
                text += more
    head, _, rest = text.partition(b"\n")
    request, end, _ = rest.partition(b"\n")
    if not end:
        raise Defect("it has no request line")
    return head, request


def _recorded(line: bytes) -> str:
    """When the entry with this head was recorded."""
    _, _, rest = line.partition(b'"recorded":"')
    return rest.partition(b'"')[0].decode("utf-8", "replace")


def _is_of(head: dict[str, Any], line: bytes) -> bool:
    return f'"key":"{head.get("key")}"'.encode() in line[:200]


# ---- Stores elsewhere ----

_FOLDERS = 200


def _elsewhere(store: Store, key: str, *, lost: bool) -> str:
    """That another store, above or below, has the key; or if all is `lost` that there is one."""
    if store.root is None:
        return ""
    mine = os.path.normcase(store.root)
    others = [root for root in _others(store.root) if os.path.normcase(root) != mine]
    for root in others:
        if any(name.startswith(key_of(key)) for name in list_folder(os.path.join(root, key[:2]))):
            folder = os.path.dirname(root)
            return f"but {root} has it: start this elsewhere, or say cache_dir={folder!r}"
    return f"there is another store at {others[0]}" if others and lost else ""


def _others(root: str) -> list[str]:
    """The stores with recordings above the working directory and the store, and a little below."""
    tops = [os.getcwd(), os.path.dirname(root)]
    home = os.path.expanduser("~")
    folders: dict[str, None] = {}
    for top in tops:
        while os.path.dirname(top) != top and top != home:
            folders[top] = None
            top = os.path.dirname(top)
    below = list(tops)
    for top in below:
        if len(below) > _FOLDERS:
            break
        depth = min(top[len(each) :].count(os.sep) for each in tops if top.startswith(each))
        if depth < 3:
            below += [
                os.path.join(top, name)
                for name in sorted(list_folder(top))
                if not name.startswith((".", "_"))
                and name not in ("node_modules", "venv")
                and os.path.isdir(os.path.join(top, name))
            ]
    roots = [os.path.join(folder, FOLDER) for folder in dict.fromkeys([*folders, *below])]
    return [root for root in roots if any(len(name) == 2 for name in list_folder(root))]


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
    return f"python {shlex.quote(os.path.relpath(script) if os.name != 'nt' else script)}"


def _in_auto_mode(command: str) -> str:
    if os.name == "nt":
        return f'$env:CACHY_MODE="auto"; {command}'
    return f"CACHY_MODE=auto {command}"
