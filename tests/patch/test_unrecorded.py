"""Real libraries that are noticed, not recorded. Those over Python's own TLS alone are tried in
tests/engine/test_bypass.py."""

from __future__ import annotations

import asyncio
import gc
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from standin import Standin

from cachy import CacheMiss, disable_cachy, doms, enable_cachy

BODY = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}'


@pytest.fixture(autouse=True)
def _leave_nothing(standin: Standin) -> Iterator[None]:
    yield
    disable_cachy()


def refused(call: Callable[[], Any]) -> None:
    with pytest.raises(CacheMiss, match="which cachy does not record"):
        call()


def noticed(call: Callable[[], Any], said: str, folder: Path, *added: str) -> None:
    """A call is counted live, and refused in replay mode; afterwards nothing is left."""
    session = enable_cachy(cache_dir=folder, doms=(*doms, *added))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
        call()
    assert sum("which cachy does not record" in str(each.message) for each in caught) == 1
    assert session.stats.bypassed == {said: 2}
    session = enable_cachy(cache_dir=folder, doms=(*doms, *added), mode="replay")
    with warnings.catch_warnings():
        # Some leave the socket open when TLS cannot begin, whatever the reason.
        warnings.simplefilter("ignore", ResourceWarning)
        refused(call)
        gc.collect()
    session = enable_cachy(cache_dir=folder, mode="replay", doms=("other.example.com",))
    call()
    assert not session.stats.bypassed
    disable_cachy()
    call()


@pytest.fixture
def served() -> Iterator[str]:
    """A server of gRPC that echoes, and where it is."""
    grpc = pytest.importorskip("grpc")

    class Echo(grpc.GenericRpcHandler):  # type: ignore[name-defined,misc]
        def service(self, call: Any) -> Any:
            if call.method.endswith("Stream"):
                return grpc.unary_stream_rpc_method_handler(lambda asked, _: iter([asked] * 2))
            return grpc.unary_unary_rpc_method_handler(lambda asked, _: asked)

    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((Echo(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


@pytest.mark.parametrize("kind", ["unary", "future", "with_call", "stream"])
def test_grpc(kind: str, served: str, tmp_path: Path) -> None:
    import grpc

    with grpc.insecure_channel(served) as channel:
        one, many = channel.unary_unary("/x.Chat/Ask"), channel.unary_stream("/x.Chat/Stream")
        calls = {
            "unary": lambda: one(b"Hi"),
            "future": lambda: one.future(b"Hi").result(),
            "with_call": lambda: one.with_call(b"Hi"),
            "stream": lambda: list(many(b"Hi")),
        }
        noticed(calls[kind], "127.0.0.1 by grpc", tmp_path, served)
    assert not any(
        hasattr(function, "_cachy")
        for each in vars(sys.modules["grpc._channel"]).values()
        if isinstance(each, type)
        for function in vars(each).values()
    )


@pytest.mark.parametrize("kind", ["unary", "stream"])
def test_grpc_async(kind: str, served: str, tmp_path: Path) -> None:
    from grpc import aio

    async def call() -> Any:
        async with aio.insecure_channel(served) as channel:
            if kind == "unary":
                return await channel.unary_unary("/x.Chat/Ask")(b"Hi")
            return [each async for each in channel.unary_stream("/x.Chat/Stream")(b"Hi")]

    noticed(lambda: asyncio.run(call()), "127.0.0.1 by grpc", tmp_path, served)


@pytest.mark.parametrize("way", ["sample", "stream"])
@pytest.mark.parametrize("client", ["Client", "AsyncClient"])
def test_xai_sdk_is_refused_at_its_own_address(client: str, way: str, tmp_path: Path) -> None:
    """The SDK wraps each call in interceptors: the miss comes through them."""
    xai = pytest.importorskip("xai_sdk")
    session = enable_cachy(cache_dir=tmp_path, mode="replay")

    async def call() -> None:
        chat = getattr(xai, client)(api_key="test").chat.create(model="grok-4")
        chat.append(xai.chat.user("Hi"))
        asked = getattr(chat, way)()  # a sync `sample` is refused here
        if client == "Client":
            list(asked)
        elif way == "sample":
            await asked
        else:
            async for _ in asked:
                pass

    refused(lambda: asyncio.run(call()))
    assert session.stats.bypassed == {"api.x.ai by grpc": 1}


def test_curl_cffi(standin: Standin, tmp_path: Path) -> None:
    requests = pytest.importorskip("curl_cffi.requests")
    host = standin.url.removeprefix("http://")

    async def call() -> None:
        async with requests.AsyncSession() as session:
            await session.post(f"{standin.url}/v1/chat/completions", data=BODY)

    def sync() -> None:
        requests.post(f"{standin.url}/v1/chat/completions", data=BODY)

    noticed(sync, "127.0.0.1 by curl_cffi", tmp_path, host)
    noticed(lambda: asyncio.run(call()), "127.0.0.1 by curl_cffi", tmp_path, host)


@pytest.mark.parametrize("way", ["perform", "perform_rb", "multi"])
def test_pycurl(way: str, standin: Standin, tmp_path: Path) -> None:
    pycurl = pytest.importorskip("pycurl")
    plain = pycurl.Curl, pycurl.CurlMulti

    def call() -> None:
        handle = pycurl.Curl()
        handle.setopt(pycurl.URL, f"{standin.url}/v1/chat/completions")
        handle.setopt(pycurl.POSTFIELDS, BODY)
        handle.setopt(pycurl.WRITEFUNCTION, lambda _: None)
        if way == "multi":
            multi = pycurl.CurlMulti()
            multi.add_handle(handle)
            while multi.perform()[1]:
                multi.select(1.0)
        else:
            getattr(handle, way)()

    noticed(call, "127.0.0.1 by pycurl", tmp_path, standin.url.removeprefix("http://"))
    assert (pycurl.Curl, pycurl.CurlMulti) == plain


@pytest.mark.parametrize("way", ["sync", "async"])
def test_websockets(way: str, tmp_path: Path) -> None:
    """Through the doors of ssl: the package is found on the stack, or in the task that waits."""
    websockets = pytest.importorskip("websockets")
    from websockets.sync.client import connect

    url = "wss://api.openai.com/v1/realtime"

    async def by_task() -> None:
        async with websockets.connect(url):
            pass

    def call() -> None:
        try:
            if way == "async":
                asyncio.run(by_task())
            else:
                with connect(url):
                    pass
        except websockets.InvalidStatus:
            pass  # the server does not know websockets

    noticed(call, "api.openai.com by websockets", tmp_path)
