"""What only aiohttp has. What holds for all clients is in test_clients.py."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from clients import CHAT, PLAIN, STREAM
from clients.over_aiohttp import TLS, connections_closed, with_session
from standin import Behaviour, Standin, error, json_answer, redirect

from cachy import CacheMiss, cachy, disable_cachy, enable_cachy
from cachy.errors import CachyWarning
from cachy.patch.aiohttp import patch
from cachy.store.entry import loads

MODELS = "https://api.openai.com/v1/models"


@pytest.fixture
def session(standin: Standin) -> Iterator[Any]:
    yield enable_cachy(store={})
    disable_cachy()


# ---- Responses ----


def look(response: aiohttp.ClientResponse) -> dict[str, Any]:
    return {
        "type": type(response).__qualname__,
        "status": (response.status, response.reason, response.ok),
        "version": response.version,
        "url": (response.url, response.real_url, response.host, response.method),
        "request": response.request_info,
        "headers": sorted((name.lower(), value) for name, value in response.headers.items()),
        "raw": sorted((name.lower(), value) for name, value in response.raw_headers),
        "type of content": (response.content_type, response.charset, response.content_length),
        "links": dict(response.links),
        "cookies": dict(response.cookies),
        "closed": response.closed,
        "connection": response.connection,
    }


def test_a_hit_looks_like_its_miss(standin: Standin, session: Any) -> None:
    standin.behave(Behaviour(answer=json_answer({"a": 1}, link="</next>; rel=next")))

    async def ask(client: aiohttp.ClientSession) -> Any:
        async with client.post(f"{CHAT}?b=1", json=PLAIN) as response:
            read = [await response.json(), await response.text(), await response.read()]
            origin = response.cachy["from"]  # type: ignore[attr-defined]
            return look(response), read, response.get_encoding(), origin

    async def use(client: aiohttp.ClientSession) -> None:
        miss, hit = await ask(client), await ask(client)
        assert hit[:3] == miss[:3]
        assert (miss[3], hit[3]) == ("network", "store")

    with_session(use)
    assert session.stats.hits == 1


# ---- Who waits, and for how long ----


def test_nobody_waits_long_for_a_body_that_is_not_read(standin: Standin, session: Any) -> None:
    async def use(client: aiohttp.ClientSession) -> None:
        async def ask() -> bytes:
            async with client.post(CHAT, json=PLAIN) as response:
                return await response.read()

        unread = await client.post(CHAT, json=PLAIN)
        assert b'"model"' in await asyncio.create_task(ask())
        unread.close()

    with_session(use, timeout=aiohttp.ClientTimeout(total=20))
    assert len(standin.calls) == 2


def test_a_task_that_is_cancelled(standin: Standin, session: Any) -> None:
    """Before the answer, and in the middle of it: nothing is kept, and the next call goes out."""

    async def use(client: aiohttp.ClientSession) -> None:
        async def ask() -> None:
            async with client.post(CHAT, json=STREAM) as response:
                await response.read()

        for behaviour in (Behaviour(delay=0.8), Behaviour(pause=0.8)):
            with standin.behave(behaviour):
                task = asyncio.ensure_future(ask())
                await asyncio.sleep(0.2)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
        assert session.stats.recorded == 0
        await asyncio.wait_for(ask(), 5)

    with_session(use)
    assert session.stats.recorded == 1


def test_the_time_out_of_the_whole(standin: Standin, session: Any) -> None:
    async def use(client: aiohttp.ClientSession) -> None:
        timeout = aiohttp.ClientTimeout(total=0.2)
        with standin.behave(Behaviour(pause=0.8)):
            response = await client.post(CHAT, json=STREAM, timeout=timeout)
            with pytest.raises(asyncio.TimeoutError):
                await response.read()

    with_session(use)
    assert session.stats.recorded == 0


# ---- What is around a request ----


def test_middlewares_traces_and_the_status(standin: Standin, session: Any) -> None:
    events: list[str] = []

    async def authorized(req: Any, handler: Any) -> Any:
        req.headers["openai-beta"] = "a=1"
        response = await handler(req)
        events.append(f"middleware {response.status}")
        return response

    traces = aiohttp.TraceConfig()
    names = ("request_start", "request_redirect", "request_end", "request_exception")
    for name in names:

        async def note(*_: Any, name: str = name) -> None:
            events.append(name)

        getattr(traces, f"on_{name}").append(note)

    async def use(client: aiohttp.ClientSession) -> list[list[str]]:
        seen = []
        for _ in range(2):
            events.clear()
            async with client.post(CHAT, json=PLAIN) as response:
                assert [str(hop.url) for hop in response.history] == [CHAT]
                assert await response.json() == {"a": 1}
            with (
                standin.behave(error(404)),
                pytest.raises(aiohttp.ClientResponseError) as raised,
            ):
                await client.post(CHAT, json=PLAIN | {"seed": 1})
            assert raised.value.status == 404
            seen.append([*events])
        return seen

    standin.behave(Behaviour(answer=json_answer({"a": 1})))
    standin.behave(redirect("/v1/new", 307))
    options = {"middlewares": (authorized,), "trace_configs": [traces], "raise_for_status": True}
    live, hit = with_session(use, **options)
    assert hit == live
    assert live.count("middleware 200") == 1
    assert len(standin.calls) == 4
    assert session.stats.hits == 2
    assert standin.calls[0].headers["openai-beta"] == "a=1"


def test_middlewares_of_one_request(standin: Standin, session: Any) -> None:
    async def retried(req: Any, handler: Any) -> Any:
        await (await handler(req)).read()
        return await handler(req)

    async def use(client: aiohttp.ClientSession) -> str:
        async with client.post(CHAT, json=PLAIN, middlewares=[retried]) as response:
            return str(response.cachy["from"])  # type: ignore[attr-defined]

    assert with_session(use) == "store"
    assert len(standin.calls) == 1


def test_cookies_are_the_jars(standin: Standin, session: Any) -> None:
    standin.behave(Behaviour(answer=json_answer({"a": 1}, set_cookie="session=1")))

    async def use(client: aiohttp.ClientSession) -> tuple[int, int]:
        async with client.post(CHAT, json=PLAIN) as response:
            await response.read()
        async with client.post(CHAT, json=PLAIN) as response:
            return len(client.cookie_jar), len(response.cookies)

    assert with_session(use) == (1, 0)
    assert session.stats.hits == 1


# ---- Requests ----


async def _pieces() -> AsyncIterator[bytes]:
    yield b'{"model": "gpt-4o", '
    yield b'"messages": []}'


class Pipe(io.RawIOBase):
    """What cannot be rewound."""

    def __init__(self) -> None:
        self._inner = io.BytesIO(b"sound")

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        raise OSError("a pipe")

    def readinto(self, buffer: Any) -> int:
        return self._inner.readinto(buffer)


def form(file: Any) -> aiohttp.FormData:
    data = aiohttp.FormData()
    data.add_field("model", "whisper-1")
    data.add_field("file", file, filename="a.mp3")
    return data


BODIES: dict[str, Callable[[], dict[str, Any]]] = {
    "json": lambda: {"json": {"model": "gpt-4o", "messages": []}},
    "fields": lambda: {"data": {"model": "gpt-4o"}},
    "text": lambda: {"data": '{"model": "gpt-4o"}'},
    "pieces": lambda: {"data": _pieces()},
    "compressed": lambda: {"json": {"model": "gpt-4o"}, "compress": "gzip"},
    "form": lambda: {"data": form(io.BytesIO(b"sound"))},
    "form-with-a-pipe": lambda: {"data": form(Pipe())},
    "pipe": lambda: {"data": Pipe()},
    "nothing": dict,
}


@pytest.mark.parametrize("kind", BODIES)
def test_bodies_go_out_as_without_cachy(standin: Standin, tmp_path: Path, kind: str) -> None:
    async def use(client: aiohttp.ClientSession) -> None:
        async with client.post(CHAT, **BODIES[kind]()) as response:
            await response.read()

    standin.behave(Behaviour(answer=json_answer({"a": 1})))
    with_session(use)
    with cachy(store={}) as session:
        with_session(use)
        with_session(use)
    plain, recorded = standin.calls
    assert session.stats.hits == 1

    def without_boundary(call: Any) -> tuple[Any, bytes]:
        headers = {name.lower(): value for name, value in call.headers.items()}
        boundary = headers.get("content-type", "").partition("boundary=")[2] or "none"
        kept = {name: value.replace(boundary, "") for name, value in headers.items()}
        return kept, call.body.replace(boundary.encode(), b"")

    assert without_boundary(recorded) == without_boundary(plain)
    assert recorded.body or kind == "nothing"


# ---- Servers of one's own, and other libraries ----


def test_its_own_test_server(session: Any) -> None:
    """It is a real server: a host like any other, recorded if it is added."""
    calls: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.json_response({"calls": len(calls)})

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat", answer)
        async with TestClient(TestServer(app)) as client:

            async def ask() -> int:
                async with client.post("/v1/chat", json=PLAIN) as response:
                    return int((await response.json())["calls"])

            assert [await ask(), await ask()] == [1, 2]
            with cachy(store={}, doms=(f"{client.host}:{client.port}",)):
                assert [await ask(), await ask()] == [3, 3]

    asyncio.run(run())


def test_a_version_that_is_too_old() -> None:
    class Session:
        def __init__(self, connector: Any = None) -> None: ...

    old: Any = SimpleNamespace(
        __version__="3.11.18", ClientSession=Session, StreamReader=aiohttp.StreamReader
    )
    supported = "aiohttp 3.11.18 cannot be patched.*supported are aiohttp 3.12.2 or later"
    with pytest.warns(CachyWarning, match=supported):
        assert patch(old, lambda: None) == []


ALONE = """
import asyncio, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("anyio", "httpx", "httpx2", "requests", "urllib3"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import aiohttp, ssl
from cachy import CacheMiss, enable_cachy

async def ask(seed):
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context())
    async with aiohttp.ClientSession(connector=connector) as client:
        async def one():
            asked = {"model": "m", "messages": [], "seed": seed}
            async with client.post(sys.argv[2], json=asked) as response:
                return await response.read()
        return await asyncio.gather(one(), one())

