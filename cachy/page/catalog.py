"""The index of a store: an SQLite file in `local/`, which can be deleted at any time.

It is brought up to date by listing the shards that changed, and reading only the files that are
new. Where the store cannot be written, it is made in a temporary folder; where it is damaged, anew.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
import weakref
from contextlib import closing, contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

import orjson

from cachy import prices
from cachy.engine.secret_search import masked
from cachy.page.reading import read, texts_of
from cachy.page.schema import COLUMNS, DIMENSIONS, MEASURES, TABLES, VERSION
from cachy.store import journal, layout
from cachy.store.files import make_folder, refuse_links
from cachy.store.folder import SHARD_LENGTH, File, entry_files, shards
from cachy.store.names import SUFFIX, stamp_in
from cachy.upkeep.index import Flaw, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILE = "page.sqlite"
_BATCH = 200  # files between two commits: the page shows what has been read so far
_WAIT = 10.0
"""Seconds that are waited for another process that writes the index."""
_SETTLED = 2.0
"""Seconds after which a folder's time of change tells whether it has changed since."""
_LONGEST_TEXT = 100_000
"""Characters of an entry that are indexed."""


class Catalog:
    """The index of the store at `root`. `done` of `total` new files have been read; `generation`
    grows with each change; `problem` says what is wrong, or is empty; `temporary` whether the index
    is kept only while this runs."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.done = self.total = self.generation = 0
        self.problem = ""
        self.temporary = False
        self._busy = Lock()
        self._path = self._place()
        self._prepare()

    def close(self) -> None:
        """Remove the index, if it is a temporary one."""
        if self.temporary:
            self._discard()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection to read from."""
        with closing(self._connect()) as connection:
            connection.row_factory = sqlite3.Row
            yield connection

    def refresh(self) -> None:
        """Bring the index up to date. Returns at once if that is under way in another thread."""
        if not self._busy.acquire(blocking=False):
            return
        try:
            self._refresh()
        except sqlite3.DatabaseError as error:
            if _is_locked(error):
                return  # by another process: the next time
            self._recover(error)
            self._refresh()
        finally:
            self._busy.release()

    # ---- The file ----

    def _place(self) -> str:
        try:
            layout.make_local(self.root)
            path = os.path.join(layout.local(self.root), _FILE)
            refuse_links(self.root, path)
            make_folder(layout.local(self.root))
            with open(path, "ab"):
                return path
        except OSError:
            return self._temporary()

    def _temporary(self) -> str:
        self.temporary = True
        folder = tempfile.mkdtemp(prefix="cachy-page-")
        self._discard = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return os.path.join(folder, _FILE)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=_WAIT, isolation_level=None)
        try:
            connection.execute("PRAGMA trusted_schema=OFF")
            connection.execute("PRAGMA cache_size=-8000")
        except sqlite3.Error:  # it reads the file, which may be damaged
            connection.close()
            raise
        return connection

    def _prepare(self) -> None:
        try:
            with closing(self._connect()) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                if not _is_current(connection):
                    raise sqlite3.DatabaseError("of another version")
        except sqlite3.DatabaseError as error:
            if not _is_locked(error):
                self._renew()

    def _recover(self, error: sqlite3.DatabaseError) -> None:
        """Make the index anew: in its place where it is damaged, elsewhere where it cannot be
        written any more."""
        damaged = not isinstance(error, sqlite3.OperationalError) or "no such" in str(error)
        if not damaged and not self.temporary:
            self._path = self._temporary()
        self._renew()

    def _renew(self) -> None:
        """Make the index anew. Where even that fails, in a temporary folder."""
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(OSError):
                os.unlink(self._path + suffix)
        try:
            self._create()
        except sqlite3.DatabaseError:
            self._path = self._temporary()
            self._create()
        self.generation += 1

    def _create(self) -> None:
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(TABLES)
            connection.execute("INSERT INTO notes VALUES ('version', ?)", (_version(),))

    # ---- What is in it ----

    def _refresh(self) -> None:
        with closing(self._connect()) as connection:
            states = {shard: self._state(shard) for shard in shards(self.root)}
            known = dict(connection.execute("SELECT shard, state FROM shards"))
            changed = [s for s in states.keys() | known.keys() if states.get(s) != known.get(s)]
            new: list[tuple[str, bool]] = []  # not `File`, of which many take much memory
            gone: list[str] = []
            for shard in sorted(changed):
                found, lost = _compare(connection, self.root, shard)
                new += ((file.name, file.private) for file in found)
                gone += lost
            for name in gone:
                _remove(connection, name)
            self._add(connection, new)
            if self._note_uses(connection) or new or gone:
                _sum_up(connection)
                self.generation += 1
            settled = time.time() - _SETTLED
            for shard in changed:
                state = states.get(shard)
                if state is None:
                    connection.execute("DELETE FROM shards WHERE shard = ?", (shard,))
                elif max(map(float, state.split())) < settled:
                    connection.execute("REPLACE INTO shards VALUES (?, ?)", (shard, state))
        self.problem = "" if os.path.isdir(self.root) else f"the store {self.root} is gone"

    def _state(self, shard: str) -> str:
        """Return when the folders of a shard changed."""
        times = []
        for parent in (self.root, layout.local_entries(self.root)):
            try:
                times.append(f"{os.lstat(os.path.join(parent, shard)).st_mtime_ns / 1e9:.6f}")
            except OSError:
                times.append("0")
        return " ".join(times)

    def _add(self, connection: sqlite3.Connection, new: list[tuple[str, bool]]) -> None:
        new.sort(key=lambda named: stamp_in(named[0]), reverse=True)
        self.done, self.total = 0, len(new)
        summed = 0
        for at in range(0, len(new), _BATCH):
            batch = [self._file(*named) for named in new[at : at + _BATCH]]
            connection.execute("BEGIN IMMEDIATE")
            for file in batch:
                _insert(connection, file)
            _mark_older(connection, [file.name[:32] for file in batch])
            connection.execute("COMMIT")
            self.done = at + len(batch)
            if self.done >= 2 * summed:  # so that counts keep up, and all sums cost one pass
                _sum_up(connection)
                summed = self.done
                self.generation += 1
        self.done = self.total = 0

    def _file(self, name: str, private: bool) -> File:
        parent = layout.local_entries(self.root) if private else self.root
        return File(os.path.join(parent, name[:SHARD_LENGTH], name + SUFFIX), name, private)

    def _note_uses(self, connection: sqlite3.Connection) -> bool:
        """Take over from the journal which notebook used what. Returns whether that is news."""
        state = self._state_of_journal()
        row = connection.execute("SELECT value FROM notes WHERE name = 'journal'").fetchone()
        if row is not None and row[0] == state:
            return False
        users: dict[str, set[str]] = {}
        for note in journal.read(self.root):
            for key in note.keys:
                users.setdefault(key, set()).add(note.by)
        numbers = {names: number for number, names in connection.execute("SELECT * FROM users")}
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM uses")
        for key, names in users.items():
            text = orjson.dumps(sorted(names)).decode()
            if text not in numbers:
                numbers[text] = len(numbers)
                connection.execute("INSERT INTO users VALUES (?, ?)", (numbers[text], text))
            connection.execute("INSERT INTO uses VALUES (?, ?)", (key, numbers[text]))
        connection.execute(
            "UPDATE entries SET users = coalesce((SELECT users FROM uses WHERE key = entries.key), "
            "0) WHERE users != coalesce((SELECT users FROM uses WHERE key = entries.key), 0)"
        )
        connection.execute("REPLACE INTO notes VALUES ('journal', ?)", (state,))
        connection.execute("COMMIT")
        return True

    def _state_of_journal(self) -> str:
        folder = layout.sessions(self.root)
        try:
            with os.scandir(folder) as files:
                found = sorted((file.name, file.stat().st_size) for file in files)
        except OSError:
            found = []
        return orjson.dumps(found).decode()


