"""With and without cachy: a live call that is recorded shows its caller all that it did before, and
a hit shows the same but for what is never stored."""

from __future__ import annotations

import asyncio
import gzip
import http.server
import inspect
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped]
import httpx
import httpx2
import pytest
import zstandard

from cachy import disable_cachy, enable_cachy

TEXT = json.dumps({"text": "Grüße, " * 400, "id": 1}, ensure_ascii=False).encode()
EVENTS = [
    b'data: {"choices":[{"index":0,"delta":{"content":"%d"},"finish_reason":%s}]}\n\n' % (n, why)
    for n, why in enumerate([b"null", b"null", b'"stop"'])
] + [b"data: [DONE]\n\n"]
JSON = ("content-type", "application/json")
SEEN = [
    *(("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Path=/"), ("ETag", '"7"')),
    *(("Link", '</b>; rel="next"'), ("X-Next-Page", "2"), ("x-request-id", "r-1")),
]


def chunked(*chunks: bytes, headers: Any = (), status: int = 200) -> Any:
    return status, [("transfer-encoding", "chunked"), *headers], chunks


def plain(body: bytes, *headers: tuple[str, str], status: int = 200) -> Any:
    return status, [("content-length", str(len(body))), *headers], (body,)


ANSWERS: dict[str, Any] = {
    "json": plain(TEXT, JSON, *SEEN),
    "latin-1": plain("Grüße".encode("latin-1"), ("content-type", "text/plain; charset=latin-1")),
    "no-type": plain(b"\x00\x01?"),
    "chunked": chunked(TEXT[:100], TEXT[100:107], TEXT[107:], headers=[JSON]),
    "ndjson": chunked(
        b'{"i": 1, "done": false}\n', b'{"i": 2, "done": true}\n',
        headers=[("content-type", "application/x-ndjson")],
    ),
    "events": chunked(*EVENTS, headers=[("content-type", "text/event-stream"), *SEEN]),
    "audio": chunked(b"\xff\xfb" * 500, b"\x00" * 7, headers=[("content-type", "audio/mpeg")]),
    "gzip": plain(gzip.compress(TEXT), JSON, ("content-encoding", "gzip")),
    "gzip-chunked": chunked(
        gzip.compress(TEXT)[:20], gzip.compress(TEXT)[20:],
        headers=[JSON, ("content-encoding", "gzip")],
    ),
    "br": plain(brotli.compress(TEXT), JSON, ("content-encoding", "br")),
    "zstd": plain(zstandard.compress(TEXT), JSON, ("content-encoding", "zstd")),
    "unknown-encoding": plain(b"abc", JSON, ("content-encoding", "x-snappy")),
    "damaged-gzip": plain(b"not gzip at all", JSON, ("content-encoding", "gzip")),
    "created": plain(b'{"a": 1}', JSON, status=201),
    "empty-200": plain(b""),
    "empty-204": (204, [("x-request-id", "r")], ()),
    **{f"error-{status}": plain(b'{"error": {"message": "no"}}', JSON, ("retry-after", "1"),
                                status=status) for status in (400, 401, 404, 429, 500)},
    **{f"redirect-{status}": plain(b"", ("location", "/json"), *SEEN[2:], status=status)
       for status in (302, 307)},
    "redirect-nowhere": plain(b"", status=303),
}  # fmt: skip
BODIES: dict[str, Callable[[bool], dict[str, Any]]] = {
    "json": lambda _: {"json": {"model": "m"}},
    "form": lambda _: {"data": {"model": "m"}},
    "multipart": lambda _: {
        "files": {"file": ("a.mp3", b"\xff\xfbsound", "audio/mpeg")}, "data": {"model": "m"},
        "headers": {"content-type": "multipart/form-data; boundary=abc"},
    },
    "generator": lambda later: {"content": _later() if later else iter([b'{"a":', b"1}"])},
}  # fmt: skip


