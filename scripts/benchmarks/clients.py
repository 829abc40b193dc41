"""A hit through requests, urllib3 and urllib.request: against the same call to a server on this
machine, over TLS and, where the client keeps connections, one that is open already; and against
vcrpy with 1,000 recordings under the same client.

In turns, in one process; the server has one of its own. What passing a request to an unknown host
through costs is the difference to the same function without cachy, with no network below it.
"""

from __future__ import annotations

import gc
import ssl
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from benchmarks import worker
from benchmarks.samples import Row, Section, added, compare, spread
from benchmarks.workload import JSON, payload

LIBRARIES = ("requests", "urllib3", "urllib.request")
HEADERS = {"content-type": "application/json", "accept": "*/*", "x-pace": "plain"}
LIVE_BOUND = 1.0
VCR_BOUND = 0.2
VCR_SIZE = 1_000

Times = dict[str, list[float]]  # nanoseconds
Send = Callable[[str, bytes], bytes]


# ---- In the worker ----


def senders() -> dict[str, Send]:
    """By library: send a body, and return the body of the answer."""
    import urllib.request

    import requests
    import urllib3

    session = requests.Session()
    manager = urllib3.PoolManager(ssl_context=ssl.create_default_context())

    def through_requests(url: str, body: bytes) -> bytes:
        return session.post(url, data=body, headers=HEADERS).content

    def through_urllib3(url: str, body: bytes) -> bytes:
        return manager.request("POST", url, body=body, headers=HEADERS).data

    def through_urllib(url: str, body: bytes) -> bytes:
        with urllib.request.urlopen(urllib.request.Request(url, body, HEADERS)) as response:
            return bytes(response.read())

    return dict(zip(LIBRARIES, (through_requests, through_urllib3, through_urllib), strict=True))


def work(folder: str, place: list[Any], hits: int) -> Times:
    """`LIBRARY hit`, `LIBRARY live`, and `pass` and `plain` of a request to an unknown host."""
    from standin.reach import reach

    from cachy import enable_cachy, no_cachy

    times: Times = defaultdict(list)
    with reach(*place):
        sends = senders()
        session = enable_cachy(cache_dir=folder)
        for send in sends.values():  # connects, imports and lists
            with no_cachy():
                send(JSON.url, payload(JSON, 0))
            send(JSON.url, payload(JSON, 0))
        gc.collect()
        gc.freeze()
        gc.disable()
        for number in range(hits):
            body = payload(JSON, number)
            for library, send in sends.items():
                times[f"{library} hit"].append(_time(send, body))
                with no_cachy():
                    times[f"{library} live"].append(_time(send, body))
            gc.collect(0)
        if session.stats.misses:
            raise RuntimeError(f"all were to be hits: {session}")
        _pass_through(times)
    return times


def _time(send: Send, body: bytes) -> int:
    start = perf_counter_ns()
    send(JSON.url, body)
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

    folder = make(folders / "clients", JSON, range(hits))
    with server() as place:
        times: Times = worker.run("clients", folder=str(folder), place=place, hits=hits)
    rows: list[Row] = []
    for library in LIBRARIES:
        hit, live = times[f"{library} hit"], times[f"{library} live"]
        rows.append(Row(f"{library}: a live call", spread(live)))
        rows.append(compare(library, hit, "a live call", live, LIVE_BOUND))
        if peers_python is not None:
            theirs = _under_vcrpy(folders / "vcrpy clients", library, peers_python)
            rows.append(Row(f"{library}: vcrpy of {VCR_SIZE:,}", spread(theirs)))
            rows.append(compare(library, hit, "vcrpy", theirs, VCR_BOUND))
    rows.append(added("urllib3, an unknown host", "without", times["pass"], times["plain"]))
    return Section("A hit through other clients, 1.4 KB JSON", rows)


def _under_vcrpy(folder: Path, library: str, python: str) -> list[float]:
    task: dict[str, Any] = {"peer": f"vcrpy, {library}", "folder": str(folder), "size": VCR_SIZE}
    if not folder.exists():
        folder.mkdir()
        worker.run("peers", python, step="fill", **task)
    found: dict[str, list[float]] = worker.run("peers", python, step="ask", **task)
    return found["hits"]


if __name__ == "__main__":
    worker.serve(work)
