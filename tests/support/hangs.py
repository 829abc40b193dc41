"""Programs that must come to an end: `python tests/support/hangs.py NAME`, in a process of its own.

Each raises what is wrong. What stands still is noticed by whoever started the process.
"""

from __future__ import annotations

import sys
from importlib import import_module

if __name__ == "__main__" and "early" in sys.argv[2:]:  # before anything else is loaded
    import_module("gevent.monkey").patch_all()

import asyncio
import gc
import os
import signal
import ssl
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from loopback import Loopback, answer

import cachy

CHILD_ENDS_AFTER = 20  # seconds: it stands still
COMMON = {"model": "m"}
TLS = ssl.create_default_context()  # made once: that is slow


def post(server: Loopback, **asked: Any) -> None:
    timeout = asked.pop("timeout", None)
    body = COMMON | asked
    with httpx.Client(timeout=timeout, verify=TLS) as client:
        assert client.post(server.url, json=body).content == answer(body)


async def apost(server: Loopback, **asked: Any) -> None:
    body = COMMON | asked
    async with httpx.AsyncClient(timeout=None, verify=TLS) as client:
        assert (await client.post(server.url, json=body)).content == answer(body)


def leave(server: Loopback, client: httpx.Client, **asked: Any) -> None:
    """Leave a response unread, in a cycle, for the collector to find when it pleases."""
    request = client.build_request("POST", server.url, json=COMMON | asked)
    response: Any = client.send(request, stream=True)
    response.cycle = response


# ---- Finalizers and signal handlers ----


def garbage(server: Loopback) -> None:
    """The collector ends abandoned calls in whatever it interrupts: waits, too."""
    until = time.monotonic() + 1
    limits = httpx.Limits(max_connections=None)

    def work(number: int) -> None:
        with httpx.Client(timeout=None, limits=limits) as client:
            turn = 0
            while time.monotonic() < until:
                turn += 1
                leave(server, client, left=turn, by=number, stream=bool(turn % 2))
                post(server, same=turn, delay=0.003)

    in_threads(6, work)


def signals(server: Loopback) -> None:
    """A handler makes the call that it interrupts, and others."""
    depth = 0

    def handle(*_: object) -> None:
        nonlocal depth
        if depth < 2:
            depth += 1
            post(server, turn=turn)
            depth -= 1

    turn = 0
    until = time.monotonic() + 1
    signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.003, 0.003)
    while time.monotonic() < until:
        turn += 1
        post(server, turn=turn)
    signal.setitimer(signal.ITIMER_REAL, 0)


# ---- Event loops ----


def bridge(server: Loopback) -> None:
    """The loop that leads a call is blocked by one who asks for the same in another thread."""

    async def main(ask: Callable[[], Any]) -> None:
        leader = asyncio.create_task(apost(server, delay=0.3, by=ask.__name__))
        await asyncio.sleep(0.1)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(ask).result()
        await leader

    def a_thread() -> None:
        post(server, delay=0.3, by="a_thread")

    def a_loop() -> None:
        asyncio.run(apost(server, delay=0.3, by="a_loop"))

    for ask in (a_thread, a_loop):
        asyncio.run(main(ask))


