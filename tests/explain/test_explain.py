"""What reaches the user of each SDK when a request was not recorded: the explanation, at once."""

from __future__ import annotations

import asyncio
import os
import pickle
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from sdks import WAYS, Way
from standin import Standin

from cachy import CacheMiss, cachy, no_cachy
from cachy.patch.miss import answer
from cachy.store.base import Kept, Store, Where

HI, HELLO = ([{"role": "user", "content": word}] for word in ("Hi", "Hello"))
URL = "https://api.openai.com/v1/chat/completions"

# What is raised, by SDK: always the miss itself, or an exception of the SDK with its text.
RAISED = {
    "openai 2": "APIStatusError",
    "openai 3": "APIStatusError",
    "openai 3 over aiohttp": "APIStatusError",
    "anthropic 2": "APIStatusError",
    "groq": "APIStatusError",
    "litellm": "APIError BadRequestError InternalServerError",
}
CALLS = ("chat", "responses", "stream helper")
CHAT_WAYS = [
    way
    for way in WAYS
    if way.available() and (way.call in CALLS or (way.sdk == "litellm" and "-" in way.call))
]


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of every sleep, as of retries with a back-off; none really sleeps."""
    taken: list[float] = []
    wake, wake_async = time.sleep, asyncio.sleep

    def sleep(seconds: float) -> None:
        taken.append(seconds)
        wake(0)

    async def sleep_async(seconds: float, result: Any = None) -> Any:
        if seconds:
            taken.append(seconds)
        return await wake_async(0, result)

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(asyncio, "sleep", sleep_async)
    return taken


@pytest.mark.timing
@pytest.mark.parametrize("way", CHAT_WAYS, ids=str)
def test_the_user_of_an_sdk_sees_the_explanation(
    way: Way, standin: Standin, tmp_path: Path, naps: list[float]
) -> None:
    with cachy(cache_dir=tmp_path, scope="drafts"):
        way.run()
    standin.reset()
    naps.clear()
    with cachy("replay", cache_dir=tmp_path) as session:
        started = time.perf_counter()
        with pytest.raises(Exception, match="no recording:") as raised:
            way.run()
        took = time.perf_counter() - started

    miss = CacheMiss.behind(raised.value)
    assert miss is not None
    assert miss.differences == ('scope: "drafts" → (none)',)
    assert str(miss) in str(raised.value)
    assert type(raised.value).__name__ in RAISED.get(way.sdk, "CacheMiss")
    assert session.stats.misses == 1, "it was tried again"
    assert standin.calls == []
    assert naps == []
    assert took < 2  # alone on a machine it is under 0.2


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_plain_httpx_raises_the_miss(library: Any, standin: Standin, tmp_path: Path) -> None:
    async def ask(stream: bool) -> None:
        async with library.AsyncClient() as client:
            request = client.build_request("POST", URL, json={"model": "gpt-4o"})
            await client.send(request, stream=stream)

    with cachy("replay", cache_dir=tmp_path):
        with library.Client() as client:
            with pytest.raises(CacheMiss, match="there is no store") as raised:
                client.post(URL, json={"model": "gpt-4o"})
            with pytest.raises(CacheMiss), client.stream("POST", URL, json={}):
                pass
        for stream in (False, True):
            with pytest.raises(CacheMiss):
                asyncio.run(ask(stream))
    assert standin.calls == []
    assert raised.value.model == "gpt-4o"
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


def test_a_miss_is_not_retried_even_with_max_retries(
    standin: Standin, tmp_path: Path, naps: list[float]
) -> None:
    openai = pytest.importorskip("openai")
    client = openai.OpenAI(api_key="test", max_retries=5)
    with client, cachy("replay", cache_dir=tmp_path) as session:
        with pytest.raises(openai.APIStatusError, match="no recording:") as raised:
            client.chat.completions.create(model="gpt-4o", messages=[])
        with pytest.raises(openai.APIStatusError, match="keeps state on the server"):
            client.files.list()
    assert raised.value.response.extensions["cachy"]["from"] == "miss"
    assert (session.stats.misses, naps, standin.calls) == (2, [], [])


MISS = CacheMiss(
    method="POST", url=URL, model=None, store="s", reason="r", differences=["a: 1 → 2"]
)


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        ("OpenAI/Python 2.54.0", "text/plain; charset=utf-8"),
        ("AsyncAnthropic/Python 0.40.1", "text/plain; charset=utf-8"),
        ("AsyncAzureOpenAI/Python 3.54.0", "application/json"),
        ("my-app/1.0", "application/json"),
    ],
)
def test_the_response_is_of_the_kind_that_the_sdk_shows(agent: str, kind: str) -> None:
    entry = answer(MISS, {"x-stainless-lang": "python", "user-agent": agent})
    headers = dict(entry.head["headers"])
    assert headers == {"content-type": kind, "x-should-retry": "false"}
    assert 400 <= entry.head["status"] < 500
    assert b"no recording:" in entry.body


def test_clients_that_let_it_pass_get_the_exception() -> None:
    with pytest.raises(CacheMiss) as raised:
        answer(MISS, {"user-agent": "python-httpx/0.28.1"})
    assert raised.value is MISS


def test_a_miss_is_found_behind_whatever_was_made_of_it() -> None:
    wrapped, unrelated = RuntimeError("no luck"), RuntimeError("again")
    wrapped.__cause__, unrelated.__context__ = MISS, wrapped
    assert CacheMiss.behind(wrapped) is CacheMiss.behind(unrelated) is MISS
    assert CacheMiss.behind(ValueError()) is None


# ---- Each situation has its own sentence ----


@pytest.fixture
def client(
    standin: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[httpx.Client]:
    monkeypatch.chdir(tmp_path)  # away from the store of this repository
    with httpx.Client() as client:
        yield client


def reason(client: httpx.Client, url: str = URL, json: Any = None, **settings: Any) -> str:
    with cachy("replay", **settings), pytest.raises(CacheMiss) as raised:
        client.post(url, json=json or {"model": "gpt-4o", "messages": HELLO})
    return raised.value.reason


def record(client: httpx.Client, url: str = URL, json: Any = None, **settings: Any) -> None:
    with cachy(**settings) as session:
        client.post(url, json=json or {"model": "gpt-4o", "messages": HI})
    assert session.stats.recorded == 1


def test_an_empty_store(client: httpx.Client, tmp_path: Path) -> None:
    assert reason(client, cache_dir=tmp_path).startswith(f"there is no store at {tmp_path}")
    (tmp_path / ".cachy").mkdir()
    assert reason(client, cache_dir=tmp_path).startswith("the store is empty")
    assert reason(client, store={}).startswith("the store is empty")


def test_another_folder_has_it(
    client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"model": "gpt-4o", "messages": HI}
    record(client, json=body, cache_dir=tmp_path)
    below = tmp_path / "notebooks" / "deep"
    (below / ".cachy").mkdir(parents=True)
    monkeypatch.chdir(below)
    assert f"but {tmp_path / '.cachy'} has it" in reason(client, json=body)
    assert f"there is another store at {tmp_path / '.cachy'}" in reason(client)


def test_the_working_directory_has_it(
    client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"model": "gpt-4o", "messages": HI}
    below = tmp_path / "notebooks"
    below.mkdir()
    record(client, json=body, cache_dir=below)
    monkeypatch.chdir(below)
    message = reason(client, json=body, cache_dir=tmp_path)
    assert message.endswith(
        f"but {below / '.cachy'} has it: run from that folder, or pass cache_dir={str(below)!r}"
    )


def test_nothing_from_this_host(client: httpx.Client, tmp_path: Path) -> None:
    record(client, cache_dir=tmp_path)
    message = reason(client, "https://api.anthropic.com/v1/messages", cache_dir=tmp_path)
    assert message == (
        "nothing was recorded from api.anthropic.com: "
        "the 1 recording in the store is from api.openai.com"
    )


def test_nothing_of_this_endpoint(client: httpx.Client, tmp_path: Path) -> None:
    record(client, cache_dir=tmp_path)
    message = reason(client, "https://api.openai.com/v1/embeddings", cache_dir=tmp_path)
    assert message == (
        "nothing was recorded for this endpoint; "
        "from api.openai.com the store has /v1/chat/completions"
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows does not delete a folder that is in use")
def test_a_working_directory_that_is_gone(
    client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(client, cache_dir=tmp_path)
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    message = reason(client, "https://api.openai.com/v1/embeddings", cache_dir=tmp_path)
    assert "from api.openai.com the store has /v1/chat/completions" in message


def test_nothing_stored_to_compare_with(client: httpx.Client, tmp_path: Path) -> None:
    record(client, cache_dir=tmp_path, requests="none")
    assert 'requests="none"' in reason(client, cache_dir=tmp_path)


def test_a_broken_recording(client: httpx.Client, tmp_path: Path) -> None:
    body = {"model": "gpt-4o", "messages": HI}
    record(client, json=body, cache_dir=tmp_path)
    [entry] = tmp_path.glob(".cachy/??/*.entry")
    entry.write_bytes(entry.read_bytes()[:-1])
    with pytest.warns(match="is passed over"):
        message = reason(client, json=body, cache_dir=tmp_path)
    assert message == "its recording is broken: its bytes are not the ones that were recorded"
    with (
        cachy("replay", cache_dir=tmp_path),
        pytest.warns(match="is passed over"),
        pytest.raises(CacheMiss) as raised,
    ):
        client.post(URL, json=body)
    assert "cachy fsck -C" in raised.value.remedy  # git may have it: that costs nothing
    assert "pytest --cachy=auto" in raised.value.remedy


def test_an_endpoint_that_is_left_alone(client: httpx.Client, tmp_path: Path) -> None:
    with cachy("replay", cache_dir=tmp_path), pytest.raises(CacheMiss) as raised:
        client.post("https://api.openai.com/v1/files", json={})
    miss = raised.value
    assert miss.reason == "this endpoint keeps state on the server, so no recording can exist"
    assert "no_cachy()" in miss.remedy


def test_a_fake_of_such_an_endpoint_is_not_refused(tmp_path: Path) -> None:
    fake = httpx.MockTransport(lambda request: httpx.Response(200, text="fake"))
    with cachy("replay", cache_dir=tmp_path), httpx.Client(transport=fake) as client:
        assert client.post("https://api.openai.com/v1/files").text == "fake"


def test_a_store_of_another_kind(client: httpx.Client) -> None:
    class Unlisted(Store):
        label = "<Unlisted>"

        def get(self, key: str, report: Any) -> None: ...
        def put(self, key: str, frame: bytes, second: int, *, private: bool = False) -> Kept:
            return Kept("", Where.NOWHERE)

    assert "lists nothing" in reason(client, store=Unlisted())


def test_a_mapping_that_cannot_be_listed(client: httpx.Client) -> None:
    class Remote(dict[str, bytes]):
        def __iter__(self) -> Iterator[str]:
            raise OSError("no listing")

    assert reason(client, store=Remote()) == "nothing was recorded for it"


def test_the_closest_in_a_mapping(client: httpx.Client) -> None:
    store: dict[str, bytes] = {}
    record(client, store=store)
    record(client, json={"model": "gpt-4o", "messages": HI, "seed": 1}, store=store)
    message = reason(client, json={"model": "gpt-4o", "messages": HI, "seed": 2}, store=store)
    assert message.startswith("seed changed; the closest of 2 recordings of this endpoint is ")


def test_outside_replay_mode_nothing_is_explained(
    client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cachy.explain.explain", None)
    with cachy(cache_dir=tmp_path) as session, no_cachy():
        assert client.post(URL, json={"model": "m", "messages": HELLO}).status_code == 200
    with cachy(cache_dir=tmp_path) as session:
        assert client.post(URL, json={"model": "m", "messages": HELLO}).status_code == 200
    assert session.stats.misses == 1
