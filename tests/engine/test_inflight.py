"""Single flight: identical requests under way make one call, and waiting always ends."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from interrupt import at_every_step
from standin import Behaviour, Standin, error

from cachy import Session, disable_cachy, enable_cachy
from cachy.engine import inflight
from cachy.engine.inflight import (
    LONGEST,
    Caller,
    Flights,
    async_caller,
    running_caller,
    sync_caller,
)

URL = "https://api.openai.com/v1/chat/completions"
PLAIN: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
STREAM = {**PLAIN, "stream": True}
SLOW = Behaviour(delay=0.3)


@pytest.fixture
def session(standin: Standin, tmp_path: Path) -> Iterator[Session]:
    yield enable_cachy(cache_dir=tmp_path)
    disable_cachy()


def ask(body: dict[str, Any], library: Any = httpx) -> bytes:
    """Read the answer whole; or piece by piece, if it is asked for as a stream."""
    with library.Client() as client:
        if "stream" not in body:
            return bytes(client.post(URL, json=body).content)
        with client.stream("POST", URL, json=body) as response:
            return b"".join(response.iter_bytes())


async def aask(body: dict[str, Any], library: Any = httpx) -> bytes:
    async with library.AsyncClient() as client:
        if "stream" not in body:
            return bytes((await client.post(URL, json=body)).content)
        async with client.stream("POST", URL, json=body) as response:
            return b"".join([piece async for piece in response.aiter_bytes()])


def in_threads(count: int, body: dict[str, Any], library: Any) -> list[bytes]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: ask(body, library), range(count)))


def in_tasks(count: int, body: dict[str, Any], library: Any) -> list[bytes]:
    async def all_of_them() -> list[bytes]:
        return await asyncio.gather(*(aask(body, library) for _ in range(count)))

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)
@pytest.mark.parametrize("at_once", [in_threads, in_tasks])
def test_a_hundred_at_once_make_one_call(
    at_once: Callable[[int, dict[str, Any], Any], list[bytes]],
    library: Any,
    standin: Standin,
    session: Session,
) -> None:
    with standin.behave(SLOW):
        answers = at_once(100, PLAIN, library)
    assert len(standin.calls) == 1
    assert len(set(answers)) == 1
    assert (session.stats.misses, session.stats.hits) == (1, 99)


@pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)
@pytest.mark.parametrize("at_once", [in_threads, in_tasks])
def test_streams_do_not_wait_for_each_other(
    at_once: Callable[[int, dict[str, Any], Any], list[bytes]],
    library: Any,
    standin: Standin,
    session: Session,
) -> None:
    """Each reader wants the first piece as soon as without cachy."""
    with standin.behave(Behaviour(delay=0.3, pause=0.05)):
        answers = at_once(20, STREAM, library)
    assert len(standin.calls) == session.stats.misses == 20
    assert all(b"[DONE]" in answer for answer in answers)


def test_threads_and_loops_share_a_flight(standin: Standin, session: Session) -> None:
    with standin.behave(SLOW), ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(asyncio.run, aask(PLAIN)) for _ in range(2)]
        answers += [pool.submit(ask, PLAIN) for _ in range(2)]
        assert len({answer.result() for answer in answers}) == 1
    assert len(standin.calls) == 1


def test_trio_waits_too(standin: Standin, session: Session) -> None:
    async def main() -> list[bytes]:
        answers: list[bytes] = []

        async def one() -> None:
            answers.append(await aask(PLAIN))

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(one)
        return answers

    with standin.behave(SLOW):
        assert len(set(anyio.run(main, backend="trio"))) == 1
    assert len(standin.calls) == 1


def test_the_next_takes_over_when_the_first_fails(standin: Standin, session: Session) -> None:
    standin.behave(Behaviour(delay=0.2))
    standin.behave(Behaviour(delay=0.2, answer=error(500, times=1).answer, times=1))
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: ask(PLAIN), range(10)))
    assert len(standin.calls) == 2
    assert len(set(answers)) == 2


@pytest.mark.timing
def test_calls_to_a_failing_endpoint_do_not_queue(standin: Standin, session: Session) -> None:
    standin.behave(Behaviour(delay=0.2, answer=error(500).answer))
    start = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: ask(PLAIN), range(20)))
    assert len(standin.calls) == 20
    assert time.monotonic() - start < 20 * 0.2


def test_the_next_takes_over_when_the_first_is_abandoned(
    standin: Standin, session: Session
) -> None:
    opened, left = threading.Event(), threading.Event()

    def abandon() -> None:
        with httpx.Client() as client, client.stream("POST", URL, json=STREAM):
            opened.set()
            left.wait(5)

    with ThreadPoolExecutor(2) as pool:
        pool.submit(abandon)
        opened.wait(5)
        answer = pool.submit(ask, STREAM)
        left.set()
        assert b"[DONE]" in answer.result(5)
    assert len(standin.calls) == 2


@pytest.mark.parametrize("body", [PLAIN, STREAM], ids=["plain", "event stream"])
def test_what_is_read_piece_by_piece_is_not_waited_for(
    body: dict[str, Any], standin: Standin, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reader may never come to the end."""
    monkeypatch.setattr(inflight.Flight, "wait", lambda *_: pytest.fail("it waits"))
    with httpx.Client() as client, client.stream("POST", URL, json=body):
        assert ask(body)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(ask, body).result()


