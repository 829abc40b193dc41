"""A remote, at a stated round-trip time: what a look-up costs, how long an outage holds callers up,
many entries at a time. Each server is reached through a proxy, in a process of its own, that delays
what it passes on.

The servers are those that are installed: a web server of Python's always, Redis, SeaweedFS.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import servers
from servers import NotInstalled, Redis, Seaweed, environment_of

from benchmarks import worker
from benchmarks.samples import Row, Section, spread
from cachy.remote.address import parse
from cachy.remote.tier import Kind, Outcome, Remote
from cachy.store.folder import entry_files
from cachy.store.layout import FOLDER
from cachy.store.names import key_in
from cachy.upkeep.remote import Wanted, pull, push

RTT = 0.02
"""Seconds."""
_OURS = 3e5  # nanoseconds of a processor that a look-up may take
_MS, _SECOND = 1e6, 1e9
_NOTEBOOK = 500
"""Entries that are fetched beforehand in a second."""
_PROXY = """
import sys, time
from chaos import Chaos
with Chaos(int(sys.argv[1])) as chaos:
    chaos.delay, chaos.illness = float(sys.argv[2]) / 2, sys.argv[3]
    print(chaos.port, flush=True)
    sys.stdin.read()
"""
_WEB = """
import sys
from servers import Web
with Web() as web:
    print(web.port, flush=True)
    sys.stdin.read()
"""
_ASK = """
import sys, time
started = time.monotonic()
from cachy.remote.address import parse
from cachy.remote.tier import Remote
from cachy.remote.uploads import Upload
remote = Remote(parse(sys.argv[1]), sys.argv[2])
for number in range(10):
    remote.push(Upload(sys.argv[3], sys.argv[4], False, lambda said: None))
