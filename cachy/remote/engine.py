"""The verbs of an engine, and what it raises. An engine keeps bytes at paths such as `1/ab/KEY`.

All block, and may take as long as they like: whoever calls them decides how long to wait
(workers.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from cachy.errors import CachyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PATIENCE = 10
"""Seconds after which an engine gives up by itself. Callers wait less."""


class RemoteError(CachyError):
    """A remote cannot do what it was asked for: for now, unless it is one of those below."""


class Denied(RemoteError):
    """It refuses this identity."""


class Misconfigured(RemoteError):
    """It cannot be used at all as it is set: no library, no credentials, no bucket."""


class TooLarge(RemoteError):
    """An object is larger than any of cachy's."""


class Found(NamedTuple):
    """An object, and what `replace` must be told: the tag is compared, and means nothing."""

    data: bytes
    tag: str


class Listed(NamedTuple):
    """An object in a listing. `changed` is in seconds since 1970; None where it is not known."""

    path: str
    size: int
    changed: float | None = None


class Engine(ABC):
    """One remote, open. Its methods may be called from several threads at once. All of them raise
    RemoteError, and nothing else."""

    survives_fork = True
    """Whether a process that is forked may go on using it."""

    keeps_signatures = True
    """Whether an object comes back with the signatures that it was written with."""

    @abstractmethod
    def get(self, path: str, limit: int) -> Found | None:
        """Return an object; None if there is none. Raises TooLarge for more than `limit` bytes."""

    @abstractmethod
    def create(self, path: str, data: bytes) -> bool:
        """Write an object where there is none. False if there is one, which stays as it is."""

    @abstractmethod
    def replace(self, path: str, data: bytes, tag: str) -> bool:
        """Write an object in place of the one with this tag. False if that is there no more."""

    def listing(self, under: str) -> Iterator[Listed]:
        """Yield the objects whose path begins so, in any order."""
        raise Misconfigured("this kind of remote cannot be listed")

    def delete(self, paths: Sequence[str]) -> None:
        """Remove objects; what is not there is passed over."""
        raise Misconfigured("nothing can be removed from this kind of remote")

    def after_fork(self) -> Engine:
        """Return the engine for a process that was forked from the one that opened this."""
        return self