def _version() -> str:
    """Return what an index depends on: its tables, and the prices, which make other costs."""
    return f"{VERSION} {prices.source()}"


def _is_locked(error: sqlite3.DatabaseError) -> bool:
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)


def _is_current(connection: sqlite3.Connection) -> bool:
    row = connection.execute("SELECT value FROM notes WHERE name = 'version'").fetchone()
    connection.execute("SELECT id, name FROM entries LIMIT 1").fetchone()
    connection.execute("SELECT rowid FROM words LIMIT 1").fetchone()
    return row is not None and row[0] == _version()


def _compare(connection: sqlite3.Connection, root: str, shard: str) -> tuple[list[File], list[str]]:
    """Return the files of a shard that are not in the index, and the names that are there only."""
    rows = connection.execute(
        "SELECT name FROM entries WHERE name >= ? AND name < ?", (shard, f"{shard}g")
    )
    known = {name for (name,) in rows}
    files = {file.name: file for file in entry_files(root, shard)}
    connection.execute("DELETE FROM flaws WHERE name >= ? AND name < ?", (shard, f"{shard}g"))
    return [file for name, file in files.items() if name not in known], [*(known - files.keys())]


def _remove(connection: sqlite3.Connection, name: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    row = connection.execute("SELECT id FROM entries WHERE name = ?", (name,)).fetchone()
    if row is not None:
        connection.execute("DELETE FROM words WHERE rowid = ?", row)
        connection.execute("DELETE FROM entries WHERE id = ?", row)
        _mark_older(connection, [name[:32]])
    connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, file: File) -> None:
    found = read(file)
    if found is None:
        return
    if isinstance(found, Flaw):
        values = (file.name, layout.show_path(found.path), found.what)
        connection.execute("REPLACE INTO flaws VALUES (?, ?, ?)", values)
        return
    row, entry = found
    cursor = connection.execute(
        f"INSERT OR IGNORE INTO entries ({', '.join(COLUMNS)}, users) "
        f"VALUES ({', '.join('?' * len(COLUMNS))}, "
        f"coalesce((SELECT users FROM uses WHERE key = ?), 0))",
        (*_values(connection, row), row.key),
    )
    if cursor.rowcount:
        text = masked("\n".join(texts_of(entry))[:_LONGEST_TEXT])
        about = f"{row.key} {masked(row.model)} {row.host}"
        connection.execute(
            "INSERT INTO words (rowid, text, about) VALUES (?, ?, ?)",
            (cursor.lastrowid, _sound(text), _sound(about)),
        )


