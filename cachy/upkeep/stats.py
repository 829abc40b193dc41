"""What a store holds, and what it saves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from cachy.store import journal
from cachy.store.layout import show_path
from cachy.upkeep import index
from cachy.upkeep.index import Flaw, Progress, Row, silent

RECENT = 30 * 86400
"""Seconds: the sessions that count as recent."""


class Total(NamedTuple):
    """Entries taken together. `bytes` on disk, `ms` that their live calls took, tokens told."""

    entries: int
    bytes: int
    ms: float
    input: int
    output: int


class Sessions(NamedTuple):
    """What the sessions of the last 30 days did on this machine. The tokens are at least those:
    an answer replayed twice in one session is counted once."""

    sessions: int
    hits: int
    misses: int
    recorded: int
    seconds_saved: float
    input: int
    output: int


class Stats(NamedTuple):
    """A store in figures. `older`: recordings of a key that has a newer one; `private`: entries
    that are never committed; models and hosts with the most entries first."""

    store: str
    total: Total
    keys: int
    older: int
    private: int
    models: dict[str, Total]
    hosts: dict[str, Total]
    recent: Sessions
    flaws: list[Flaw]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            **self._asdict(),
            "store": show_path(self.store),
            "total": self.total._asdict(),
            "models": {name: total._asdict() for name, total in self.models.items()},
            "hosts": {name: total._asdict() for name, total in self.hosts.items()},
            "recent": self.recent._asdict(),
            "flaws": [flaw.as_dict() for flaw in self.flaws],
        }


def stats(root: str, *, progress: Progress = silent) -> Stats:
    """The figures of a store."""
    rows, flaws = index.scan(root, progress=progress)
    newest: dict[str, Row] = {}
    for row in rows:
        newest.setdefault(row.key, row)
    return Stats(
        root,
        _total(rows),
        len(newest),
        len(rows) - len(newest),
        sum(row.file.private for row in rows),
        _by(rows, lambda row: row.model or "(none)"),
        _by(rows, lambda row: row.host),
        _recent(root, newest),
        flaws,
    )


def _total(rows: Iterable[Row]) -> Total:
    entries = size = given = got = 0
    ms = 0.0
    for row in rows:
        entries += 1
        size += row.bytes
        ms += row.ms
        given += row.input
        got += row.output
    return Total(entries, size, round(ms, 1), given, got)


def _by(rows: list[Row], name: Callable[[Row], str]) -> dict[str, Total]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(name(row), []).append(row)
    largest = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return {group: _total(members) for group, members in largest}


def _recent(root: str, newest: dict[str, Row]) -> Sessions:
    start = time.time() - RECENT
    notes = [note for note in journal.read(root) if note.ended >= start]
    replayed = [
        row
        for note in notes
        for key in note.keys
        if (row := newest.get(key)) is not None and row.second < int(note.started)
    ]
    return Sessions(
        len(notes),
        sum(note.hits for note in notes),
        sum(note.misses for note in notes),
        sum(note.recorded for note in notes),
        round(sum(note.seconds_saved for note in notes), 1),
        sum(row.input for row in replayed),
        sum(row.output for row in replayed),
    )
