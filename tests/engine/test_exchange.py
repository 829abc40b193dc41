"""The steps of a call are written once, and driven sync and async."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any

import pytest

from cachy.engine.exchange import Do, Step, adrive, drive


def run_sync(steps: Callable[[Callable[[Any], Any]], Any]) -> Any:
    return drive(steps(lambda value: value))


def run_async(steps: Callable[[Callable[[Any], Any]], Any]) -> Any:
    async def later(value: Any) -> Any:
        await asyncio.sleep(0)
        return value

    return asyncio.run(adrive(steps(later)))


drivers = pytest.mark.parametrize("run", [run_sync, run_async])
Steps = Generator[Step, Any, Any]


@drivers
def test_each_step_gives_its_result(run: Any) -> None:
    def steps(give: Any) -> Steps:
        first = yield Do(give, 1)
        second = yield Do(give, first + 1)
        return [first, second]

    assert run(steps) == [1, 2]


@drivers
def test_what_a_step_raises_is_raised_in_the_generator(run: Any) -> None:
    def steps(give: Any) -> Steps:
        try:
            yield Do(lambda: 1 / 0)
        except ZeroDivisionError:
            return (yield Do(give, "caught"))

    assert run(steps) == "caught"


@drivers
def test_what_the_generator_raises_is_raised(run: Any) -> None:
    def steps(give: Any) -> Steps:
        yield Do(give, 1)
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        run(steps)


def test_an_interrupt_reaches_the_generator() -> None:
    closed = []

    def interrupt() -> None:
        raise KeyboardInterrupt

    def steps() -> Steps:
        try:
            yield Do(interrupt)
        finally:
            closed.append(True)

    with pytest.raises(KeyboardInterrupt):
        drive(steps())
    assert closed


def test_a_cancelled_task_runs_the_last_steps() -> None:
    closed = []

    async def close() -> None:
        await asyncio.sleep(0)
        closed.append(True)

    def steps() -> Steps:
        try:
            yield Do(asyncio.sleep, 10)
        except BaseException:
            yield Do(close)
            raise

    async def main() -> None:
        task = asyncio.ensure_future(adrive(steps()))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert closed
