"""httpx and httpx2, both colours, over real TLS: a hit is a live response in every respect.

One set of tests serves all four: `Http` runs either colour and gives plain values.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import os
import pickle
import re
import ssl
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest
from standin import (
    Answer,
    Behaviour,
    Standin,
    empty,
    error,
    error_event,
    error_object,
    json_answer,
    redirect,
    sse,
    stream_answer,
)

from cachy import CacheMiss, CachyWarning, cachy, disable_cachy, doms, enable_cachy
from cachy.store.folder import DirStore, read_entry

CHAT = "https://api.openai.com/v1/chat/completions"
MODELS = "https://api.openai.com/v1/models"
BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse-stream"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/g:streamGenerateContent"
OLLAMA = "http://localhost:11434/api/chat"
HELLO: Any = [{"role": "user", "content": "Hello"}]
PLAIN: dict[str, Any] = {"model": "gpt-4o", "messages": HELLO}
STREAM = PLAIN | {"stream": True}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
TLS = ssl.create_default_context()

Response = Any  # of either library


class Http:
    """One library in one colour. Whatever its client gives to await is awaited here."""

    def __init__(self, library: ModuleType, colour: str) -> None:
        self.library: Any = library
        self.is_async = colour == "async"
        self._loop = asyncio.new_event_loop()
        self._clients: list[Any] = []
        self.plain = self.client()

    def behave(self, standin: Standin, behaviour: Behaviour | None) -> None:
        """Have the stand-in behave so, if this library reads what it then sends."""
        encoding = behaviour and behaviour.encoding
        if encoding and encoding not in self.plain.headers["accept-encoding"]:
            pytest.skip(f"{self.library.__name__} does not read {encoding} here")
        if behaviour:
            standin.behave(behaviour)

    def close_all(self) -> None:
        for client in self._clients:
            self.close(client)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def wait(self, thing: Any) -> Any:
        return self._loop.run_until_complete(thing) if inspect.isawaitable(thing) else thing

    @property
    def client_class(self) -> Any:
        return self.library.AsyncClient if self.is_async else self.library.Client

    def client(self, **options: Any) -> Any:
        client = self.client_class(**({"verify": TLS} | options))
        self._clients.append(client)
        return client

    def send(self, method: str, url: str, client: Any = None, **options: Any) -> Response:
        return self.wait((client or self.plain).request(method, url, **options))

    def post(self, url: str = CHAT, client: Any = None, **options: Any) -> Response:
        return self.send("POST", url, client, **({"json": PLAIN} | options))

    def open(self, url: str = CHAT, client: Any = None, **options: Any) -> Response:
        """A response whose body is still to come."""
        client = client or self.plain
        request = client.build_request("POST", url, **({"json": STREAM} | options))
        return self.wait(client.send(request, stream=True))

    def read(self, response: Response) -> bytes:
        body = self.wait(response.aread() if self.is_async else response.read())
        assert isinstance(body, bytes)
        return body

    def close(self, thing: Any) -> None:
        if thing.__class__.__name__ == "Response" or self.is_async:
            self.wait(thing.aclose() if self.is_async else thing.close())
        else:
            thing.close()

    def pieces(self, response: Response, kind: str = "bytes") -> Iterator[Any]:
        """What `iter_bytes` (or another kind) gives, as soon as it does."""
        if not self.is_async:
            yield from getattr(response, f"iter_{kind}")()
            return
        pieces = getattr(response, f"aiter_{kind}")()
        try:
            while True:
                try:
                    piece = self._loop.run_until_complete(anext(pieces))
                except StopAsyncIteration:
                    return
                yield piece
        finally:
            self._loop.run_until_complete(pieces.aclose())

    def whole(self, response: Response, kind: str = "bytes") -> Any:
        """The same, put together."""
        pieces = [*self.pieces(response, kind)]
        return pieces if kind == "lines" else (b"" if kind in ("raw", "bytes") else "").join(pieces)

    def hook(self, function: Callable[[Any], None]) -> Any:
        """An event hook in this colour."""

        async def hook(thing: Any) -> None:
            await asyncio.sleep(0)
            function(thing)

        return hook if self.is_async else function

    def body(self, *chunks: bytes) -> Any:
        """A body that can be read once."""

        async def body() -> AsyncIterator[bytes]:
            for chunk in chunks:
                yield chunk

        return body() if self.is_async else iter(chunks)


COLOURS = [(library, colour) for library in (httpx, httpx2) for colour in ("sync", "async")]


@pytest.fixture(params=COLOURS, ids=lambda param: f"{param[0].__name__}-{param[1]}")
def http(request: pytest.FixtureRequest, standin: Standin) -> Iterator[Http]:
    http = Http(*request.param)
    yield http
    disable_cachy()
    http.close_all()


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CACHY_MODE", raising=False)


@pytest.fixture
def session(http: Http, tmp_path: Path) -> Any:
    return enable_cachy(cache_dir=tmp_path)


def kept(folder: Path) -> int:
    return len([*folder.rglob("*.entry")])


NEVER_STORED = {
    *(b"set-cookie", b"content-encoding", b"transfer-encoding", b"connection", b"alt-svc"),
    *(b"openai-organization", b"openai-project", b"anthropic-organization-id"),
}


def kept_headers(response: Response) -> list[tuple[bytes, bytes]]:
    """The headers that a hit has, too."""
    pairs = [(name.lower(), value) for name, value in response.headers.raw]
    encoded = any(name == b"content-encoding" for name, _ in pairs)
    gone = NEVER_STORED | ({b"content-length"} if encoded else set())
    return [(name, value) for name, value in pairs if name not in gone]


def look(response: Response) -> dict[str, Any]:
    """All that a caller can see of a response that was read, but for what is never stored:
    cookies, and how the body was encoded on its way."""
    encoded = "content-encoding" in response.headers
    return {
        "status": response.status_code,
        "reason": response.reason_phrase,
        "headers": kept_headers(response),
        "http_version": response.http_version,
        "elapsed": response.elapsed,
        "url": response.url,
        "request": (response.request.method, response.request.url),
        "history": [(hop.status_code, hop.url, hop.is_closed) for hop in response.history],
        "content": response.content,
        "text": response.text,
        "encoding": (response.encoding, response.charset_encoding, response.default_encoding),
        "closed": (response.is_closed, response.is_stream_consumed),
        "downloaded": len(response.content) if encoded else response.num_bytes_downloaded,
        "links": response.links,
        "next": response.next_request,
        "repr": repr(response),
    }


# ---- A hit looks like a live response ----

AUDIO = Answer(200, {"content-type": "audio/mpeg"}, bytes(range(256)) * 40)
LATIN = Answer(200, {"content-type": "text/plain; charset=latin-1"}, "café".encode("latin-1"))
HEADERS = json_answer({"a": 1}, 201, x_request_id="r", link='</b>; rel="next"', retry_after="1")

CASES: dict[str, tuple[str, Any, Behaviour | None]] = {
    "json": (CHAT, PLAIN, None),
    "sse": (CHAT, STREAM, None),
    "sse-crlf": (CHAT, STREAM, Behaviour(crlf=True)),
    "sse-scattered": (CHAT, STREAM, Behaviour(scatter=1)),
    "sse-bytewise": (CHAT, STREAM, Behaviour(split=1)),
    "gemini": (GEMINI + "?alt=sse", CONTENTS, None),
    "gemini-array": (GEMINI, CONTENTS, None),
    "ollama": (OLLAMA, STREAM, None),
    "bedrock": (BEDROCK, {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}, None),
    "audio": (CHAT, PLAIN, Behaviour(answer=AUDIO)),
    "latin-1": (CHAT, PLAIN, Behaviour(answer=LATIN)),
    "created": (CHAT, PLAIN, Behaviour(answer=HEADERS)),
    "empty-200": (CHAT, PLAIN, Behaviour(answer=Answer(200, {}))),
    "empty-204": (CHAT, PLAIN, empty(204)),
    "no-content-type": (CHAT, PLAIN, Behaviour(answer=Answer(200, {}, b"?"))),
    "large": (CHAT, PLAIN, Behaviour(answer=json_answer({"text": "é" * 700_000}))),
    **{
        f"{encoding}-{kind}": (CHAT, asked, Behaviour(encoding=encoding))
        for encoding in ("gzip", "deflate", "br", "zstd")
        for kind, asked in (("json", PLAIN), ("sse", STREAM))
    },
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
STREAMS = ("json", "sse-crlf", "bedrock", "audio", "latin-1", "empty-204", "br-sse", "zstd-sse")


@cases
def test_a_hit_looks_like_its_miss(
    http: Http, standin: Standin, session: Any, case: tuple[str, Any, Behaviour | None]
) -> None:
    url, asked, behaviour = case
    http.behave(standin, behaviour)
    miss = http.post(url, json=asked)
    hit = http.post(url, json=asked)
    assert look(hit) == look(miss)
    assert (session.stats.hits, session.stats.misses, session.stats.recorded) == (1, 1, 1)
    assert len(standin.calls) == 1
    assert "content-encoding" not in hit.headers


@pytest.mark.parametrize("kind", ["raw", "bytes", "text", "lines"])
@pytest.mark.parametrize("name", STREAMS)
def test_a_streamed_hit_reads_like_its_miss(
    http: Http, standin: Standin, session: Any, name: str, kind: str
) -> None:
    url, asked, behaviour = CASES[name]
    http.behave(standin, behaviour)
    seen = []
    for _ in range(2):
        response = http.open(url, json=asked)
        text = http.whole(response, kind)
        seen.append((text, response.num_bytes_downloaded, response.is_closed, response.elapsed))
    live, hit = seen
    if name in ("br-sse", "zstd-sse"):  # on the wire it was encoded; an entry is not
        assert kind == "raw" or live[0] == hit[0]
        assert live[2:] == hit[2:]
    else:
        assert live == hit
    assert session.stats.hits == 1


@pytest.mark.parametrize("encoding", [None, "gzip", "br", "zstd"])
def test_a_miss_reads_like_no_cachy(http: Http, standin: Standin, encoding: str) -> None:
    """All of it, headers, cookies and encoding included."""
    answer = json_answer({"a": 1}, etag='"7"', set_cookie="session=1", x_next_page="2")
    http.behave(standin, Behaviour(answer=answer, encoding=encoding))
    live = http.post()
    enable_cachy(store={})
    recorded = http.post()
    for name in ("content", "reason_phrase", "http_version", "encoding", "num_bytes_downloaded"):
        assert getattr(recorded, name) == getattr(live, name)
    assert dict(recorded.cookies) == dict(live.cookies) == {"session": "1"}
    assert [name for name, _ in recorded.headers.raw] == [name for name, _ in live.headers.raw]
    assert recorded.headers.get("content-encoding") == encoding
    hit = http.post()
    assert (hit.content, hit.json()) == (live.content, live.json())
    assert kept_headers(hit) == kept_headers(recorded)
    assert (hit.headers["etag"], hit.headers["x-next-page"]) == ('"7"', "2")


def test_states_on_the_way(http: Http, session: Any) -> None:
    def states() -> Iterator[Any]:
        library = http.library
        response = http.open()
        yield response.is_closed, response.is_stream_consumed, response.num_bytes_downloaded
        with pytest.raises(library.ResponseNotRead):
            _ = response.content
        yield http.read(response)
        yield response.is_closed, response.is_stream_consumed, response.num_bytes_downloaded
        yield http.read(response), response.text, http.whole(response), http.whole(response)
        with pytest.raises(library.StreamConsumed):
            http.whole(response, "raw")
        http.close(response)
        yield response.elapsed

    assert [*states()] == [*states()]


def test_a_closed_response_is_closed(http: Http, session: Any) -> None:
    http.read(http.open())
    response = http.open()
    http.close(response)
    assert response.is_closed
    with pytest.raises(http.library.StreamClosed):
        http.whole(response)
    assert response.elapsed.total_seconds() > 0


def test_context_managers(http: Http, standin: Standin, session: Any) -> None:
    async def stream() -> str:
        async with http.plain.stream("POST", CHAT, json=STREAM) as response:
            return "\n".join([line async for line in response.aiter_lines()])

    def read() -> str:
        if http.is_async:
            return str(http.wait(stream()))
        with http.plain.stream("POST", CHAT, json=STREAM) as response:
            return "\n".join(response.iter_lines())

    assert read() == read()
    assert len(standin.calls) == 1


@pytest.mark.parametrize("status", [302, 303, 307, 308])
def test_redirects(http: Http, standin: Standin, session: Any, status: int) -> None:
    if status in (302, 303):  # then a GET of what it leads to
        answer = json_answer({"moved": True})
        standin.behave(Behaviour(answer=answer, when=lambda call: call.path == "/v1/new"))
    else:
        standin.behave(Behaviour(answer=json_answer({"moved": True})))
    standin.behave(redirect("/v1/new", status))
    standin.behave(redirect("https://api.openai.com/v1/chat/completions?b=1", 307))
    client = http.client(follow_redirects=True)
    seen = [http.post(client=client) for _ in range(2)]
    assert len(standin.calls) == 3
    assert look(seen[0]) == look(seen[1])
    assert [hop.status_code for hop in seen[1].history] == [307, status]
    for response in seen:
        assert response.url == "https://api.openai.com/v1/new"
        assert all(hop.elapsed.total_seconds() >= 0 for hop in response.history)
        assert [len(hop.history) for hop in response.history] == [0, 1]


def test_redirects_that_are_not_followed(http: Http, standin: Standin, session: Any) -> None:
    for _ in range(2):
        standin.behave(redirect("/v1/new"))
        response = http.post()
        assert (response.status_code, response.next_request.url.path) == (307, "/v1/new")
    assert (session.stats.recorded, session.stats.hits) == (1, 1)


def test_a_redirect_is_followed_only_if_asked_for(
    http: Http, standin: Standin, session: Any
) -> None:
    standin.behave(Behaviour(answer=json_answer({"moved": True})))
    standin.behave(redirect("/v1/new"))
    follows = http.client(follow_redirects=True)
    fired: list[int] = []

    def note(response: Response) -> None:
        fired.append(response.status_code)

    async def anote(response: Response) -> None:
        note(response)

    follows.event_hooks = {"response": [anote if http.is_async else note]}
    for _ in range(2):
        assert http.post(client=follows).json() == {"moved": True}
        assert http.post().status_code == 307
    assert fired == [307, 200, 307, 200]
    assert len(standin.calls) == 2


class Canned:
    """A transport that is neither a mock nor an app, for what the stand-in does not speak."""

    def __init__(self, library: Any, extensions: dict[str, Any], headers: Any = ()) -> None:
        class Transport(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[misc]
            def handle_request(transport, request: Any) -> Any:  # noqa: N805
                self.calls += 1
                stream = library.ByteStream(b'{"a":1}')
                return library.Response(
                    200,
                    headers=[("content-type", "application/json"), *headers],
                    stream=stream,
                    extensions=extensions,
                )

            async def handle_async_request(transport, request: Any) -> Any:  # noqa: N805
                return transport.handle_request(request)

        self.calls = 0
        self.transport = Transport()


@pytest.mark.parametrize(
    "extensions",
    [
        pytest.param({}, id="none"),
        pytest.param({"http_version": b"HTTP/2"}, id="http-2"),
        pytest.param({"http_version": b"HTTP/1.0"}, id="http-1.0"),
        pytest.param({"reason_phrase": b"Fine"}, id="reason"),
        pytest.param({"reason_phrase": b""}, id="no-reason"),
        pytest.param({"reason_phrase": b"OK"}, id="usual-reason"),
    ],
)
def test_versions_and_reasons(http: Http, session: Any, extensions: dict[str, Any]) -> None:
    canned = Canned(http.library, extensions)
    client = http.client(transport=canned.transport)
    miss, hit = http.post(client=client), http.post(client=client)
    assert canned.calls == 1
    assert look(hit) == look(miss)


def test_headers_that_are_not_ascii(http: Http, session: Any) -> None:
    odd = [("x-request-id", "café".encode("latin-1")), ("x-request-id", b"two")]
    canned = Canned(http.library, {}, odd)
    client = http.client(transport=canned.transport)
    miss, hit = http.post(client=client), http.post(client=client)
    assert hit.headers.raw == miss.headers.raw
    assert canned.calls == 1
    assert hit.headers.get_list("x-request-id") == miss.headers.get_list("x-request-id")
    assert len(hit.headers.get_list("x-request-id")) == 2


def test_default_encoding(http: Http, standin: Standin, session: Any) -> None:
    body = "naïve café".encode("cp1252")
    standin.behave(Behaviour(answer=Answer(200, {"content-type": "text/plain"}, body)))
    client = http.client(default_encoding="cp1252")
    assert http.post(client=client).text == http.post(client=client).text == "naïve café"
    assert http.post().text != "naïve café"
    assert len(standin.calls) == 1


def test_replayed_responses_can_be_pickled(http: Http, session: Any) -> None:
    for response in (http.post(), http.post()):
        again = pickle.loads(pickle.dumps(response))
        for name in ("status_code", "content", "headers", "elapsed", "url", "num_bytes_downloaded"):
            assert getattr(again, name) == getattr(response, name)


def test_a_closed_client_stays_closed(http: Http, session: Any) -> None:
    client = http.client()
    http.post(client=client)
    http.close(client)
    with pytest.raises(RuntimeError, match="closed"):
        http.post(client=client)


def test_what_one_records_all_replay(standin: Standin, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path)
    answers = set()
    for library, colour in COLOURS:
        http = Http(library, colour)
        answers |= {http.post().content, http.read(http.open(json=PLAIN))}
        client = http.client(headers={"authorization": f"Bearer {colour}", "x-api-key": colour})
        answers |= {http.post(client=client, headers={"user-agent": library.__name__}).content}
        form = {"data": {"model": "whisper-1"}, "files": {"file": ("a.mp3", b"\xff\xfb")}}
        answers |= {
            http.post(MODELS.replace("models", "audio/transcriptions"), json=None, **form).content
        }
        http.close_all()
    disable_cachy()
    assert len(answers) == len(standin.calls) == 2


# ---- Hooks ----


def hooked(http: Http, calls: list[str]) -> Any:
    hooks = {
        "request": [http.hook(lambda request: calls.append(f"request {request.method}"))],
        "response": [
            http.hook(lambda response: calls.append(f"response {response.status_code}")),
            http.hook(lambda response: calls.append(f"of {response.request.method}")),
        ],
    }
    return http.client(event_hooks=hooks)


def test_hooks_are_called(http: Http, standin: Standin, session: Any) -> None:
    calls: list[str] = []
    client = hooked(http, calls)
    for number in (1, 2):
        http.post(client=client)
        assert calls == ["request POST", "response 200", "of POST"] * number
    http.read(http.open(client=client, json=PLAIN))
    assert len(calls) == 9
    assert len(standin.calls) == 1


@pytest.mark.parametrize("streamed", [True, False])
def test_hooks_may_read_and_raise(
    http: Http, standin: Standin, session: Any, streamed: bool
) -> None:
    texts: list[str] = []

    async def read_async(response: Any) -> None:
        texts.append((await response.aread()).decode())
        response.raise_for_status()

    def read(response: Any) -> None:
        texts.append(response.read().decode())
        response.raise_for_status()

    client = http.client(event_hooks={"response": [read_async if http.is_async else read]})
    for _ in range(2):
        response = http.open(client=client, json=PLAIN) if streamed else http.post(client=client)
        assert http.read(response).decode() == texts[-1]
    assert len({*texts}) == len(standin.calls) == 1


@pytest.mark.parametrize("event", ["request", "response"])
def test_a_hook_that_refuses(http: Http, standin: Standin, session: Any, event: str) -> None:
    def refuse(thing: Any) -> None:
        raise PermissionError("not today")

    client = http.client(event_hooks={event: [http.hook(refuse)]})
    with pytest.raises(PermissionError, match="not today"):
        http.post(client=client)
    assert session.stats.recorded == 0
    http.post()
    with pytest.raises(PermissionError, match="not today"):
        http.post(client=client)
    assert session.stats.recorded == 1


def test_a_subclass_that_sends_through_an_inner_client(
    http: Http, standin: Standin, session: Any
) -> None:
    """As google-genai does."""
    base = http.client_class

    class Outer(base):  # type: ignore[misc,valid-type]
        def send(self, request: Any, **options: Any) -> Any:
            return inner.send(request, **options)

    inner = http.client()
    outer = Outer(verify=TLS)
    assert http.post(client=outer).content == http.post(client=outer).content
    assert (session.stats.hits, session.stats.misses, session.stats.recorded) == (1, 1, 1)
    http.close(outer)


def test_a_transport_with_a_client_of_its_own(http: Http, standin: Standin, session: Any) -> None:
    """One call is one recording, that of the outermost client."""
    inner, library = http.client(), http.library

    class Through(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[misc,name-defined]
        def handle_request(self, request: Any) -> Any:
            response = inner.send(inner.build_request("POST", request.url, content=b"other"))
            return library.Response(200, content=response.content)

        async def handle_async_request(self, request: Any) -> Any:
            request = inner.build_request("POST", request.url, content=b"other")
            return library.Response(200, content=(await inner.send(request)).content)

    standin.behave(Behaviour(answer=json_answer({"a": 1})))
    client = http.client(transport=Through())
    assert http.post(client=client).json() == http.post(client=client).json() == {"a": 1}
    assert (session.stats.misses, session.stats.recorded) == (1, 1)


# ---- Live while recording ----


@pytest.mark.parametrize("kind", ["raw", "bytes", "text", "lines"])
def test_the_first_piece_comes_before_the_last_is_sent(
    http: Http, standin: Standin, session: Any, kind: str
) -> None:
    gate = threading.Event()
    with standin.behave(Behaviour(gate=gate)):
        response = http.open()
        pieces = http.pieces(response, kind)
        first = next(pieces)
        assert first
        assert not response.is_closed
        assert session.stats.recorded == 0
        gate.set()
        rest = [*pieces]
    assert rest
    assert session.stats.recorded == 1
    again = http.whole(http.open(), kind)
    assert again == ([first, *rest] if kind == "lines" else first[:0].join([first, *rest]))
    assert len(standin.calls) == 1


@pytest.mark.parametrize("held", ["finish", "usage"])
def test_no_event_is_held_back(http: Http, standin: Standin, session: Any, held: str) -> None:
    """Not even one that may be the last but one."""
    choice = {"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}
    event: dict[str, Any] = {"object": "chat.completion.chunk", "choices": [choice]}
    if held == "usage":
        event |= {"usage": None}
    gate = threading.Event()
    answer = stream_answer(sse([event, "data: [DONE]"]))
    timer = threading.Timer(8, gate.set)  # only where it is held back
    timer.start()
    with standin.behave(Behaviour(answer=answer, gate=gate)):
        pieces = http.pieces(http.open())
        assert b"stop" in next(pieces)
        assert not gate.is_set()
        gate.set()
        assert b"".join(pieces).endswith(b"[DONE]\n\n")
    timer.cancel()
    assert session.stats.recorded == 1


def test_pieces_come_as_they_were_sent(http: Http, standin: Standin) -> None:
    events = sse([{"n": n} for n in range(20)])
    standin.behave(Behaviour(answer=stream_answer(events), pause=0.002))
    live = [*http.pieces(http.open())]
    enable_cachy(store={})
    assert [*http.pieces(http.open())] == live == events


# ---- What is kept, and what is passed on and not kept ----


@pytest.mark.parametrize("url", ["chat", "gemini", "ollama"])
def test_left_after_the_last_event(http: Http, standin: Standin, session: Any, url: str) -> None:
    """The OpenAI SDK closes at `[DONE]`, without reading on."""
    where, asked, mark = {
        "chat": (CHAT, STREAM, b"[DONE]"),
        "gemini": (GEMINI + "?alt=sse", CONTENTS, b"finishReason"),
        "ollama": (OLLAMA, STREAM, b'"done":true'),
    }[url]
    response = http.open(where, json=asked)
    seen = b""
    pieces = http.pieces(response)
    while mark not in seen:
        seen += next(pieces)
    http.close(response)
    assert session.stats.recorded == 1
    assert http.read(http.open(where, json=asked)) == seen
    assert len(standin.calls) == 1


@pytest.mark.parametrize("count", [0, 1, 3])
def test_left_before_the_last_event(
    http: Http, standin: Standin, session: Any, count: int, tmp_path: Path
) -> None:
    response = http.open()
    pieces = http.pieces(response)
    for _ in range(count):
        next(pieces)
    http.close(response)
    pieces.close()  # type: ignore[attr-defined]
    assert response.is_closed
    assert response.elapsed.total_seconds() > 0
    assert kept(tmp_path) == session.stats.recorded == 0
    assert b"[DONE]" in http.read(http.open())
    assert len(standin.calls) == 2


def test_left_by_an_exception(http: Http, standin: Standin, session: Any) -> None:
    async def fail_async() -> None:
        async with http.plain.stream("POST", CHAT, json=STREAM) as response:
            async for _ in response.aiter_lines():
                raise ZeroDivisionError

    def fail() -> None:
        if http.is_async:
            http.wait(fail_async())
        with http.plain.stream("POST", CHAT, json=STREAM) as response:
            for _ in response.iter_lines():
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert session.stats.recorded == 0
    assert sum(session.stats.skipped.values()) == 1


CUTS = {
    "json": (PLAIN, Behaviour(cut_after=30)),
    "json-gzip": (PLAIN, Behaviour(cut_after=30, encoding="gzip")),
    "sse": (STREAM, Behaviour(cut_after_pieces=2)),
    "sse-in-a-chunk": (STREAM, Behaviour(cut_after=300)),
    "sse-br": (STREAM, Behaviour(cut_after_pieces=2, encoding="br")),
    "length-too-long": (PLAIN, Behaviour(misstate_length=7)),
}


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(("asked", "behaviour"), CUTS.values(), ids=CUTS)
def test_cut_by_the_server(
    http: Http,
    standin: Standin,
    tmp_path: Path,
    asked: Any,
    behaviour: Behaviour,
    streamed: bool,
) -> None:
    def read() -> None:
        if not streamed:
            http.post(json=asked)
        response = http.open(json=asked)
        try:
            http.whole(response)
        finally:
            http.close(response)

    def fail() -> tuple[str, str]:
        """The kind of the failure, and its words without the lengths, which are never the same."""
        with pytest.raises(http.library.HTTPError) as failure:
            read()
        assert failure.value.request.url == CHAT
        return type(failure.value).__name__, re.sub(r"\d+", "n", str(failure.value))

    standin.behave(behaviour)
    plain = fail()
    enable_cachy(cache_dir=tmp_path)
    assert fail() == plain
    assert fail() == plain
    assert kept(tmp_path) == 0
    assert len(standin.calls) == 3


def test_an_error_after_what_seemed_the_end(http: Http, standin: Standin, session: Any) -> None:
    """What was kept at `[DONE]` is counted as that, and not as lost, too."""
    choice = {"delta": {"content": "x"}, "finish_reason": "stop"}
    events = sse([{"choices": [choice]}, "data: [DONE]"])
    more = sse([{"error": {"message": "overloaded"}}])
    with standin.behave(Behaviour(answer=stream_answer([*events, *more]), pause=0.05)):
        assert http.read(http.open()) == b"".join([*events, *more])
    assert session.stats.recorded == 1
    assert not session.stats.skipped
    assert http.read(http.open()) == b"".join(events)
    assert len(standin.calls) == 1


STOP = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}


def test_the_last_event_but_one_of_anthropic_comes_with_the_last(
    http: Http, standin: Standin, session: Any
) -> None:
    """litellm reads no further than the stop reason, and does not close the stream."""
    events = sse([{"type": "message_start"}, STOP, {"type": "ping"}, {"type": "message_stop"}])
    with standin.behave(Behaviour(answer=stream_answer(events), pause=0.05)):
        pieces = http.pieces(http.open())
        assert next(pieces) == events[0]
        assert next(pieces) == b"".join(events[1:])
        assert session.stats.recorded == 1


@pytest.mark.parametrize("end", [Behaviour(cut_after_pieces=2), Behaviour(end_after_pieces=2)])
def test_what_was_held_back_comes_before_the_end(
    http: Http, standin: Standin, session: Any, end: Behaviour
) -> None:
    events = sse([{"type": "message_start"}, STOP, {"type": "message_stop"}])
    cut = replace(end, answer=stream_answer(events), pause=0.05)
    seen: list[bytes] = []
    with standin.behave(cut), suppress(http.library.RemoteProtocolError):
        seen.extend(http.pieces(http.open()))
    assert seen == events[:2]
    assert session.stats.recorded == 0


def test_a_stream_that_failed_holds_up_nobody(http: Http, standin: Standin, session: Any) -> None:
    """Even if nobody closes it."""
    with standin.behave(Behaviour(cut_after_pieces=2)):
        response = http.open()
        with pytest.raises(http.library.RemoteProtocolError):
            http.whole(response)
    assert b"[DONE]" in http.read(http.open(timeout=5))
    http.close(response)


def test_a_length_that_is_too_short(http: Http, standin: Standin, session: Any) -> None:
    standin.behave(Behaviour(misstate_length=-7))
    for _ in range(2):
        with suppress(http.library.HTTPError):
            http.post()
    assert session.stats.recorded == 0
    assert session.stats.misses == 2  # of which the bytes left over may spoil the second


UNFIT = {
    "error-object": (PLAIN, error_object()),
    "error-event": (STREAM, error_event(2)),
    "ended-too-early": (STREAM, Behaviour(end_after_pieces=2)),
    "broken-json": (
        PLAIN,
        Behaviour(answer=Answer(200, {"content-type": "application/json"}, b"{")),
    ),
    **{str(status): (PLAIN, error(status)) for status in (400, 401, 404, 429, 500, 529)},
}


@pytest.mark.parametrize(("asked", "behaviour"), UNFIT.values(), ids=UNFIT)
def test_passed_on_and_not_kept(
    http: Http, standin: Standin, session: Any, tmp_path: Path, asked: Any, behaviour: Behaviour
) -> None:
    standin.behave(behaviour)
    disable_cachy()
    plain = http.post(json=asked)
    session = enable_cachy(cache_dir=tmp_path)
    for response in (http.post(json=asked), http.post(json=asked), http.open(json=asked)):
        text = http.read(response)
        assert response.status_code == plain.status_code
        assert text.count(b"\n") == plain.content.count(b"\n")
    assert kept(tmp_path) == session.stats.recorded == session.stats.hits == 0
    assert sum(session.stats.skipped.values()) == session.stats.misses == 3
    assert all(session.stats.skipped)


@pytest.mark.parametrize(
    ("status", "keeps"),
    [(400, True), (404, True), (422, True), (401, False), (403, False), (429, False), (500, False)],
)
def test_errors_that_would_repeat_can_be_kept(
    http: Http, standin: Standin, tmp_path: Path, status: int, keeps: bool
) -> None:
    session = enable_cachy(cache_dir=tmp_path, errors=True)
    standin.behave(error(status))
    seen = [http.post() for _ in range(2)]
    assert (session.stats.recorded, session.stats.hits) == ((1, 1) if keeps else (0, 0))
    messages = []
    for response in seen:
        with pytest.raises(http.library.HTTPStatusError) as failure:
            response.raise_for_status()
        messages.append(str(failure.value))
    assert messages[0] == messages[1]
    if keeps:
        assert look(seen[0]) == look(seen[1])


def test_a_poll_is_kept_when_it_has_ended(http: Http, standin: Standin, session: Any) -> None:
    poll = "https://api.openai.com/v1/responses/resp_1"
    for status in ("queued", "in_progress", "completed", "never asked"):
        with standin.behave(Behaviour(answer=json_answer({"status": status}))):
            seen = http.send("GET", poll).json()["status"]
    assert seen == "completed"
    assert http.send("GET", poll).json() == {"status": "completed"}
    assert session.stats.recorded == 1


def test_what_is_too_long_is_not_kept(
    http: Http, standin: Standin, session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cachy.engine.recording.BODY_LIMIT", 1000)
    standin.behave(Behaviour(answer=json_answer({"text": "x" * 2000})))
    for _ in range(2):
        assert len(http.post().json()["text"]) == 2000
    assert len(standin.calls) == 2
    assert [*session.stats.skipped] == ["it is longer than 1,000 bytes"]


def test_what_is_large_stays_local(
    http: Http, standin: Standin, session: Any, tmp_path: Path
) -> None:
    noise = os.urandom(2 * 2**20 + 1)
    standin.behave(Behaviour(answer=Answer(200, {"content-type": "audio/wav"}, noise)))
    with pytest.warns(CachyWarning, match="2 MiB"):
        assert http.post().content == noise
    assert http.post().content == noise
    assert len(standin.calls) == 1
    assert kept(tmp_path / ".cachy/local/entries") == kept(tmp_path) == 1


def test_a_read_that_times_out(http: Http, standin: Standin, session: Any) -> None:
    for behaviour in (Behaviour(delay=0.3), Behaviour(pause=0.3)):
        with standin.behave(behaviour), pytest.raises(http.library.ReadTimeout):
            http.post(json=STREAM, timeout=http.library.Timeout(5, read=0.1))
    assert session.stats.recorded == 0
    assert http.post(json=STREAM).is_success


@pytest.mark.parametrize("library", [httpx, httpx2])
@pytest.mark.parametrize("after", [0, 2])
def test_a_cancelled_task(library: Any, after: int, standin: Standin, tmp_path: Path) -> None:
    gate = threading.Event()
    session = enable_cachy(cache_dir=tmp_path)

    async def read() -> None:
        async with library.AsyncClient(verify=TLS) as client:
            if not after:
                await client.post(CHAT, json=STREAM)
            async with client.stream("POST", CHAT, json=STREAM) as response:
                async for _ in response.aiter_bytes():
                    pass

    async def main() -> None:
        task = asyncio.create_task(read())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with standin.behave(Behaviour(gate=gate)):
        asyncio.run(main())
        gate.set()
    assert kept(tmp_path) == session.stats.recorded == 0
    asyncio.run(read())
    assert session.stats.recorded == 1
    disable_cachy()


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_response_that_is_dropped(library: Any, standin: Standin, tmp_path: Path) -> None:
    """What nobody closed is not kept, holds up nobody, and warns of nothing."""
    session = enable_cachy(cache_dir=tmp_path)
    with library.Client(verify=TLS) as client:
        response = client.send(client.build_request("POST", CHAT, json=STREAM), stream=True)
        next(response.iter_bytes())
        del response
        gc.collect()  # a response of httpx is part of a cycle, without cachy, too
        assert client.post(CHAT, json=STREAM).is_success
    assert session.stats.recorded == 1
    disable_cachy()


def test_refreshing_replaces(http: Http, standin: Standin, session: Any) -> None:
    first = http.post().content
    with cachy(mode="refresh"):
        second = http.post().content
    assert http.post().content == second != first
    assert len(standin.calls) == 2


# ---- Requests ----


def test_bodies_that_can_be_read_once(http: Http, standin: Standin, session: Any) -> None:
    chunks = [(text := json.dumps(PLAIN).encode())[:20], text[20:]]
    answers = {
        http.post(json=None, content=http.body(*chunks)).content,
        http.post(json=None, content=http.body(b"".join(chunks))).content,
        http.post(json=None, content=b"".join(chunks)).content,
    }
    assert len(answers) == len(standin.calls) == 1
    assert standin.calls[0].body == b"".join(chunks)
    assert http.post(json=None, content=http.body(text + b" ")).content in answers
    other = text.replace(b"Hello", b"Goodbye")
    assert http.post(json=None, content=http.body(other)).content not in answers


@pytest.mark.parametrize("mode", ["auto", "replay"])
def test_a_body_of_the_other_colour_fails_as_without_cachy(
    http: Http, standin: Standin, tmp_path: Path, mode: str
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"x"

    for library_alone in (True, False):
        if not library_alone:
            enable_cachy(cache_dir=tmp_path, mode=mode)
        with pytest.raises(RuntimeError, match=r"Attempted to send an? a?sync request"):
            http.post(json=None, content=iter([b"x"]) if http.is_async else chunks())


def test_forms_with_random_boundaries(http: Http, standin: Standin, session: Any) -> None:
    url = "https://api.openai.com/v1/audio/transcriptions"
    sounds = (b"\xff\xfbsound", b"\xff\xfbsound", b"\xff\xfbmusic!")
    seen = [
        http.post(url, json=None, data={"model": "whisper-1"}, files={"file": ("a.mp3", sound)})
        for sound in sounds
    ]
    assert seen[0].content == seen[1].content != seen[2].content
    assert len(standin.calls) == 2
    assert standin.calls[0].form()["file"] == sounds[0]
    boundaries = {response.request.headers["content-type"] for response in seen}
    assert len(boundaries) == 3


@pytest.mark.parametrize("path", ["/v1/realtime?model=gpt", "/v1/responses"])
def test_websockets_are_left_alone(http: Http, standin: Standin, tmp_path: Path, path: str) -> None:
    """Not unseen: see tests/engine/test_bypass.py."""
    session = enable_cachy(cache_dir=tmp_path, bypass="ignore")
    upgrade = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    standin.behave(Behaviour(answer=json_answer({"a": 1})))
    for mode in ("auto", "replay"):
        session.mode = mode
        response = http.send("GET", f"https://api.openai.com{path}", headers=upgrade)
        assert "network_stream" in response.extensions
    assert len(standin.calls) == 2
    assert session.stats.misses == 0


def fakes(http: Http) -> dict[str, Any]:
    """Transports that reach no network."""
    library = http.library

    def handler(request: Any) -> Any:
        return library.Response(200, json={"fake": True})

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        head = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b'{"fake":true}'})

    def wsgi(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("content-type", "application/json")])
        return [b'{"fake":true}']

    app = library.ASGITransport(asgi) if http.is_async else library.WSGITransport(wsgi)
    return {"mock": library.MockTransport(handler), "app": app}


@pytest.mark.parametrize("mounted", [True, False], ids=["mounted", "transport"])
@pytest.mark.parametrize("kind", ["mock", "app"])
def test_fakes_are_left_alone(http: Http, tmp_path: Path, kind: str, mounted: bool) -> None:
    fake = fakes(http)[kind]
    client = http.client(**({"mounts": {"all://": fake}} if mounted else {"transport": fake}))
    for mode in ("auto", "replay"):
        session = enable_cachy(cache_dir=tmp_path, mode=mode)
        assert http.post(client=client).json() == {"fake": True}
        assert http.send("DELETE", MODELS, client).json() == {"fake": True}  # never recorded
        assert session.stats.misses == 0
    session = enable_cachy(cache_dir=tmp_path, fakes=True)
    assert http.post(client=client).json() == http.post(client=client).json() == {"fake": True}
    assert (session.stats.misses, session.stats.hits) == (1, 1)


def test_other_hosts_are_left_alone(http: Http, standin: Standin, session: Any) -> None:
    standin.behave(Behaviour(answer=json_answer({"a": 1}, x_mine="1")))
    for _ in range(2):
        response = http.post("https://example.com/api.openai.com")
        assert response.headers["x-mine"] == "1"
    assert len(standin.calls) == 2
    assert session.stats.misses == 0


def test_headers_that_the_user_asks_for(http: Http, standin: Standin, tmp_path: Path) -> None:
    enable_cachy(
        cache_dir=tmp_path, hdrs=("X-Mine",), key_headers=("-cookie",), doms=(*doms, "example.com")
    )
    standin.behave(Behaviour(answer=json_answer({}, x_mine="1", x_other="2", set_cookie="a=b")))
    live, hit = http.post("https://example.com"), http.post("https://example.com")
    assert live.headers["set-cookie"] == "a=b"
    assert live.headers["x-mine"] == hit.headers["x-mine"] == "1"
    assert "set-cookie" not in hit.headers


# ---- On disk ----


def listing(folder: Path) -> dict[str, int]:
    """All that is in a store, but for the notes of sessions."""
    return {
        str(path): path.stat().st_mtime_ns
        for path in [folder, *folder.rglob("*")]
        if "sessions" not in path.parts
    }


def test_replaying_writes_nothing(http: Http, standin: Standin, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    enable_cachy(cache_dir=tmp_path)
    http.post()
    http.read(http.open())
    disable_cachy()
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x"]
    subprocess.run([*git, "add", ".cachy"], check=True)
    subprocess.run([*git, "commit", "-qm", "x"], check=True)
    for mode in ("auto", "replay"):
        enable_cachy(cache_dir=tmp_path, mode=mode)
        before = listing(tmp_path / ".cachy")
        http.post()
        http.read(http.open())
        assert listing(tmp_path / ".cachy") == before
        disable_cachy()
    status = subprocess.run([*git, "status", "--porcelain"], check=True, capture_output=True)
    assert status.stdout == b""


def test_a_miss_in_replay_mode_creates_nothing(
    http: Http, standin: Standin, tmp_path: Path
) -> None:
    enable_cachy(cache_dir=tmp_path, mode="replay")
    for stream in (http.post, http.open):
        with pytest.raises(CacheMiss):
            stream()
    disable_cachy()
    assert standin.calls == []
    assert [*tmp_path.iterdir()] == []


def test_nothing_secret_is_on_disk(http: Http, standin: Standin, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path)
    client = http.client(
        headers={"authorization": "Bearer sk-aaaa", "x-api-key": "sk-bbbb", "cookie": "c=sk-cccc"},
        auth=("me", "sk-dddd"),
    )
    http.post(client=client)
    url = "https://me:sk-eeee@api.openai.com/v1/embeddings?api-key=sk-ffff&b=1"
    http.post(url, client, json={"model": "m", "input": "x"})
    store = DirStore(tmp_path / ".cachy")
    found = [path.stem[:32] for path in (tmp_path / ".cachy").rglob("*.entry")]
    assert len(found) == 2
    for key in found:
        kept = store.get(key, lambda where, what: None)
        assert kept is not None
        text = json.dumps(kept.head)
        assert "sk-" not in text
        assert not {"cookie", "organization", "project", "__cf_bm"} & {*text.split('"')}
        for word in ("set-cookie", "user-c4chy0rganization", "proj_c4chy", "authorization"):
            assert word not in text


def test_what_an_entry_tells(http: Http, standin: Standin, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path)
    before = time.time()
    http.read(http.open())
    ((key, path),) = [(path.stem[:32], path) for path in tmp_path.rglob("*.entry")]
    head = read_entry(str(path)).head
    assert head["key"][:32] == key
    assert (head["method"], head["url"], head["status"]) == ("POST", CHAT, 200)
    assert (head["model"], head["stream"]) == ("gpt-4o", "sse")
    assert head["client"] == f"{http.library.__name__}/{http.library.__version__}"
    assert head["request"]["body"] == STREAM
    assert head["recorded"].endswith("Z")
    assert 0 < head["ms"] < 60_000
    assert before - 1 < int(path.stem[33:41], 16) < time.time() + 1


# ---- Many at once ----


@contextmanager
def many(work: Callable[[], None], count: int = 8) -> Iterator[list[BaseException]]:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as failure:  # noqa: BLE001
            failures.append(failure)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield failures


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_threads(library: Any, standin: Standin, tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path)
    seen: set[bytes] = set()
    with library.Client(verify=TLS) as client:

        def work() -> None:
            seen.add(client.post(CHAT, json=PLAIN).content)

        with many(work) as failures:
            assert failures == []
    disable_cachy()
    assert len(seen) == len(standin.calls) == 1
    assert session.stats.hits == 7


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_tasks(library: Any, standin: Standin, tmp_path: Path) -> None:
    session = enable_cachy(cache_dir=tmp_path)

    async def main() -> list[Any]:
        async with library.AsyncClient(verify=TLS) as client:
            return await asyncio.gather(*(client.post(CHAT, json=PLAIN) for _ in range(8)))

    assert len({response.content for response in asyncio.run(main())}) == 1
    disable_cachy()
    assert len(standin.calls) == 1
    assert session.stats.hits == 7