def test_a_task_does_not_wait_for_its_own_stream(standin: Standin, session: Session) -> None:
    async def main() -> None:
        async with (
            httpx.AsyncClient() as client,
            client.stream("POST", URL, json=STREAM),
        ):
            assert await aask(STREAM)
            assert ask(STREAM)  # nor does what it calls without awaiting

    asyncio.run(main())


def test_waiting_for_an_unread_stream_ends(standin: Standin, session: Session) -> None:
    """The reader waits for the task that asks for the same: neither may wait for the other."""

    async def main() -> bytes:
        async with (
            httpx.AsyncClient() as client,
            client.stream("POST", URL, json=STREAM),
        ):
            return await asyncio.wait_for(asyncio.create_task(aask(STREAM)), LONGEST)

    assert b"[DONE]" in asyncio.run(main())
    assert len(standin.calls) == 2


def test_a_flight_may_land_amid_the_wait_for_it() -> None:
    """A finalizer that ends a call runs in whatever thread the collector interrupts."""

    def make() -> tuple[Callable[[], Any], Callable[[], Any]]:
        flight = lead(Flights(), Caller(0))
        return lambda: flight.wait(0.01), flight.land

    assert at_every_step(make) > 10


def test_a_call_may_be_made_amid_another() -> None:
    """By a signal handler."""

    def make() -> tuple[Callable[[], Any], Callable[[], Any]]:
        flights = Flights()

        def call() -> None:
            flight, leads = flights.join("key", sync_caller())
            if flight is not None:
                assert leads
                flight.land()

        return call, call

    assert at_every_step(make) > 10


def lead(flights: Flights, caller: Caller) -> inflight.Flight:
    flight, leads = flights.join("key", caller)
    assert flight is not None
    assert leads
    return flight


def test_a_cancelled_leader_lands(standin: Standin, session: Session) -> None:
    async def main() -> bytes:
        leader = asyncio.create_task(aask(PLAIN))
        await asyncio.sleep(0.1)
        follower = asyncio.create_task(aask(PLAIN))
        await asyncio.sleep(0.05)
        leader.cancel()
        return await asyncio.wait_for(follower, 5)

    with standin.behave(SLOW):
        assert asyncio.run(main())


def test_a_loop_closed_during_a_call_is_not_waited_for() -> None:
    flights, loop = Flights(), asyncio.new_event_loop()

    async def start() -> None:
        lead(flights, running_caller())

    async def ask_again() -> tuple[object, bool]:
        return flights.join("key", running_caller())

    loop.run_until_complete(start())
    assert asyncio.run(ask_again()) == (None, False)  # of two loops in a thread only one runs
    loop.close()
    with ThreadPoolExecutor(1) as pool:
        flight, _ = pool.submit(flights.join, "key", Caller(0)).result()
        assert flight is not None
        pool.submit(flight.wait, LONGEST).result(5)
    assert flights.join("key", sync_caller())[1]


