"""A store in any mutable mapping from str to bytes, such as a dict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachy.errors import Defect
from cachy.store import entry as codec
from cachy.store.base import Kept, Store, Where
from cachy.store.names import key_in, name_of

if TYPE_CHECKING:
    from collections.abc import Collection, MutableMapping

    from cachy.store.base import Report
    from cachy.store.entry import Entry


class MappingStore(Store):
    """The newest frame of each key, in a mapping.

    A mapping may be shared or persistent, so private recordings are not written to it.
    """

    def __init__(self, mapping: MutableMapping[str, bytes], label: str = "") -> None:
        self.mapping = mapping
        self._label = label or f"<{type(mapping).__name__}>"

    @property
    def identity(self) -> object:
        return id(self.mapping)

    @property
    def label(self) -> str:
        return self._label

    def get(self, key: str, report: Report) -> Entry | None:
        return self.get_short(key, report, codec.BODY_LIMIT + codec.HEAD_LIMIT)

    def get_short(self, key: str, report: Report, limit: int) -> Entry | None:
        frame = self.mapping.get(key)
        if frame is None:
            return None
        try:
            return codec.loads(frame, key, replay=True, limit=limit)
        except (Defect, TypeError) as defect:
            report(key, str(defect))
            return None

    def put(self, key: str, frame: bytes, second: int, *, private: bool = False) -> Kept:
        name = name_of(key, second, frame)
        if private:
            return Kept(name, Where.NOWHERE)
        self.mapping[key] = frame
        return Kept(name, Where.SHARED)

    def names(self) -> list[str]:
        """Return the keys, the last added first: a mapping knows no other age."""
        return list(self.mapping)[::-1]

    def frame(self, name: str) -> bytes:
        return self.mapping[name]

    def drop(self, names: Collection[str]) -> None:
        for name in names:
            self.mapping.pop(key_in(name), None)