def within(server: Loopback) -> None:
    """A sync client sends through an async one, in the loop of another thread, as bridges do."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    class Bridge(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            asyncio.run_coroutine_threadsafe(apost(server, within=1), loop).result()
            return httpx.Response(200, content=answer(COMMON | {"within": 1}))

    with httpx.Client(transport=Bridge(), timeout=None) as client:
        client.post(server.url, json=COMMON | {"within": 1})


def needed(server: Loopback) -> None:
    """A leader in a thread needs the loop that a sync call for the same blocks."""

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def ask_the_loop(request: httpx.Request) -> None:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01), loop).result()

        def lead() -> None:
            started.set()
            with httpx.Client(event_hooks={"response": [ask_the_loop]}, timeout=None) as client:
                client.post(server.url, json=COMMON | {"needed": 1, "delay": 0.2})

        started = threading.Event()
        leader = loop.run_in_executor(None, lead)
        started.wait()
        time.sleep(0.1)
        post(server, needed=1, delay=0.2)
        await leader

    asyncio.run(main())


def streams(server: Loopback) -> None:
    """The server begins to answer when both are there."""

    def stream(_: int) -> None:
        body = COMMON | {"stream": True, "together": 2}
        with httpx.stream("POST", server.url, json=body, timeout=None) as response:
            assert b"".join(response.iter_bytes()) == answer(body)

    in_threads(2, stream)


def by_hand(server: Loopback) -> None:
    """No event loop drives a coroutine."""

    class Transport(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, stream=httpx.ByteStream(answer(COMMON)))

    async def main() -> bytes:
        client = httpx.AsyncClient(transport=Transport())
        return (await client.post(server.url, json=COMMON)).content

    for _ in range(2):
        got = b""
        try:
            main().send(None)
        except StopIteration as stop:
            got = stop.value
        assert got == answer(COMMON)


# ---- Clocks ----


def frozen(server: Loopback) -> None:
    """Calls, waits and stamps under freezegun, then under time-machine."""
    freezegun, time_machine = import_module("freezegun"), import_module("time_machine")
    from cachy.upkeep import gc as collect

    session = cachy.enable_cachy(doms=(server.host,))
    for when in ("1980-01-01", "2120-01-01"):
        with freezegun.freeze_time(when):
            clock_stands(server, f"freezegun {when}")
        with time_machine.travel(when, tick=False):
            clock_stands(server, f"time-machine {when}")
    assert session.stats.recorded >= 12, session
    policy = collect.Policy(older_than=90 * 86400)
    assert collect.plan(str(session.store.root), policy).removals == []
    for name in session.store.names() or ():
        assert abs(int(name[33:41], 16) - time.time()) < 600, name


def clock_stands(server: Loopback, case: str) -> None:
    in_threads(3, lambda _: post(server, case=case, delay=0.2))

    async def main() -> None:
        await asyncio.gather(*(apost(server, case=case, task=number // 2) for number in range(4)))

    asyncio.run(main())


# ---- Forks ----


def forks(server: Loopback) -> None:
    """Children of a process whose threads make their first calls, and import what they need."""
    warm = threading.Thread(target=in_threads, args=(3, lambda i: post(server, delay=0.002, n=i)))
    warm.start()
    children = [fork(server, number) for number in range(40)]
    warm.join()
    failed = [status for child in children if (status := os.waitpid(child, 0)[1])]
    assert not failed, f"{len(failed)} of {len(children)} children: {failed}"


def fork(server: Loopback, number: int) -> int:
    time.sleep(0.002)
    child = os.fork()
    if not child:
        signal.alarm(CHILD_ENDS_AFTER)
        code = 1
        try:
            post(server, child=number % 3)
            if number % 10 == 0:
                asyncio.run(apost(server, child=number % 3))
            code = 0
        finally:
            os._exit(code)
    return child


# ---- gevent ----


def greenlets(server: Loopback) -> None:
    """Six greenlets ask for two things."""
    gevent = import_module("gevent")
    jobs = [gevent.spawn(post, server, delay=0.3, key=number % 2) for number in range(6)]
    gevent.joinall(jobs, raise_error=True)
    assert len(server.calls) == 2, server.calls


def in_threads(count: int, work: Callable[[int], Any]) -> None:
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, range(count)))


PROGRAMS = {
    program.__name__: program
    for program in (
        *(garbage, signals, bridge, within, needed, streams, by_hand, frozen, forks, greenlets),
    )
}


def main() -> None:
    if "late" in sys.argv[2:]:
        import_module("gevent.monkey").patch_all()
    gc.set_threshold(50, 5, 5)
    httpx.Client().close()  # which imports what is not cachy's to import
    os.chdir(tempfile.mkdtemp(prefix="hangs-"))
    with Loopback() as server:
        cachy.enable_cachy(doms=(server.host,))
        PROGRAMS[sys.argv[1]](server)
        print("the end", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
