"""The commands that tend a store, as a user types them: their time and their memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from time import perf_counter_ns

from benchmarks import worker
from benchmarks.samples import Row, Section, spread
from benchmarks.stores import make
from benchmarks.workload import JSON

TEN_SECONDS = 10e9  # nanoseconds, for 100,000 entries
START_LIMIT = 150e6
"""Nanoseconds that a command may take in a small store: git calls `cachy cat` for each file."""
STARTS = (["--version"], ["-h"], ["ls", "-n", "5"], ["show"], ["cat"], ["status"])
ROUNDS = 7
COMMANDS = {
    "ls, the first time": ["ls"],
    "ls, the second time": ["ls"],
    "stats": ["stats"],
    "fsck": ["fsck"],
    "gc of a tenth": ["gc", "--yes"],
}
# `python -m cachy`, and what it held at most.
RUN = """
import atexit, runpy, sys
from benchmarks.worker import peak_memory
atexit.register(lambda: print(peak_memory(), file=sys.stderr))
sys.argv[0] = "cachy"
runpy.run_module("cachy", run_name="__main__")
"""


def measure(stores: dict[int, Path]) -> Section:
    """Each command once with each store. The last, gc, takes entries away: a tenth of the store,
    which is there twice by then."""
    rows = [_start(arguments, stores[min(stores)]) for arguments in STARTS]
    for size, folder in stores.items():
        make(folder, JSON, range(0, size, 10), age=20_000_000)
        for what, arguments in COMMANDS.items():
            took, memory = _run([*arguments, "--cache-dir", str(folder)])
            what = f"{what}: {size:,} entries, {memory / 1e6:.0f} MB of memory"
            limit = TEN_SECONDS if size <= 100_000 else None
            rows.append(Row(what, spread([took]), limit=limit))
    return Section("The commands", rows)


def _start(arguments: list[str], folder: Path) -> Row:
    """How long a command takes from start to end, of which the interpreter is a part."""
    where = [] if arguments[0].startswith("-") else ["--cache-dir", str(folder)]
    took = [_run([*arguments, *where])[0] for _ in range(ROUNDS)]
    return Row(f"start: cachy {' '.join(arguments)}", spread(took), limit=START_LIMIT)


def _run(arguments: list[str]) -> tuple[float, int]:
    start = perf_counter_ns()
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        env=worker.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    took = perf_counter_ns() - start
    *said, memory = done.stderr.splitlines() or [""]
    if done.returncode or not memory.isdigit():
        raise RuntimeError(f"cachy {' '.join(arguments)} failed:\n{done.stderr}")
    if said:
        print(*said, sep="\n", file=sys.stderr)
    return took, int(memory)
