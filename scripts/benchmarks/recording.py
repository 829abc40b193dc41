"""What recording adds to a live call: without and with cachy in turns, against the local stand-in.

The stand-in answers from a process of its own, through TLS, at the providers' own addresses.
The first event of a stream comes as long after the request as each next one after the last.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import count
from pathlib import Path
from time import perf_counter_ns
from typing import Any, NamedTuple

import httpx2
from standin import Answer, Behaviour, Call, Standin
from standin.certificates import authority
from standin.reach import reach

from benchmarks import worker
from benchmarks.event_loop import lag
from benchmarks.samples import Row, Section, added, compare, spread
from benchmarks.workload import HEADERS, JSON, SSE, answer, payload
from cachy import enable_cachy, no_cachy
from cachy.store.disk import Disk

FIRST_CHUNK_BOUND = 1.05
CALLER_LIMIT = 1e6
"""Nanoseconds that recording may take of the caller's time, beyond waiting for the disk."""
LOOP_LIMIT = 2e6
"""Nanoseconds for which recording may hold up the event loop."""
THREADS, TASKS = 8, 100
SIDES = WITHOUT, WITH = "without", "with"

Times = dict[str, list[float]]  # nanoseconds


class Pace(NamedTuple):
    """How the stand-in answers; the request says which by the header `x-pace`."""

    events: int
    pause: float


PACES = {"plain": Pace(0, 0), "stream": Pace(50, 0.01), "slow stream": Pace(10, 0.1)}
"""A hundred tasks get the slow one: more than this would measure how fast Python reads events."""


# ---- The server, in a process of its own ----


def serve() -> None:
    """Print where to connect, and answer until standard input closes."""
    with Standin() as standin:
        for name, pace in PACES.items():
            standin.behave(_behaviour(name, pace))
        print(json.dumps([standin._secure, standin._plain, authority().file]), flush=True)
        sys.stdin.read()


def _behaviour(name: str, pace: Pace) -> Behaviour:
    events = [event + b"\n\n" for event in answer(SSE, 0).split(b"\n\n")[: pace.events - 1]]
    if pace.events:
        headers = HEADERS | {"content-type": SSE.content_type}
        reply = Answer(200, headers, [*events, b"data: [DONE]\n\n"])
    else:
        reply = Answer(200, HEADERS | {"content-type": JSON.content_type}, answer(JSON, 0))

    def paced(call: Call) -> bool:
        return call.headers.get("x-pace") == name

    return Behaviour(when=paced, answer=reply, delay=pace.pause, pause=pace.pause)


