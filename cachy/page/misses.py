"""What was not in the store: by session, from the journal; one by one, where CACHY_LOG names a
file; and why an entry had to be recorded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import orjson

from cachy.engine.events import VARIABLE
from cachy.engine.secret_search import masked
from cachy.explain import why
from cachy.page import queries
from cachy.store import journal
from cachy.store.folder import DirStore
from cachy.upkeep.transcript import to_json

if TYPE_CHECKING:
    import sqlite3

    from cachy.store.entry import Entry

_MOST_SESSIONS = 200
_MOST_LOGGED = 300
_END_OF_LOG = 2**20  # bytes that are read
_BUDGET = 1.0  # seconds of a search for the closest recording


def sessions(db: sqlite3.Connection, root: str) -> list[dict[str, Any]]:
    """Return the sessions that missed something, newest first, each with what it recorded."""
    found = [note for note in journal.read(root) if note.misses or note.recorded]
    return [
        {
            "by": note.by,
            "ended": note.ended,
            "hits": note.hits,
            "misses": note.misses,
            "recorded": note.recorded,
            "seconds_saved": note.seconds_saved,
            "rows": [
                row
                for row in queries.keys_of(db, note.keys, note.started - 1)
                if row["second"] <= note.ended + 1
            ],
        }
        for note in reversed(found[-_MOST_SESSIONS:])
    ]


def logged() -> dict[str, Any]:
    """Return the last misses in the file that CACHY_LOG names, newest first, with their reasons."""
    path = os.environ.get(VARIABLE, "")
    if not os.path.isfile(path):
        return {"file": "", "misses": []}
    with open(path, "rb") as file:
        file.seek(max(os.path.getsize(path) - _END_OF_LOG, 0))
        lines = file.read().splitlines()
    misses = [event for line in lines if (event := _miss(line)) is not None]
    return {"file": path, "misses": misses[: -_MOST_LOGGED - 1 : -1]}


def _miss(line: bytes) -> dict[str, Any] | None:
    try:
        event = orjson.loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict) or event.get("event") not in ("miss", "refused", "not kept"):
        return None
    names = ("time", "event", "method", "url", "model", "reason", "key")
    return {name: masked(str(event[name])[:2000]) for name in names if event.get(name)}


def explanation(root: str, entry: Entry) -> dict[str, Any]:
    """Return why no older recording answered the request of this one."""
    found = why(DirStore(root), entry.head, budget=_BUDGET)
    asked = to_json(entry.head.get("request"))
    return {
        "reason": masked(found.reason, of=asked),
        "differences": [masked(line[:2000], of=asked) for line in found.differences[:50]],
    }
