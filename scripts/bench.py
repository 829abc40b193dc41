"""How fast cachy is: one run, everything in turns, as a table of ratios. `scripts/bench` sets up
what this needs.

Exit code 1 if a bound is missed and `--strict` is given.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

SCRIPTS = Path(__file__).resolve().parent
sys.path.insert(0, str(SCRIPTS.parent / "tests" / "support"))  # the stand-in for the providers

from benchmarks import (  # noqa: E402
    clients,
    commands,
    disk,
    hits,
    large,
    peers,
    plot,
    recording,
    remote,
    samples,
    sdk,
    startup,
    stores,
)
from benchmarks.samples import Section  # noqa: E402
from benchmarks.workload import EMBEDDINGS, JSON, SSE  # noqa: E402

PEERS = SCRIPTS.parent / ".venv-peers" / "bin" / "python"
TITLE = "A hit, by entries in the store"


class Scale(NamedTuple):
    """How much is measured. `asked`: hits per process from a store of many."""

    sizes: tuple[int, ...]
    counts: dict[str, int]
    rounds: int
    asked: int
    calls: int
    streams: int
    together: int
    starts: int
    responses: int
    fetches: int
    moved: int


USUAL = Scale(
    sizes=(100, 1_000, 10_000, 100_000),
    counts={JSON.name: 3_000, SSE.name: 900, EMBEDDINGS.name: 160},
    rounds=3,
    asked=600,
    calls=100,
    streams=12,
    together=3,
    starts=15,
    responses=1_000,
    fetches=500,
    moved=50_000,
)
QUICK = Scale(
    sizes=(100, 300),
    counts={JSON.name: 40, SSE.name: 12, EMBEDDINGS.name: 8},
    rounds=1,
    asked=50,
    calls=4,
    streams=2,
    together=1,
    starts=2,
    responses=50,
    fetches=40,
    moved=200,
)


class Bench:
    """The measurements, by name, in the order in which they are made."""

    def __init__(self, scale: Scale, folders: Path, peers_python: Path | None) -> None:
        self._scale, self._folders, self._peers_python = scale, folders, peers_python
        self._stores: dict[int, Path] = {}
        self.curves: plot.Curves = {}

    def hits(self) -> Iterator[Section]:
        """a hit by body, library and way of sending, against FLOOR and MockTransport"""
        yield from hits.ways(self._folders, self._scale.counts, self._scale.rounds)

    def sizes(self) -> Iterator[Section]:
        """a hit by entries in the store"""
        scale = self._scale
        yield self._drawn(hits.sizes(self._folders, self.stores(), scale.asked, scale.rounds))

    def startup(self) -> Iterator[Section]:
        """import, enable, the first hit, memory"""
        yield startup.measure(self.stores(), self._scale.starts)

    def sdk(self) -> Iterator[Section]:
        """a hit through the openai SDK"""
        yield sdk.measure(self._folders, max(3, self._scale.asked // 8), self._scale.rounds)

    def clients(self) -> Iterator[Section]:
        """a hit through requests, urllib3, urllib.request, aiohttp, boto3; live calls; vcrpy"""
        python = self._with_peers("vcrpy under these clients")
        yield clients.measure(self._folders, max(20, self._scale.asked // 3), python)

    def recording(self) -> Iterator[Section]:
        """what recording adds to a live call"""
        scale = self._scale
        yield recording.measure(self._folders, scale.calls, scale.streams, scale.together)

    def large(self) -> Iterator[Section]:
        """requests and answers of megabytes: time, memory, the event loop"""
        yield from large.measure(self._folders, max(2, self._scale.together * 2))

    def peers(self) -> Iterator[Section]:
        """the same hit through pycachy, vcrpy, hishel, requests-cache, diskcache"""
        if python := self._with_peers("The same hit through others"):
            ours = self.curves.get("cachy", {})
            yield self._drawn(peers.measure(self._folders, python, self._scale.sizes[-1], ours))

    def disk(self) -> Iterator[Section]:
        """bytes on disk and in git, against cachy.jsonl and a VCR cassette; the dictionary"""
        yield disk.dictionary(self._folders, self._scale.responses)
        if python := self._with_peers("Bytes of the same responses"):
            yield disk.measure(self._folders, python, self._scale.responses)

    def commands(self) -> Iterator[Section]:
        """ls, stats, fsck, gc; after what asks the stores, because gc takes from them"""
        large = {size: folder for size, folder in self.stores().items() if size >= 10_000}
        yield commands.measure(large or self.stores())

    def remote(self) -> Iterator[Section]:
        """a remote at 20 ms: look-ups, an outage, push and pull; only with --remote"""
        few = stores.make_many(self._folders / "few", self._scale.fetches)
        many = stores.make_many(self._folders / "many", self._scale.moved)
        yield from remote.measure(self._folders, few, self._scale.fetches, many)

    def stores(self) -> dict[int, Path]:
        """The stores of all sizes, made when first asked for."""
        for size in self._scale.sizes:
            if size not in self._stores:
                say(f"writing {size:,} entries")
                self._stores[size] = stores.make_many(self._folders / "stores" / str(size), size)
        return self._stores

    def _drawn(self, section: Section) -> Section:
        self.curves |= section.curves
        return section

    def _with_peers(self, what: str) -> str | None:
        if self._peers_python is None or not self._peers_python.exists():
            say(f"{what}: left out; no peers at {self._peers_python} (scripts/bench sets them up)")
            return None
        return str(self._peers_python)


NAMES = (
    *("hits", "sizes", "startup", "sdk", "clients", "recording", "large"),
    *("commands", "peers", "disk"),
)
ASKED_FOR = "remote"
"""What is measured only when it is asked for: its servers are seldom installed."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    scale = QUICK if options.quick else USUAL
    if options.million:
        scale = scale._replace(sizes=(*scale.sizes, 1_000_000))
    started = time.monotonic()
    folders = Path(tempfile.mkdtemp(prefix="cachy-bench-"))
    bench = Bench(scale, folders, options.peers)
    found: list[Section] = []
    try:
        print(about())
        for name in options.only or NAMES:
            begun = time.monotonic()
            for section in getattr(bench, name)():
                found.append(section)
                print(f"\n{samples.table(section)}", flush=True)
            say(f"({name}: {time.monotonic() - begun:.0f} s)")
    finally:
        say("removing what was written")
        shutil.rmtree(folders, ignore_errors=True)
    rows = [row for section in found for row in section.rows]
    missed = [row for row in rows if row.met is False]
    kept = sum(row.met is True for row in rows)
    print(f"\n{kept} bounds kept, {len(missed)} missed, in {time.monotonic() - started:.0f} s")
    if options.json:
        data = {"about": about(), "sections": [samples.as_data(section) for section in found]}
        options.json.write_text(json.dumps(data, indent=1))
    if options.markdown:
        options.markdown.write_text(f"{samples.markdown(found)}\n\n{about()}\n")
    if options.plot:
        options.plot.write_text(plot.svg(bench.curves, TITLE, f"{JSON.name}; {about()}"))
    return 1 if missed and options.strict else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = (*NAMES, ASKED_FOR)
    named = "\n".join(f"  {name:10} {getattr(Bench, name).__doc__}" for name in names)
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=__doc__,
        epilog=f"measurements:\n{named}\n\nStores are written below TMPDIR.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", metavar="NAME", action="append", choices=names, help="only this")
    parser.add_argument("--remote", action="store_true", help="only remotes")
    parser.add_argument("--quick", action="store_true", help="a few samples, to try it out")
    parser.add_argument("--million", action="store_true", help="a store of 1,000,000 entries, too")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all of it as JSON")
    parser.add_argument(
        "--markdown", metavar="FILE", type=Path, help="write the table for a README"
    )
    parser.add_argument("--plot", metavar="FILE.svg", type=Path, help="draw time against entries")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a bound is missed")
    parser.add_argument("--peers", metavar="PYTHON", type=Path, default=PEERS, help="that has them")
    options = parser.parse_args(arguments)
    if options.remote:
        options.only = [ASKED_FOR]
    if options.plot and options.only and "sizes" not in options.only:
        parser.error("--plot draws what `sizes` and `peers` measure")
    return options


def about() -> str:
    """Where and when this was measured, and how busy the machine was."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{date.today().isoformat()}, Python {platform.python_version()}, "
        f"httpx {version('httpx')}, httpx2 {version('httpx2')}, {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} cores{load}"
    )


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
