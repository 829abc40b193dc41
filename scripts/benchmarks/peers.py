"""The same hits through other recorders and caches, each as its documentation sets it up.

Runs in an environment of its own (`scripts/env peers`), because upstream's module is also
called `cachy`. A peer gets its recordings the fastest way it has, and is then asked through its
own front door for answers that lie all over its store, each once. hishel is asked with GET, since
it keeps no POST; diskcache is a plain `get` of a body by the digest of its request.
"""

from __future__ import annotations

import base64
import gc
import hashlib
import json
import logging
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from importlib import import_module
from itertools import islice
from pathlib import Path
from subprocess import TimeoutExpired
from time import perf_counter_ns
from typing import Any, NamedTuple

from benchmarks import worker
from benchmarks.clients import LIBRARIES, Ask, expected, kind_of
from benchmarks.samples import Row, Section, spread
from benchmarks.workload import HEADERS, JSON, Kind, answer, payload

ENOUGH = 100
"""Hits; fewer where a hit takes long."""
SECONDS = 4.0
"""What the hits of one peer with one size may take."""
JSON_HEADERS = {"content-type": "application/json"}
ASKING_HEADERS = JSON_HEADERS | {"accept": "*/*"}

Peer = tuple[Callable[[Path, int], None], Callable[[Path, ExitStack], Ask]]
"""How it gets its recordings, and how it is opened."""


# ---- In the worker: what is imported here is in the peers' environment only ----


def work(step: str, **task: Any) -> Any:
    """Steps: `fill` gives a peer its recordings, `ask` times its hits, `write` writes files."""
    logging.disable()
    steps: dict[str, Callable[..., Any]] = {"fill": _fill, "ask": _ask, "write": _write}
    return steps[step](**task)


def _fill(peer: str, folder: str, size: int) -> int:
    fill, _ = PEERS[peer]
    fill(Path(folder), size)
    return size


def _ask(peer: str, folder: str, size: int) -> dict[str, Any]:
    """Nanoseconds of each hit, and the milliseconds it took to open the store."""
    _, opened = PEERS[peer]
    with ExitStack() as closing:
        start = perf_counter_ns()
        ask = opened(Path(folder), closing)
        open_ms = (perf_counter_ns() - start) / 1e6
        gc.collect()
        gc.freeze()
        gc.disable()
        return {"hits": list(_times(peer, ask, size)), "open_ms": open_ms}


def _times(peer: str, ask: Ask, size: int) -> Iterator[int]:
    library = peer.partition(", ")[2]
    until = time.monotonic() + SECONDS
    for number in random.Random(size).sample(range(size), min(size, ENOUGH)):
        prepared = ask(number)
        start = perf_counter_ns()
        content = prepared()
        yield perf_counter_ns() - start
        if content != expected(library, number):
            raise RuntimeError(f"number {number} was answered wrongly: {content[:200]!r}")
        gc.collect(0)
        if time.monotonic() > until:
            return


def _fill_pycachy(folder: Path, size: int) -> None:
    write_jsonl(folder / "cachy.jsonl", map(_exchange, range(size)))


def _open_pycachy(folder: Path, closing: ExitStack) -> Ask:
    core = import_module("cachy.core")
    core.enable_cachy(cache_dir=folder)
    closing.callback(core.disable_cachy)
    return _asking_httpx(closing.enter_context(import_module("httpx").Client()))


def _fill_vcrpy(folder: Path, size: int) -> None:
    write_cassette(folder / "cassette.yaml", map(_exchange, range(size)))


def _open_vcrpy(folder: Path, closing: ExitStack) -> Ask:
    _enter_cassette(folder, closing)
    return _asking_httpx(closing.enter_context(import_module("httpx").Client()))


def _vcrpy_under(library: str) -> Peer:
    def fill(folder: Path, size: int) -> None:
        exchanges = (_exchange(number, kind_of(library)) for number in range(size))
        write_cassette(folder / "cassette.yaml", exchanges)

    def opened(folder: Path, closing: ExitStack) -> Ask:
        _enter_cassette(folder, closing)
        return LIBRARIES[library]()

    return fill, opened


def _enter_cassette(folder: Path, closing: ExitStack) -> None:
    vcr = import_module("vcr")
    cassette = vcr.use_cassette(
        str(folder / "cassette.yaml"),
        record_mode="none",
        match_on=["method", "scheme", "host", "port", "path", "query", "body"],
    )
    closing.enter_context(cassette)


