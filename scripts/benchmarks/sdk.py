"""A hit as the user of an SDK sees it: `chat.completions.create` of openai, and what of its time
passes in `Client.send`, where cachy works. Beside it, the same through a mock transport, past all
patches.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import httpx2

from benchmarks import worker
from benchmarks.samples import Row, Section, compare, spread
from benchmarks.stores import put
from benchmarks.workload import HEADERS, JSON, SSE, Kind, answer, question
from cachy import cachy, enable_cachy
from cachy.store import entry as codec
from cachy.store.layout import FOLDER

KINDS = {"plain": JSON, "streamed": SSE}
SECOND = 1_760_000_000
_unpatched = httpx2.Client.send

Times = dict[str, list[int]]  # nanoseconds


class _Client(httpx2.Client):
    """Notes how long its last send took."""

    took = 0

    def send(self, request: Any, **options: Any) -> Any:
        start = perf_counter_ns()
        try:
            return self.real_send(request, **options)
        finally:
            self.took = perf_counter_ns() - start

    def real_send(self, request: Any, **options: Any) -> Any:
        return super().send(request, **options)


class _MockedClient(_Client):
    def __init__(self) -> None:
        super().__init__(transport=httpx2.MockTransport(_mocked))

    def real_send(self, request: Any, **options: Any) -> Any:
        return _unpatched(self, request, **options)


def _mocked(request: Any) -> Any:
    kind = SSE if b'"stream":true' in request.content else JSON
    headers = HEADERS | {"content-type": kind.content_type}
    return httpx2.Response(200, headers=headers, content=answer(kind, 0))


def work(folder: str, hits: int) -> Times:
    """`KIND SIDE` and `KIND SIDE send`; side: hit or mock."""
    from openai import OpenAI

    times: Times = defaultdict(list)
    clients = {"hit": _Client(), "mock": _MockedClient()}
    sdks = {side: OpenAI(api_key="none", http_client=client) for side, client in clients.items()}
    _record(OpenAI, Path(folder), hits)
    enable_cachy(cache_dir=folder, mode="replay")
    gc.collect()
    gc.freeze()
    gc.disable()
    for name, kind in KINDS.items():
        for number in range(hits):
            for side, sdk in sdks.items():
                start = perf_counter_ns()
                _call(sdk, kind, number)
                took = perf_counter_ns() - start
                if number:  # the first imports what the SDK puts off
                    times[f"{name} {side}"].append(took)
                    times[f"{name} {side} send"].append(clients[side].took)
            gc.collect(0)
    return times


def _call(sdk: Any, kind: Kind, number: int) -> None:
    answered = sdk.chat.completions.create(**question(kind, number))
    if kind is SSE:
        for _ in answered:
            pass


def _record(sdk_class: Any, folder: Path, hits: int) -> None:
    """Fill the store with these very calls, without waiting for the disk."""
    frames: dict[str, bytes] = {}
    client = httpx2.Client(transport=httpx2.MockTransport(_mocked))
    with (
        cachy(store=frames, fakes=True),
        sdk_class(api_key="none", http_client=client) as sdk,
    ):
        for kind in KINDS.values():
            for number in range(hits):
                _call(sdk, kind, number)
    for key, frame in frames.items():
        put(folder / FOLDER, codec.loads(frame, key), SECOND)


def measure(folders: Path, hits: int, rounds: int) -> Section:
    """Hits of each kind, in `rounds` processes."""
    times: Times = defaultdict(list)
    for turn in range(rounds):
        folder = folders / f"sdk {turn}"
        folder.mkdir()
        for name, values in worker.run("sdk", folder=str(folder), hits=hits).items():
            times[name].extend(values)
    rows: list[Row] = []
    for name in KINDS:
        hit, send = times[f"{name} hit"], times[f"{name} hit send"]
        rows.append(Row(f"create, {name}, {KINDS[name].name}", spread(hit)))
        rows.append(compare("  of that in Client.send, with cachy", send, "the call", hit))
        mock = times[f"{name} mock"]
        rows.append(compare("  the same through MockTransport", mock, "the call", hit))
    return Section("A hit through the openai SDK", rows)


if __name__ == "__main__":
    worker.serve(work)
