"""A hit through `Client.send`, against FLOOR and against a round trip of `MockTransport`.

FLOOR is what no cache of files can do without, in plain Python: hash the body, open, read and close
one file, decompress it, build the `Response`. "Bare" is the same with the system calls themselves
instead of `open()`. They read as many different files as cachy does. All are asked in turns, in one
process, and cachy only for answers that this process has never seen. Requests are made beforehand,
and the garbage collector is off, for all.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Any

import zstandard

from benchmarks import worker
from benchmarks.samples import Row, Section, compare, spread
from benchmarks.stores import make, make_floor, shard
from benchmarks.workload import EMBEDDINGS, HEADERS, JSON, KINDS, SSE, Kind, answer, payload
from cachy import enable_cachy

LIBRARIES = ("httpx", "httpx2")
POST = "sync post"
SENDS = ("sync", "sync stream", "async", "async stream", POST)
LISTINGS = COLD, WARM = ("cold", "warm")
FLOOR_BOUNDS = {JSON.name: 1.5, EMBEDDINGS.name: 2.0}
MOCK_BOUNDS = {"httpx": 1.0, "httpx2": 1.2}
SIZE_BOUND = 1.1
JSON_TYPE = {"content-type": "application/json"}
MEETING_ALL = 600  # requests, of which nearly all of 256 folders get one

Times = dict[str, list[int]]  # nanoseconds


# ---- In the worker ----


def work(
    library: str, kind: str, folder: str, floor: str, numbers: list[int], sends: list[str]
) -> Times:
    """The times of FLOOR; of mock and hit by way of sending; and of sync hits by whether their
    shard had been asked before."""
    return asyncio.run(_work(import_module(library), KINDS[kind], folder, floor, numbers, sends))


async def _work(
    httpx: Any, kind: Kind, folder: str, floor_folder: str, numbers: list[int], sends: list[str]
) -> Times:

    times: Times = defaultdict(list)
    listed: set[str] = set()
    floor = Floor(httpx, kind, floor_folder)
    senders = {way: _Sender(httpx, kind, way) for way in set(sends)}  # before the patches
    session = enable_cachy(cache_dir=folder, mode="replay")
    gc.collect()
    gc.freeze()
    gc.disable()
    for turn, number in enumerate(numbers):
        way = sends[turn % len(sends)]
        sender = senders[way]
        place = shard(kind, number)
        requests = [_request(httpx, kind, number) for _ in range(4)]
        for step in range(turn // len(sends), turn // len(sends) + 4):
            request = requests.pop()
            if step % 4 == 0:
                times["floor"].append(floor.time(request))
            elif step % 4 == 1:
                times["bare"].append(floor.time_bare(request))
            elif step % 4 == 2:
                times[f"mock {way}"].append(await sender.time_mock(request))
            else:
                took = await sender.time_hit(request)
                times[f"hit {way}"].append(took)
                if way == "sync":
                    times[WARM if place in listed else COLD].append(took)
        listed.add(place)
        if turn % 50 == 49:
            gc.collect()
    if session.stats.hits != len(numbers):
        raise RuntimeError(f"{len(numbers)} hits were to be measured: {session}")
    return times


def _request(httpx: Any, kind: Kind, number: int) -> Any:
    return httpx.Request("POST", kind.url, headers=JSON_TYPE, content=payload(kind, number))


class Floor:
    """What no cache of files can do without."""

    def __init__(self, httpx: Any, kind: Kind, folder: str) -> None:
        self._response, self._folder = httpx.Response, folder
        self._headers = _headers(kind)
        self._decompress = zstandard.ZstdDecompressor().decompress

    def time(self, request: Any) -> int:
        start = perf_counter_ns()
        name = hashlib.sha256(request.content).hexdigest()
        with open(f"{self._folder}/{name[:2]}/{name}", "rb") as file:
            data = file.read()
        body = self._decompress(data)
        self._response(200, headers=self._headers, content=body, request=request)
        return perf_counter_ns() - start

    def time_bare(self, request: Any) -> int:
        start = perf_counter_ns()
        name = hashlib.sha256(request.content).hexdigest()
        file = os.open(f"{self._folder}/{name[:2]}/{name}", os.O_RDONLY)
        data = os.read(file, os.fstat(file).st_size)
        os.close(file)
        body = self._decompress(data)
        self._response(200, headers=self._headers, content=body, request=request)
        return perf_counter_ns() - start


class _Sender:
    """One way of sending: through cachy, and, past all patches, through a mock transport."""

    def __init__(self, httpx: Any, kind: Kind, way: str) -> None:
        self._is_async, self._stream = way.startswith("async"), way.endswith("stream")
        self._is_post = way == POST
        headers, body = _headers(kind), answer(kind, 0)
        mock = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, content=body))
        client_class = httpx.AsyncClient if self._is_async else httpx.Client

        class Unpatched(client_class):  # type: ignore[misc,valid-type]
            send = client_class.send

        self._client, self._mocked = client_class(), Unpatched(transport=mock)

    async def time_hit(self, request: Any) -> int:
        return await self._time(self._client, request)

    async def time_mock(self, request: Any) -> int:
        return await self._time(self._mocked, request)

    async def _time(self, client: Any, request: Any) -> int:
        send, post, stream = client.send, client.post, self._stream
        url, content, headers = str(request.url), request.content, JSON_TYPE
        start = perf_counter_ns()
        if self._is_post:
            post(url, content=content, headers=headers)
        elif self._is_async:
            response = await send(request, stream=stream)
            if stream:
                async for _ in response.aiter_bytes():
                    pass
        else:
            response = send(request, stream=stream)
            if stream:
                for _ in response.iter_bytes():
                    pass
        return perf_counter_ns() - start


def _headers(kind: Kind) -> list[tuple[str, str]]:
    return list((HEADERS | {"content-type": kind.content_type}).items())


# ---- In the bench ----


def ways(folders: Path, counts: dict[str, int], rounds: int) -> Iterator[Section]:
    """Hits of each kind, library and way of sending. `counts`: entries to ask for, by kind."""
    for kind in (JSON, SSE, EMBEDDINGS):
        numbers = range(counts[kind.name])
        folder = make(folders / kind.name, kind, numbers)
        floor = make_floor(folders / f"{kind.name} floor", kind, numbers)
        found: dict[str, Times] = {library: defaultdict(list) for library in LIBRARIES}
        for turn in range(rounds):
            for library in LIBRARIES:
                share = numbers[turn::rounds]
                times = _run(library, kind, share, SENDS, folder, floor)
                _extend(found[library], times)
        rows = [row for library in LIBRARIES for row in _rows(library, kind, found[library])]
        note = (
            f"each process asked for {len(numbers) // rounds:,} of {len(numbers):,} entries, once"
        )
        yield Section(f"A hit, {kind.name}", rows, [note])


def _rows(library: str, kind: Kind, times: Times) -> Iterator[Row]:
    floor = times["floor"]
    yield Row(f"{library}: FLOOR", spread(floor))
    yield compare(f"{library}: FLOOR, bare", times["bare"], "FLOOR", floor, None)
    for way in SENDS:
        if way == POST:
            continue  # makes the request, too, which FLOOR is given
        bound = FLOOR_BOUNDS.get(kind.name) if way == "sync" else None
        yield compare(f"{library} {way}", times[f"hit {way}"], "FLOOR", floor, bound)
    if kind is JSON:
        for way in SENDS:
            bound = MOCK_BOUNDS[library] if way in ("sync", POST) else None
            hit, mock = times[f"hit {way}"], times[f"mock {way}"]
            yield compare(f"{library} {way}", hit, "MockTransport", mock, bound)


def sizes(folders: Path, stores: dict[int, Path], asked: int, rounds: int) -> Section:
    """Hits of 1.4 KB from stores of these many entries; `asked`: hits per process, at most.

    Each size is compared with the smallest by what its hits cost in FLOORs of their own process,
    takes the machine's moods out."""
    found: dict[tuple[str, int], Times] = defaultdict(lambda: defaultdict(list))
    shares = {size: range(0, size, max(1, size // asked)) for size in stores}
    floor = folders / "sizes floor"
    make_floor(floor, JSON, sorted({number for share in shares.values() for number in share}))
    for _ in range(rounds):
        for size, folder in stores.items():
            # A small store has few entries to ask for, so it is asked by more processes.
            for _ in range(max(1, min(asked // size, 4))):
                for library in LIBRARIES:
                    times = _run(library, JSON, shares[size], ["sync"], folder, floor)
                    _extend(found[library, size], times)
    smallest = min(stores)
    rows: list[Row] = []
    for library in LIBRARIES:
        for listing in LISTINGS:
            if not found[library, smallest][listing]:
                continue  # so few entries that no two share a folder
            base = _in_floors(found[library, smallest], listing)
            for size in stores:
                times = found[library, size]
                relative = _in_floors(times, listing) / base
                what = f"{library} of {size:,}, shard {listing}"
                bound = SIZE_BOUND if size > smallest and listing != COLD else None
                rows.append(Row(what, spread(times[listing]), f"{smallest:,}", relative, bound))
    plotted = {"cachy": "hit sync", "cachy, cold shard": COLD}
    curves = {
        name: {size: median(found["httpx", size][times]) for size in stores}
        for name, times in plotted.items()
    }
    notes = [
        "shard cold: the first request of a process to one of the 256 folders, which lists it; "
        "warm: a later one"
    ]
    return Section("A hit by entries in the store, 1.4 KB JSON", rows, notes, curves)


def _in_floors(times: Times, listing: str) -> float:
    return median(times[listing]) / median(times["floor"])


def _run(
    library: str, kind: Kind, numbers: range, sends: Sequence[str], folder: Path, floor: Path
) -> Times:
    times: Times = worker.run(
        "hits",
        library=library,
        kind=kind.name,
        folder=str(folder),
        floor=str(floor),
        numbers=list(numbers),
        sends=list(sends),
    )
    return times


def _extend(times: Times, more: Times) -> None:
    for name, values in more.items():
        times[name].extend(values)


if __name__ == "__main__":
    worker.serve(work)