def _fill_hishel(folder: Path, size: int) -> None:
    httpx = import_module("httpx")
    headers = HEADERS | JSON_HEADERS

    def live(request: Any) -> Any:
        number = int(request.url.params["number"])
        return httpx.Response(200, headers=headers, content=answer(JSON, number))

    with _hishel_client(folder, httpx.MockTransport(live), quick=True) as client:
        for number in range(size):
            client.send(_httpx_request("GET", number))


def _open_hishel(folder: Path, closing: ExitStack) -> Ask:
    transport = import_module("httpx").HTTPTransport()
    return _asking_httpx(closing.enter_context(_hishel_client(folder, transport)), "GET")


def _hishel_client(folder: Path, transport: Any, quick: bool = False) -> Any:
    hishel = import_module("hishel")
    storage = hishel.SqliteStorage(database_path=folder / "hishel.db")
    if quick:
        storage._ensure_connection().execute("PRAGMA synchronous=OFF")
    cached = import_module("hishel.httpx").CacheTransport(transport, storage=storage)
    return import_module("httpx").Client(transport=cached)


def _fill_requests_cache(folder: Path, size: int) -> None:
    requests, urllib3 = import_module("requests"), import_module("urllib3")
    with _requests_session(folder, fast_save=True) as session:
        for number in range(size):
            response = requests.Response()
            response.request = _requests_request(session, number)
            response.status_code, response.url = 200, JSON.url
            response.headers.update(HEADERS | JSON_HEADERS)
            response._content = answer(JSON, number)
            response.raw = urllib3.HTTPResponse(response.content, response.headers, 200)
            session.cache.save_response(response)


def _open_requests_cache(folder: Path, closing: ExitStack) -> Ask:
    session = closing.enter_context(_requests_session(folder))

    def ask(number: int) -> Callable[[], bytes]:
        request = _requests_request(session, number)
        return lambda: bytes(session.send(request).content)

    return ask


def _requests_session(folder: Path, **options: Any) -> Any:
    requests_cache = import_module("requests_cache")
    backend = requests_cache.SQLiteCache(str(folder / "requests.db"), **options)
    return requests_cache.CachedSession(
        backend=backend, allowable_methods=["GET", "POST"], expire_after=-1
    )


def _requests_request(session: Any, number: int) -> Any:
    requests = import_module("requests")
    request = requests.Request("POST", JSON.url, headers=JSON_HEADERS, data=payload(JSON, number))
    return session.prepare_request(request)


def _fill_diskcache(folder: Path, size: int) -> None:
    quick = {"cull_limit": 0, "sqlite_synchronous": 0}
    cache = import_module("diskcache").Cache(str(folder / "diskcache"), **quick)
    with cache, cache.transact():
        for number in range(size):
            cache.set(_digest(payload(JSON, number)), answer(JSON, number))


def _open_diskcache(folder: Path, closing: ExitStack) -> Ask:
    cache = import_module("diskcache").Cache(str(folder / "diskcache"))
    closing.enter_context(cache)

    def ask(number: int) -> Callable[[], bytes]:
        body = payload(JSON, number)
        return lambda: bytes(cache.get(_digest(body)))

    return ask


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _httpx_request(method: str, number: int) -> Any:
    httpx = import_module("httpx")
    if method == "GET":
        return httpx.Request("GET", JSON.url, params={"number": number})
    return httpx.Request("POST", JSON.url, headers=ASKING_HEADERS, content=payload(JSON, number))


def _asking_httpx(client: Any, method: str = "POST") -> Ask:
    def ask(number: int) -> Callable[[], bytes]:
        request = _httpx_request(method, number)
        return lambda: bytes(client.send(request).content)

    return ask


class Exchange(NamedTuple):
    """A request and its response; the bodies in base64."""

    method: str
    url: str
    asked_headers: list[tuple[str, str]]
    asked_body: str
    status: int
    headers: list[tuple[str, str]]
    answered_body: str

    def asked(self) -> bytes:
        """The request's body."""
        return base64.b64decode(self.asked_body)

    def body(self) -> bytes:
        """The response's."""
        return base64.b64decode(self.answered_body)


def _exchange(number: int, kind: Kind = JSON) -> Exchange:
    asked, answered = payload(kind, number), answer(kind, number)
    return Exchange(
        "POST",
        kind.url,
        list(ASKING_HEADERS.items()),
        base64.b64encode(asked).decode(),
        200,
        list((HEADERS | JSON_HEADERS).items()),
        base64.b64encode(answered).decode(),
    )


