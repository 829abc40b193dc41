"""The steps of a call that is not a plain hit, with no IO and no await.

An adapter writes a call as a generator of steps. What a step does, and whether that is awaited, is
the driver's business, so a call is written once for sync and async:

    def call():                                                drive(call())          sync
        found = yield from resolve(cache, request, route, …)   await adrive(call())   async
        live = yield from go_live(found, original, client, request)
        return live

Clients are built on clients: requests on urllib3, a transport of httpx on aiohttp. Only the
outermost records: what happens within `go_live` is admitted by no other adapter.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from cachy.engine.bypass import at_work, may_pass_by, passing, upgrading
from cachy.engine.cache import LATER, Missing
from cachy.engine.fetching import fetch
from cachy.engine.inflight import FLIGHTS_WAITED_FOR, LONGEST, Caller, running_caller
from cachy.engine.threads import LONG
from cachy.lazy import urls
from cachy.rules.verdict import REDIRECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from cachy.engine.cache import Cache
    from cachy.engine.inflight import Flight
    from cachy.engine.recording import Recording
    from cachy.engine.threads import Threads
    from cachy.rules.hosts import Route
    from cachy.rules.message import Request
    from cachy.store.entry import Entry

# A task that is born within a call inherits this, and is not taken for it.
_inside: ContextVar[Caller | None] = ContextVar("cachy_inside", default=None)
# Where the last redirect of this task or thread leads.
_led_to: ContextVar[str] = ContextVar("cachy_led_to", default="")


class Step(Protocol):
    """Something to be done between two decisions."""

    def run(self) -> Any:
        """Do it now."""

    async def arun(self) -> Any:
        """Do it, awaiting what has to be awaited."""


if TYPE_CHECKING:
    Steps = Generator[Step, Any, Any]


class Do:
    """Call a function of a library, also to let a request through: the connections that it opens
    are no bypass. Of an async call, it returns an awaitable."""

    __slots__ = ("_arguments", "_function", "_options")

    def __init__(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        self._function, self._arguments, self._options = function, arguments, options

    def run(self) -> Any:
        """Call the function."""
        before = at_work.get()
        at_work.set(True)
        try:
            return self._function(*self._arguments, **self._options)
        finally:
            at_work.set(before)

    async def arun(self) -> Any:
        """Call the function, and await what it returns."""
        before = at_work.get()
        at_work.set(True)
        try:
            return await self._function(*self._arguments, **self._options)
        finally:
            at_work.set(before)


class Look(NamedTuple):
    """Look into the store. In a task what takes long is done in another thread.

    `look` takes a limit in bytes, or None, and may return LATER rather than read more than that.
    """

    threads: Threads
    look: Callable[[int | None], Any]
    long: bool = False

    def run(self) -> Any:
        """Look."""
        return self.look(None)

    async def arun(self) -> Any:
        """Look here, unless that takes long."""
        found = LATER if self.long else self.look(LONG)
        return await self.threads.run(partial(self.look, None)) if found is LATER else found


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


def _is_within_another() -> bool:
    """Tell whether this is made within another call that is under way, by a task or thread of its
    own: the two might wait for each other."""
    return _inside.get() is not None


def take_off(
    cache: Cache,
    missing: Missing,
    caller: Callable[[], Caller | None],
    timeout: float | None,
    *,
    alone: bool = False,
) -> Generator[Step, Any, Entry | Recording]:
    """Return the recording of the answer to be made, or the entry, if another call has made it
    meanwhile. Raise CacheMiss in replay mode.

    `caller` returns who waits for another call, and is waited for, or None for one that cannot;
    `timeout` is the number of seconds that its own call would wait for its answer. One that goes
    `alone` reads the body itself, wants the first piece at once, and may never read the last.
    """
    goes_alone = alone or not cache.mode.reads or _is_within_another()
    try:
        if not cache.mode.calls:
            found = yield from fetch(cache, missing, timeout)
            if found is not None:
                return found
            raise (yield Look(cache.threads, lambda _: cache.miss(missing), missing.is_long))
        who = None if goes_alone else caller()
        return (yield from _wait_or_lead(cache, missing, who, timeout))
    except BaseException:  # cancelled
        if missing.number is not None:
            missing.number.give_back()
        raise


def _wait_or_lead(
    cache: Cache, missing: Missing, who: Caller | None, timeout: float | None
) -> Generator[Step, Any, Entry | Recording]:
    found: Entry | Recording | None
    left = LONGEST if timeout is None else min(timeout, LONGEST)
    for _ in range(FLIGHTS_WAITED_FOR):
        flight, leads = (None, False) if who is None else cache.flights.join(missing.key, who)
        if flight is None:
            break
        if leads:
            return (yield from _lead(cache, missing, flight, timeout))
        left = yield Wait(flight, left)
        found = yield Look(cache.threads, partial(cache.again, missing))
        if found is not None:
            return found
        if not flight.over:  # it has taken as long as the caller waits
            break
    found = yield from fetch(cache, missing, timeout)
    return found if found is not None else (yield from _record(cache, missing, None))


def _lead(
    cache: Cache, missing: Missing, flight: Flight, timeout: float | None
) -> Generator[Step, Any, Entry | Recording]:
    """Return the recording of the call that others may wait for."""
    found: Entry | None
    try:
        # The flight before may have landed between the look-up and this start.
        if cache.has_used(missing):
            found = yield Look(cache.threads, partial(cache.again, missing))
            if found is not None:
                flight.land()
                return found
        found = yield from fetch(cache, missing, timeout)
        if found is not None:
            flight.land()
            return found
        return (yield from _record(cache, missing, flight))
    except BaseException:  # cancelled
        flight.land()
        raise


def _record(
    cache: Cache, missing: Missing, flight: Flight | None
) -> Generator[Step, Any, Recording]:
    """Begin a recording, which explains the miss to those who want to know."""
    recording: Recording = yield Look(
        cache.threads, lambda _: cache.record(missing, flight), missing.is_long
    )
    return recording


def is_inside() -> bool:
    """Tell whether this is part of a call that is being recorded."""
    return (inside := _inside.get()) is not None and inside == running_caller()


def admit(
    cache: Cache,
    method: str,
    url: str,
    is_fake: Callable[[], bool],
    *,
    upgrade: str = "",
    body: Any = None,
) -> Route | None:
    """Return how to treat a request, or None for one that must go through untouched. Raise
    CacheMiss for one that is never recorded, in replay mode.

    `is_fake` tells whether it would reach a mock; it is asked only where that matters. `upgrade` is
    the header of that name, `body` the body, as far as it is at hand.
    """
    if is_inside():
        return None
    route = None if upgrade else cache.route(method, url)
    if route is None:
        return notice(cache, method, url, is_fake, upgrade=upgrade, body=body)
    if not cache.settings.fakes and is_fake():
        cache.events.passed(method, url, "its transport is a fake")
        return None
    if not route.cached and not route.telemetry:
        cache.refuse(method, url, route)
    # What a redirect led to is no poll.
    return route._replace(poll=False) if route.poll and _led_to.get() == url else route


def notice(
    cache: Cache, method: str, url: str, is_fake: Callable[[], bool], *, upgrade: str, body: Any
) -> Route | None:
    """Note what goes through untouched and past cachy. Return None, or a route by which it is
    refused. The arguments are those of `admit`."""
    if not (upgrade or may_pass_by(cache, method, url)) or is_fake():
        return None
    if upgrade:
        return upgrading(cache, method, url, upgrade)
    body = body.encode() if isinstance(body, str) else body
    return passing(cache, method, url, body if isinstance(body, bytes) else None)


def note_redirect(status: int, url: str, location: str | None) -> None:
    """Note where a response leads, if it is a redirect."""
    if status in REDIRECTS and location:
        _led_to.set(urls.urljoin(url, location))


def resolve(
    cache: Cache,
    request: Request,
    route: Route,
    caller: Callable[[], Caller | None],
    timeout: float | None,
    *,
    alone: bool = False,
) -> Generator[Step, Any, Entry | Recording | None]:
    """Return the entry that answers a request, or the recording of the answer to be made; None for
    a request that goes live unrecorded, because it cannot be understood. Raise CacheMiss in replay
    mode. For `caller`, `timeout` and `alone` see `take_off`."""
    if not route.cached:
        return cache.refuse(request.method, request.url, route)
    found: Entry | Missing | None
    found = yield Look(cache.threads, partial(cache.lookup, request, route))
    if isinstance(found, Missing):
        return (yield from take_off(cache, found, caller, timeout, alone=alone))
    return found


def go_live(
    recording: Recording, original: Callable[..., Any], *arguments: Any, **options: Any
) -> Generator[Step, Any, Any]:
    """Make the call of a recording, and return what it returns. A call that fails is not kept."""
    try:
        return (yield from send_live(original, *arguments, **options))
    except BaseException:
        recording.abandon("the call failed")
        raise


def send_live(
    original: Callable[..., Any], *arguments: Any, **options: Any
) -> Generator[Step, Any, Any]:
    """Make a call, and return what it returns. What happens within is admitted by no adapter."""
    token = _inside.set(running_caller())
    try:
        return (yield Do(original, *arguments, **options))
    finally:
        _inside.reset(token)
