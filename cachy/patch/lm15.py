"""lm15, the transport that dspy brings along (`dspy._vendor.lm15.transports`).

`stream` of its transports is patched, of the async one `_do_stream`: one request in its final form,
and one hop, as it follows no redirects. A hit is its own response over recorded pieces. A live
response stays what it is; only its iterator of chunks, and what lets go of its connection, are
wrapped. Its callers read a body themselves, so none waits for another's.
"""

from __future__ import annotations

import sys
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from cachy.engine.entries import origin, pieces
from cachy.engine.exchange import Do, admit, adrive, drive, go_live, resolve
from cachy.engine.inflight import running_caller
from cachy.engine.recording import Recording
from cachy.engine.tap import begin
from cachy.patch.fakes import is_mocked
from cachy.patch.functions import Method
from cachy.rules.message import Request, ResponseHead

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import ModuleType

    from cachy.engine.cache import Cache
    from cachy.engine.exchange import Steps
    from cachy.engine.tap import Tap
    from cachy.engine.threads import Threads
    from cachy.patch import Current
    from cachy.rules.hosts import Route
    from cachy.store.entry import Entry


def patch(library: ModuleType, current: Current) -> list[Method]:
    """Return the methods to patch of the module of a transport of lm15, sync or async."""
    module: Any = library
    if hasattr(module, "StdlibAsyncTransport"):
        return [Method(module.StdlibAsyncTransport, "_do_stream", partial(_async, module, current))]
    return [Method(module.StdlibTransport, "stream", partial(_sync, module, current))]


def _sync(module: Any, current: Current, original: Any) -> Any:
    @wraps(original)
    def stream(transport: Any, request: Any) -> Any:
        cache = current()
        if cache is None:
            return original(transport, request)
        live = Do(original, transport, request)
        route = _admit(cache, request, original)
        if route is None:
            return live.run()

        def replayed(found: Entry) -> Any:
            return _response(
                module.TransportResponse,
                found,
                chunks=iter(pieces(found.head, found.body)),
                release=lambda body_consumed: None,
            )

        return drive(_steps(cache, request, route, live.run, replayed, _tap))

    return stream


def _async(module: Any, current: Current, original: Any) -> Any:
    @wraps(original)
    async def stream(transport: Any, request: Any) -> Any:
        cache = current()
        if cache is None:
            return await original(transport, request)
        live = Do(original, transport, request)
        route = _admit(cache, request, original)
        if route is None:
            return await live.arun()

        async def chunks(found: Entry) -> AsyncIterator[bytes]:
            for piece in pieces(found.head, found.body):
                yield piece

        async def release(body_consumed: bool) -> None:
            pass

        def replayed(found: Entry) -> Any:
            kind = module.AsyncTransportResponse
            return _response(kind, found, chunks=chunks(found), release=release)

        tap = partial(_tap_async, cache.threads)
        return await adrive(_steps(cache, request, route, live.arun, replayed, tap))

    return stream


def _admit(cache: Cache, request: Any, original: Any) -> Route | None:
    return admit(cache, request.method, request.url, lambda: is_mocked(original), body=request.body)


def _steps(
    cache: Cache,
    request: Any,
    route: Route,
    live: Callable[[], Any],
    replayed: Callable[[Entry], Any],
    tap: Callable[[Any, Recording, Tap], None],
) -> Steps:
    """Answer one request, or send it and record the answer. Returns its response."""
    sent = [(name.lower(), value) for name, value in request.headers]
    asked = Request(request.method, request.url, sent, bytes(request.body or b""))
    found = yield from resolve(cache, asked, route, running_caller, None, alone=True)
    if found is None:
        return (yield Do(live))
    if not isinstance(found, Recording):
        return replayed(found)
    response = yield from go_live(found, live)
    head = ResponseHead(
        response.status,
        list(response.headers),
        client=_client(),
        http=response.http_version,
        reason=response.reason,
    )
    tapped = begin(found, head, sent, response)
    if tapped is not None:
        tap(response, found, tapped)
    return response


def _client() -> str:
    dspy = sys.modules.get("dspy")
    return "lm15" if dspy is None else f"dspy/{getattr(dspy, '__version__', '')}"


def _response(kind: Any, found: Entry, **given: Any) -> Any:
    """Return the response in an entry."""
    head = found.head
    response = kind(
        status=head["status"],
        reason=head.get("reason", ""),
        headers=[(name, value) for name, value in head["headers"]],
        http_version=head.get("http", "HTTP/1.1"),
        **given,
    )
    response.cachy = origin(head)
    return response


def _tap(live: Any, recording: Recording, tap: Tap) -> None:
    """Have the body of a live response recorded on its way."""
    chunks, release = live._chunks, live._release

    def tapped() -> Iterator[bytes]:
        for chunk in chunks:
            tap.feed(chunk)
            yield chunk
        tap.ended()

    def released(body_consumed: bool) -> None:
        try:
            release(body_consumed)
        finally:
            tap.close()

    live._chunks, live._release = tapped(), released


def _tap_async(threads: Threads, live: Any, recording: Recording, tap: Tap) -> None:
    """The same, and nothing is written to the disk while the loop runs."""
    chunks, release = live._chunks, live._release

    async def tapped() -> AsyncIterator[bytes]:
        async for chunk in chunks:
            recording.feed(chunk)
            recording.release()
            if recording.may_be_whole:
                await threads.run(partial(recording.commit, closing=False))
            yield chunk
        recording.ended()

    async def released(body_consumed: bool) -> None:
        try:
            await release(body_consumed)
        finally:
            if recording.due():
                await threads.run(recording.commit)
            else:
                recording.commit()

    live._chunks, live._release = tapped(), released
