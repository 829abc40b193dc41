"""Kills processes while they record, and looks at what is left.

`python tests/support/crash.py --kills N`

A zygote, which has everything imported and no threads, forks one recorder after another into the
same store; each records as fast as it can, with 8 threads or 100 tasks, notes what it was answered,
and is killed with SIGKILL at some moment. Then, of every file in the store and through a client in
replay mode: no body is wrong or short, and no call whose answer had been delivered is lost.

Answers prove themselves: their text follows from the id that was asked for and a serial number.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson
from standin import Answer, Behaviour, Call, Standin, json_answer, sse, stream_answer

import cachy
from cachy.errors import Defect
from cachy.store.entry import SUFFIX
from cachy.store.folder import FOLDER, read_entry
from cachy.upkeep import gc

STYLES = ("threads", "tasks")
THREADS, TASKS = 8, 100
KILLS_A_STORE = 50
DAY = 86400


# ---- What is asked and answered ----


def asked(name: str) -> dict[str, Any]:
    """Every third answer is a stream; every tenth is long."""
    number = int(name.rpartition("-")[2])
    return {"id": name, "stream": number % 3 == 0, "long": number % 10 == 7}


def text_of(name: str, serial: int, size: int) -> str:
    return hashlib.shake_128(f"{name} {serial}".encode()).hexdigest(size)


def answer(call: Call, serial: int) -> Answer:
    try:
        body = call.json()
    except ValueError:
        return Answer(400)  # the one who asked was killed on the way
    text = text_of(body["id"], serial, 60_000 if body["long"] else 400)
    about = {"id": body["id"], "serial": serial}
    if not body["stream"]:
        return json_answer(about | {"text": text})
    pieces = [text[at : at + len(text) // 8] for at in range(0, len(text), len(text) // 8)]
    return stream_answer(sse([about, *({"text": piece} for piece in pieces), "data: [DONE]"]))


def is_right(body: bytes, name: str) -> bool:
    """Whether this is, to the last byte, what the stand-in once answered to this call."""
    line = body.partition(b"\n")[0].removeprefix(b"data: ")
    try:
        about = orjson.loads(line)
        call = Call("POST", "", "", "", {}, orjson.dumps(asked(name)))
        told = answer(call, about["serial"]).body
    except (ValueError, KeyError):
        return False
    return about["id"] == name and body == (b"".join(told) if isinstance(told, list) else told)


# ---- The recorder, which dies ----


class Order(NamedTuple):
    """What a recorder does: record into `folder` through `port`, and note in `notes` what was
    answered. `seed` makes its names its own; `seconds` is how long it lives, `each` how many
    calls each of its workers makes."""

    folder: str
    port: int
    style: str
    seed: int
    seconds: float
    notes: str
    each: int = 10**6

    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/chat/completions"

    def names(self, worker: int) -> Iterator[str]:
        """Most are nobody else's; some are everybody's, recorded anew each time."""
        for number in range(self.each):
            if number % 7 == 5:
                yield f"shared-{number % 21}"
            else:
                yield f"{self.style}-{self.seed}-{worker}-{number}"


def record(order: Order) -> int:
    """Record, until killed if need be. Returns how many recordings were made."""
    session = cachy.enable_cachy(cache_dir=order.folder, doms=(f"127.0.0.1:{order.port}",))
    notes = os.open(order.notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(name: str) -> None:
        os.write(notes, f"{name}\n".encode())

    if order.style == "tasks":
        asyncio.run(_tasks(order, note))
        return session.stats.recorded
    threads = [
        threading.Thread(target=_thread, args=(order, number, note)) for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return session.stats.recorded


def _mode(name: str) -> Any:
    return cachy.cachy("refresh") if name.startswith("shared") else contextlib.nullcontext()


def _thread(order: Order, worker: int, note: Callable[[str], None]) -> None:
    with httpx.Client(timeout=30) as client:
        for name in order.names(worker):
            body = asked(name)
            with _mode(name), client.stream("POST", order.url(), json=body) as response:
                if body["stream"] and worker % 2:  # as openai does: closed at the last event
                    _ = any(line == "data: [DONE]" for line in response.iter_lines())
                else:
                    response.read()
            note(name)


async def _tasks(order: Order, note: Callable[[str], None]) -> None:
    limits = httpx.Limits(max_connections=TASKS)
    async with httpx.AsyncClient(timeout=30, limits=limits) as client:

        async def task(worker: int) -> None:
            for name in order.names(worker):
                body = asked(name)
                with _mode(name):
                    async with client.stream("POST", order.url(), json=body) as response:
                        if body["stream"] and worker % 2:
                            async for line in response.aiter_lines():
                                if line == "data: [DONE]":
                                    break
                        else:
                            await response.aread()
                note(name)

        await asyncio.gather(*map(task, range(TASKS)))


def zygote() -> None:
    """For each order, a line of standard input: fork, let record, kill, and say so."""
    for line in sys.stdin:
        order = Order(*json.loads(line))
        child = os.fork()
        if not child:
            try:
                record(order)
            finally:
                os._exit(1)
        _await_notes(order)
        time.sleep(order.seconds)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print(os.WTERMSIG(status), flush=True)


def _await_notes(order: Order) -> None:
    """Until somebody was answered; but every fourth dies while it begins."""
    size, until = _size(order.notes), time.monotonic() + 10
    while order.seed % 4 and _size(order.notes) == size and time.monotonic() < until:
        time.sleep(0.005)


def _size(path: str) -> int:
    return os.path.getsize(path) if os.path.exists(path) else 0


# ---- The engine ----


class Report(NamedTuple):
    """What was found. `wrong`: bodies; `lost`: acknowledged recordings that are not served;
    `leftovers`: temporary files, all collected by gc."""

    kills: int = 0
    acknowledged: int = 0
    entries: int = 0
    wrong: int = 0
    lost: int = 0
    leftovers: int = 0
    uncollected: int = 0

    def __add__(self, other: Any) -> Report:
        return Report(*map(sum, zip(self, other, strict=True)))

    @property
    def flawless(self) -> bool:
        return not (self.wrong or self.lost or self.uncollected)


def run(
    kills: int, seed: int = 0, longest: float = 0.4, told: Callable[[Report], None] | None = None
) -> Report:
    """Kill that many recorders, some to a store."""
    dice, total = random.Random(seed), Report()
    command = [sys.executable, __file__, "--zygote"]
    with (
        Standin() as standin,
        standin.reach(),
        standin.behave(Behaviour(answer=answer)),
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as mother,
    ):
        port = socket.getaddrinfo("anywhere", 80)[0][4][1]
        assert mother.stdin is not None
        assert mother.stdout is not None
        while total.kills < kills:
            some = min(KILLS_A_STORE, kills - total.kills)
            with tempfile.TemporaryDirectory() as folder:
                notes = Path(folder, "notes")
                for number in range(some):
                    order = Order(
                        folder, int(port), STYLES[number % 2], total.kills + number,
                        dice.uniform(0.03, longest), str(notes),
                    )  # fmt: skip
                    mother.stdin.write(json.dumps(order) + "\n")
                    mother.stdin.flush()
                    assert int(mother.stdout.readline()) == signal.SIGKILL, "it died by itself"
                standin.reset()
                standin.behave(Behaviour(answer=answer))
                total += look(Path(folder), int(port), notes)._replace(kills=some)
            if told is not None:
                told(total)
        mother.stdin.close()
    return total


def together(processes: int, calls: int) -> tuple[Report, int]:
    """Recorders that share a store, none of them killed: what is there, and what they recorded."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Standin() as standin,
        standin.reach(),
        standin.behave(Behaviour(answer=answer)),
    ):
        port, notes = int(socket.getaddrinfo("anywhere", 80)[0][4][1]), Path(folder, "notes")
        running = []
        for number in range(processes):
            style = STYLES[number % 2]
            workers = THREADS if style == "threads" else TASKS
            # Some have the seeds of others, so that they record the same.
            seed = number // 2 % 2
            order = Order(folder, port, style, seed, 0, str(notes), -(-calls // workers))
            command = [sys.executable, __file__, "--record", json.dumps(order)]
            running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        recorded = sum(int(process.communicate()[0]) for process in running)
        return look(Path(folder), port, notes), recorded


def look(folder: Path, port: int, notes: Path) -> Report:
    """What is in a store, and what comes out of it."""
    acknowledged = dict.fromkeys(notes.read_text().splitlines()) if notes.exists() else {}
    root = folder / FOLDER
    entries = wrong = lost = 0
    for path in root.glob(f"??/*{SUFFIX}"):
        entries += 1
        try:
            entry = read_entry(str(path))
            wrong += not is_right(entry.body, entry.head["request"]["body"]["id"])
        except Defect:
            wrong += 1
    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    with (
        cachy.cachy("replay", cache_dir=folder, doms=(f"127.0.0.1:{port}",)),
        httpx.Client() as client,
    ):
        for name in acknowledged:
            try:
                reply = client.post(url, json=asked(name))
            except cachy.CacheMiss:
                lost += 1
            else:
                wrong += not is_right(reply.content, name)
    leftovers = temporaries(root)
    for path in leftovers:
        os.utime(path, (time.time() - 2 * DAY,) * 2)
    gc.collect(gc.plan(str(root), gc.Policy()))
    left = len(temporaries(root))
    return Report(0, len(acknowledged), entries, wrong, lost, len(leftovers), left)


def temporaries(root: Path) -> list[Path]:
    return [path for path in (root / "local" / "tmp").glob("*") if path.is_file()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--zygote", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--record", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.record:
        print(record(Order(*options.record)))
        return 0
    if options.zygote:
        zygote()
        return 0
    started = time.monotonic()
    report = run(options.kills, options.seed, told=lambda report: print(report, flush=True))
    seconds = time.monotonic() - started
    print(
        f"{report.kills:,} kills in {seconds:,.0f} s: {report.entries:,} entries, "
        f"{report.acknowledged:,} acknowledged recordings; {report.wrong} wrong bodies, "
        f"{report.lost} lost, {report.leftovers} temporary files left, "
        f"{report.uncollected} of them uncollected"
    )
    return 0 if report.flawless else 1


if __name__ == "__main__":
    sys.exit(main())