def _write(source: str, count: int, jsonl: str, cassette: str) -> None:
    """The first of the exchanges in a file, as the peers keep them."""
    with open(source) as file:
        exchanges = [Exchange(*json.loads(line)) for line in islice(file, count)]
    write_jsonl(Path(jsonl), exchanges)
    write_cassette(Path(cassette), exchanges)


def write_jsonl(path: Path, exchanges: Iterable[Exchange]) -> None:
    """The file of pycachy."""
    core, httpx = import_module("cachy.core"), import_module("httpx")
    lines = []
    for exchange in exchanges:
        request = httpx.Request(
            exchange.method,
            exchange.url,
            headers=exchange.asked_headers,
            content=exchange.asked(),
        )
        body = _text(exchange.body())
        fields = {
            "key": core._key(request, is_stream=b'"stream":true' in exchange.asked()),
            "response": body if isinstance(body, str) else exchange.answered_body,
            "headers": dict(exchange.headers),
            "status_code": exchange.status,
            "binary": isinstance(body, bytes),
        }
        lines.append(fields)
    lines.sort(key=lambda fields: (fields["response"], fields["key"]))  # as it does
    with path.open("w") as file:
        file.writelines(json.dumps(fields) + "\n" for fields in lines)


def write_cassette(path: Path, exchanges: Iterable[Exchange]) -> None:
    """The file of vcrpy, by its own serializer."""
    interactions = [
        {
            "request": {
                "method": exchange.method,
                "uri": exchange.url,
                "body": _text(exchange.asked()),
                "headers": {name: [value] for name, value in exchange.asked_headers},
            },
            "response": {
                "status": {"code": exchange.status, "message": "OK"},
                "headers": {name: [value] for name, value in exchange.headers},
                "body": {"string": _text(exchange.body())},
            },
        }
        for exchange in exchanges
    ]
    yaml = import_module("vcr.serializers.yamlserializer")
    path.write_text(yaml.serialize({"version": 1, "interactions": interactions}))


def _text(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


PEERS: dict[str, Peer] = {
    "pycachy": (_fill_pycachy, _open_pycachy),
    "vcrpy": (_fill_vcrpy, _open_vcrpy),
    "hishel": (_fill_hishel, _open_hishel),
    "requests-cache": (_fill_requests_cache, _open_requests_cache),
    "diskcache.get": (_fill_diskcache, _open_diskcache),
    **{f"vcrpy, {library}": _vcrpy_under(library) for library in LIBRARIES},
}


# ---- In the bench ----

SIZES = {
    "pycachy": (100, 1_000, 10_000, 100_000),
    "vcrpy": (100, 1_000, 10_000),
    "hishel": (100, 1_000, 10_000),
    "requests-cache": (100, 1_000, 10_000),
    "diskcache.get": (100, 1_000, 10_000, 100_000),
}
"""Where a size is missing, filling the peer's store alone takes minutes."""


def measure(
    folders: Path, python: str, largest: int, ours: dict[int, float], timeout: float = 90
) -> Section:
    """A row for each peer and size; `ours`: what a hit of cachy takes, by size, in nanoseconds."""
    rows: list[Row] = []
    notes = [
        "ratio: to a hit of cachy through httpx, from as many entries, cold or warm as it came"
    ]
    curves: dict[str, dict[int, float]] = {}
    pairs = [(peer, size) for peer, sizes in SIZES.items() for size in sizes if size <= largest]

    def run(step: str, peer: str, size: int) -> Any:
        """What a step returns, or None if that takes too long."""
        folder = folders / f"{peer} {size}"
        folder.mkdir(exist_ok=True)
        task = {"step": step, "peer": peer, "folder": str(folder), "size": size}
        try:
            return worker.run("peers", python, timeout, **task)
        except TimeoutExpired:
            return None

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # only what is not timed
        longest_first = sorted(pairs, key=lambda pair: -pair[1])
        filled = dict(
            zip(
                longest_first, pool.map(lambda pair: run("fill", *pair), longest_first), strict=True
            )
        )
    for peer, size in pairs:
        found = None if filled[peer, size] is None else run("ask", peer, size)
        if found is None:
            notes.append(f"{peer} of {size:,} was given up after {timeout:.0f} s")
            continue
        value = spread(found["hits"])
        ratio = value.median / ours[size] if size in ours else None
        rows.append(Row(f"{peer} of {size:,}", value, "cachy" if ratio else "", ratio))
        curves.setdefault(peer, {})[size] = value.median
        if found["open_ms"] > 1000:
            notes.append(f"{peer} took {found['open_ms'] / 1000:.1f} s to open {size:,}")
    return Section("The same hit through others", rows, notes, curves)


if __name__ == "__main__":
    worker.serve(work)
