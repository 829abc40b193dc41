"""aiohttp 3.12 and later, also under aiobotocore.

`ClientSession._request` is wrapped, to put a client middleware of ours innermost: there a request
is final, after the user's own middlewares, and each hop of a redirect comes by itself. What is
around it is aiohttp's own, on a hit as on a live call: cookies, redirects and their history, trace
configs, `raise_for_status`, the time-out of the whole.

A hit is the library's own response, which starts as it does on a connection: it asks for a head and
the reader of a body, and gets recorded ones. A live response stays what it is, with its connection
and time-outs: the class of its reader becomes a subclass that listens where bytes go out to whoever
reads, below all of `read`, `readline`, `iter_any`, `iter_chunked` and `iter_chunks`.
"""

from __future__ import annotations

import inspect
import re
import sys
from contextlib import suppress
from functools import wraps
from http.client import responses
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.engine.entries import origin, pieces
from cachy.engine.exchange import Do, admit, adrive, go_live, note_redirect, resolve
from cachy.engine.inflight import async_caller, running_loop
from cachy.engine.recording import Recording
from cachy.engine.tap import begin_async
from cachy.patch.aiohttp_bodies import LISTENED_TO, Recorded, listen, pieces_reader
from cachy.patch.fakes import is_mocked
from cachy.patch.functions import Method, warn_unsupported
from cachy.rules.message import Request, ResponseHead
from cachy.rules.verdict import REDIRECTS
from cachy.store.entry import to_wire

if TYPE_CHECKING:
    from types import ModuleType

    from cachy.engine.cache import Cache
    from cachy.engine.exchange import Steps
    from cachy.patch import Current
    from cachy.rules.hosts import Route
    from cachy.store.entry import Entry

_SUPPORTED = "aiohttp 3.12.2 or later"
_PATIENCE = 1.0
"""Seconds for which others wait for a body that has begun, and that its caller may never read."""
_VERSIONS = {"HTTP/1.0": (1, 0), "HTTP/1.1": (1, 1), "HTTP/2": (2, 0), "HTTP/3": (3, 0)}
_STREAM = re.compile(rb'"stream"\s*:\s*true')
_OF_A_RESPONSE = frozenset(  # what is known of its constructor
    {
        *("self", "method", "url", "writer", "continue100", "timer", "request_info", "traces"),
        *("loop", "session", "stream_writer"),
    }
)


def patch(aiohttp: ModuleType, current: Current) -> list[Method]:
    """Return the methods to patch of the sessions of aiohttp."""
    library: Any = aiohttp
    if not _is_supported(library):
        warn_unsupported("aiohttp", library.__version__, _SUPPORTED)
        return []
    adapter = _Adapter(library, current)
    return [Method(library.ClientSession, "_request", adapter.request)]


def _is_supported(aiohttp: Any) -> bool:
    session, reader = aiohttp.ClientSession, aiohttp.StreamReader
    return (
        "middlewares" in inspect.signature(session.__init__).parameters
        and _of_a_response(aiohttp.ClientResponse) <= _OF_A_RESPONSE
        and all(hasattr(reader, name) for name in (*LISTENED_TO, "_wait", "feed_data"))
        and hasattr(aiohttp.Payload, "as_bytes")
    )


def _of_a_response(kind: Any) -> frozenset[str]:
    return frozenset(inspect.signature(kind.__init__).parameters)


class _Call(NamedTuple):
    """One request that is answered or recorded. `given` are the options of `_request`."""

    cache: Cache
    session: Any
    req: Any
    url: str
    route: Route
    given: dict[str, Any]