session = enable_cachy(cache_dir=sys.argv[1], doms=("127.0.0.1:*",))
asyncio.run(ask(1))
assert (session.stats.misses, session.stats.recorded, session.stats.hits) == (1, 1, 1), session
enable_cachy(cache_dir=sys.argv[1], doms=("127.0.0.1:*",), mode="replay")
asyncio.run(ask(1))
try:
    asyncio.run(ask(2))
except CacheMiss as miss:
    assert "seed" in str(miss), miss
else:
    raise SystemExit("no miss")
"""


def test_without_anyio_and_other_clients(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(0.1)
        return web.json_response({"a": 1})

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat", answer)
        async with TestServer(app) as server:
            url = str(server.make_url("/v1/chat"))
            command = [sys.executable, "-c", ALONE, str(tmp_path), url]
            await asyncio.to_thread(subprocess.run, command, check=True, env={**os.environ})

    asyncio.run(run())


def test_a_miss_is_none_of_its_errors(standin: Standin, tmp_path: Path) -> None:
    """Those are retried; and a miss within a response is none of the network's, either."""
    enable_cachy(cache_dir=tmp_path, mode="replay")

    async def use(client: aiohttp.ClientSession) -> None:
        with pytest.raises(CacheMiss) as miss:
            await client.post(CHAT, json=PLAIN)
        assert not isinstance(miss.value, aiohttp.ClientError | OSError)

    try:
        with_session(use)
    finally:
        disable_cachy()
    assert standin.calls == []


