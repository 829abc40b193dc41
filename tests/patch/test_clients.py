"""One battery for all clients: what a caller may rely on, whichever library a call goes through.

What only one library has is tested in the file of its adapter.
"""

from __future__ import annotations

import gc
import io
import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from clients import CHAT, CLIENTS, PLAIN, STREAM, Client, Seen, json_body
from proxy import Proxy
from standin import Answer, Behaviour, Standin, empty, error, json_answer, redirect

from cachy import CacheMiss, cachy, disable_cachy, enable_cachy

FORM = "https://api.openai.com/v1/audio/transcriptions"
MODELS = "https://api.openai.com/v1/models"
OLLAMA = "http://localhost:11434/api/chat"


@pytest.fixture(params=CLIENTS, ids=lambda kind: kind.name)
def client(request: pytest.FixtureRequest, standin: Standin) -> Iterator[Client]:
    client = request.param()
    yield client
    disable_cachy()
    client.quit()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`reader` is each client with each of its ways to read, `line_reader` with those by lines."""
    for name, part in (("reader", ""), ("line_reader", "line")):
        if name in metafunc.fixturenames:
            readers = [(kind, way) for kind in CLIENTS for way in kind.ways if part in way]
            names = [f"{kind.name}-{way}" for kind, way in readers]
            metafunc.parametrize(name, readers, ids=names, indirect=True)


@pytest.fixture
def reader(request: pytest.FixtureRequest, standin: Standin) -> Iterator[tuple[Client, str]]:
    kind, way = request.param
    client = kind()
    yield client, way
    disable_cachy()
    client.quit()


line_reader = reader


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Any]:
    yield enable_cachy(cache_dir=tmp_path)
    disable_cachy()


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The addresses to which sockets have connected."""
    seen: list[Any] = []
    connect = socket.socket.connect

    def counted(opened: socket.socket, address: Any) -> Any:
        if opened.family != socket.AF_UNIX:
            seen.append(address)
        return connect(opened, address)

    monkeypatch.setattr(socket.socket, "connect", counted)
    return seen


def multipart(boundary: str, text: str = "sound") -> tuple[bytes, dict[str, str]]:
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n'
        f"Content-Type: audio/mpeg\r\n\r\n{text}\r\n--{boundary}--\r\n"
    )
    return body.encode(), {"content-type": f"multipart/form-data; boundary={boundary}"}


# ---- A hit looks like a live response ----