async def _later() -> Any:
    for piece in (b'{"a":', b"1}"):
        yield piece


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    calls: list[str]

    def do_POST(self) -> None:
        if self.headers["transfer-encoding"]:
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        else:
            self.rfile.read(int(self.headers["content-length"] or 0))
        self.calls.append(self.path)
        status, headers, chunks = ANSWERS[self.path.strip("/")]
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        for chunk in chunks:
            is_chunked = headers[0][0] == "transfer-encoding"
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if is_chunked else chunk)
        if headers[0][0] == "transfer-encoding":
            self.wfile.write(b"0\r\n\r\n")

    do_GET = do_HEAD = do_OPTIONS = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass  # a test has closed its client


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    Handler.calls = []
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


TLS = ssl.create_default_context()  # made once: that takes longer than a call
COLOURS = [(library, later) for library in (httpx, httpx2) for later in (False, True)]


class Caller:
    """One library in one colour."""

    def __init__(self, library: Any, later: bool) -> None:
        self.library, self.later = library, later
        self._loop = asyncio.new_event_loop()

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _do(self, thing: Any) -> Any:
        return self._loop.run_until_complete(thing) if inspect.isawaitable(thing) else thing

    def _pieces(self, response: Any, way: str, most: int) -> list[Any]:
        if not self.later:
            return [piece for piece, _ in zip(getattr(response, way)(), range(most), strict=False)]

        async def collect() -> list[Any]:
            found: list[Any] = []
            async for piece in getattr(response, f"a{way}")():
                found.append(piece)
                if len(found) == most:
                    break
            return found

        return list(self._do(collect()))

    def see(self, url: str, way: str, method: str, follow: bool, asked: Any) -> list[Any]:
        """All that a caller sees of one call, at each of its stages."""
        client = (self.library.AsyncClient if self.later else self.library.Client)(verify=TLS)
        stages: list[Any] = []
        try:
            request = client.build_request(method, url, **asked(self.later))
            response = self._do(client.send(request, stream=way != "read", follow_redirects=follow))
            stages.append(snapshot(response))
            if way != "read":
                early = way == "leave"
                pieces = self._pieces(response, "iter_raw" if early else way, 1 if early else 999)
                stages.append(pieces)
                self._do(response.aclose() if self.later else response.close())
                stages.append(snapshot(response))
        except (self.library.HTTPError, self.library.StreamError) as error:
            stages.append((type(error).__name__, str(error)))
        stages.append(sorted((cookie.name, cookie.value) for cookie in client.cookies.jar))
        self._do(client.aclose() if self.later else client.close())
        return stages


@pytest.fixture(params=COLOURS, ids=lambda param: param[0].__name__ + "-async" * param[1])
def caller(request: pytest.FixtureRequest) -> Iterator[Caller]:
    caller = Caller(*request.param)
    yield caller
    disable_cachy()
    caller.close()


def snapshot(response: Any) -> dict[str, Any]:
    """Every public attribute of a response, but its stream, in what can be compared."""
    seen: dict[str, Any] = {}
    for name in dir(response):
        if name.startswith("_") or name == "stream":
            continue
        try:
            value = getattr(response, name)
        except Exception as error:  # noqa: BLE001 - what it raises is compared, too
            value = (type(error).__name__, str(error))
        if not callable(value):
            seen[name] = _plain(name, value)
    return seen


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, timedelta):
        return timedelta(0) < value < timedelta(seconds=20)
    if name == "headers":
        return value.raw
    if name == "cookies":
        return sorted((cookie.name, cookie.value) for cookie in value.jar)
    if name == "history":
        return [snapshot(hop) for hop in value]
    if name == "extensions":
        return {each: value[each] if isinstance(value[each], bytes) else None
                for each in sorted(value) if each != "cachy"}  # fmt: skip
    if name in ("request", "next_request") and hasattr(value, "method"):
        try:
            content = value.content
        except Exception as error:  # noqa: BLE001
            content = type(error).__name__
        return (value.method, value.url, value.headers.raw, content, sorted(value.extensions))
    return value


