"""Killed while recording, slowed by the disk, many processes at once: nothing is lost or wrong.

The short form of `python tests/support/crash.py`; `pytest -m storm` runs the long one.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import crash
import httpx
import httpx2
import pytest
from standin import Behaviour, Call, Standin

import cachy
from cachy.store.disk import Disk
from cachy.store.folder import DirStore
from cachy.store.layout import FOLDER


def test_kills() -> None:
    report = crash.run(20, longest=0.3)
    assert report.flawless, report
    assert report.kills == 20
    assert report.acknowledged > 20


@pytest.mark.storm
def test_a_thousand_kills() -> None:
    report = crash.run(1000, seed=1)
    assert report.flawless, report
    assert report.acknowledged > 10_000


def test_processes_together() -> None:
    report, recorded = crash.together(4, 100)
    assert report.flawless, report
    assert report.entries == recorded
    assert report.leftovers == 0


@pytest.mark.storm
def test_eight_processes_of_five_hundred_recordings() -> None:
    report, recorded = crash.together(8, 500)
    assert report.flawless, report
    assert report.entries == recorded
    assert report.acknowledged >= 1000


def test_a_short_answer_would_be_noticed() -> None:
    """The check itself can fail."""
    call = Call("POST", "", "", "", {}, b'{"id":"a-3","stream":true,"long":false}')
    body = crash.answer(call, 5).body
    assert isinstance(body, list)
    whole = b"".join(body)
    assert crash.is_right(whole, "a-3")
    assert not any(crash.is_right(whole[:length], "a-3") for length in range(0, len(whole), 7))
    assert not crash.is_right(whole, "a-4")
    assert not crash.is_right(whole.replace(b'"serial":5', b'"serial":6'), "a-3")


@pytest.mark.timing
@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_a_slow_disk_does_not_hold_up_the_event_loop(
    library: Any, standin: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each flush takes 0.6 s; nothing else on the loop waits for a tenth of it."""
    flush, flushes = os.fsync, []

    def slow(fd: int) -> None:
        flushes.append(fd)
        time.sleep(0.6)
        flush(fd)

    lags = []

    async def tick() -> None:
        while True:
            started = time.perf_counter()
            await asyncio.sleep(0.001)
            lags.append(time.perf_counter() - started)

    async def main() -> None:
        async with library.AsyncClient(timeout=30) as client:

            async def call(name: str) -> None:
                url = "https://api.openai.com/v1/chat/completions"
                async with client.stream("POST", url, json=crash.asked(name)) as response:
                    assert crash.is_right(await response.aread(), name)

            await call("a-10")  # the first one opens connections, and imports what it needs
            ticking = asyncio.create_task(tick())
            monkeypatch.setattr(Disk, "fsync", slow)
            await asyncio.gather(*map(call, ("a-11", "a-12", "a-17")))
            ticking.cancel()

    with standin.behave(Behaviour(answer=crash.answer)), cachy.cachy(cache_dir=tmp_path) as session:
        asyncio.run(main())
    assert session.stats.recorded == 4
    assert len(flushes) >= 4
    assert (
        max(lags) < 0.5
    )  # a blocked loop would take at least 0.6 s; the rest is for the scheduler
    assert sorted(lags)[len(lags) * 95 // 100] < 0.02


def test_a_recording_counts_when_its_bytes_and_all_names_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut only what was flushed is there: the file before it gets its name, then the
    folder with the name, and each new folder above it."""
    events: list[str] = []
    flush, replace = os.fsync, os.replace

    def path(fd: int) -> str:
        return os.path.relpath(os.readlink(f"/proc/self/fd/{fd}"), tmp_path)

    def note_flush(fd: int) -> None:
        events.append(f"flush {path(fd)}")
        flush(fd)

    def note_move(source: str, target: str) -> None:
        events.append(f"move {os.path.relpath(source, tmp_path)}")
        replace(source, target)

    if not os.path.exists("/proc/self/fd"):
        pytest.skip("only Linux shows the path of a descriptor")
    monkeypatch.setattr(Disk, "fsync", note_flush)
    monkeypatch.setattr(Disk, "replace", note_move)
    name = DirStore(tmp_path / FOLDER).put("ab" * 16, b"frame", 1).name
    moved = next(i for i, event in enumerate(events) if event.startswith("move") and name in event)
    temporary = events[moved].removeprefix("move ")
    assert events.index(f"flush {temporary}") < moved
    assert f"flush {FOLDER}/ab" in events[moved:]
    assert f"flush {FOLDER}" in events
    assert "flush ." in events
