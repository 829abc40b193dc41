"""What the page asks for, as functions: the server calls them, and a report calls them once."""

from __future__ import annotations

import os
import sqlite3
import time
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

import orjson

from cachy import prices
from cachy.errors import CachyError, ConfigError
from cachy.page import changes, misses, queries
from cachy.page import view as views
from cachy.page.catalog import Catalog
from cachy.page.media import media_of
from cachy.page.reading import read
from cachy.store.folder import DirStore, File
from cachy.store.layout import show_path
from cachy.store.names import is_name
from cachy.upkeep import trash
from cachy.upkeep.index import Flaw, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cachy.store.entry import Entry

_REFRESH_EVERY = 1.0
"""Seconds. The store is not looked at more often."""
_PATIENCE = 0.3
"""Seconds for which an answer waits for what is new in the store."""


class Gone(CachyError):
    """What was asked for is not there, or not any more."""


class Api:
    """Answer what the page asks about the store at `root`. `revisions` are those of `cachy diff`,
    or None to compare nothing."""

    def __init__(self, root: str, *, revisions: str | None = None) -> None:
        self.root = root
        self.catalog = Catalog(root)
        self._store = DirStore(root)
        self._revisions = revisions
        self._branch: dict[str, Any] | None = None
        self._compared = 0
        self._comparing = Lock()
        self._refreshed = 0.0
        self._reads: dict[str, Callable[[Mapping[str, str]], Any]] = {
            "status": self._status,
            "rows": self._rows,
            "facets": self._facets,
            "costs": self._costs,
            "entry": self._entry,
            "events": self._events,
            "raw": self._raw,
            "head": self._head,
            "why": self._why,
            "compare": self._compare,
            "branch": self._branch_changes,
            "misses": self._misses,
        }

    def close(self) -> None:
        """Leave nothing behind that was only temporary."""
        self.catalog.close()

    def refresh(self) -> None:
        """Bring the index up to date with the store."""
        try:
            self.catalog.refresh()
        except (sqlite3.Error, OSError) as error:
            self.catalog.problem = f"the index cannot be made: {error}"
        self._refreshed = time.monotonic()

    def read(self, what: str, query: Mapping[str, str]) -> Any:
        """Return what the page asks for. Raises CachyError."""
        if (answer := self._reads.get(what)) is None:
            raise Gone(f"there is nothing called {what[:40]!r} here")
        try:
            return answer(query)
        except sqlite3.OperationalError as error:
            raise CachyError(f"the index is busy or broken ({error}): try again") from None

    def change(self, what: str, body: bytes) -> Any:
        """Change the store as the page asks. Raises CachyError, OSError."""
        try:
            asked = orjson.loads(body)
        except ValueError:
            raise ConfigError("this is not JSON") from None
        if what == "forget" and isinstance(asked, dict):
            names = asked.get("names")
            if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
                raise ConfigError("give the names of entries")
            for name in names:
                self._file(name)
            self._store.drop(names)
            done = {"forgotten": names}
        elif what == "undo":
            restored = trash.undo(self.root)
            done = {"restored": [os.path.basename(path).partition(".")[0] for path in restored]}
        else:
            raise Gone(f"there is nothing called {what[:40]!r} to be done")
        self.refresh()
        return done

    def medium(self, name: str, number: int) -> tuple[str, bytes]:
        """Return the media type and the bytes of an image or a sound in an entry."""
        _, entry = self.entry(name)
        found = media_of(entry)
        if not 0 <= number < len(found):
            raise Gone(f"{name} has no such image or sound")
        return found[number].kind, found[number].content()

    def body(self, name: str) -> bytes:
        """Return the whole body of an entry."""
        return self.entry(name)[1].body

    def entry(self, name: str) -> tuple[Row, Entry]:
        """Return the row of an entry and itself. Raises CachyError."""
        file = self._file(name)
        found = read(file)
        if found is None:
            raise Gone(f"{name} is not in the store any more")
        if isinstance(found, Flaw):
            raise CachyError(f"{show_path(file.path)} is not a sound entry: {found.what}")
        return found

    def _file(self, name: str) -> File:
        if not is_name(name):
            raise ConfigError(f"{name[:80]!r} is not the name of an entry")
        path = self._store.locate(name)
        return File(path, name, not path.startswith(os.path.join(self.root, name[:2])))

    # ---- What is read ----

    def _status(self, query: Mapping[str, str]) -> dict[str, Any]:
        if time.monotonic() - self._refreshed > _REFRESH_EVERY:
            # What takes longer goes on, and the next answers tell how far it is.
            at_work = Thread(target=self.refresh, daemon=True)
            at_work.start()
            at_work.join(_PATIENCE)
        catalog = self.catalog
        with catalog.reading() as db:
            flaws = db.execute("SELECT path, what FROM flaws ORDER BY path LIMIT 100").fetchall()
        return {
            "store": show_path(self.root),
            "shown": show_path(os.sep.join(self.root.split(os.sep)[-2:])),
            "generation": catalog.generation,
            "done": catalog.done,
            "total": catalog.total,
            "problem": catalog.problem,
            "temporary": catalog.temporary,
            "flaws": [dict(flaw) for flaw in flaws],
            "prices": prices.source(),
            "revisions": self._revisions,
        }

    def _rows(self, query: Mapping[str, str]) -> dict[str, Any]:
        wanted = queries.Selection.from_query(query)
        offset, limit = _number(query, "offset", 0), _number(query, "limit", 100)
        with self.catalog.reading() as db:
            return queries.rows(db, wanted, offset, limit)

    def _facets(self, query: Mapping[str, str]) -> dict[str, Any]:
        with self.catalog.reading() as db:
            return queries.facets(db, queries.Selection.from_query(query))

    def _costs(self, query: Mapping[str, str]) -> dict[str, Any]:
        with self.catalog.reading() as db:
            return {**queries.costs(db), "prices": prices.source()}

    def _entry(self, query: Mapping[str, str]) -> dict[str, Any]:
        row, entry = self.entry(query.get("name", ""))
        with self.catalog.reading() as db:
            known = queries.known(db, row.name) or {}
            others = queries.versions(db, row.key)
        shown = views.view(row, entry)
        return {
            **shown,
            "older": known.get("older", 0),
            "users": known.get("users", []),
            "versions": others,
        }

    def _events(self, query: Mapping[str, str]) -> dict[str, Any]:
        return views.events(self.entry(query.get("name", ""))[1])

    def _raw(self, query: Mapping[str, str]) -> dict[str, Any]:
        return views.raw_text(self.entry(query.get("name", ""))[1])

    def _head(self, query: Mapping[str, str]) -> dict[str, Any]:
        return views.head_text(self.entry(query.get("name", ""))[1])

    def _why(self, query: Mapping[str, str]) -> dict[str, Any]:
        return misses.explanation(self.root, self.entry(query.get("name", ""))[1])

    def _compare(self, query: Mapping[str, str]) -> dict[str, Any]:
        old, new = (self.entry(query.get(name, "")) for name in ("old", "new"))
        return changes.compare(old, new)

    def _branch_changes(self, query: Mapping[str, str]) -> dict[str, Any]:
        if self._revisions is None:
            return {"compared": False}
        with self._comparing:
            if self._branch is None or self._compared != self.catalog.generation:
                self._compared = self.catalog.generation
                self._branch = changes.branch(self.root, self._revisions)
            return self._branch

    def _misses(self, query: Mapping[str, str]) -> dict[str, Any]:
        with self.catalog.reading() as db:
            return {"sessions": misses.sessions(db, self.root), "log": misses.logged()}


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default
