"""The steps of a call are written once, and driven sync and async."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Generator
from typing import Any

import pytest

from cachy.engine.cache import LATER, Cache, Missing
from cachy.engine.events import Events, Log
from cachy.engine.exchange import (
    Do,
    Step,
    Wait,
    admit,
    adrive,
    drive,
    go_live,
    is_inside,
    note_redirect,
    resolve,
    take_off,
)
from cachy.engine.inflight import Caller, async_caller, sync_caller
from cachy.engine.recording import Recording
from cachy.engine.threads import LONG
from cachy.errors import CacheMiss
from cachy.rules.hosts import Route
from cachy.rules.message import Request
from cachy.settings import MODES, check
from cachy.store.mapping import MappingStore


def run_sync(steps: Callable[[Callable[[Any], Any]], Any]) -> Any:
    return drive(steps(lambda value: value))


def run_async(steps: Callable[[Callable[[Any], Any]], Any]) -> Any:
    async def later(value: Any) -> Any:
        await asyncio.sleep(0)
        return value

    return asyncio.run(adrive(steps(later)))


drivers = pytest.mark.parametrize("run", [run_sync, run_async])
Steps = Generator[Step, Any, Any]


@drivers
def test_each_step_gives_its_result(run: Any) -> None:
    def steps(give: Any) -> Steps:
        first = yield Do(give, 1)
        second = yield Do(give, first + 1)
        return [first, second]

    assert run(steps) == [1, 2]


@drivers
def test_what_a_step_raises_is_raised_in_the_generator(run: Any) -> None:
    def steps(give: Any) -> Steps:
        try:
            yield Do(lambda: 1 / 0)
        except ZeroDivisionError:
            return (yield Do(give, "caught"))

    assert run(steps) == "caught"


@drivers
def test_what_the_generator_raises_is_raised(run: Any) -> None:
    def steps(give: Any) -> Steps:
        yield Do(give, 1)
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        run(steps)


def test_an_interrupt_reaches_the_generator() -> None:
    closed = []

    def interrupt() -> None:
        raise KeyboardInterrupt

    def steps() -> Steps:
        try:
            yield Do(interrupt)
        finally:
            closed.append(True)

    with pytest.raises(KeyboardInterrupt):
        drive(steps())
    assert closed


def test_a_cancelled_task_runs_the_last_steps() -> None:
    closed = []

    async def close() -> None:
        await asyncio.sleep(0)
        closed.append(True)

    def steps() -> Steps:
        try:
            yield Do(asyncio.sleep, 10)
        except BaseException:
            yield Do(close)
            raise

    async def main() -> None:
        task = asyncio.ensure_future(adrive(steps()))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert closed


# ---- A call that misses ----

CHAT = "https://api.openai.com/v1/chat/completions"
REQUEST = Request("POST", CHAT, [("content-type", "application/json")], b'{"model":"m"}')


@pytest.fixture
def cache() -> Cache:
    return Cache(MappingStore({}), check({}), Events(Log()))


def missing(cache: Cache) -> tuple[Missing, Route]:
    route = cache.route("POST", CHAT)
    assert route is not None
    found = cache.lookup(REQUEST, route)
    assert isinstance(found, Missing)
    return found, route


def noted(steps: Steps, seen: list[Step]) -> Steps:
    """Pass steps on, and note them."""
    result = None
    while True:
        try:
            step = steps.send(result)
        except StopIteration as done:
            return done.value
        seen.append(step)
        result = yield step


def slowed(steps: Steps) -> Steps:
    """Pass the first step on, and have any other, of a short call, take long."""
    result, error = (yield next(steps)), None
    try:
        while True:
            step = steps.send(result) if error is None else steps.throw(error)
            try:
                if not isinstance(step, Wait):
                    yield Do(asyncio.sleep, 10)
                result = yield step
            except BaseException as raised:  # noqa: BLE001 - cancelled
                error = raised
    except StopIteration as done:
        return done.value


def watch(cache: Cache, name: str, seen: dict[str, set[int]]) -> None:
    """Note in which threads a method of the cache does something."""
    original = getattr(cache, name)

    def watched(*arguments: Any, **options: Any) -> Any:
        found = original(*arguments, **options)
        if found is not LATER:
            seen.setdefault(name, set()).add(threading.get_ident())
        return found

    setattr(cache, name, watched)


def test_a_caller_waits_once_for_a_flight_that_does_not_land(cache: Cache) -> None:
    """Not for its time-out twice."""
    cache.flights.join(missing(cache)[0].key, Caller(1))
    seen: list[Step] = []
    waiting = take_off(cache, missing(cache)[0], lambda: Caller(2), 0.01)
    assert isinstance(drive(noted(waiting, seen)), Recording)
    assert len([step for step in seen if isinstance(step, Wait)]) == 1


def test_a_task_does_what_is_long_in_another_thread(cache: Cache) -> None:
    """Also through `resolve`, for all adapters."""
    route = missing(cache)[1]
    seen: dict[str, set[int]] = {}
    for name in ("lookup", "record"):
        watch(cache, name, seen)

    def ask(body: bytes) -> Steps:
        request = REQUEST._replace(body=body)
        return resolve(cache, request, route, async_caller, None)

    async def main(body: bytes) -> set[int]:
        seen.clear()
        assert isinstance(await adrive(ask(body)), Recording)
        return set.union(*seen.values())

    here = threading.get_ident()
    assert asyncio.run(main(b'{"prompt": "short"}')) == {here}
    assert here not in asyncio.run(main(b'{"prompt": "%b"}' % (b"a word " * LONG)))
    assert isinstance(drive(ask(b'{"prompt": "%b"}' % (b"another " * LONG))), Recording)
    assert here in seen["record"]


@pytest.mark.parametrize("leads", [True, False])
def test_a_task_that_is_cancelled_keeps_nobody_waiting(cache: Cache, leads: bool) -> None:
    cache.settings = check({"repeats": "distinct"}, cache.settings)
    asked, route = missing(cache)
    assert asked.number is not None
    asked.number.give_back()
    if not leads:
        cache.flights.join(asked.key, Caller(1))

    async def main() -> None:
        steps = resolve(cache, REQUEST, route, async_caller, None)
        task = asyncio.ensure_future(adrive(slowed(steps)))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    again = missing(cache)[0]
    assert again.number is not None
    assert again.number.value == 0
    assert cache.flights.join(asked.key, Caller(3))[1] is leads


def test_what_is_made_within_a_call_waits_for_nobody(cache: Cache) -> None:
    """Not in another thread either: the call may wait for it."""
    found, route = missing(cache)
    cache.flights.join(found.key, Caller(-1))
    seen: list[Any] = []

    def ask() -> None:
        steps = resolve(cache, REQUEST, route, sync_caller, 60)
        seen.append(drive(steps))

    def call() -> None:
        thread = threading.Thread(target=contextvars.copy_context().run, args=(ask,))
        thread.start()
        thread.join(10)

    drive(go_live(cache.record(found, None), call))
    assert isinstance(seen[0], Recording)


def test_only_the_outermost_call_is_admitted(cache: Cache) -> None:
    def nested() -> Any:
        return admit(cache, "POST", CHAT, lambda: False), is_inside()

    recording = cache.record(missing(cache)[0], None)
    assert drive(go_live(recording, nested)) == (None, True)
    assert nested() == (missing(cache)[1], False)


def test_a_call_that_fails_is_not_kept(cache: Cache) -> None:
    def fail() -> None:
        raise OSError("broken")

    recording = cache.record(missing(cache)[0], None)
    with pytest.raises(OSError, match="broken"):
        drive(go_live(recording, fail))
    assert cache.stats.skipped == {"the call failed": 1}
    assert not is_inside()


def test_fakes_are_not_admitted(cache: Cache) -> None:
    assert admit(cache, "POST", CHAT, lambda: True) is None
    cache.settings = check({"fakes": True}, cache.settings)
    assert admit(cache, "POST", CHAT, lambda: True) is not None


def test_what_is_never_recorded_is_refused_in_replay_mode(cache: Cache) -> None:
    assert admit(cache, "DELETE", CHAT, lambda: False) is None
    replaying = cache.in_mode(MODES["replay"])
    with pytest.raises(CacheMiss, match="DELETE requests are never cached"):
        admit(replaying, "DELETE", CHAT, lambda: False)
    assert admit(replaying, "DELETE", CHAT, lambda: True) is None


def test_what_a_redirect_leads_to_is_no_poll(cache: Cache) -> None:
    url = "https://api.openai.com/v1/responses/resp_1"

    def poll() -> bool:
        route = admit(cache, "GET", url, lambda: False)
        assert route is not None
        return route.poll

    assert poll()
    note_redirect(200, CHAT, "/v1/responses/resp_1")
    note_redirect(303, CHAT, None)
    assert poll()
    note_redirect(303, CHAT, "/v1/responses/resp_1")
    assert not poll()
    note_redirect(303, CHAT, "/elsewhere")
    assert poll()
