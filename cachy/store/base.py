"""What a store is: everything that anyone asks of one.

A store of your own derives from `Store` and defines `label`, `get` and `put`; with `names`, `frame`
and `drop` it also explains misses, lists unused recordings and can forget.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from cachy.errors import CachyError
from cachy.store.entry import TooLong

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from cachy.store.entry import Entry, Packed
    from cachy.store.names import Buffer


Report = Callable[[str, str], None]
"""Takes where a defect is (a file or a key), and what it is."""


__all__ = ["Kept", "Report", "Store", "TooLong", "Where"]


class Where(Enum):
    """Where a recording is kept."""

    SHARED = "shared"
    PRIVATE = "on this machine, because it is private"
    LARGE = "on this machine, because it is too large to be committed"
    NOWHERE = "nowhere"


class Kept(NamedTuple):
    """What became of a recording. `name` is its name, KEY-STAMP, also if it is kept nowhere."""

    name: str
    where: Where


class Store(ABC):
    """Recordings by key: 32 hex digits."""

    root: str | None = None
    """The folder of the store, if it is one: sessions are noted there."""

    @property
    def identity(self) -> object:
        """What the objects for one and the same store have in common."""
        return self.root or id(self)

    @property
    @abstractmethod
    def label(self) -> str:
        """What messages call this store."""

    @abstractmethod
    def get(self, key: str, report: Report) -> Entry | None:
        """Return the newest sound recording of a key, without the outline of its request.

        Defects of others are reported on the way. May raise any error of the storage behind it.
        """

    def get_short(self, key: str, report: Report, limit: int) -> Entry | None:
        """Do the same on an event loop. Raise `TooLong` rather than read, or expand to, more than
        `limit` bytes, where that can be told beforehand."""
        return self.get(key, report)

    @abstractmethod
    def put(self, key: str, frame: bytes, second: int, *, private: bool = False) -> Kept:
        """Keep a frame, recorded in this UTC second, as the newest of its key.

        A `private` recording never leaves this machine; where that cannot be ensured, it is kept
        nowhere. May raise any error of the storage behind it.
        """

    def put_packed(self, key: str, frame: Packed, second: int, *, private: bool = False) -> Kept:
        """Do the same with a long frame, which a store of files need not hold as a whole."""
        return self.put(key, b"".join(frame), second, private=private)

    def names(self) -> Sequence[str] | None:
        """Return what the store holds, newest first; None if it cannot be listed.

        A name begins with the key of its recording.
        """
        return None

    def frame(self, name: str) -> Buffer:
        """Return the frame of a recording. Raises Defect if it is damaged, KeyError if it is gone,
        or any error of the storage behind it."""
        raise KeyError(name)

    def drop(self, names: Collection[str]) -> None:
        """Forget these recordings, by the names that `put` gave them; what is not there is passed
        over. An older recording of the key is its newest again. Raises CachyError, OSError."""
        raise CachyError(f"{self.label} cannot forget recordings")

    def expect_fetched(self) -> None:  # noqa: B027 - most stores need not do anything
        """Expect recordings to come by another way than `put`, too: from a remote."""

    def locate(self, name: str) -> str:
        """Return where a recording is, for messages: the path of its file, if it has one."""
        return name

    def __repr__(self) -> str:
        return self.label
