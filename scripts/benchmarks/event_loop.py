"""How long an event loop is held up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter_ns


@asynccontextmanager
async def lag(worst: list[float]) -> AsyncIterator[None]:
    """Note for how long, at worst, the event loop was late within the block."""
    late = 0

    async def tick() -> None:
        nonlocal late
        while True:
            due = perf_counter_ns() + 1_000_000
            await asyncio.sleep(0.001)
            late = max(late, perf_counter_ns() - due)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.002)
    late = 0
    yield
    await asyncio.sleep(0)
    ticking.cancel()
    worst.append(late)
