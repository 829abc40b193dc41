"""The steps of a call that is not a plain hit, with no IO and no await.

An adapter writes a call as a generator of steps. What a step does, and whether that is awaited, is
the driver's business, so a call is written once for sync and async:

    def call():                                       drive(call())          sync
        found = yield from take_off(cache, missing)   await adrive(call())   async
        live = yield Do(original, client, request)
        return live
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from cachy.engine.inflight import FLIGHTS_WAITED_FOR, LONGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from cachy.engine.cache import Cache, Missing
    from cachy.engine.inflight import Caller, Flight
    from cachy.engine.recording import Recording
    from cachy.store.entry import Entry


class Step(Protocol):
    """Something to be done between two decisions."""

    def run(self) -> Any:
        """Do it now."""

    async def arun(self) -> Any:
        """Do it, awaiting what has to be awaited."""


if TYPE_CHECKING:
    Steps = Generator[Step, Any, Any]


class Do:
    """Call a function; of an async call, one that returns an awaitable."""

    __slots__ = ("_arguments", "_function", "_options")

    def __init__(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        self._function, self._arguments, self._options = function, arguments, options

    def run(self) -> Any:
        """Call the function."""
        return self._function(*self._arguments, **self._options)

    async def arun(self) -> Any:
        """Call the function, and await what it returns."""
        return await self._function(*self._arguments, **self._options)


class Wait(NamedTuple):
    """Wait for another call of the same key, at most `timeout` seconds. Gives the seconds left."""

    flight: Flight
    timeout: float

    def run(self) -> float:
        """Block this thread."""
        return self.flight.wait(self.timeout)

    async def arun(self) -> float:
        """Suspend this task."""
        return await self.flight.wait_async(self.timeout)


def drive(steps: Steps) -> Any:
    """Run the steps of a sync call. Return what the generator returns."""
    result: Any = None
    error: BaseException | None = None
    while True:
        try:
            step = steps.send(result) if error is None else steps.throw(error)
        except StopIteration as done:
            return done.value
        try:
            result, error = step.run(), None
        except BaseException as raised:  # noqa: BLE001 - the generator decides
            error = raised


async def adrive(steps: Steps) -> Any:
    """Run the steps of an async call. Return what the generator returns."""
    result: Any = None
    error: BaseException | None = None
    while True:
        try:
            step = steps.send(result) if error is None else steps.throw(error)
        except StopIteration as done:
            return done.value
        try:
            result, error = await step.arun(), None
        except BaseException as raised:  # noqa: BLE001 - the generator decides
            error = raised


def take_off(
    cache: Cache,
    missing: Missing,
    caller: Callable[[], Caller | None],
    timeout: float | None,
) -> Generator[Step, Any, Entry | Recording]:
    """Return the recording of the answer to be made, or the entry, if another call has made it
    meanwhile. Raise CacheMiss in replay mode.

    `caller` returns who may wait for another call, and be waited for; None goes alone. `timeout` is
    the number of seconds that the caller's own call would wait for its answer.
    """
    if not cache.mode.calls:
        raise cache.miss(missing)
    who = caller() if cache.mode.reads else None
    if who is None:
        return cache.record(missing, None)
    left = LONGEST if timeout is None else min(timeout, LONGEST)
    for _ in range(FLIGHTS_WAITED_FOR):
        flight, leads = cache.flights.join(missing.key, who)
        if flight is None:
            break
        if leads:
            # The flight before may have landed between the look-up and this start.
            if cache.has_used(missing) and (entry := cache.again(missing)) is not None:
                flight.land()
                return entry
            return cache.record(missing, flight)
        left = yield Wait(flight, left)
        if (entry := cache.again(missing)) is not None:
            return entry
    return cache.record(missing, None)
