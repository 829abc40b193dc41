"""Work beside the event loop."""

from __future__ import annotations

import asyncio
import os
import threading
import time

import anyio
import pytest

from cachy.engine.threads import Threads


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_runs_in_another_thread_and_waits(backend: str) -> None:
    ran: list[int] = []
    anyio.run(Threads().run, lambda: ran.append(threading.get_ident()), backend=backend)
    assert ran
    assert ran != [threading.get_ident()]


def test_the_function_goes_on_where_its_task_is_cancelled() -> None:
    done = threading.Event()

    def work() -> None:
        time.sleep(0.1)
        done.set()

    async def main() -> None:
        task = asyncio.ensure_future(Threads().run(work))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert done.wait(5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_child_has_threads_of_its_own() -> None:
    threads = Threads()
    asyncio.run(threads.run(lambda: None))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            ran: list[int] = []
            asyncio.run(asyncio.wait_for(threads.run(lambda: ran.append(1)), 5))
            code = 0 if ran else 1
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