def test_waiting_is_bounded_and_then_the_next_leads() -> None:
    """The leader may be a thread that has ended during its call."""
    flights = Flights()
    with ThreadPoolExecutor(1) as pool:
        flight = pool.submit(lambda: lead(flights, sync_caller())).result()
    assert flight.wait(0.3) <= 0
    lead(flights, sync_caller())


def test_both_flights_together_take_no_longer_than_the_own_timeout() -> None:
    flights = Flights()
    flight = lead(flights, Caller(0))
    threading.Timer(0.5, flight.land).start()
    assert 0 < flight.wait(1.0) < 1.0


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_task_waits_for_a_flight_of_another_thread(backend: str) -> None:
    flights = Flights()
    flight = lead(flights, Caller(0))
    threading.Timer(0.3, flight.land).start()
    assert anyio.run(flight.wait_async, LONGEST, backend=backend) > 0


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_who_may_wait_for_whom(backend: str) -> None:
    thread, other = Caller(1), Caller(2)
    assert thread.may_wait_for(other)
    assert not thread.may_wait_for(thread)

    async def main() -> None:
        task, sync = async_caller(), sync_caller()
        assert task is not None
        assert task.task is not None
        assert task.may_wait_for(thread)
        assert thread.may_wait_for(task)
        assert not task.may_wait_for(task)
        assert task.may_wait_for(task._replace(task=object()))
        assert not task.may_wait_for(Caller(task.thread, object(), loop=object()))
        assert not sync.may_wait_for(task)
        assert not sync.may_wait_for(thread)  # it blocks a loop that the other may need

    anyio.run(main, backend=backend)


def test_a_coroutine_that_no_loop_drives_goes_alone() -> None:
    async def main() -> Caller | None:
        return async_caller()

    with pytest.raises(StopIteration) as stop:
        main().send(None)
    assert stop.value.value is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_child_does_not_wait_for_its_parent() -> None:
    flights = Flights()
    assert flights.join("key", Caller(1))[1]
    child = os.fork()
    if child == 0:
        leads = False
        try:
            _, leads = flights.join("key", Caller(2))
        finally:
            os._exit(0 if leads else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not flights.join("key", Caller(2))[1]


@pytest.mark.timing
@pytest.mark.parametrize("awaited", [False, True])
def test_a_caller_waits_no_longer_than_its_own_timeout(
    awaited: bool, standin: Standin, session: Session
) -> None:
    standin.behave(Behaviour(delay=3))
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(ask, PLAIN)
        time.sleep(0.2)
        start = time.monotonic()
        with pytest.raises(httpx.ReadTimeout):
            asyncio.run(hurried()) if awaited else httpx.post(URL, json=PLAIN, timeout=0.3)
        assert time.monotonic() - start < 2
        leader.result()


async def hurried() -> None:
    async with httpx.AsyncClient(timeout=0.3) as client:
        await client.post(URL, json=PLAIN)


def test_a_task_started_within_a_call_is_not_part_of_it(standin: Standin, session: Session) -> None:
    started: list[asyncio.Task[bytes]] = []

    async def start_task(request: httpx.Request) -> None:
        started.append(asyncio.create_task(aask(STREAM)))

    async def main() -> None:
        hooks = {"request": [start_task]}
        async with httpx.AsyncClient(event_hooks=hooks) as client:
            await client.post(URL, json=PLAIN)
        await asyncio.gather(*started)

    asyncio.run(main())
    assert session.stats.recorded == 2


def test_refreshing_is_never_shared(standin: Standin, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path, mode="refresh")
    try:
        with standin.behave(SLOW):
            in_threads(3, PLAIN, httpx)
    finally:
        disable_cachy()
    assert len(standin.calls) == 3
