"""The same responses as a store of cachy, a `cachy.jsonl` and a VCR cassette: bytes on the disk,
and in a git repository that they were committed to little by little, packed by `git gc`.

And what the dictionary saves of them.

The responses are the shared corpus of real traffic where it is present (the folder that
CACHY_CORPUS names, else `shared/corpus` beside the clone), else made up.
"""

from __future__ import annotations

import base64
import io
import os
import subprocess
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import orjson
import zstandard

from benchmarks import samples, worker
from benchmarks.peers import Exchange
from benchmarks.samples import Row, Section, spread
from benchmarks.stores import put, put_frame
from benchmarks.workload import HEADERS, JSON, SSE, answer, payload
from cachy import cachy
from cachy.store import entry as codec
from cachy.store.entry import Entry
from cachy.store.layout import FOLDER

BESIDE = worker.SCRIPTS.parents[1] / "shared" / "corpus"
CORPUS = Path(os.environ.get("CACHY_CORPUS", BESIDE)) / "interactions.jsonl.zst"
COMMITS = 5
SECOND = 1_760_000_000
SMALL, MEDIUM = 2 * 1024, 8 * 1024
READINGS = 200
UNSENT = {"content-length", "host", "content-encoding", "connection", "transfer-encoding"}
IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "bench"), ("EMAIL", "bench@example.com"))
}


