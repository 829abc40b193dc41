"""Stores of any size, written fast: entries as cachy records them, without waiting for the disk.

The first entry of a kind is recorded by cachy itself, from a mock transport; the others are that
one with the key, the request and the answer of another number.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import httpx2
import zstandard

from benchmarks import worker
from benchmarks.workload import HEADERS, JSON, Kind, answer, payload
from cachy import cachy
from cachy.rules import key as keys
from cachy.rules.key import Request
from cachy.rules.outline import outline
from cachy.store import entry as codec
from cachy.store.entry import Entry
from cachy.store.layout import FOLDER, make_local
from cachy.store.names import SUFFIX, name_of, seal

_compress = zstandard.ZstdCompressor(level=9, write_checksum=True).compress


def make(folder: Path, kind: Kind, numbers: Iterable[int], age: int = 40_000_000) -> Path:
    """Put the entries of these numbers into the store in `folder`, which is returned.

    They are `age` seconds old, or a little less. Made again with another age, they are second
    recordings of their keys.
    """
    root = folder / FOLDER
    oldest = int(time.time()) - age
    make_local(str(root))
    for number in numbers:
        put(root, make_entry(kind, number), oldest + number % 1_000_000)
    return folder


def make_many(folder: Path, size: int) -> Path:
    """A store of chat completions 0 to `size`, made by as many processes as there are cores."""
    shares = os.cpu_count() or 1
    tasks = (
        {"folder": str(folder), "start": n, "stop": size, "step": shares} for n in range(shares)
    )
    folder.mkdir(parents=True)
    with ThreadPoolExecutor(shares) as pool:
        list(pool.map(lambda task: worker.run("stores", timeout=3600, **task), tasks))
    if hasattr(os, "sync"):
        os.sync()  # as recordings are; else the first flush of a command would wait for them all
    return folder


def work(folder: str, start: int, stop: int, step: int) -> None:
    """A share of a store."""
    make(Path(folder), JSON, range(start, stop, step))


def put(root: Path, entry: Entry, second: int) -> None:
    """Write an entry as `DirStore` would, but for the flush."""
    put_frame(root, entry.head["key"], codec.dumps(entry), second)


def put_frame(root: Path, key: str, frame: bytes, second: int) -> None:
    """Write the frame of an entry in the same way."""
    name = name_of(key, second, frame)
    _write(f"{root}/{name[:2]}", name + SUFFIX, seal(name, frame))


def make_entry(kind: Kind, number: int) -> Entry:
    """The recording of a call."""
    head = dict(_model(kind).head)
    canonical = _canonical(kind, number)
    head["key"] = keys.digest(canonical)
    head["nonce"] = f"{number & 0xFFFFFFFF:08x}"
    head["request"] = outline(canonical)
    return Entry(head, answer(kind, number))


def shard(kind: Kind, number: int) -> str:
    """Which of the 256 folders of a store a call's entry is in."""
    return keys.digest(_canonical(kind, number))[:2]


def make_floor(folder: Path, kind: Kind, numbers: Iterable[int]) -> Path:
    """What FLOOR reads: one file a request, as many folders, no more in it than the body."""
    for number in numbers:
        name = hashlib.sha256(payload(kind, number)).hexdigest()
        _write(f"{folder}/{name[:2]}", name, _compress(answer(kind, number)))
    return folder


def _canonical(kind: Kind, number: int) -> bytes:
    headers = [("accept", "*/*"), ("content-type", "application/json")]
    return keys.canonical(Request("POST", kind.url, headers, payload(kind, number)))


@cache
def _model(kind: Kind) -> Entry:
    """One call, recorded by cachy."""
    frames: dict[str, bytes] = {}
    headers = HEADERS | {"content-type": kind.content_type}
    body = answer(kind, 0)
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, content=body))
    with cachy(store=frames, fakes=True), httpx2.Client(transport=transport) as client:
        client.post(
            kind.url, content=payload(kind, 0), headers={"content-type": "application/json"}
        )
    ((key, frame),) = frames.items()
    return codec.loads(frame, key)


_made: set[str] = set()


def _write(folder: str, name: str, data: bytes) -> None:
    if folder not in _made:
        os.makedirs(folder, exist_ok=True)
        _made.add(folder)
    with open(f"{folder}/{name}", "xb", buffering=0) as file:
        file.write(data)


if __name__ == "__main__":
    worker.serve(work)