LATIN = Answer(200, {"content-type": "text/plain; charset=latin-1"}, "café".encode("latin-1"))
CASES: dict[str, tuple[Any, Behaviour | None]] = {
    "json": (PLAIN, None),
    "sse": (STREAM, None),
    "sse-scattered": (STREAM, Behaviour(scatter=1)),
    "latin-1": (PLAIN, Behaviour(answer=LATIN)),
    "created": (PLAIN, Behaviour(answer=json_answer({"a": 1}, 201, x_next_page="2", etag='"7"'))),
    "empty-200": (PLAIN, Behaviour(answer=Answer(200, {}))),
    "empty-204": (PLAIN, empty(204)),
    "large": (PLAIN, Behaviour(answer=json_answer({"text": "é" * 300_000}))),
    "gzip-json": (PLAIN, Behaviour(encoding="gzip")),
    "gzip-sse": (STREAM, Behaviour(encoding="gzip")),
    "deflate-json": (PLAIN, Behaviour(encoding="deflate")),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_hit_looks_like_its_miss(
    client: Client, standin: Standin, session: Any, connections: list[Any], case: Any
) -> None:
    asked, behaviour = case
    if behaviour:
        standin.behave(behaviour)
    miss = client.post(asked)
    connections.clear()
    standin.refuse = True
    hit = client.post(asked)
    assert hit == miss
    assert connections == []
    assert (session.stats.hits, session.stats.misses, session.stats.recorded) == (1, 1, 1)


def test_a_miss_looks_like_no_cachy(client: Client, standin: Standin) -> None:
    standin.behave(Behaviour(answer=json_answer({"a": 1}, set_cookie="session=1"), encoding="gzip"))
    live = client.send(CHAT, json_body(PLAIN))
    enable_cachy(store={})
    miss = client.send(CHAT, json_body(PLAIN))
    assert _without_date(client.look(miss)) == _without_date(client.look(live))
    assert client.read(miss) == client.read(live)
    assert type(miss).__qualname__ == type(live).__qualname__
    assert isinstance(miss, type(live))


def _without_date(seen: tuple[Any, ...]) -> tuple[Any, ...]:
    """What was seen of a response, less when it was made."""
    *rest, headers = seen
    return *rest, [pair for pair in headers if pair[0] != "date"]


def test_a_streamed_hit_reads_like_its_miss(
    reader: tuple[Client, str], standin: Standin, session: Any
) -> None:
    """And every way that a client has to read records all of it."""
    client, way = reader
    seen = [client.whole(client.stream(), way) for _ in range(2)]
    assert seen[0] == seen[1]
    assert b"[DONE]" in seen[0]
    assert len(standin.calls) == session.stats.recorded == 1


def test_a_whole_body_in_pieces(reader: tuple[Client, str], standin: Standin, session: Any) -> None:
    """Of a length that is told beforehand."""
    client, way = reader
    if way == "chunked":
        pytest.skip("it is not in chunks")
    seen = [client.whole(client.stream(PLAIN), way) for _ in range(2)]
    assert seen[0] == seen[1]
    assert len(standin.calls) == session.stats.recorded == 1


def test_the_first_piece_comes_before_the_last_is_sent(
    reader: tuple[Client, str], standin: Standin, session: Any
) -> None:
    client, way = reader
    gate = threading.Event()
    timer = threading.Timer(8, gate.set)  # only where it is held back
    timer.start()
    with standin.behave(Behaviour(gate=gate)):
        pieces = client.pieces(client.stream(), way)
        assert next(pieces)
        assert not gate.is_set()
        assert session.stats.recorded == 0
        gate.set()
        rest = [*pieces]
    timer.cancel()
    assert rest
    assert session.stats.recorded == 1


# ---- What is kept, and what is passed on and not kept ----


def test_left_before_the_end(reader: tuple[Client, str], standin: Standin, session: Any) -> None:
    client, way = reader
    gate = threading.Event()
    with standin.behave(Behaviour(gate=gate)):
        response = client.stream()
        pieces = client.pieces(response, way)
        next(pieces)
        client.close(response)
        pieces.close()  # type: ignore[attr-defined]
        gate.set()
    assert session.stats.recorded == 0
    assert b"[DONE]" in client.whole(client.stream(), way)
    assert len(standin.calls) == 2
    assert session.stats.recorded == 1


def test_left_after_the_last_event(
    reader: tuple[Client, str], standin: Standin, session: Any
) -> None:
    """SDKs close at `[DONE]`, without reading on."""
    client, way = reader
    response = client.stream()
    seen = b""
    pieces = client.pieces(response, way)
    while not re.search(rb"\[DONE\]\r?\n\r?\n", seen):
        seen += next(pieces)
    client.close(response)
    assert session.stats.recorded == 1
    assert client.whole(client.stream(), way).startswith(seen)
    assert len(standin.calls) == 1


def test_left_after_the_line_of_the_last_event(
    line_reader: tuple[Client, str], standin: Standin, session: Any
) -> None:
    """The empty line that ends the event may not have been read then."""
    client, way = line_reader
    response = client.stream()
    for line in client.pieces(response, way):
        if b"[DONE]" in line:
            break
    client.close(response)
    assert session.stats.recorded == 1
    assert b"[DONE]" in client.post(STREAM).body
    assert len(standin.calls) == 1


def test_dropped(client: Client, standin: Standin, session: Any) -> None:
    """What nobody closed is not kept, holds up nobody, and warns of nothing."""
    response = client.stream()
    next(client.pieces(response, client.ways[0]))
    del response
    gc.collect()
    assert b"[DONE]" in client.post(STREAM, timeout=5).body
    assert session.stats.recorded == 1


CUTS = {
    "json": (PLAIN, Behaviour(cut_after=30)),
    "json-gzip": (PLAIN, Behaviour(cut_after=30, encoding="gzip")),
    "sse": (STREAM, Behaviour(cut_after_pieces=2)),
    "sse-in-a-chunk": (STREAM, Behaviour(cut_after=300)),
}


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(("asked", "behaviour"), CUTS.values(), ids=CUTS)
def test_cut_by_the_server(
    client: Client, standin: Standin, session: Any, asked: Any, behaviour: Any, streamed: bool
) -> None:
    def fail() -> str:
        try:
            if streamed:
                client.whole(client.stream(asked), client.ways[0])
            else:
                client.post(asked)
        except client.errors as failure:
            return type(failure).__name__
        return "no error"

    standin.behave(behaviour)
    disable_cachy()
    plain = fail()
    with cachy(store={}) as session:
        assert fail() == fail() == plain
    assert session.stats.recorded == session.stats.hits == 0
    assert len(standin.calls) == 3


@pytest.mark.parametrize("behaviour", [Behaviour(delay=0.4), Behaviour(pause=0.4)])
def test_a_read_that_times_out(
    client: Client, standin: Standin, session: Any, behaviour: Behaviour
) -> None:
    with standin.behave(behaviour), pytest.raises(client.errors):
        client.post(STREAM, timeout=0.1)
    assert session.stats.recorded == 0
    assert client.post(STREAM).status == 200
    assert session.stats.recorded == 1


@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_errors_are_passed_on(client: Client, standin: Standin, session: Any, status: int) -> None:
    standin.behave(error(status))
    assert [client.post().status for _ in range(2)] == [status] * 2
    assert session.stats.recorded == session.stats.hits == 0


def test_errors_that_would_repeat_can_be_kept(
    client: Client, standin: Standin, tmp_path: Path
) -> None:
    session = enable_cachy(cache_dir=tmp_path, errors=True)
    standin.behave(error(404))
    assert client.post() == client.post()
    assert (session.stats.recorded, session.stats.hits) == (1, 1)


# ---- Redirects ----


@pytest.mark.parametrize("status", [302, 303, 307, 308])
def test_each_hop_is_an_entry(
    client: Client, standin: Standin, session: Any, connections: list[Any], status: int
) -> None:
    standin.behave(Behaviour(answer=json_answer({"moved": True})))
    standin.behave(redirect("/v1/new", status))
    standin.behave(redirect("https://api.openai.com/v1/chat/completions?b=1", 307))
    miss = client.post()
    assert len(standin.calls) == session.stats.recorded == 3
    connections.clear()
    assert client.post() == miss
    assert miss.body == b'{"moved":true}'
    assert miss.url.endswith("/v1/new")
    assert connections == []
    assert len(standin.calls) == session.stats.hits == 3


# ---- Many at once, and connections ----


def test_five_at_once(client: Client, standin: Standin, session: Any) -> None:
    with standin.behave(Behaviour(delay=0.1)):
        seen = client.together(5)
    assert len(seen) == 5
    # Who is given a body to read may never read it, so nobody waits for that.
    calls = 1 if client.reads_whole else 5
    assert len({each.body for each in seen}) == calls
    assert len(standin.calls) == calls
    assert session.stats.hits == 5 - calls


def test_what_is_read_piece_by_piece_waits_for_nobody(
    reader: tuple[Client, str], standin: Standin, session: Any
) -> None:
    """Its first piece comes at once, while another is still reading the same."""
    client, way = reader
    gate = threading.Event()
    standin.behave(Behaviour(1, gate=gate))
    first = client.stream()
    pieces = client.pieces(first, way)
    next(pieces)
    other = type(client)()
    assert b"[DONE]" in other.whole(other.stream(timeout=60), way)
    other.quit()
    gate.set()
    assert len(standin.calls) == 2
    client.close(first)
    pieces.close()  # type: ignore[attr-defined]


def test_connections_are_reused(
    client: Client, standin: Standin, connections: list[Any], tmp_path: Path
) -> None:
    def ask(number: int) -> None:
        asked = PLAIN | {"seed": number}
        client.post(asked)
        client.whole(client.stream(asked | {"stream": True}), client.ways[0])

    ask(0)
    connections.clear()
    for number in (1, 2):
        ask(number)
    without = len(connections)
    connections.clear()
    enable_cachy(cache_dir=tmp_path)
    for number in (3, 4):
        ask(number)
        ask(number)
    assert len(connections) == without
    assert len(standin.calls) == 10


@pytest.mark.parametrize("url", [CHAT, OLLAMA], ids=["https", "http"])
def test_proxies(client: Client, standin: Standin, session: Any, url: str) -> None:
    with Proxy() as proxy:
        miss = client.post(url=url, proxy=proxy.url)
        assert len(proxy.requests) == 1
        assert client.post(url=url, proxy=proxy.url) == miss
        assert client.post(url=url).body == miss.body
        assert len(proxy.requests) == len(standin.calls) == 1
    assert session.stats.hits == 2


# ---- Requests ----


def test_forms_with_random_boundaries(client: Client, standin: Standin, session: Any) -> None:
    seen = [
        client.seen(client.send(FORM, *multipart(boundary, text)))
        for boundary, text in (("aaaa1111", "sound"), ("bbbb2222", "sound"), ("cccc", "music"))
    ]
    assert seen[0].body == seen[1].body != seen[2].body
    assert len(standin.calls) == 2
    assert standin.calls[0].form()["file"] == b"sound"


@pytest.mark.parametrize("kind", ["generator", "file", "pipe"])
def test_bodies_that_can_be_read_once(
    client: Client, standin: Standin, session: Any, kind: str
) -> None:
    text = json_body(PLAIN)
    if client.name == "httpx-async":
        pytest.skip("takes async bodies: in test_httpx.py")

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.inner = io.BytesIO(text)

        def read(self, size: int = -1) -> bytes:
            return self.inner.read(size)

        def __iter__(self) -> Any:
            return iter(self.inner)

    def body() -> Any:
        if kind == "generator":
            return iter([text[:20], text[20:]])
        return io.BytesIO(text) if kind == "file" else Pipe()

    kind_of = {"content-type": "application/json"}
    seen = {client.seen(client.send(CHAT, body(), kind_of)).body for _ in range(2)}
    assert seen == {client.post().body}
    assert [call.body for call in standin.calls] == [text]


def test_other_hosts_are_left_alone(client: Client, standin: Standin, session: Any) -> None:
    standin.behave(Behaviour(answer=json_answer({"a": 1})))
    for _ in range(2):
        assert client.post(url="https://example.com/api.openai.com").status == 200
    assert len(standin.calls) == 2
    assert session.stats.misses == 0


def test_within_no_cachy_calls_go_live(client: Client, standin: Standin, session: Any) -> None:
    from cachy import no_cachy

    client.post()
    with no_cachy():
        client.post()
    assert len(standin.calls) == 2


@pytest.mark.parametrize("mode", ["replay", "auto"])
def test_websockets_are_left_alone(
    client: Client, standin: Standin, tmp_path: Path, mode: str
) -> None:
    session = enable_cachy(cache_dir=tmp_path, mode=mode, bypass="ignore")
    standin.behave(Behaviour(answer=json_answer({"a": 1})))
    upgrade = {"connection": "Upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    for _ in range(2):
        client.send("https://api.openai.com/v1/responses", None, upgrade, method="GET")
    assert len(standin.calls) == 2
    assert session.stats.misses == 0


# ---- Misses ----


def test_a_miss_is_explained_and_not_retried(
    client: Client, standin: Standin, tmp_path: Path, connections: list[Any]
) -> None:
    enable_cachy(cache_dir=tmp_path)
    client.post()
    enable_cachy(cache_dir=tmp_path, mode="replay")
    connections.clear()
    events: list[str] = []
    for ask in (
        lambda: client.post(PLAIN | {"temperature": 0.5}),
        lambda: client.stream(PLAIN | {"temperature": 0.5}),
    ):
        with pytest.raises(CacheMiss, match="temperature") as miss:
            ask()
        events.append(miss.value.url)
    assert events == [CHAT] * 2
    assert connections == []
    assert len(standin.calls) == 1


def test_what_is_never_recorded_is_refused(
    client: Client, standin: Standin, tmp_path: Path
) -> None:
    enable_cachy(cache_dir=tmp_path, mode="replay")
    with pytest.raises(CacheMiss, match="DELETE requests are never cached"):
        client.send(f"{MODELS}/mine", method="DELETE")
    assert standin.calls == []


def test_telemetry_is_dropped(client: Client, standin: Standin, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path, mode="replay")
    url = "https://api.openai.com/v1/traces/ingest"
    seen = client.post({"data": []}, url)
    assert (seen.status, seen.body) == (204, b"")
    assert standin.calls == []


def test_methods_that_are_asked_for(client: Client, standin: Standin, tmp_path: Path) -> None:
    enable_cachy(cache_dir=tmp_path, doms=("llm.example.com",), methods=("PUT", "DELETE"))
    standin.behave(Behaviour(answer=json_answer({"a": 1})))
    for method in ("PUT", "DELETE") * 2:
        url = "https://llm.example.com/things"
        assert client.post({"b": 2}, url, method=method).status == 200
    assert len(standin.calls) == 2


# ---- All share one store ----


@pytest.mark.parametrize("recorder", CLIENTS, ids=lambda kind: kind.name)
def test_what_one_records_all_replay(
    recorder: type[Client], standin: Standin, tmp_path: Path
) -> None:
    def answers(kind: type[Client]) -> list[Seen]:
        client = kind()
        account = {"authorization": f"Bearer {kind.name}", "x-api-key": kind.name}
        try:
            return [
                client.post(),
                client.post(STREAM),
                client.seen(client.send(FORM, *multipart(kind.name))),
                client.seen(client.send(MODELS, method="GET", headers=account)),
                client.post(url=OLLAMA),
                client.post(url=f"{CHAT}?b=%20&a=1"),
            ]
        finally:
            client.quit()

    def bare(seen: list[Seen]) -> list[Any]:
        return [(each.status, each.reason, each.headers, each.body) for each in seen]

    enable_cachy(cache_dir=tmp_path)
    recorded = answers(recorder)
    assert len(standin.calls) == len(recorded)
    enable_cachy(cache_dir=tmp_path, mode="replay")
    standin.refuse = True
    for replayer in CLIENTS:
        assert bare(answers(replayer)) == bare(recorded), replayer.name
    disable_cachy()
    assert len(standin.calls) == len(recorded)


# ---- Processes ----


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_replays_and_records(
    client: Client, standin: Standin, tmp_path: Path
) -> None:
    if client.name == "httpx-async":
        pytest.skip("an event loop does not survive a fork")
    enable_cachy(cache_dir=tmp_path)
    client.post()
    child = os.fork()
    if child == 0:  # pragma: no cover
        status = 1
        with suppress(BaseException):
            client.post()
            type(client)().post(PLAIN | {"seed": 1})
            status = 0
        os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    client.post(PLAIN | {"seed": 1})
    assert len(standin.calls) == 2