def measure(folders: Path, peers: str, count: int) -> Section:
    """At most `count` responses in the three forms; `peers`: the Python that has vcrpy."""
    kept = _recorded(count)
    repositories = {
        name: folders / "disk" / name for name in ("cachy", "cachy.jsonl", "VCR cassette")
    }
    for repository in repositories.values():
        repository.mkdir(parents=True)
        _git(repository, "init", "--quiet")
    everything = folders / "disk" / "exchanges.jsonl"
    everything.write_bytes(b"".join(orjson.dumps(list(exchange)) + b"\n" for exchange, _ in kept))
    for part in range(COMMITS):
        until = len(kept) * (part + 1) // COMMITS
        for number in range(len(kept) * part // COMMITS, until):
            put(repositories["cachy"] / FOLDER, kept[number][1], SECOND + number)
        worker.run(
            "peers",
            peers,
            step="write",
            source=str(everything),
            count=until,
            jsonl=str(repositories["cachy.jsonl"] / "cachy.jsonl"),
            cassette=str(repositories["VCR cassette"] / "cassette.yaml"),
        )
        for repository in repositories.values():
            _git(repository, "add", "--all")
            _git(repository, "commit", "--quiet", "--message", f"part {part}")
    rows: list[Row] = []
    for what, size_of in (("on disk", _on_disk), ("in git, packed", _packed)):
        sizes = {name: size_of(repository) for name, repository in repositories.items()}
        for name, size in sizes.items():
            ratio = size / sizes["cachy"]
            rows.append(Row(f"{name}, {what}", spread([size], "B"), "cachy", ratio))
    body = sum(len(entry.body) for _, entry in kept)
    source = "the shared corpus" if CORPUS.exists() else "made up: there is no corpus here"
    notes = [
        f"{len(kept):,} responses ({source}), {body / 1e6:.1f} MB of bodies, in {COMMITS} commits",
        "on disk: bytes of the files; each file also takes up to one block, 4 KB, of its own",
    ]
    return Section("Bytes of the same responses", rows, notes)


# ---- What the dictionary saves ----


def dictionary(folders: Path, count: int) -> Section:
    """The entries of at most `count` responses with the dictionary, against those without it."""
    entries = [entry for _, entry in _recorded(count)]
    texts = [codec.plain(entry) for entry in entries]
    with_it = [codec.dumps(entry) for entry in entries]
    compress = zstandard.ZstdCompressor(level=9, write_checksum=True).compress
    without = [compress(text) for text in texts]
    rows: list[Row] = []
    for limit, bound in ((1024, None), (SMALL, 0.6), (MEDIUM, None)):
        below = [number for number, frame in enumerate(without) if len(frame) < limit]
        if below:
            ours = [len(with_it[number]) for number in below]
            base = [len(without[number]) for number in below]
            rows.append(_saved(f"{len(below):,} entries below {_kb(limit)}", ours, base, bound))
    keys = [entry.head["key"] for entry in entries]
    everything = list(range(len(entries)))
    medium = [number for number in everything if len(without[number]) < MEDIUM]
    for what, numbers, most in (("", everything, 0.75), (f" below {_kb(MEDIUM)}", medium, None)):
        sizes = []
        for name, frames in (("with", with_it), ("without", without)):
            repository = folders / "dictionary" / f"{name}{what}"
            _commit_frames(repository, [(keys[n], frames[n]) for n in numbers])
            sizes.append(_packed(repository))
        rows.append(
            _saved(f"{len(numbers):,} entries{what}, in git, packed", sizes[:1], sizes[1:], most)
        )
    asked = [n for n, entry in enumerate(entries) if 1200 <= len(entry.body) <= 1600]
    ours_ns, base_ns = _reading([[frames[n] for n in asked] for frames in (with_it, without)])
    what = f"reading an entry with 1.4 KB of body, on average of {len(asked)}"
    rows.append(samples.compare(what, ours_ns, "without", base_ns, 1))
    large = sum(len(frame) for frame in without if len(frame) >= MEDIUM) / sum(map(len, without))
    notes = [
        "the limits are those of the size without the dictionary",
        f"{large:.0%} of all bytes are in entries above {_kb(MEDIUM)}: "
        "vectors, images, long streams, which gain little",
    ]
    return Section("What the dictionary saves", rows, notes)


def _kb(size: int) -> str:
    return f"{size // 1024} KB"


def _saved(what: str, ours: list[int], base: list[int], bound: float | None) -> Row:
    """A row of bytes, on average, and the ratio of the sums."""
    return Row(what, spread([sum(ours) / len(ours)], "B"), "without", sum(ours) / sum(base), bound)


def _reading(kinds: list[list[bytes]]) -> list[list[float]]:
    """Nanoseconds to read an entry for a replay, the average of all frames of a kind, in turns."""
    times: list[list[float]] = [[] for _ in kinds]
    for _ in range(READINGS):
        for frames, taken in zip(kinds, times, strict=True):
            begun = time.perf_counter_ns()
            for frame in frames:
                codec.loads(frame, replay=True)
            taken.append((time.perf_counter_ns() - begun) / max(1, len(frames)))
    return times


def _commit_frames(repository: Path, frames: list[tuple[str, bytes]]) -> None:
    repository.mkdir(parents=True)
    _git(repository, "init", "--quiet")
    for part in range(COMMITS):
        for number in range(len(frames) * part // COMMITS, len(frames) * (part + 1) // COMMITS):
            put_frame(repository / FOLDER, *frames[number], SECOND + number)
        _git(repository, "add", "--all")
        _git(repository, "commit", "--quiet", "--message", f"part {part}")


# ---- The responses ----


def _recorded(count: int) -> list[tuple[Exchange, Entry]]:
    """The exchanges that cachy keeps, with their entries. Of several with one key, the first."""
    kept: list[tuple[Exchange, Entry]] = []
    frames: dict[str, bytes] = {}
    current: list[Exchange] = []

    def live(request: Any) -> Any:
        return httpx2.Response(
            current[-1].status, headers=current[-1].headers, content=current[-1].body()
        )

    with (
        warnings.catch_warnings(),
        cachy(store=frames, fakes=True),
        httpx2.Client(transport=httpx2.MockTransport(live)) as client,
    ):
        warnings.simplefilter("ignore")  # what looks like a credential is left out
        for exchange in _exchanges():
            current[:] = [exchange]
            before = len(frames)
            request = client.build_request(
                exchange.method,
                exchange.url,
                headers=exchange.asked_headers,
                content=exchange.asked(),
            )
            client.send(request)
            if len(frames) > before:
                key = next(reversed(frames))
                kept.append((exchange, codec.loads(frames[key], key)))
            if len(kept) == count:
                break
    return kept


def _exchanges() -> Iterator[Exchange]:
    if not CORPUS.exists():
        for number in range(1_000):
            kind = SSE if number % 4 == 0 else JSON
            yield Exchange(
                "POST",
                kind.url,
                [("content-type", "application/json")],
                _coded(payload(kind, number)),
                200,
                [*HEADERS.items(), ("content-type", kind.content_type)],
                _coded(answer(kind, number)),
            )
        return
    with CORPUS.open("rb") as file:
        text = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        for line in text:
            found = orjson.loads(line)
            yield Exchange(
                found["method"],
                found["url"],
                _sent(found["req_headers"]),
                _body(found["req_body"]),
                found["status"],
                _sent(found["resp_headers"]),
                _body(found["resp_body"]),
            )


def _sent(headers: list[list[str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() not in UNSENT]


def _body(value: str | dict[str, str] | None) -> str:
    if isinstance(value, dict):
        return value["b64"]
    return _coded((value or "").encode("utf-8", "surrogatepass"))


def _coded(body: bytes) -> str:
    return base64.b64encode(body).decode()


def _on_disk(repository: Path) -> int:
    files = (path for path in repository.rglob("*") if ".git" not in path.parts)
    return sum(path.stat().st_size for path in files if path.is_file())


def _packed(repository: Path) -> int:
    _git(repository, "gc", "--quiet")
    return sum(path.stat().st_size for path in (repository / ".git/objects/pack").iterdir())


def _git(repository: Path, *arguments: str) -> None:
    command = ["git", "-c", "commit.gpgsign=false", "-c", "gc.auto=0", *arguments]
    subprocess.run(command, cwd=repository, env=os.environ | IDENTITY, check=True)
