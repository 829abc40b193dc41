"""What large requests and answers cost: the key of a request with an image, a recorded download,
and how long an event loop stands still over calls of mixed sizes. Against a server of its own,
without TLS, so that what cachy adds is not hidden."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import multiprocessing
import os
import resource
import sys
import warnings
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import httpx2

from benchmarks.event_loop import lag
from benchmarks.samples import Row, Section, compare, spread
from cachy import enable_cachy, no_cachy
from cachy.rules.key import Request, digest, identify

IMAGE, DOWNLOAD = 5 * 2**20, 50 * 10**6
KEY_BOUND, DOWNLOAD_BOUND, MEMORY_LIMIT = 3.0, 1.5, 70e6
SIZES = (1_000, 100_000, 2_000_000, 8_000_000)
_MAXRSS = 1 if sys.platform == "darwin" else 1024  # its unit, in bytes


def measure(folders: Path, rounds: int) -> list[Section]:
    """The rows of large requests and answers."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    server = context.Process(target=_serve, args=(queue,), daemon=True)
    server.start()
    port = queue.get()
    try:
        found: dict[str, dict[str, list[float]]] = {}
        for work in (_download, _loop):
            for side in ("without", "with"):
                folder = str(folders / f"large-{work.__name__}-{side}")
                worker = context.Process(target=work, args=(queue, port, folder, side, rounds))
                worker.start()
                found[f"{work.__name__} {side}"] = queue.get()
                worker.join()
    finally:
        server.terminate()
    return [Section("Large requests and answers", [_key(rounds), *_rows(found)])]


def _rows(found: dict[str, dict[str, list[float]]]) -> list[Row]:
    bare, kept = found["_download without"], found["_download with"]
    memory = [max(0.0, kept["memory"][0] - bare["memory"][0])]
    return [
        compare("a 50 MB download", kept["time"], "without", bare["time"], DOWNLOAD_BOUND),
        Row("the same: memory added", spread(memory, "B"), limit=MEMORY_LIMIT),
        compare(
            "event loop's longest stop, answers of 1 KB to 8 MB",
            found["_loop with"]["stop"],
            "without",
            found["_loop without"]["stop"],
        ),
    ]


def _key(rounds: int) -> Row:
    image = base64.b64encode(os.urandom(IMAGE * 3 // 4)).decode()
    url = {"url": f"data:image/png;base64,{image}"}
    content = [{"type": "image_url", "image_url": url}]
    data = {"model": "m", "messages": [{"role": "user", "content": content}]}
    body = json.dumps(data).encode()
    request = Request("POST", "https://api.openai.com/v1/chat/completions", [], body)
    keys, hashes = list[float](), list[float]()
    for _ in range(5 * rounds):
        start = perf_counter_ns()
        hashlib.sha256(body).digest()
        hashes.append(perf_counter_ns() - start)
        start = perf_counter_ns()
        digest(identify(request).canonical)
        keys.append(perf_counter_ns() - start)
    return compare("the key of a request with a 5 MB image", keys, "sha256", hashes, KEY_BOUND)


# ---- In processes of their own ----


def _serve(queue: Any) -> None:
    noise = os.urandom(DOWNLOAD)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = noise[: int(self.path.rpartition("/")[2])]
            self.send_response(200)
            self.send_header("content-type", "audio/mpeg")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    queue.put(server.server_port)
    server.serve_forever()


def _enable(port: int, folder: str, side: str) -> Any:
    warnings.simplefilter("ignore")
    enable_cachy(cache_dir=folder, doms=(f"127.0.0.1:{port}",))
    return nullcontext() if side == "with" else no_cachy()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS


def _download(queue: Any, port: int, folder: str, side: str, rounds: int) -> None:
    times: list[float] = []
    with _enable(port, folder, side), httpx2.Client() as client:
        client.post(f"http://127.0.0.1:{port}/1000", content=b"-1")
        before = _peak()
        for number in range(rounds):
            start = perf_counter_ns()
            url = f"http://127.0.0.1:{port}/{DOWNLOAD}"
            with client.stream("POST", url, content=b"%d" % number) as response:
                for _ in response.iter_bytes():
                    pass
            times.append(perf_counter_ns() - start)
    queue.put({"time": times, "memory": [_peak() - before]})


def _loop(queue: Any, port: int, folder: str, side: str, rounds: int) -> None:
    async def ask() -> list[float]:
        stops: list[float] = []
        async with httpx2.AsyncClient() as client:
            for number in range(-1, rounds):
                async with lag(stops):
                    for size in SIZES:
                        for _ in range(2):  # recorded, then replayed
                            body = b"%d" % number + bytes(size)
                            await client.post(f"http://127.0.0.1:{port}/{size}", content=body)
        return stops[1:]

    with _enable(port, folder, side):
        queue.put({"stop": asyncio.run(ask())})
