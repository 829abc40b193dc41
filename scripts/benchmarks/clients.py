"""A hit through requests, urllib3, urllib.request, aiohttp and boto3: against the same call to a
server on this machine, over TLS and, where the client keeps connections, one that is open already;
and against vcrpy with 1,000 recordings under the same client.

In turns, in one process; the server has one of its own. What passing a request to an unknown host
through costs is the difference to the same function without cachy, with no network below it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import ssl
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from benchmarks import worker
from benchmarks.samples import Row, Section, added, compare, spread
from benchmarks.workload import CONVERSE, JSON, MODEL, REGION, Kind, answer, payload, question

HEADERS = {"content-type": "application/json", "accept": "*/*", "x-pace": "plain"}
LIVE_BOUND = 1.0
VCR_BOUND = 0.2
VCR_SIZE = 1_000

Times = dict[str, list[float]]  # nanoseconds
Ask = Callable[[int], Callable[[], bytes]]
"""From a number to what sends that request, and returns the answer."""


# ---- In the worker ----


def _requests() -> Ask:
    session = import_module("requests").Session()

    def send(body: bytes) -> bytes:
        return bytes(session.post(JSON.url, data=body, headers=HEADERS).content)

    return lambda number: partial(send, payload(JSON, number))


def _urllib3() -> Ask:
    manager = import_module("urllib3").PoolManager(ssl_context=ssl.create_default_context())

    def send(body: bytes) -> bytes:
        return bytes(manager.request("POST", JSON.url, body=body, headers=HEADERS).data)

    return lambda number: partial(send, payload(JSON, number))


def _urllib() -> Ask:
    import urllib.request

    def send(body: bytes) -> bytes:
        with urllib.request.urlopen(urllib.request.Request(JSON.url, body, HEADERS)) as response:
            return bytes(response.read())

    return lambda number: partial(send, payload(JSON, number))


def _aiohttp() -> Ask:
    """On a loop of its own, whose entering and leaving is timed, too: for all alike."""
    aiohttp = import_module("aiohttp")
    loop = asyncio.new_event_loop()

    async def opened() -> Any:
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
        return aiohttp.ClientSession(connector=connector)

    session = loop.run_until_complete(opened())

    async def send(body: bytes) -> bytes:
        async with session.post(JSON.url, data=body, headers=HEADERS) as response:
            return bytes(await response.read())

    def ask(number: int) -> Callable[[], bytes]:
        body = payload(JSON, number)
        return lambda: loop.run_until_complete(send(body))

    return ask


def _boto3() -> Ask:
    account = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client = import_module("boto3").client("bedrock-runtime", region_name=REGION, **account)

    def send(messages: Any) -> bytes:
        return _text(client.converse(modelId=MODEL, messages=messages))

    return lambda number: partial(send, question(CONVERSE, number)["messages"])


def _text(said: Any) -> bytes:
    return str(said["output"]["message"]["content"][0]["text"]).encode()


LIBRARIES: dict[str, Callable[[], Ask]] = {
    "requests": _requests,
    "urllib3": _urllib3,
    "urllib.request": _urllib,
    "aiohttp": _aiohttp,
    "boto3": _boto3,
}


def kind_of(library: str) -> Kind:
    """What is asked through a library."""
    return CONVERSE if library == "boto3" else JSON


def expected(library: str, number: int) -> bytes:
    """What a library returns of a recording."""
    body = answer(kind_of(library), number)
    return _text(json.loads(body)) if library == "boto3" else body


def work(folder: str, place: list[Any], hits: int) -> Times:
    """`LIBRARY hit`, `LIBRARY live`, and `pass` and `plain` of a request to an unknown host."""
    from standin.reach import reach

    from cachy import enable_cachy, no_cachy

    times: Times = defaultdict(list)
    with reach(*place):
        asks = {library: opened() for library, opened in LIBRARIES.items()}
        session = enable_cachy(cache_dir=folder)
        for ask in asks.values():  # connects, imports and lists
            with no_cachy():
                ask(0)()
            ask(0)()
        gc.collect()
        gc.freeze()
        gc.disable()
        for number in range(hits):
            for library, ask in asks.items():
                times[f"{library} hit"].append(_time(ask(number)))
                with no_cachy():
                    times[f"{library} live"].append(_time(ask(number)))
            gc.collect(0)
        if session.stats.misses:
            raise RuntimeError(f"all were to be hits: {session}")
        _pass_through(times)
    return times


def _time(send: Callable[[], bytes]) -> int:
    start = perf_counter_ns()
    send()
    return perf_counter_ns() - start


def _pass_through(times: Times, calls: int = 2_000) -> None:
    """Requests to a host that is not cached, as far as the connection."""
    import urllib3

    from cachy import no_cachy

    pool: Any = urllib3.HTTPConnectionPool("llm.example.com")
    pool._get_conn = _no_connection
    for _ in range(calls):
        for name in ("pass", "plain"):
            if name == "plain":
                with no_cachy():
                    times[name].append(_time_refused(pool))
            else:
                times[name].append(_time_refused(pool))


def _no_connection(*_: Any, **__: Any) -> Any:
    raise KeyError


def _time_refused(pool: Any) -> int:
    start = perf_counter_ns()
    try:
        pool.urlopen("POST", "/v1/chat", body=b"{}", headers=HEADERS)
    except KeyError:
        pass
    return perf_counter_ns() - start


# ---- In the bench ----


def measure(folders: Path, hits: int, peers_python: str | None) -> Section:
    """Hits of 1.4 KB JSON by library; vcrpy only where its environment is."""
    from benchmarks.recording import server  # what this needs, the environment of peers has not
    from benchmarks.stores import make

    folder = folders / "clients"
    for kind in (JSON, CONVERSE):
        make(folder, kind, range(hits))
    with server() as place:
        times: Times = worker.run("clients", folder=str(folder), place=place, hits=hits)
    rows: list[Row] = []
    for library in LIBRARIES:
        hit, live = times[f"{library} hit"], times[f"{library} live"]
        rows.append(Row(f"{library}: a live call", spread(live)))
        rows.append(compare(library, hit, "a live call", live, LIVE_BOUND))
        if peers_python is not None:
            theirs = _under_vcrpy(folders / f"vcrpy {library}", library, peers_python)
            rows.append(Row(f"{library}: vcrpy of {VCR_SIZE:,}", spread(theirs)))
            rows.append(compare(library, hit, "vcrpy", theirs, VCR_BOUND))
    rows.append(added("urllib3, an unknown host", "without", times["pass"], times["plain"]))
    return Section("A hit through other clients, 1.4 KB JSON", rows)


def _under_vcrpy(folder: Path, library: str, python: str) -> list[float]:
    task: dict[str, Any] = {"peer": f"vcrpy, {library}", "folder": str(folder), "size": VCR_SIZE}
    folder.mkdir()
    worker.run("peers", python, step="fill", **task)
    found: dict[str, list[float]] = worker.run("peers", python, step="ask", **task)
    return found["hits"]


if __name__ == "__main__":
    worker.serve(work)