def _sound(text: str) -> str:
    """Return a text without halves of surrogate pairs, which SQLite does not take."""
    return text.encode("utf-8", "replace").decode()


def _values(connection: sqlite3.Connection, row: Row) -> tuple[Any, ...]:
    number = _number(row)
    while connection.execute("SELECT 1 FROM entries WHERE id = ?", (number,)).fetchone():
        number += 1
    day = time.strftime("%Y-%m-%d", time.gmtime(row.second))
    known = (
        row.method, row.url, row.host, row.model, row.status, row.stream, row.client, row.ms,
        row.bytes, _counted(row.input), _counted(row.output), row.cost, row.shown,
        row.file.private,
    )  # fmt: skip
    texts = (_sound(value) if isinstance(value, str) else value for value in known)
    return (number, row.name, row.key, row.second, day, *texts)


def _number(row: Row) -> int:
    """Return a number that grows with the time of recording: its second, its microseconds where the
    head has them, and some digits of its name."""
    fraction = row.recorded.partition(".")[2].removesuffix("Z")[:6]
    micros = int(fraction) if fraction.isascii() and fraction.isdigit() else 0
    return (row.second << 28) | (micros << 8) | int(row.name[-2:], 16)


def _counted(tokens: int) -> int:
    return min(max(tokens, 0), 10**12)


def _mark_older(connection: sqlite3.Connection, keys: list[str]) -> None:
    """Note which recordings of these keys a newer one has replaced."""
    for key in dict.fromkeys(keys):
        connection.execute(
            "UPDATE entries SET older = name < (SELECT max(name) FROM entries WHERE key = ?) "
            "WHERE key = ?",
            (key, key),
        )


def _sum_up(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM sums")
    connection.execute(
        f"INSERT INTO sums SELECT {DIMENSIONS}, {MEASURES} FROM entries GROUP BY {DIMENSIONS}"
    )
    connection.execute("COMMIT")
