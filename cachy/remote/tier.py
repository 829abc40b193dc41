"""A remote as it is used behind the folder: fetch after a local miss, push after a recording.

    fetch(key, …) yields (future, seconds): wait for it so long at most, and send whether it came
    push(name, path)    returns at once

Shared by all sessions of a process that have the same remote and the same store. Every answer is an
`Outcome`; nothing raises, and nothing waits longer than it is told to.
"""

from __future__ import annotations

import os
from concurrent.futures import Future
from contextlib import suppress
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.errors import Defect
from cachy.remote import objects
from cachy.remote.breaker import Breaker
from cachy.remote.engine import Denied, Engine, Misconfigured, RemoteError, TooLarge
from cachy.remote.fetched import Fetched
from cachy.remote.objects import LIMIT, Object, place_of
from cachy.remote.opening import open_engine
from cachy.remote.signatures import NONE, Signatures, Unsigned
from cachy.remote.uploads import Upload, Uploads
from cachy.remote.workers import Workers
from cachy.store.files import read_file
from cachy.store.names import key_in, stamp_in

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from cachy.remote.address import Address

NO_SIGNATURES = "is a folder, which keeps no signatures: with `trust` nothing is taken from it"
OPENING = 10.0
"""Seconds that opening may take, an import and credentials. No look-up's budget holds them."""
_BREATH = 0.2
"""Seconds between two tries."""
_TRIES_TO_REPLACE = 2


class Kind(Enum):
    """What became of a look-up."""

    FOUND = "found"
    ABSENT = "absent"
    BROKEN = "broken"
    UNSIGNED = "unsigned"
    FAILED = "failed"
    ALONE = "left alone"


class Outcome(NamedTuple):
    """What became of a look-up. `said` completes "the remote …"; `warn`: it is worth a warning."""

    kind: Kind
    said: str = ""
    found: Object | None = None
    warn: bool = False


