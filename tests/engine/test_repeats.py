"""Scopes and numbered repeats: thirty answers to one question, and the same thirty next time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from standin import Behaviour, Standin, error

from cachy import CacheMiss, ConfigError, cachy, disable_cachy, enable_cachy, scope
from cachy.engine.repeats import Numbers
from cachy.rules.key import Request, canonical, digest, numbered
from cachy.rules.outline import outline

URL = "https://api.openai.com/v1/chat/completions"
BODY: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
COUNT = 30


@pytest.fixture(autouse=True)
def off_afterwards(standin: Standin) -> Iterator[None]:
    yield
    disable_cachy()


def ask(client: httpx2.Client | None = None) -> str:
    post = httpx2.post if client is None else client.post
    return str(post(URL, json=BODY).raise_for_status().json()["id"])


def one_by_one() -> list[str]:
    with httpx2.Client() as client:
        return [ask(client) for _ in range(COUNT)]


def in_threads() -> list[str]:
    with httpx2.Client() as client, ThreadPoolExecutor(COUNT) as pool:
        together = threading.Barrier(COUNT)

        def one(_: int) -> str:
            together.wait()
            return ask(client)

        return list(pool.map(one, range(COUNT)))


def gathered() -> list[str]:
    async def all_of_them() -> list[str]:
        async with httpx2.AsyncClient() as client:
            answers = await asyncio.gather(*(client.post(URL, json=BODY) for _ in range(COUNT)))
        return [answer.json()["id"] for answer in answers]

    return asyncio.run(all_of_them())


def openai_streams() -> list[str]:
    def one(client: openai.OpenAI) -> str:
        with client.chat.completions.create(**BODY, stream=True) as stream:
            return str([chunk.id for chunk in stream][-1])

    with openai.OpenAI(api_key="test") as client:
        return [one(client) for _ in range(COUNT)]


@pytest.mark.parametrize("sample", [one_by_one, in_threads, gathered, openai_streams])
def test_thirty_answers_and_the_same_thirty_on_replay(
    sample: Callable[[], list[str]], standin: Standin, tmp_path: Path
) -> None:
    enable_cachy(cache_dir=tmp_path, repeats="distinct")
    recorded = sample()
    assert len(set(recorded)) == len(standin.calls) == COUNT
    session = enable_cachy(cache_dir=tmp_path, repeats="distinct", mode="replay")
    replayed = sample()
    assert set(replayed) == set(recorded)
    assert session.stats.hits == COUNT
    assert len(standin.calls) == COUNT
    if sample in (one_by_one, openai_streams):
        assert replayed == recorded


@pytest.mark.parametrize("replay", [one_by_one, in_threads, gathered])
def test_however_they_are_replayed_the_set_is_the_same(
    replay: Callable[[], list[str]], standin: Standin
) -> None:
    store: dict[str, bytes] = {}
    enable_cachy(store, repeats="distinct")
    recorded = in_threads()
    enable_cachy(store, repeats="distinct", mode="replay")
    assert set(replay()) == set(recorded)


def test_repeats_are_the_same_by_default(standin: Standin) -> None:
    enable_cachy({})
    assert len(set(one_by_one())) == 1
    assert len(standin.calls) == 1


def test_the_first_is_the_one_recorded_without_numbers() -> None:
    store: dict[str, bytes] = {}
    enable_cachy(store)
    recorded = ask()
    enable_cachy(store, repeats="distinct")
    assert ask() == recorded
    others = {ask(), ask()}
    assert recorded not in others
    enable_cachy(store, mode="replay")
    assert ask() == recorded


def test_different_requests_are_counted_apart() -> None:
    session = enable_cachy({}, repeats="distinct")
    body = BODY | {"model": "gpt-5"}
    first = [ask(), httpx2.post(URL, json=body).json()["id"]]
    with cachy(store=session.store, repeats="distinct", mode="replay"):
        assert [httpx2.post(URL, json=body).json()["id"], ask()] == first[::-1]


def test_another_mode_for_a_while_counts_on() -> None:
    session = enable_cachy({}, repeats="distinct")
    first = ask()
    with cachy(mode="refresh"):
        second = ask()
    assert first != second
    with cachy(store=session.store, repeats="distinct", mode="replay"):
        assert [ask(), ask()] == [first, second]


def test_a_retry_takes_no_number(standin: Standin) -> None:
    store: dict[str, bytes] = {}
    enable_cachy(store, repeats="distinct")
    with openai.OpenAI(api_key="test") as client:
        recorded = []
        for _ in range(3):
            standin.behave(error(500, times=2))
            recorded.append(client.chat.completions.create(**BODY).id)
    assert len(standin.calls) == 9
    enable_cachy(store, repeats="distinct", mode="replay")
    assert [ask(), ask(), ask()] == recorded


def test_what_is_not_kept_gives_its_number_back(standin: Standin) -> None:
    store: dict[str, bytes] = {}
    enable_cachy(store, repeats="distinct")
    recorded = [ask()]
    with standin.behave(Behaviour(cut_after=5)), pytest.raises(httpx2.RemoteProtocolError):
        ask()
    with (
        openai.OpenAI(api_key="test") as client,
        client.chat.completions.create(**BODY, stream=True) as stream,
    ):
        next(iter(stream))  # and leave
    with standin.behave(error(400)):
        httpx2.post(URL, json=BODY)
    recorded.append(ask())
    enable_cachy(store, repeats="distinct", mode="replay")
    assert [ask(), ask()] == recorded
    for _ in range(2):  # a miss takes no number, either: asked again, it is the same miss
        with pytest.raises(CacheMiss):
            ask()


def test_a_gap_is_filled_by_the_next(standin: Standin) -> None:
    turns = Numbers()
    taken = [turns.take("key") for _ in range(4)]
    taken[2].give_back()
    taken[1].give_back()
    taken[1].give_back()
    assert [turns.take("key").value for _ in range(3)] == [1, 2, 4]


def test_a_loop_that_grows_records_only_what_is_new(standin: Standin) -> None:
    store: dict[str, bytes] = {}
    enable_cachy(store, repeats="distinct")
    recorded = [ask() for _ in range(3)]
    session = enable_cachy(store, repeats="distinct")
    assert [ask() for _ in range(5)][:3] == recorded
    assert (session.stats.hits, session.stats.recorded) == (3, 2)


# Scopes


def test_a_scope_has_answers_of_its_own(standin: Standin) -> None:
    enable_cachy({})
    plain = ask()
    with scope("draft-1"):
        first = ask()
    with scope("draft-2"):
        second = ask()
    assert len({plain, first, second}) == 3
    with scope("draft-1"):
        assert ask() == first
    assert ask() == plain
    assert len(standin.calls) == 3


def test_scopes_nest_and_count_apart() -> None:
    session = enable_cachy({}, repeats="distinct")
    with scope("a"):
        outer = [ask(), ask()]
        with scope("b"):
            inner = [ask(), ask()]
    assert len({*outer, *inner}) == 4
    with cachy(mode="replay", store=session.store), scope("a/b"):
        assert ask() == inner[0]


def test_a_session_may_have_a_scope() -> None:
    store: dict[str, bytes] = {}
    enable_cachy(store, scope="a")
    with scope("b"):
        joined = ask()
    enable_cachy(store, mode="replay")
    with scope("a"), scope("b"):
        assert ask() == joined
    with pytest.raises(CacheMiss):
        ask()


def test_tasks_do_not_mix_scopes(standin: Standin) -> None:
    enable_cachy({})

    async def one(client: httpx2.AsyncClient, name: str) -> str:
        with scope(name):
            await asyncio.sleep(0.001)
            answer = await client.post(URL, json=BODY)
            await asyncio.sleep(0.001)
            again = await client.post(URL, json=BODY)
        assert answer.json() == again.json()
        return str(answer.json()["id"])

    async def all_of_them() -> list[str]:
        async with httpx2.AsyncClient() as client:
            return await asyncio.gather(*(one(client, f"draft-{i % 10}") for i in range(30)))

    answers = asyncio.run(all_of_them())
    assert len(set(answers)) == len(standin.calls) == 10
    assert answers == answers[:10] * 3


def test_threads_do_not_mix_scopes(standin: Standin) -> None:
    enable_cachy({})
    inside, asked = threading.Event(), threading.Event()
    answers: dict[str, str] = {}

    def elsewhere() -> None:
        inside.wait()
        answers["thread"] = ask()
        asked.set()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    with scope("main"):
        inside.set()
        asked.wait()
        answers["main"] = ask()
        context = copy_context()
    thread.join()
    answers["plain"] = ask()
    with ThreadPoolExecutor() as pool:
        answers["handed on"] = pool.submit(context.run, ask).result()
    assert answers["thread"] == answers["plain"] != answers["main"] == answers["handed on"]


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_scope_needs_a_name(name: Any) -> None:
    with pytest.raises(ConfigError, match="needs a name"), scope(name):
        pass


def test_repeats_are_same_or_distinct() -> None:
    with pytest.raises(ConfigError, match="did you mean 'distinct'"):
        enable_cachy(repeats="distinc")


# What the key is made of


def test_scope_and_number_stand_in_the_canonical_request_and_in_the_outline() -> None:
    request = Request("POST", URL, [("openai-beta", "x")], b'{"model":"m"}')
    third = numbered(canonical(request, scope="naïve\nname"), 2)
    assert third.decode().split("\n") == [
        f"POST {URL}",
        "openai-beta: x",
        'cachy-scope: "na\\u00efve\\nname"',
        "cachy-repeat: 2",
        "",
        '{"model":"m"}',
    ]
    assert outline(third) == {
        "headers": {"openai-beta": "x"},
        "scope": "naïve\nname",
        "repeat": 2,
        "body": {"model": "m"},
    }
    assert len({digest(numbered(third, n)) for n in range(9)}) == 9


# Notebooks: each run of a cell counts from the start


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    config = Config({"HistoryManager": {"enabled": False}})
    shell: Any = InteractiveShell.instance(config=config)
    shell.push({"ask": ask, "answers": []})
    yield shell
    shell.restore_sys_module_state()
    InteractiveShell.clear_instance()


def run(shell: Any, cell: str) -> list[str]:
    shell.run_cell(cell).raise_error()
    return list(shell.user_ns["answers"])


def test_a_cell_run_again_finds_its_answers(shell: Any, standin: Standin) -> None:
    session = enable_cachy({}, repeats="distinct")
    loop = "answers = [ask() for _ in range(3)]"
    recorded = run(shell, loop)
    assert len(set(recorded)) == 3
    assert run(shell, loop) == recorded
    assert run(shell, "answers = [ask(), ask()]  # another cell") == recorded[:2]
    assert len(standin.calls) == 3
    # The whole notebook, in a new kernel.
    enable_cachy(session.store, repeats="distinct", mode="replay")
    assert run(shell, loop) == recorded
    # And its code as a script, in one go.
    enable_cachy(session.store, repeats="distinct", mode="replay")
    assert [ask() for _ in range(3)] == recorded


def test_cells_are_told_apart_by_scopes(shell: Any) -> None:
    enable_cachy({}, repeats="distinct")
    shell.push({"scope": scope})
    first = run(shell, "with scope('a'): answers = [ask(), ask()]")
    second = run(shell, "with scope('b'): answers = [ask(), ask()]")
    assert len({*first, *second}) == 4