def but_for_what_is_never_stored(stages: list[Any], encoded: bool) -> list[Any]:
    """The stages without cookies, and without how the body was encoded on its way. A hit knows at
    once how long the call took."""
    gone = {b"set-cookie", b"transfer-encoding", b"content-encoding"}
    gone |= {b"content-length"} if encoded else set()

    def less(stage: Any) -> Any:
        if not isinstance(stage, dict):
            return stage
        stage = {**stage, "elapsed": None}
        stage["headers"] = [pair for pair in stage["headers"] if pair[0].lower() not in gone]
        stage["headers"] = [(name.lower(), value) for name, value in stage["headers"]]
        stage["cookies"] = []
        stage["extensions"] = {
            name: value for name, value in stage["extensions"].items() if name != "network_stream"
        }
        stage["history"] = [less(hop) for hop in stage["history"]]
        for name in ("request", "next_request"):  # a cookie that was not replayed is not sent
            if isinstance(stage[name], tuple):
                method, url, headers, *rest = stage[name]
                kept = [pair for pair in headers if pair[0].lower() != b"cookie"]
                stage[name] = (method, url, kept, *rest)
        if encoded:
            stage["num_bytes_downloaded"] = None
        return stage

    return [less(stage) for stage in stages[:-1]]


WAYS = ("read", "iter_bytes", "iter_raw", "iter_text", "iter_lines", "leave")


def differences(found: list[Any], expected: list[Any]) -> list[Any]:
    """What is not as expected: the stage, the attribute, and both values."""
    if len(found) != len(expected):
        return [(found, expected)]
    differ: list[Any] = []
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        if isinstance(one, dict) and isinstance(other, dict):
            names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
            differ += [(number, name, one.get(name), other.get(name)) for name in names]
        elif one != other:
            differ.append((number, one, other))
    return differ


def compare(caller: Caller, place: str, store: Path, name: str, asked: str, **options: Any) -> None:
    """Make the call without cachy, recorded, and again, in each way of reading it."""
    for way in WAYS:
        arguments = (f"http://{place}/{name}", way, *options.values(), BODIES[asked])
        disable_cachy()
        bare = caller.see(*arguments)
        enable_cachy(cache_dir=store / way, doms=(place,))
        assert differences(caller.see(*arguments), bare) == [], way
        calls = len(Handler.calls)
        again = caller.see(*arguments)
        if len(Handler.calls) > calls and not options["follow"]:
            assert differences(again, bare) == [], way
        else:
            encoded = "content-encoding" in dict(ANSWERS[name][1])
            if encoded and way != "read":
                continue  # the body of a hit is decoded, and comes in one piece
            expected = but_for_what_is_never_stored(bare, encoded)
            found = but_for_what_is_never_stored(again, encoded)
            assert differences(found, expected) == [], way


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(caller: Caller, place: str, tmp_path: Path, name: str) -> None:
    compare(caller, place, tmp_path, name, "json", method="POST", follow=False)


@pytest.mark.parametrize("name", [name for name in ANSWERS if name.startswith("redirect")])
def test_redirects_that_are_followed(caller: Caller, place: str, tmp_path: Path, name: str) -> None:
    compare(caller, place, tmp_path, name, "json", method="POST", follow=True)


@pytest.mark.parametrize("name", ["json", "events", "redirect-307"])
@pytest.mark.parametrize("asked", [name for name in BODIES if name != "json"])
def test_requests(caller: Caller, place: str, tmp_path: Path, name: str, asked: str) -> None:
    compare(caller, place, tmp_path, name, asked, method="POST", follow=True)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_methods(caller: Caller, place: str, tmp_path: Path, method: str) -> None:
    compare(caller, place, tmp_path, "json", "json", method=method, follow=False)