# ---- SDKs over it ----


def recorders(store: dict[str, bytes]) -> set[str]:
    """Return the names of the clients that have recorded what is in a store."""
    return {loads(frame).head["client"].partition("/")[0] for frame in store.values()}


def test_openai_over_aiohttp(standin: Standin) -> None:
    """Of two clients, one on the other, only the outer one records."""
    openai = pytest.importorskip("openai", minversion="3")

    async def ask(seed: int = 1) -> list[str]:
        http_client = openai.DefaultAioHttpClient(verify=TLS)
        async with openai.AsyncOpenAI(api_key="test", http_client=http_client) as client:
            options: Any = {"model": "gpt-4o", "messages": PLAIN["messages"], "seed": seed}
            answer = await client.chat.completions.create(**options)
            stream = await client.chat.completions.create(**options, stream=True)
            pieces = [part.choices[0].delta.content or "" async for part in stream if part.choices]
        await connections_closed()
        return [str(answer.choices[0].message.content), "".join(pieces)]

    store: dict[str, bytes] = {}
    session = enable_cachy(store=store)
    try:
        live = asyncio.run(ask())
        assert len(standin.calls) == session.stats.recorded == session.stats.misses == 2
        assert recorders(store) == {"httpx2"}
        enable_cachy(store=store, mode="replay")
        assert asyncio.run(ask()) == live
        with pytest.raises(openai.APIStatusError, match="seed"):
            asyncio.run(ask(2))
    finally:
        disable_cachy()
    assert len(standin.calls) == 2


def test_google_genai(standin: Standin) -> None:
    """Its async calls leave by aiohttp wherever that can be imported."""
    genai = pytest.importorskip("google.genai")

    async def ask(text: str = "Hello") -> list[str | None]:
        async with genai.Client(api_key="test").aio as client:
            options: Any = {"model": "gemini-2.5-flash", "contents": text}
            answer = await client.models.generate_content(**options)
            stream = await client.models.generate_content_stream(**options)
            pieces = [part.text or "" async for part in stream]
        await connections_closed()
        return [answer.text, "".join(pieces)]

    store: dict[str, bytes] = {}
    session = enable_cachy(store=store)
    try:
        live = asyncio.run(ask())
        assert len(standin.calls) == session.stats.recorded == 2
        assert recorders(store) == {"aiohttp"}
        enable_cachy(store=store, mode="replay")
        assert asyncio.run(ask()) == live
        with pytest.raises(CacheMiss, match="no prompt like this"):
            asyncio.run(ask("Bye"))
    finally:
        disable_cachy()
    assert len(standin.calls) == 2
