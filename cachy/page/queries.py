"""What the list shows of the index: rows, counts by facet, sums and costs.

Counts come from the table of sums, which is small; only a search counts rows one by one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from cachy.page.schema import DIMENSIONS, MEASURES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

MARK_START, MARK_END = "\x02", "\x03"
"""What stands around a match in the text of a row."""
MOST_ROWS = 500
_WORD = re.compile(r"\w+")
_ROW = (
    "name, key, second, method, host, model, status, stream, ms, bytes, input, output, cost, "
    "prompt, private, older, users"
)
_MOST_VALUES = 400
"""Values of a facet that are listed."""


class Selection(NamedTuple):
    """Which entries are shown: those to which everything given applies. `state` is private, unused,
    older or current; `text` is searched for."""

    text: str = ""
    model: str = ""
    host: str = ""
    day: str = ""
    notebook: str = ""
    state: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Selection:
        """Return what the parameters of a URL say."""
        return cls(**{name: query[name] for name in cls._fields if query.get(name)})


class Sum(NamedTuple):
    """The sums of some entries. `priced` is how many of them have a known cost."""

    entries: int = 0
    input: int = 0
    output: int = 0
    cost: float = 0.0
    priced: int = 0
    ms: float = 0.0
    bytes: int = 0

    def plus(self, other: Iterable[Any]) -> Sum:
        """Return the sum of both."""
        pairs: Iterable[Any] = zip(self, other, strict=True)
        return Sum(*(mine + (theirs or 0) for mine, theirs in pairs))


def rows(db: sqlite3.Connection, wanted: Selection, offset: int, limit: int) -> dict[str, Any]:
    """Return some of the rows that are selected, newest first, and how many there are in all."""
    tables, conditions, values = _where(db, wanted)
    words = "substr(snippet(words, 0, ?, ?, '…', 24), 1, 400) AS found, " if wanted.text else ""
    marks = [MARK_START, MARK_END] if wanted.text else []
    order = "words.rowid" if wanted.text else "entries.id"
    found = db.execute(
        f"SELECT {words}{_ROW} FROM {tables} WHERE {conditions} "
        f"ORDER BY {order} DESC LIMIT ? OFFSET ?",
        (*marks, *values, min(limit, MOST_ROWS), max(offset, 0)),
    )
    names = _users(db)
    return {
        "total": _count(db, wanted),
        "offset": offset,
        "rows": [{**dict(row), "users": names.get(row["users"], [])} for row in found],
    }


def facets(db: sqlite3.Connection, wanted: Selection) -> dict[str, Any]:
    """Return the sum of what is selected, and for each facet its values with their counts, as if
    nothing of that facet were selected."""
    users = _users(db)
    has_journal = len(users) > 1
    groups = [_Group.of(row, users) for row in _groups(db, wanted)]
    counts: dict[str, dict[str, int]] = {name: defaultdict(int) for name in _FACETS}
    total = Sum()
    for group in groups:
        missing = [name for name in _FACETS if not group.passes(name, wanted)]
        if not missing:
            total = total.plus(group.sum)
        for name in _FACETS:
            if missing in ([], [name]):
                for value in group.values(name):
                    counts[name][value] += group.sum.entries
    if not has_journal:
        counts["state"].pop("unused", None)
        counts["notebook"].clear()
    return {
        "total": total._asdict(),
        "facets": {name: _sorted(name, values) for name, values in counts.items()},
    }


_FACETS = ("notebook", "model", "host", "day", "state")


class _Group(NamedTuple):
    """The entries that agree in everything a facet asks for."""

    model: str
    host: str
    day: str
    states: tuple[str, ...]
    users: tuple[str, ...]
    sum: Sum

    @classmethod
    def of(cls, row: sqlite3.Row, users: dict[int, list[str]]) -> _Group:
        used_by = tuple(users.get(row["users"], ()))
        states = [
            *(["private"] if row["private"] else []),
            *(["older"] if row["older"] else []),
            *([] if used_by or row["older"] else ["unused"]),
        ]
        measures = Sum(*(row[name] or 0 for name in Sum._fields))
        return cls(row["model"], row["host"], row["day"], tuple(states), used_by, measures)

    def values(self, facet: str) -> tuple[str, ...]:
        many = {"state": self.states, "notebook": self.users}
        return many[facet] if facet in many else (getattr(self, facet),)

    def passes(self, facet: str, wanted: Selection) -> bool:
        value = getattr(wanted, facet)
        return not value or value in self.values(facet)


def _sorted(facet: str, counts: dict[str, int]) -> list[list[Any]]:
    by_name = facet == "day"
    pairs = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    if by_name:
        pairs = sorted(counts.items(), reverse=True)
    return [[value, count] for value, count in pairs[:_MOST_VALUES]]


def costs(db: sqlite3.Connection) -> dict[str, Any]:
    """Return the sums by day, notebook and model. An entry that several notebooks used counts in
    each of them."""
    users = _users(db)
    by: dict[str, dict[str, Sum]] = {name: {} for name in ("day", "notebook", "model")}
    total = Sum()
    for row in _groups(db, Selection()):
        group = _Group.of(row, users)
        total = total.plus(group.sum)
        for name, sums in by.items():
            for value in group.values(name) or ("",):
                sums[value] = sums.get(value, Sum()).plus(group.sum)
    return {
        "total": total._asdict(),
        "days": _table(sorted(by["day"].items(), reverse=True)),
        "notebooks": _table(sorted(by["notebook"].items(), key=_by_cost)) if len(users) > 1 else [],
        "models": _table(sorted(by["model"].items(), key=_by_cost)),
    }


def _by_cost(item: tuple[str, Sum]) -> tuple[float, int, str]:
    return -item[1].cost, -item[1].entries, item[0]


def _table(items: Iterable[tuple[str, Sum]]) -> list[dict[str, Any]]:
    return [{"name": name, **measures._asdict()} for name, measures in items][:_MOST_VALUES]


def versions(db: sqlite3.Connection, key: str) -> list[dict[str, Any]]:
    """Return the recordings of a key, the one that is served first."""
    found = db.execute(
        "SELECT name, second, model, ms, input, output, cost, private, older FROM entries "
        "WHERE key = ? ORDER BY name DESC LIMIT 100",
        (key,),
    )
    return [dict(row) for row in found]


def keys_of(db: sqlite3.Connection, keys: Iterable[str], since: float) -> list[dict[str, Any]]:
    """Return the rows of the entries of these keys that were recorded from a second on."""
    listed = orjson.dumps(sorted(keys)).decode()
    found = db.execute(
        f"SELECT {_ROW} FROM entries WHERE key IN (SELECT value FROM json_each(?)) AND second >= ? "
        "ORDER BY id DESC LIMIT 200",
        (listed, int(since)),
    )
    return [dict(row) for row in found]


def known(db: sqlite3.Connection, name: str) -> dict[str, Any] | None:
    """Return what the index knows of an entry; None if it does not know it."""
    row = db.execute(f"SELECT {_ROW} FROM entries WHERE name = ?", (name,)).fetchone()
    if row is None:
        return None
    return {**dict(row), "users": _users(db).get(row["users"], [])}


# ---- SQL ----


def _where(db: sqlite3.Connection, wanted: Selection) -> tuple[str, str, list[Any]]:
    """Return the tables, the condition and its values of a selection."""
    tables, conditions, values = "entries", ["1"], list[Any]()
    if wanted.text:
        tables = "words JOIN entries ON entries.id = words.rowid"
        conditions.append("words MATCH ?")
        values.append(match_of(wanted.text))
    for column in ("model", "host", "day"):
        if value := getattr(wanted, column):
            conditions.append(f"entries.{column} = ?")
            values.append(value)
    if wanted.notebook:
        numbers = [n for n, names in _users(db).items() if wanted.notebook in names]
        conditions.append(f"users IN ({', '.join(map(str, numbers)) or 'NULL'})")
    conditions.append(_STATES.get(wanted.state, "1"))
    return tables, " AND ".join(conditions), values


_STATES = {"private": "private", "older": "older", "unused": "users = 0 AND NOT older"}


def _groups(db: sqlite3.Connection, wanted: Selection) -> Iterable[sqlite3.Row]:
    """Return the sums of what has the text, by everything that facets ask for."""
    if not wanted.text:
        return db.execute("SELECT * FROM sums")
    return db.execute(
        f"SELECT {DIMENSIONS}, {MEASURES} FROM words JOIN entries ON entries.id = words.rowid "
        f"WHERE words MATCH ? GROUP BY {DIMENSIONS}",
        (match_of(wanted.text),),
    )


def _count(db: sqlite3.Connection, wanted: Selection) -> int:
    if not wanted.text:
        users = _users(db)
        groups = (_Group.of(row, users) for row in _groups(db, wanted))
        return sum(
            group.sum.entries
            for group in groups
            if all(group.passes(name, wanted) for name in _FACETS)
        )
    if not any(wanted._replace(text="")):
        found = db.execute(
            "SELECT count(*) FROM words WHERE words MATCH ?", (match_of(wanted.text),)
        )
    else:
        tables, conditions, values = _where(db, wanted)
        found = db.execute(f"SELECT count(*) FROM {tables} WHERE {conditions}", values)
    return int(found.fetchone()[0])


def match_of(text: str) -> str:
    """Return a text as a query of FTS5: each of its words, or one that begins so; what stands in
    quotation marks, in that order.

    >>> match_of('tool_use "not found"')
    '"tool_use"* AND "not found"'
    """
    parts = []
    for number, piece in enumerate(text.split('"')):
        words = _WORD.findall(piece)
        if number % 2 and words:
            parts.append(f'"{" ".join(words)}"')
        else:
            parts += [f'"{word}"*' for word in words]
    return " AND ".join(parts[:20]) or '""'


def _users(db: sqlite3.Connection) -> dict[int, list[str]]:
    return {number: orjson.loads(names) for number, names in db.execute("SELECT * FROM users")}