@contextmanager
def server() -> Iterator[list[Any]]:
    """Run the stand-in in a process of its own. Gives where to connect, for `reach`."""
    command = [sys.executable, "-m", "benchmarks.recording", "serve"]
    with subprocess.Popen(
        command, env=worker.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        yield json.loads(process.stdout.readline())
        process.stdin.close()


# ---- The client, in another ----


def work(folder: str, place: list[Any], calls: int, streams: int, rounds: int) -> Times:
    """Call names are `WAY PACE MEASURE SIDE`: `sync stream first with`."""
    times: Times = defaultdict(list)
    limits = httpx2.Limits(max_connections=200, max_keepalive_connections=200)
    with reach(*place):
        enable_cachy(cache_dir=folder)
        flushes = _Flushes()
        with httpx2.Client(limits=limits) as client:
            caller = _Caller(client, times, flushes)
            caller.warm_up()
            for turn in range(calls):
                for side in _sides(turn):
                    caller.call("sync", "plain", side)
            for turn in range(streams):
                for side in _sides(turn):
                    caller.call("sync", "stream", side)
            with ThreadPoolExecutor(THREADS) as pool:
                for turn in range(-1, rounds):  # the first connects
                    for pace in ("plain", "stream"):
                        for side in _sides(turn):
                            way = "threads" if turn >= 0 else "unused"
                            list(pool.map(lambda _: caller.call(way, pace, side), range(THREADS)))  # noqa: B023
        asyncio.run(_async_work(times, limits, calls, streams, rounds))
    return times


async def _async_work(
    times: Times, limits: httpx2.Limits, calls: int, streams: int, rounds: int
) -> None:
    async with httpx2.AsyncClient(limits=limits, timeout=60) as client:
        caller = _AsyncCaller(client, times)
        await caller.call("unused", "plain", WITH)
        for pace, number in (("plain", calls // 2), ("stream", streams // 2)):
            for turn in range(number):
                for side in _sides(turn):
                    async with lag(times[f"async {pace} lag {side}"]):
                        await caller.call("async", pace, side)
        for turn in range(-1, rounds):
            for pace in ("plain", "slow stream"):
                for side in _sides(turn):
                    way = "tasks" if turn >= 0 else "unused"
                    async with lag(times[f"{way} {pace} lag {side}"]):
                        await asyncio.gather(*(caller.call(way, pace, side) for _ in range(TASKS)))


def _sides(turn: int) -> tuple[str, ...]:
    return SIDES if turn % 2 else SIDES[::-1]


def _scope(side: str) -> AbstractContextManager[None]:
    return nullcontext() if side == WITH else no_cachy()


_numbers = count()


def _request(client: Any, pace: str) -> Any:
    """A request that was not made before."""
    headers = {"content-type": "application/json", "x-pace": pace}
    kind = SSE if PACES[pace].events else JSON
    return client.build_request(
        "POST", kind.url, headers=headers, content=payload(kind, next(_numbers))
    )


class _Caller:
    def __init__(self, client: httpx2.Client, times: Times, flushes: _Flushes) -> None:
        self._client, self._times, self._flushes = client, times, flushes

    def warm_up(self) -> None:
        for pace in ("plain", "stream"):
            self.call("unused", pace, WITH)

    def call(self, way: str, pace: str, side: str) -> None:
        request = _request(self._client, pace)
        flushed = self._flushes.here()
        first = 0
        with _scope(side):
            start = perf_counter_ns()
            response = self._client.send(request, stream=PACES[pace].events > 0)
            for _ in response.iter_bytes():
                first = first or perf_counter_ns() - start
            response.close()
            total = perf_counter_ns() - start
        flushed = self._flushes.here() - flushed
        _note(self._times, f"{way} {pace}", side, first=first, total=total, own=total - flushed)
        if side == WITH:
            self._times["flush"].append(flushed)


class _AsyncCaller:
    def __init__(self, client: httpx2.AsyncClient, times: Times) -> None:
        self._client, self._times = client, times

    async def call(self, way: str, pace: str, side: str) -> None:
        request = _request(self._client, pace)
        first = 0
        with _scope(side):
            start = perf_counter_ns()
            response = await self._client.send(request, stream=PACES[pace].events > 0)
            async for _ in response.aiter_bytes():
                first = first or perf_counter_ns() - start
            await response.aclose()
            total = perf_counter_ns() - start
        _note(self._times, f"{way} {pace}", side, first=first, total=total)


def _note(times: Times, what: str, side: str, **measures: float) -> None:
    for measure, value in measures.items():
        times[f"{what} {measure} {side}"].append(value)


class _Flushes:
    """The time that each thread of this process has waited for the disk."""

    def __init__(self) -> None:
        self._waited: dict[int, int] = defaultdict(int)
        setattr(Disk, "fsync", staticmethod(self._timed(Disk.fsync)))  # noqa: B010  typed as os.fsync

    def here(self) -> int:
        """Nanoseconds so far, of the calling thread."""
        return self._waited[threading.get_ident()]

    def _timed(self, flush: Callable[[Any], None]) -> Callable[[Any], None]:
        def timed(file: Any) -> None:
            start = perf_counter_ns()
            try:
                flush(file)
            finally:
                self._waited[threading.get_ident()] += perf_counter_ns() - start

        return timed


# ---- In the bench ----

WAYS = {
    "sync": "one at a time",
    "threads": f"{THREADS} threads",
    "async": "async, one at a time",
    "tasks": f"{TASKS} tasks",
}


def measure(folders: Path, calls: int, streams: int, rounds: int) -> Section:
    """What recording adds: `calls` and `streams` one at a time, `rounds` of many at once."""
    folder = folders / "recording"
    folder.mkdir()
    with server() as place:
        times: Times = worker.run(
            "recording",
            folder=str(folder),
            place=place,
            calls=calls,
            streams=streams,
            rounds=rounds,
        )
    stream, slow = PACES["stream"], PACES["slow stream"]
    notes = [
        f"streams: {stream.events} events {stream.pause * 1000:.0f} ms apart; "
        f"for {TASKS} tasks {slow.events} events {slow.pause * 1000:.0f} ms apart",
        "ratio: of the whole to the same without cachy",
    ]
    return Section("What recording adds to a live call", list(_rows(times)), notes)


def _rows(times: Times) -> Iterator[Row]:
    def sides(name: str) -> tuple[list[float], list[float]]:
        return times[f"{name} {WITH}"], times[f"{name} {WITHOUT}"]

    yield Row("the disk's flush of one recording", spread(times["flush"]))
    own = added("plain, added beyond the flush", "without", *sides("sync plain own"))
    yield own._replace(limit=CALLER_LIMIT)
    for way, words in WAYS.items():
        kept, bare = sides(f"{way} plain total")
        yield compare(f"plain, {words}", kept, "without", bare)
        pace = "slow stream" if way == "tasks" else "stream"
        kept, bare = sides(f"{way} {pace} first")
        bound = None if way == "tasks" else FIRST_CHUNK_BOUND  # there, the client is the limit
        yield compare(f"stream, {words}: first chunk", kept, "without", bare, bound)
        kept, bare = sides(f"{way} {pace} total")
        yield compare(f"stream, {words}: whole", kept, "without", bare)
    for way, pace in (("async", "plain"), ("async", "stream"), ("tasks", "slow stream")):
        lag = added(
            f"event loop held up, {pace}, {WAYS[way]}", "without", *sides(f"{way} {pace} lag")
        )
        yield lag._replace(limit=LOOP_LIMIT if way == "async" else None)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        worker.serve(work)
