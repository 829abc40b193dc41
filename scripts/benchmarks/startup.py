"""What cachy costs a process: import, enable, the first hit, memory; each time in a fresh one."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from importlib import import_module
from pathlib import Path
from time import perf_counter_ns
from typing import Any, NamedTuple

from benchmarks import worker
from benchmarks.samples import Row, Section, added, compare, spread
from benchmarks.workload import JSON, payload

START_LIMIT = 40e6
"""Nanoseconds that `import cachy; enable_cachy()` may take beyond the bare interpreter."""
HITS = 100


class Start(NamedTuple):
    """Nanoseconds: how long a process took, and how long a processor worked on it."""

    took: float
    worked: float


def work(folder: str, hits: int) -> dict[str, int]:
    """Nanoseconds of each step from a bare interpreter to the second hit, and the peak memory
    after `hits` hits. Without hits, cachy is not imported."""
    took: dict[str, int] = {}
    if hits:
        start = perf_counter_ns()
        cachy = import_module("cachy")
        imported = perf_counter_ns()
        cachy.enable_cachy(cache_dir=folder, mode="replay")
        took["enable_cachy()"] = perf_counter_ns() - imported
        took["import cachy"] = imported - start
    httpx2: Any = import_module("httpx2")
    client = httpx2.Client()
    headers = {"content-type": "application/json"}
    for number in range(hits):
        content = payload(JSON, number)
        request = client.build_request("POST", JSON.url, headers=headers, content=content)
        start = perf_counter_ns()
        client.send(request)
        took.setdefault("hit 1" if number == 0 else "hit 2", perf_counter_ns() - start)
    return took | {"memory": worker.peak_memory()}


def measure(stores: dict[int, Path], rounds: int) -> Section:
    """Starting with the smallest and the largest of the stores."""
    chosen = {size: stores[size] for size in (min(stores), max(stores))}
    starts: dict[int, list[Start]] = defaultdict(list)  # 0: without cachy
    steps: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for turn in range(rounds):
        starts[0].append(_start("pass"))
        for size, folder in chosen.items():
            starts[size].append(
                _start(f"import cachy; cachy.enable_cachy(cache_dir={str(folder)!r})")
            )
        if turn % 2:
            continue
        for size, folder in ({0: chosen[min(chosen)]} | chosen).items():
            for name, value in worker.run(
                "startup", folder=str(folder), hits=size and HITS
            ).items():
                steps[size][name].append(value)
    return Section("Starting, in a fresh process", _rows(starts, steps))


def _start(code: str) -> Start:
    before, start = _worked(), perf_counter_ns()
    subprocess.run([sys.executable, "-c", code], env=worker.environment(), check=True)
    return Start(perf_counter_ns() - start, _worked() - before)


def _worked() -> float:
    """Nanoseconds of processor time that the children of this process have had."""
    try:
        import resource
    except ImportError:
        return 0  # Windows
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) * 1e9


def _rows(starts: dict[int, list[Start]], steps: dict[int, dict[str, list[float]]]) -> list[Row]:
    small, *others = (size for size in starts if size)
    large = others[-1] if others else small
    bare = starts[0]
    rows = [Row("the bare interpreter", spread(start.took for start in bare))]
    for size in dict.fromkeys((small, large)):
        what = f"beyond it: import, enable, store of {size:,}"
        took = [start.took for start in starts[size]]
        row = added(what, "bare", took, [start.took for start in bare])
        rows.append(row._replace(limit=START_LIMIT))
        worked = [start.worked for start in starts[size]]
        if any(worked):
            row = added("  of that, processor time", "", worked, [start.worked for start in bare])
            rows.append(row._replace(ratio=None))
    for step in ("import cachy", "enable_cachy()", "hit 1", "hit 2"):
        rows.append(Row(f"{step}, store of {small:,}", spread(steps[small][step])))
        if large != small:
            what = f"{step}, store of {large:,}"
            rows.append(compare(what, steps[large][step], f"{small:,}", steps[small][step]))
    rows.append(Row("peak memory, httpx2 alone", spread(steps[0]["memory"], "B")))
    for size in dict.fromkeys((small, large)):
        what = f"peak memory, {HITS} hits, store of {size:,}"
        row = compare(what, steps[size]["memory"], "httpx2 alone", steps[0]["memory"])
        rows.append(row._replace(value=row.value._replace(unit="B")))
    return rows


if __name__ == "__main__":
    worker.serve(work)