class _Adapter:
    """What needs the library's own classes."""

    def __init__(self, aiohttp: Any, current: Current) -> None:
        self._current = current
        self._client = f"aiohttp/{aiohttp.__version__}"
        self._multidict: Any = sys.modules["multidict"]
        self._version = {name: aiohttp.HttpVersion(*each) for name, each in _VERSIONS.items()}
        self._protocol = aiohttp.base_protocol.BaseProtocol
        self._reader = pieces_reader(aiohttp.StreamReader)
        self._takes_writer = "stream_writer" in _of_a_response(aiohttp.ClientResponse)
        decoders = {"gzip", "deflate", "br"}
        knows_zstd = hasattr(aiohttp.compression_utils, "ZSTDDecompressor")
        self._decodes = decoders | {"zstd"} if knows_zstd else decoders

    def request(self, original: Any) -> Any:
        """Return what replaces `_request`."""

        @wraps(original)
        async def _request(session: Any, method: str, str_or_url: Any, **given: Any) -> Any:
            cache = self._current()
            if cache is None:
                return await original(session, method, str_or_url, **given)
            if is_mocked(original) and not cache.settings.fakes:
                return await Do(original, session, method, str_or_url, **given).arun()

            async def innermost(req: Any, handler: Any) -> Any:
                call = self._call(cache, session, req, given)
                if call is None:
                    return await handler(req)
                return await adrive(self._steps(call, handler))

            outer = given.get("middlewares")
            outer = session._middlewares if outer is None else outer
            options = {**given, "middlewares": (*outer, innermost)}
            return await Do(original, session, method, str_or_url, **options).arun()

        return _request

    def _call(self, cache: Cache, session: Any, req: Any, given: dict[str, Any]) -> _Call | None:
        """Return what is to be answered or recorded, or None for what must go through untouched."""
        url = str(req.url)
        route = admit(
            cache,
            req.method,
            url,
            lambda: is_mocked(type(session.connector)),
            upgrade=req.headers.get("upgrade", ""),
            body=getattr(req.body, "_value", None),
        )
        if route is None:
            return None
        return _Call(cache, session, req, url, route, given)

    def _steps(self, call: _Call, handler: Any) -> Steps:
        """Answer one request, or send it and record the answer. Returns its response."""
        cache, session, req, url, route, given = call
        body = yield Do(_read_body, req)
        # What aiohttp compresses itself is looked at as it was before.
        left_out = "content-encoding" if req.compress else None
        sent = [(name.lower(), value) for name, value in req.headers.items()]
        headers = [pair for pair in sent if pair[0] != left_out]
        request = Request(req.method, url, headers, body)
        timeout = _read_timeout(given.get("timeout", session.timeout), session.timeout)
        alone = _asks_for_a_stream(request)
        found = yield from resolve(cache, request, route, async_caller, timeout, alone=alone)
        if found is None:
            return (yield Do(handler, req))
        if isinstance(found, Recording):
            response = yield from go_live(found, handler, req)
            yield Do(self._tap, response, found, sent, call)
        else:
            response = yield Do(self._replayed, call, found)
        note_redirect(response.status, url, response.headers.get("location"))
        return response

    async def _tap(self, live: Any, recording: Recording, sent: Any, call: _Call) -> None:
        """Have the body of a live response recorded."""
        threads = call.cache.threads
        tap = begin_async(recording, self._head_of(live, call), sent, live, threads)
        if tap is None:
            return
        if live.content.at_eof():  # it has no body; all such share one reader
            tap.ended()
            await tap.settle()
            return
        listen(live, tap)
        import asyncio

        patience = _PATIENCE if tap.in_one_piece else 0.0
        running_loop().call_later(patience, recording.let_go)
        follows = call.given.get("allow_redirects", True)
        if live.status in REDIRECTS and follows:
            # It will be followed, and nobody will read this body. A broken one breaks nothing.
            with suppress(Exception):
                await asyncio.wait_for(live.content.read(), _PATIENCE)

    def _head_of(self, live: Any, call: _Call) -> ResponseHead:
        decoded = call.given.get("auto_decompress")
        decoded = call.session.auto_decompress if decoded is None else decoded
        encoding = live.headers.get("content-encoding", "").lower()
        gone = {b"content-encoding", b"content-length"}
        gone = gone if decoded and encoding in self._decodes else set()
        raw = [pair for pair in live.raw_headers if pair[0].lower() not in gone]
        standard = responses.get(live.status, "")
        return ResponseHead(
            live.status,
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw],
            client=self._client,
            http=f"HTTP/{live.version.major}.{live.version.minor}",
            reason=None if live.reason in (None, standard) else live.reason,
        )

    async def _replayed(self, call: _Call, found: Entry) -> Any:
        """Return the response in an entry."""
        req, session, head = call.req, call.session, found.head
        message = SimpleNamespace(
            version=self._version.get(head.get("http", "HTTP/1.1"), self._version["HTTP/1.1"]),
            code=head["status"],
            reason=head.get("reason", responses.get(head["status"], "")),
            headers=self._multidict.CIMultiDictProxy(self._multidict.CIMultiDict(head["headers"])),
            raw_headers=tuple(found.wire or to_wire(head["headers"])),
        )
        loop = running_loop()
        limit = call.given.get("read_bufsize") or session._read_bufsize
        parts = pieces(head, found.body)
        chunked = "content-length" not in message.headers
        content = self._reader(parts, self._protocol(loop), limit, loop, chunked)
        writer = {"stream_writer": SimpleNamespace(output_size=0)} if self._takes_writer else {}
        response = req.response_class(
            req.method,
            req.original_url,
            writer=None,
            continue100=None,
            timer=None,
            request_info=req.request_info,
            traces=req._traces,
            loop=loop,
            session=session,
            **writer,
        )
        response.cachy = origin(head)
        return await response.start(Recorded(message, content))


def _asks_for_a_stream(request: Request) -> bool:
    """Tell whether a caller wants the first piece at once, and so waits for nobody."""
    return "stream" in request.url.lower() or bool(_STREAM.search(request.body))


class _Collector:
    """A writer that keeps what a body writes."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    async def write(self, piece: Any) -> None:
        self.pieces.append(bytes(piece))


async def _read_body(req: Any) -> bytes:
    """Return the body of a request, as it will be sent. One that can be read only once is replaced
    by what was read, so that its framing stays as it was."""
    body = req.body
    if not body:
        return b""
    try:
        data: bytes = await body.as_bytes()
        read = [data]
    except TypeError:  # a part of somebody else's response, which is passed on
        collector = _Collector()
        await body.write(collector)
        read = collector.pieces
    if _is_spent(body):
        data = b"".join(read)
        length = req.headers.get("content-length")
        await req.update_body(data if length is not None else _again(read))
    return b"".join(read)


async def _again(read: list[bytes]) -> Any:
    for piece in read:
        yield piece


def _is_spent(payload: Any) -> bool:
    """Tell whether a body cannot be read again; one in parts, if one of them cannot."""
    if payload.consumed:
        return True
    parts = getattr(payload, "_parts", ())
    return any(_is_spent(part) for part, *_ in parts)


def _read_timeout(timeout: Any, default: Any) -> float | None:
    """Return the seconds for which a call waits for an answer; None for ever."""
    if timeout is not None and not isinstance(timeout, int | float | type(default)):
        timeout = default  # it stands for that
    told = (timeout, getattr(timeout, "sock_read", None), getattr(timeout, "total", None))
    return min((each for each in told if isinstance(each, int | float)), default=None)
