"""A report: the page in one file, with its data in it, for a CI artifact or a pull request."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy import clock, prices
from cachy.page import changes
from cachy.page import view as views
from cachy.page.assets import inlined
from cachy.page.media import media_of
from cachy.page.queries import Sum
from cachy.page.reading import read, texts_of
from cachy.store import journal
from cachy.upkeep.find import Filter, Selection
from cachy.upkeep.index import Flaw, Progress, by_time, scan, silent
from cachy.upkeep.transcript import to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from cachy.store.entry import Entry
    from cachy.upkeep.index import Row

_MOST_ENTRIES = 2000
_MOST_BYTES = 40 * 2**20
"""Bytes of a report. Entries that would make it longer are listed without what they say."""
_MOST_MEDIA = 8 * 2**20
"""Bytes of the images and sounds in a report."""
_LONGEST_WORDS = 20_000  # characters of an entry that can be searched


class Report(NamedTuple):
    """A report: its HTML, how many entries it has, and how many of them without what they say."""

    html: str
    entries: int
    left_out: int


def of_changes(root: str, revisions: str, *, progress: Progress = silent) -> Report:
    """Return a report of what differs between two revisions, as `cachy diff` has them.

    Raises ConfigError for a revision that git does not know; CachyError if git fails.
    """
    found = changes.branch(root, revisions)
    names = {change["name"] for change in found["changes"] if change["here"]}
    rows = [row for row in by_time(scan(root, progress=progress).rows) if row.name in names]
    title = f"cachy: {found['old']} → {found['new']}"
    return _report(root, title, rows, start="branch", branch=found)


def since(root: str, start: float, *, progress: Progress = silent) -> Report:
    """Return a report of the entries that sessions used since a second."""
    notes = [note for note in journal.read(root) if note.ended >= start]
    keys = {key for note in notes for key in note.keys}
    rows = [
        row
        for row in by_time(scan(root, progress=progress).rows)
        if row.key in keys and not row.superseded
    ]
    day = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(start))
    return _report(root, f"cachy: what was used since {day}", rows)


def of_notebook(root: str, notebook: str, *, progress: Progress = silent) -> Report:
    """Return a report of the entries that a notebook or script used.

    Raises ConfigError for one that is not in the journal.
    """
    rows = by_time(scan(root, progress=progress).rows)
    chosen = Selection(root, rows, Filter(notebook=notebook))
    found = [row for row in chosen if not row.superseded]
    return _report(root, f"cachy: {notebook}", found)


def _report(
    root: str,
    title: str,
    rows: list[Row],
    *,
    start: str = "",
    branch: dict[str, Any] | None = None,
) -> Report:
    users = _users(root)
    listed, entries, room = list[dict[str, Any]](), dict[str, Any](), _Room()
    for row in rows[:_MOST_ENTRIES]:
        found = read(row.file)
        if found is None or isinstance(found, Flaw):
            continue
        used_by = users.get(row.key, [])
        listed.append(_row(row, found[1], used_by))
        shown = {**_entry(row, found[1], room), "users": used_by}
        if room.takes(shown):
            entries[row.name] = shown
    data = {
        "status": {"store": title, "generation": 1, "prices": prices.source()},
        "rows": listed,
        "entries": entries,
        "costs": _costs(rows, users),
        "branch": branch or {"compared": False},
        "tabs": ["list", "costs", *(["branch"] if branch else [])],
        "start": start,
        "made": clock.now(),
    }
    return Report(inlined(title, data), len(listed), len(rows) - len(entries))


class _Room:
    """What is left of the length of a report."""

    def __init__(self) -> None:
        self.bytes, self.media = _MOST_BYTES, _MOST_MEDIA

    def takes(self, shown: dict[str, Any]) -> bool:
        """Return whether an entry still fits, and count it."""
        length = len(to_json(shown))
        if length > self.bytes:
            return False
        self.bytes -= length
        return True


def _row(row: Row, entry: Entry, used_by: list[str]) -> dict[str, Any]:
    words = views.cut("\n".join((row.key, row.model, row.host, *texts_of(entry))), _LONGEST_WORDS)
    known = views.facts(row, entry)
    return {
        **{name: known[name] for name in _OF_ROW},
        "day": time.strftime("%Y-%m-%d", time.gmtime(row.second)),
        "input": row.input,
        "output": row.output,
        "bytes": row.bytes,
        "older": row.superseded,
        "unused": False,
        "users": used_by,
        "words": words["text"].lower(),
    }


_OF_ROW = (
    "name", "key", "second", "method", "host", "model", "status", "ms", "cost", "prompt", "private",
)  # fmt: skip


def _entry(row: Row, entry: Entry, room: _Room) -> dict[str, Any]:
    shown = views.view(row, entry)
    media = []
    for medium in media_of(entry):
        data = ""
        if medium.size <= room.media:
            room.media -= medium.size
            content = base64.b64encode(medium.content()).decode()
            data = f"data:{medium.kind};base64,{content}"
        media.append(
            {"kind": medium.kind, "where": medium.where, "size": medium.size, "data": data}
        )
    version = {name: shown[name] for name in ("name", "second", "model", "ms", "cost")}
    return {
        **shown,
        "media": media,
        "older": row.superseded,
        "versions": [{**version, "output": row.output}],
        "_events": views.events(entry),
        "_head": views.head_text(entry),
    }


def _users(root: str) -> dict[str, list[str]]:
    users: dict[str, set[str]] = {}
    for note in journal.read(root):
        for key in note.keys:
            users.setdefault(key, set()).add(note.by)
    return {key: sorted(names) for key, names in users.items()}


def _costs(rows: Collection[Row], users: dict[str, list[str]]) -> dict[str, Any]:
    def by(names: Iterable[tuple[Iterable[str], Row]]) -> list[dict[str, Any]]:
        sums: dict[str, Sum] = {}
        for of, row in names:
            for name in of:
                sums[name] = sums.get(name, Sum()).plus(_sum(row))
        ordered = sorted(sums.items(), key=lambda item: (-item[1].cost, -item[1].entries, item[0]))
        return [{"name": name, **measures._asdict()} for name, measures in ordered]

    total = Sum()
    for row in rows:
        total = total.plus(_sum(row))
    days = by(([time.strftime("%Y-%m-%d", time.gmtime(row.second))], row) for row in rows)
    return {
        "total": total._asdict(),
        "models": by(([row.model], row) for row in rows),
        "notebooks": by((users.get(row.key) or [""], row) for row in rows) if users else [],
        "days": sorted(days, key=lambda day: str(day["name"]), reverse=True),
        "prices": prices.source(),
    }


def _sum(row: Row) -> Sum:
    cost = row.cost
    return Sum(1, row.input, row.output, cost or 0.0, cost is not None, row.ms, row.bytes)