class Remote:
    """One remote behind the store at `root`. `enter` is called in each of its threads."""

    def __init__(
        self,
        address: Address,
        root: str,
        enter: Callable[[], object] = lambda: None,
    ) -> None:
        self.address, self._root, self._enter = address, root, enter
        self._breaker = Breaker(root, address)
        self._fetched = Fetched(root, trusted=address.signatures.trusted)
        self._broken: dict[str, str] = {}  # the tags of objects that are no good, by key
        self._signatures = address.signatures
        self.unusable = ""
        self.without_signatures = ""
        self.read_only = ""
        self._engine: Engine | None = None
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._workers = Workers(self._enter)
        self._uploads = Uploads(self._workers, self._upload)
        self._fetching: dict[str, Future[Outcome]] = {}
        self._opening: Future[Engine] | None = None

    def _check_fork(self) -> None:
        """In a forked child, start anew: threads do not survive, nor do some libraries."""
        if self._pid != os.getpid():
            engine = self._engine
            self._begin()
            if engine is not None:
                self._engine = engine if engine.survives_fork else engine.after_fork()

    # Fetching

    def fetch(
        self, key: str, budget: float, tries: int = 1
    ) -> Generator[tuple[Future[Any], float], bool, Outcome]:
        """Look for a key (32 hex digits), for `budget` seconds a try. Yields what to wait for, and
        how long at most; is sent whether it came."""
        self._check_fork()
        if self.unusable:
            return Outcome(Kind.ALONE, self.unusable)
        if said := self._breaker.why_not():
            return Outcome(Kind.ALONE, said)
        if self._engine is None:
            opening = self._open()
            if opening is None or not (opening.done() or (yield opening, OPENING)):
                return self._failed("could not be opened in time")
            if (error := opening.exception()) is not None:
                return self._give_up(error)
        if self.without_signatures:
            return Outcome(Kind.UNSIGNED, self.without_signatures, warn=True)
        outcome = Outcome(Kind.FAILED)
        for left in reversed(range(tries)):
            outcome = yield from self._try(key, budget)
            if outcome.kind is not Kind.FAILED or self.unusable:
                break
            if left:
                yield Future(), min(_BREATH, budget)  # what passes quickly has passed then
        return outcome

    def _try(self, key: str, budget: float) -> Generator[tuple[Future[Any], float], bool, Outcome]:
        future = self._fetching.get(key)
        if future is None:
            future = self._workers.submit(partial(self._look, key))
            if future is None:
                return self._failed("has too many look-ups that hang")
            self._fetching[key] = future
            future.add_done_callback(partial(self._fetched_one, key))
        if not (yield future, budget):
            self._fetching.pop(key, None)
            return self._failed(f"did not answer within {budget:.3g} s")
        outcome: Outcome = future.result()
        return outcome

    def _open(self) -> Future[Engine] | None:
        if self._opening is None:
            self._opening = self._workers.submit(self._opened)
        return self._opening

    def _opened(self) -> Engine:
        engine = open_engine(self.address)
        self._signatures.load()
        if self._signatures.are_demanded and not engine.keeps_signatures:
            self.without_signatures = NO_SIGNATURES
        self._engine = engine
        return engine

    def _look(self, key: str) -> Outcome:
        """Look for a key, in one of the threads. Raises nothing."""
        try:
            assert self._engine is not None
            got = self._engine.get(place_of(key), LIMIT)
            self._breaker.succeeded()
            if got is None:
                return Outcome(Kind.ABSENT, "does not have it")
            try:
                found = objects.unpack(key, got.data, self._signatures)
            except Unsigned as defect:
                return Outcome(Kind.UNSIGNED, f"has an object for it that {defect}", warn=True)
            except Defect as defect:
                self._broken[key] = got.tag
                return Outcome(Kind.BROKEN, f"has an object for it that {defect}", warn=True)
            self._keep(found)
            return Outcome(Kind.FOUND, "has it", found)
        except TooLarge as error:
            return Outcome(Kind.BROKEN, f"has an object for it that {error}", warn=True)
        except (Denied, Misconfigured) as error:
            return self._give_up(error)
        except Exception as error:  # noqa: BLE001 - the call goes on, whatever a library raises
            return self._failed(f"cannot be read ({error})")

    def _fetched_one(self, key: str, future: Future[Outcome]) -> None:
        if self._fetching.get(key) is future:
            self._fetching.pop(key, None)

    def _keep(self, found: Object) -> None:
        with suppress(OSError):  # a read-only store is a good store
            self._fetched.keep(found)

    def _failed(self, said: str) -> Outcome:
        self._breaker.failed(f"it {said}")
        return Outcome(Kind.FAILED, said, warn=True)

    def _give_up(self, error: BaseException) -> Outcome:
        """Leave it alone for the rest of the process: asking again would give the same answer."""
        self.unusable = f"cannot be used: {error}"
        return Outcome(Kind.FAILED, self.unusable, warn=True)

    # Pushing

    def push(self, upload: Upload) -> bool:
        """Have an entry pushed, some time. False if it will not be."""
        self._check_fork()
        if self.read_only or self.unusable:
            return False
        return self._uploads.add(upload)

    def flush(self, seconds: float) -> int:
        """Wait until all is pushed, for some seconds at most. Return how many are left."""
        return self._uploads.flush(seconds)

    def _upload(self, upload: Upload) -> None:
        if self.read_only or self.unusable or self._breaker.why_not():
            return  # `cachy push` finds it
        try:
            engine = self._engine or self._opened()
            data = read_file(upload.path)
            put(engine, upload.name, data, replaces=upload.replaces, signatures=self._signatures)
            if (tag := self._broken.pop(key_in(upload.name), None)) is not None:
                packed = objects.pack(upload.name, data, self._signatures)
                engine.replace(place_of(key_in(upload.name)), packed, tag)
            self._breaker.succeeded()
            upload.told("")
        except (Denied, Misconfigured) as error:
            self.read_only = str(error)
            upload.told(f"takes no recordings in this session: {error}")
        except (RemoteError, Defect, OSError) as error:
            self._breaker.failed(f"it takes no recordings ({error})")
            upload.told(f"did not take a recording ({error}): `cachy push` sends it")
        except Exception as error:  # noqa: BLE001 - a fault of cachy must not end the thread
            upload.told(f"did not take a recording ({error!r}): `cachy push` sends it")


def put(
    engine: Engine, name: str, data: bytes, *, replaces: bool, signatures: Signatures = NONE
) -> bool:
    """Write an entry. The first recording of a key wins, unless it `replaces` one on purpose: then
    the newest does. Who signs replaces what nobody has signed whom he trusts. Return whether it was
    written. Raises RemoteError."""
    if not engine.keeps_signatures:
        signatures = NONE
    path, packed = place_of(key_in(name)), objects.pack(name, data, signatures)
    if not replaces and engine.create(path, packed):
        return True
    if not replaces and not signatures.file:
        return False
    for _ in range(_TRIES_TO_REPLACE):
        there = engine.get(path, LIMIT)
        if there is None:
            if engine.create(path, packed):
                return True
            continue
        if _stays(there.data, name, replaces=replaces, signatures=signatures):
            return False
        if engine.replace(path, packed, there.tag):
            return True
    return False


def _stays(there: bytes, name: str, *, replaces: bool, signatures: Signatures) -> bool:
    """Tell whether the object that is there stays, and not the entry of this name."""
    try:
        other, said, data = objects.split(there)
    except Defect:
        return False
    if signatures.would_replace(other, data, said):
        return False
    return not replaces or stamp_in(other) >= stamp_in(name)
