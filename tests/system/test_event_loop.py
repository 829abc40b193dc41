"""On an event loop nothing long is hashed, searched, expanded, compressed or written."""

from __future__ import annotations

import asyncio
import base64
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from standin import Answer, Behaviour, Standin

from cachy import CachyWarning, disable_cachy, enable_cachy

CHAT = "https://api.openai.com/v1/chat/completions"
PLAIN = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
LONG = 2**20
NOISE = random.Random(1).randbytes(2 * LONG)
ANSWERS = {
    "short": b"short",
    "large": NOISE,  # in a large file
    "expands": bytes(3 * LONG),  # in a small one
}
QUESTIONS = {"short": b"short", "large": base64.b64encode(NOISE)}


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(autouse=True)
def end() -> Iterator[None]:
    yield
    disable_cachy()


class Seen:
    """Which of cachy's functions had how much to do in which thread."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[tuple[str, int, int]] = []
        self._watch(monkeypatch, "cachy.engine.cache.identify", lambda given, _: len(given.body))
        self._watch(monkeypatch, "cachy.engine.cache.digest", lambda given, _: len(given))
        self._watch(monkeypatch, "cachy.store.entry._expand", lambda _, made: len(made))
        self._watch(monkeypatch, "cachy.store.folder.read_file", lambda _, made: len(made))
        self._watch(monkeypatch, "cachy.store.folder.unseal", lambda _, made: len(made))
        self._watch(monkeypatch, "cachy.engine.secrets.matches", lambda given, _: len(given))
        self._watch(monkeypatch, "cachy.engine.recording.flaw", lambda given, _: len(given.body))

    def _watch(
        self, monkeypatch: pytest.MonkeyPatch, name: str, size: Callable[[Any, Any], int]
    ) -> None:
        module, _, attribute = name.rpartition(".")
        original = getattr(__import__(module, fromlist=[attribute]), attribute)

        def watched(given: Any, *arguments: Any, **options: Any) -> Any:
            made = original(given, *arguments, **options)
            self.done.append((attribute, size(given, made), threading.get_ident()))
            return made

        monkeypatch.setattr(name, watched)

    def here(self, least: int = LONG) -> list[str]:
        """What of at least this size was done in this thread."""
        return [
            what
            for what, size, ident in self.done
            if size > least and ident == threading.get_ident()
        ]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("question", QUESTIONS)
def test_nothing_long_is_done_on_the_loop(
    library: Any,
    standin: Standin,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    question: str,
    answer: str,
    backend: str,
) -> None:
    standin.behave(Behaviour(answer=Answer(200, {"content-type": "audio/wav"}, ANSWERS[answer])))
    seen = Seen(monkeypatch)
    warns = pytest.warns(CachyWarning) if answer == "large" else nullcontext()
    with warns:
        enable_cachy(cache_dir=tmp_path / "store")

        async def ask() -> None:
            async with library.AsyncClient() as client:
                for _ in range(3):
                    body = (await client.post(CHAT, content=QUESTIONS[question])).content
                    assert body == ANSWERS[answer]

        anyio.run(ask, backend=backend)
    assert len(standin.calls) == 1
    assert seen.here() == []
    assert any(size > LONG for _, size, _ in seen.done) is (
        (question, answer) != ("short", "short")
    )


def test_a_short_hit_takes_no_thread(library: Any, standin: Standin, tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path / "store")

    async def ask() -> None:
        async with library.AsyncClient() as client:
            await client.post(CHAT, json=PLAIN)

    asyncio.run(ask())
    before = threading.active_count()
    session.cache.threads._pool = None
    asyncio.run(ask())
    assert len(standin.calls) == 1
    assert threading.active_count() <= before