"""


class Far(NamedTuple):
    """A server behind the proxy."""

    name: str
    url: str


def measure(folders: Path, store: Path, calls: int, many: Path) -> Iterator[Section]:
    """`store` has the entries that are asked for, one by one; `many` those that are moved."""
    with ExitStack() as stack:
        for name, url, variables in _servers(stack):
            stack.enter_context(environment_of(variables))
            port = int(url.partition("127.0.0.1:")[2].split("/")[0].split("?")[0])
            yield _moved(name, url, folders / f"{name}-many", many)
            far = Far(name, url.replace(str(port), str(stack.enter_context(_proxy(port, RTT)))))
            rows = list(_look_ups(far, folders / f"{name}-store", store, calls))
            if name == "a web server":
                hole = stack.enter_context(_proxy(port, RTT, "black hole"))
                rows += _outage(url.replace(str(port), str(hole)), folders / "outage", store)
            yield Section(f"A remote, {name}, {RTT * 1000:.0f} ms away", rows)


def _servers(stack: ExitStack) -> Iterator[tuple[str, str, dict[str, str]]]:
    port = stack.enter_context(_script(_WEB))
    yield "a web server", f"http://127.0.0.1:{port}/team", {}
    for kind, library in ((Redis, "redis"), (Seaweed, "obstore")):
        try:
            __import__(library)
            server: Any = stack.enter_context(kind())
        except (ImportError, NotInstalled) as error:
            print(f"{kind.__name__}: left out ({error})", file=sys.stderr)
            continue
        yield kind.__name__, server.url, server.variables


@contextmanager
def _script(code: str, *arguments: str) -> Iterator[int]:
    """A process that prints its port, while the context lasts."""
    paths = os.pathsep.join([str(Path(servers.__file__).parent), *sys.path])
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.communicate()


def _proxy(port: int, rtt: float, illness: str = "well") -> Any:
    return _script(_PROXY, str(port), str(rtt), illness)


def fetch(remote: Remote, key: str, budget: float = 0.5) -> Outcome:
    """Look for a key as a call does, in this thread."""
    asked, came = remote.fetch(key, budget), None
    while True:
        try:
            future, seconds = next(asked) if came is None else asked.send(came)
        except StopIteration as done:
            outcome: Outcome = done.value
            return outcome
        came = bool(wait([future], seconds).done)


def _look_ups(far: Far, folder: Path, store: Path, calls: int) -> Iterator[Row]:
    keys = [key_in(file.name) for file in entry_files(str(store / FOLDER))][:calls]
    address = parse(far.url)
    push(str(store / FOLDER), address)
    remote = Remote(address, str(folder / "one" / FOLDER))
    fetch(remote, "0" * 32, 5)  # opens it, and connects
    took, worked = [], []
    for key in keys:
        before, started = time.process_time_ns(), time.perf_counter_ns()
        assert fetch(remote, key, 5).kind is Kind.FOUND
        took.append(float(time.perf_counter_ns() - started))
        worked.append(float(time.process_time_ns() - before))
    yield Row("a fetch", spread(took))
    yield Row("… of a processor", spread(worked), limit=_OURS)
    began = time.perf_counter_ns()
    for key in keys:
        fetch(remote, "f" * 8 + key[8:], 5)
    each = (time.perf_counter_ns() - began) / len(keys)
    yield Row("a look-up in vain", spread([each]))
    yield Row(
        "an event loop held, 40 look-ups awaited at once",
        spread([asyncio.run(_held(address, folder / "two", keys))]),
        limit=5 * _MS,
    )
    began = time.perf_counter_ns()
    done = pull(str(folder / "three" / FOLDER), address) if _lists(far) else None
    if done is not None:
        took_all = spread([float(time.perf_counter_ns() - began)])
        yield Row(f"pull {done.done:,}", took_all, limit=done.done / _NOTEBOOK * _SECOND)


def _lists(far: Far) -> bool:
    return far.name != "a web server"


async def _held(address: Any, folder: Path, keys: list[str]) -> float:
    """Return the longest time, in nanoseconds, in which the event loop did nothing else."""
    from cachy.engine.fetching import Await
    from cachy.engine.threads import Threads

    remote, threads = Remote(address, str(folder / FOLDER)), Threads()
    longest, over = 0.0, False

    async def one(key: str) -> None:
        asked, came = remote.fetch(key, 5), None
        while True:
            try:
                future, seconds = next(asked) if came is None else asked.send(came)
            except StopIteration:
                return
            came = await Await(threads, future, seconds).arun()

    async def watch() -> None:
        nonlocal longest
        last = time.perf_counter_ns()
        while not over:
            await asyncio.sleep(0)
            now = time.perf_counter_ns()
            longest, last = max(longest, now - last), now

    await one("0" * 32)
    watching = asyncio.create_task(watch())
    await asyncio.gather(*map(one, keys[:40]))
    over = True
    await watching
    return longest


def _outage(url: str, folder: Path, store: Path) -> Iterator[Row]:
    remote = Remote(parse(url), str(folder / FOLDER))
    waits = []
    for number in range(20):
        started = time.perf_counter_ns()
        fetch(remote, f"{number:032x}")
        waits.append(float(time.perf_counter_ns() - started))
    yield Row("a server that hangs: longest wait", spread([max(waits)]), limit=0.51 * _SECOND)
    yield Row("… lost in 20 calls", spread([sum(waits)]), limit=1.6 * _SECOND)
    file = entry_files(str(store / FOLDER))[0]
    started = time.perf_counter_ns()
    arguments = (url, str(folder / "exit" / FOLDER), file.name, file.path)
    subprocess.run([sys.executable, "-c", _ASK, *arguments], check=True)
    took = float(time.perf_counter_ns() - started)
    yield Row("… start, 10 uploads, exit", spread([took]), limit=2.5 * _SECOND)


def _moved(name: str, url: str, folder: Path, many: Path) -> Section:
    """Push and pull of many, in processes of their own, without a delay."""
    rows = []
    count = len(entry_files(str(many / FOLDER)))
    share = count / 50_000
    for what, seconds in (("push", 60), ("pull", 45)):
        if what == "pull" and name == "a web server":
            continue
        root = str((many if what == "push" else folder) / FOLDER)
        done = worker.run("remote", timeout=3600, what=what, root=root, url=url)
        label = f"{what} {count:,} entries, {done['memory'] / 1e6:.0f} MB of memory"
        rows.append(Row(label, spread([float(done["took"])]), limit=seconds * share * _SECOND))
    return Section(f"Many entries, {name} on this machine", rows)


def work(what: str, root: str, url: str) -> dict[str, int]:
    """Push or pull, in this process."""
    function: Callable[..., Any] = push if what == "push" else pull
    started = time.perf_counter_ns()
    done = function(root, parse(url), Wanted())
    assert not done.code, (done.broken[:3], done.failed[:3])
    return {"took": time.perf_counter_ns() - started, "memory": worker.peak_memory()}


if __name__ == "__main__":
    worker.serve(work)
