"""Threads and executors have what is in force where they are started, and nothing is left."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from typing import Any

import httpx2
import pytest
from standin import Standin

from cachy import CacheMiss, cachy, disable_cachy, enable_cachy, no_cachy, scope

URL = "https://api.openai.com/v1/chat/completions"


@pytest.fixture(autouse=True)
def switched_off(standin: Standin) -> Iterator[None]:
    yield
    disable_cachy()


def ask(text: str = "hi") -> str:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
    return httpx2.post(URL, json=body).text


def by_thread(text: str) -> str:
    answers: list[Any] = []

    def work() -> None:
        try:
            answers.append(ask(text))
        except CacheMiss as miss:
            answers.append(miss)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "run" not in vars(thread)
    if isinstance(answers[0], CacheMiss):
        raise answers[0]
    return str(answers[0])


def by_subclass(text: str) -> str:
    class Work(threading.Thread):
        answer: Any = None

        def run(self) -> None:
            try:
                self.answer = ask(text)
            except CacheMiss as miss:
                self.answer = miss

    thread = Work()
    thread.start()
    thread.join()
    if isinstance(thread.answer, CacheMiss):
        raise thread.answer
    return str(thread.answer)


def by_executor(text: str) -> str:
    with ThreadPoolExecutor(2) as pool:
        return pool.submit(ask, text).result()


def by_map(text: str) -> str:
    with ThreadPoolExecutor(2) as pool:
        return next(pool.map(ask, [text]))


def by_loop(text: str) -> str:
    async def main() -> str:
        return await asyncio.get_running_loop().run_in_executor(None, ask, text)

    return asyncio.run(main())


def by_pool(text: str) -> str:
    with ThreadPool(2) as pool:
        return pool.apply(ask, (text,))


WAYS = [by_thread, by_subclass, by_executor, by_map, by_loop, by_pool]


@pytest.mark.parametrize("way", WAYS)
def test_a_block_holds_for_threads_that_start_in_it(
    way: Callable[[str], str], standin: Standin
) -> None:
    store: dict[str, bytes] = {}
    with cachy(store=store) as session:
        recorded = way("hi")
        assert session.stats.recorded == 1
    with cachy(mode="replay", store=store):
        assert way("hi") == recorded
        with pytest.raises(CacheMiss):
            way("never asked")
        assert len(standin.calls) == 1
        with no_cachy():
            assert way("hi") != recorded
        assert way("hi") == recorded
    assert len(standin.calls) == 2
    assert way("hi") != recorded


def test_each_task_of_an_executor_has_that_of_its_caller(standin: Standin) -> None:
    enable_cachy(store={})
    recorded = ask()
    with ThreadPoolExecutor(1) as pool:
        with no_cachy():
            assert pool.submit(ask).result() != recorded  # and the thread starts
        assert pool.submit(ask).result() == recorded
        with cachy(store={}):
            assert pool.submit(ask).result() != recorded
        assert pool.submit(ask).result() == recorded
    assert len(standin.calls) == 3


def test_scopes_are_carried_too() -> None:
    enable_cachy(store={})
    plain = ask()
    with scope("draft"):
        draft = ask()
        assert by_thread("hi") == by_executor("hi") == draft != plain
    assert by_thread("hi") == plain


def test_nothing_is_left() -> None:
    before = threading.Thread.start, ThreadPoolExecutor.submit
    with cachy(store={}):
        assert (threading.Thread.start, ThreadPoolExecutor.submit) != before
    assert (threading.Thread.start, ThreadPoolExecutor.submit) == before
