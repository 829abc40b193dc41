"""What a store holds, and how much time and how many tokens it saves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from cachy import clock, prices
from cachy.prices import Bill
from cachy.store import journal
from cachy.store.layout import show_path
from cachy.upkeep import index
from cachy.upkeep.index import Flaw, Progress, Row, silent

RECENT = 30 * 86400
"""Seconds. Sessions that ended within this time count as recent."""


class Total(NamedTuple):
    """The sums of some entries: `bytes` on disk, `ms` of their live calls, the `input` and `output`
    tokens that their answers report, and what those cost. Of `untimed` entries, which were
    imported, it is not known how long their calls took."""

    entries: int
    bytes: int
    ms: float
    input: int
    output: int
    cost: Bill
    untimed: int

    def as_dict(self) -> dict[str, Any]:
        """Return the sums as `--json` prints them."""
        return _with_cost(self._asdict(), self.cost)


class Sessions(NamedTuple):
    """What the sessions of the last 30 days did on this machine. `input` and `output` are the
    tokens saved, and `cost` what they are worth, at least: an answer that one session replays twice
    counts once."""

    sessions: int
    hits: int
    misses: int
    recorded: int
    seconds_saved: float
    input: int
    output: int
    cost: Bill

    def as_dict(self) -> dict[str, Any]:
        """Return them as `--json` prints them."""
        return _with_cost(self._asdict(), self.cost)


def _with_cost(fields: dict[str, Any], bill: Bill) -> dict[str, Any]:
    """Return fields with the cost in dollars and the number of calls without a price, or without
    either where no prices are installed."""
    del fields["cost"]
    if prices.installed():
        fields |= {"cost": bill.dollars, "unpriced": bill.unpriced}
    return fields


class StoreStats(NamedTuple):
    """The statistics of a store. `older` counts the recordings of a key that has a newer one;
    `private` the entries that are never committed; `models` and `hosts` are sorted by their number
    of entries."""

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
        """Return the statistics as `--json` prints them."""
        return {
            **self._asdict(),
            "store": show_path(self.store),
            "total": self.total.as_dict(),
            "models": {name: total.as_dict() for name, total in self.models.items()},
            "hosts": {name: total.as_dict() for name, total in self.hosts.items()},
            "recent": self.recent.as_dict(),
            **({"prices": prices.source()} if prices.installed() else {}),
            "flaws": [flaw.as_dict() for flaw in self.flaws],
        }


def stats(root: str, *, progress: Progress = silent) -> StoreStats:
    """Return the statistics of a store."""
    rows, flaws = index.scan(root, progress=progress)
    newest: dict[str, Row] = {}
    for row in rows:
        newest.setdefault(row.key, row)
    return StoreStats(
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
    rows = list(rows)
    entries = size = tokens_in = tokens_out = 0
    ms = 0.0
    for row in rows:
        entries += 1
        size += row.bytes
        ms += row.ms
        tokens_in += row.input
        tokens_out += row.output
    untimed = sum(not row.ms for row in rows)
    return Total(entries, size, round(ms, 1), tokens_in, tokens_out, _bill(rows), untimed)


def _bill(rows: Iterable[Row]) -> Bill:
    return prices.total(row.cost for row in rows if row.input or row.output)


def _by(rows: list[Row], name: Callable[[Row], str]) -> dict[str, Total]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(name(row), []).append(row)
    largest = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return {group: _total(members) for group, members in largest}


def _recent(root: str, newest: dict[str, Row]) -> Sessions:
    start = clock.now() - RECENT
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
        _bill(replayed),
    )
