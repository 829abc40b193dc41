"""A store that the package knows nothing of, in one class: it says what a store must define."""

from __future__ import annotations

from collections.abc import Collection
from threading import Lock

from cachy.errors import Defect
from cachy.store import entry as codec
from cachy.store.base import Kept, Report, Store, Where
from cachy.store.entry import Entry
from cachy.store.names import key_in, name_of, stamp_in


class MadeUpStore(Store):
    """Frames in a list of pairs, as a database table would hold them."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, bytes]] = []
        self._lock = Lock()

    @property
    def label(self) -> str:
        return "the made-up store"

    def get(self, key: str, report: Report) -> Entry | None:
        for name, frame in sorted(self.rows, reverse=True):
            if key_in(name) == key:
                try:
                    return codec.loads(frame, key, replay=True)
                except Defect as defect:
                    report(name, str(defect))
        return None

    def put(self, key: str, frame: bytes, second: int, *, private: bool = False) -> Kept:
        with self._lock:
            stamps = [int(stamp_in(name)[:8], 16) for name, _ in self.rows if key_in(name) == key]
            name = name_of(key, max([second, *(stamp + 1 for stamp in stamps)]), frame)
            if private:
                return Kept(name, Where.NOWHERE)
            self.rows.append((name, frame))
            return Kept(name, Where.SHARED)

    def names(self) -> list[str]:
        return sorted((name for name, _ in self.rows), key=stamp_in, reverse=True)

    def frame(self, name: str) -> bytes:
        return dict(self.rows)[name]

    def drop(self, names: Collection[str]) -> None:
        self.rows = [row for row in self.rows if row[0] not in names]
