"""httpx and httpx2: `Client.send` and `AsyncClient.send`, the library passed in as a module.

Everything that both libraries and both colours share stands in plain functions; `send` and `asend`
differ only in the lines that await.

    send ──_recall()──▶ Entry ─────▶ _replay()            the response of a hit
                  └───▶ Recording ─▶ original ─▶ _tap()   the live response, recorded as it passes
                  └───▶ CacheMiss ─▶ answer()             replay mode: raised, or told (miss.py)

A miss and its later hits look alike because both responses are made here, in `_response`: from the
kept headers, and with a body that is already decoded.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import timedelta
from functools import lru_cache, partial, wraps
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import finalize, ref

from cachy.engine.cache import Question
from cachy.engine.inflight import Caller, Flight, async_caller, sync_caller, whoever
from cachy.engine.recording import Recording
from cachy.engine.threads import in_thread
from cachy.errors import CacheMiss
from cachy.patch.miss import answer
from cachy.rules.key import KEY_LENGTH, SEEN_HEADERS, redacted_url
from cachy.store.entry import to_wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import ModuleType

    from cachy.engine.cache import Cache
    from cachy.patch import Current
    from cachy.rules.hosts import Route
    from cachy.store.entry import Entry, Wire

    Concern = tuple[str, str, list[tuple[str, str]], Route]  # method, URL, headers, route


class _Seen(dict[bytes, str | None]):
    """From a header's name as it is sent to its lower-case name, or None if cachy does not look
    at it. Learned as names come: clients send the same ones all the time."""

    _MOST = 1024

    def __missing__(self, name: bytes) -> str | None:
        lower = name.decode("latin-1").lower()
        seen = lower if lower in SEEN_HEADERS or lower == "upgrade" else None
        if len(self) < self._MOST:
            self[name] = seen
        return seen


_seen = _Seen()
# A transport may itself use a client: one call is one recording, that of the outermost. A task that
# is born within a call inherits this, and is known for another.
_inside: ContextVar[Caller | None] = ContextVar("cachy_inside", default=None)


def patch(httpx: ModuleType, current: Current) -> list[Callable[[], None]]:
    """Patch both clients of httpx or httpx2, once. Returns the functions that undo it."""
    adapter = _Adapter(httpx)
    undo: list[Callable[[], None]] = []
    for client_class, make_send in (
        (httpx.Client, adapter.sync_send),
        (httpx.AsyncClient, adapter.async_send),
    ):
        original = client_class.send
        if not hasattr(original, "_cachy"):  # after alias_httpx(), httpx and httpx2 are one
            client_class.send = send = make_send(original, current)
            send._cachy = True
            undo.append(partial(_restore, client_class, send, original))
    return undo


def _restore(client_class: Any, send: Any, original: Any) -> None:
    # If somebody patched over us, we stay underneath, where `current()` keeps us idle.
    if client_class.send is send:
        client_class.send = original


class _Colour(NamedTuple):
    """What differs between the colours: the bodies that can be sent, a transport's method."""

    stream: Any
    method: str


class _Adapter:
    """What needs the library's own classes."""

    def __init__(self, httpx: ModuleType) -> None:
        self._httpx = httpx
        self._client = f"{httpx.__name__}/{httpx.__version__}"
        whole = httpx.Response(200, content=b"whole")
        self._keeps_content = whole.__dict__.get("_content") == b"whole" and whole.is_closed
        self._sync = _Colour(httpx.SyncByteStream, "handle_request")
        self._async = _Colour(httpx.AsyncByteStream, "handle_async_request")
        self._fakes = (httpx.MockTransport, httpx.ASGITransport, httpx.WSGITransport)

        class TappedStream(httpx.SyncByteStream, httpx.AsyncByteStream):  # type: ignore[misc,name-defined]
            """The decoded body of a live response, recorded on its way to the caller."""

            def __init__(self, live: Any, recording: Recording) -> None:
                self._live, self._recording = live, recording
                self.response: Any = None  # a weak reference: a dropped response is gone at once

            def __iter__(self) -> Iterator[bytes]:
                recording = self._recording
                recording.read_on()
                try:
                    for piece in self._live.iter_bytes():
                        if passing := recording.feed(piece):
                            if recording.may_be_whole:
                                recording.commit(closing=False)
                            yield passing
                            recording.read_on()
                except BaseException as error:
                    recording.lost()
                    if (held := recording.release()) and isinstance(error, Exception):
                        yield held
                    raise
                if held := recording.release():
                    yield held
                recording.ended()

            async def __aiter__(self) -> AsyncIterator[bytes]:
                recording = self._recording
                recording.read_on()
                try:
                    async for piece in self._live.aiter_bytes():
                        if passing := recording.feed(piece):
                            if recording.may_be_whole:
                                await in_thread(partial(recording.commit, closing=False))
                            yield passing
                            recording.read_on()
                except BaseException as error:
                    recording.lost()
                    if (held := recording.release()) and isinstance(error, Exception):
                        yield held
                    raise
                if held := recording.release():
                    yield held
                recording.ended()

            def close(self) -> None:
                try:
                    self._live.close()
                finally:
                    self._set_elapsed()
                    self._recording.commit()

            async def aclose(self) -> None:
                try:
                    await self._live.aclose()
                finally:
                    self._set_elapsed()
                    if self._recording.due():
                        await in_thread(self._recording.commit)

            def _set_elapsed(self) -> None:
                if (response := self.response()) is not None:
                    response.elapsed = _duration(self._recording.ms())

        self._tapped_stream = TappedStream

    def sync_send(self, original: Any, current: Current) -> Any:
        @wraps(original)
        def send(client: Any, request: Any, *, stream: bool = False, **options: Any) -> Any:
            cache = current()
            if cache is None:
                return original(client, request, stream=stream, **options)
            try:
                if (concern := self._concern(cache, client, request, self._sync)) is None:
                    return original(client, request, stream=stream, **options)
                asked = cache.ask(*concern, request.read())
                if asked is None:
                    return original(client, request, stream=stream, **options)
                if isinstance(asked, Question):
                    while isinstance(found := cache.look(asked, sync_caller), Flight):
                        found.wait(_read_timeout(request))
                else:
                    found = asked
            except CacheMiss as miss:
                found = answer(miss, request.headers)
            if not isinstance(found, Recording):
                hooks = client.event_hooks
                unread = stream or bool(hooks["request"] or hooks["response"])
                response = self._replay(client, request, found, unread=unread)
                if unread:
                    try:
                        for hook in hooks["request"]:
                            hook(request)
                        for hook in hooks["response"]:
                            hook(response)
                        if not stream:
                            response.read()
                    except BaseException:
                        response.close()
                        raise
                return response
            token = _inside.set(whoever())
            try:
                live = original(client, request, stream=True, **options)
            except BaseException:
                found.abandon("the call failed")
                raise
            finally:
                _inside.reset(token)
            response = self._tap(client, live, found)
            if not stream:
                try:
                    response.read()
                except BaseException:
                    response.close()
                    raise
            return response

        return send

    def async_send(self, original: Any, current: Current) -> Any:
        @wraps(original)
        async def asend(client: Any, request: Any, *, stream: bool = False, **options: Any) -> Any:
            cache = current()
            if cache is None:
                return await original(client, request, stream=stream, **options)
            try:
                if (concern := self._concern(cache, client, request, self._async)) is None:
                    return await original(client, request, stream=stream, **options)
                asked = cache.ask(*concern, await request.aread())
                if asked is None:
                    return await original(client, request, stream=stream, **options)
                if isinstance(asked, Question):
                    while isinstance(found := cache.look(asked, async_caller), Flight):
                        await found.wait_async(_read_timeout(request))
                else:
                    found = asked
            except CacheMiss as miss:
                found = answer(miss, request.headers)
            if not isinstance(found, Recording):
                hooks = client.event_hooks
                unread = stream or bool(hooks["request"] or hooks["response"])
                response = self._replay(client, request, found, unread=unread)
                if unread:
                    try:
                        for hook in hooks["request"]:
                            await hook(request)
                        for hook in hooks["response"]:
                            await hook(response)
                        if not stream:
                            await response.aread()
                    except BaseException:
                        await response.aclose()
                        raise
                return response
            token = _inside.set(whoever())
            try:
                live = await original(client, request, stream=True, **options)
            except BaseException:
                found.abandon("the call failed")
                raise
            finally:
                _inside.reset(token)
            response = self._tap(client, live, found)
            if not stream:
                try:
                    await response.aread()
                except BaseException:
                    await response.aclose()
                    raise
            return response

        return asend

    def _concern(self, cache: Cache, client: Any, request: Any, colour: _Colour) -> Concern | None:
        """What cachy looks at of a request; None for one that must go through untouched."""
        if ((inside := _inside.get()) is not None and inside == whoever()) or client.is_closed:
            return None
        url = str(request.url)
        try:
            route = cache.wants(request.method, url)
        except CacheMiss as miss:
            if "upgrade" in request.headers or self._is_fake(cache, client, request, colour):
                return None
            cache.refuses(miss)
            raise
        if route is None:
            return None
        if not isinstance(request.stream, colour.stream):
            return None  # the client will say so
        if self._is_fake(cache, client, request, colour):
            cache.passes(request.method, url, "its transport is a fake")
            return None
        headers = [
            (name, value.decode("latin-1"))
            for sent, value in request.headers.raw
            if (name := _seen[sent]) is not None
        ]
        if "upgrade" in dict(headers):
            return None
        return request.method, url, headers, route

    def _is_fake(self, cache: Cache, client: Any, request: Any, colour: _Colour) -> bool:
        """Whether a request would reach a mock or an in-process app: no real answer, no recording.

        No public name tells a client's transport, nor the pool under it, which respx replaces.
        """
        if cache.options.fakes:
            return False
        find = getattr(client, "_transport_for_url", None)
        transport = find(request.url) if find is not None else None
        if isinstance(transport, self._fakes):
            return True
        pool = getattr(transport, "_pool", None)
        return _is_mock(getattr(type(transport), colour.method, None)) or (
            pool is not None and _is_mock(getattr(type(pool), colour.method, None))
        )

    def _replay(self, client: Any, request: Any, entry: Entry, *, unread: bool) -> Any:
        """The response in an entry, as `send` returns it; if `unread`, with its body to come."""
        head, body, wire = entry
        final, history = self._led(request, head) if "redirects" in head else (request, [])
        extensions = {
            "http_version": head["http"].encode() if "http" in head else b"HTTP/1.1",
            "cachy": _origin(head),
        }
        if "reason" in head:
            extensions["reason_phrase"] = head["reason"].encode()
        response = self._response(
            client,
            head["status"],
            wire or to_wire(head["headers"]),
            self._httpx.ByteStream(body),
            final,
            extensions,
            history,
        )
        response.elapsed = _duration(head["ms"])
        if not unread:
            if self._keeps_content:
                # What read() does, without a generator in a generator for a body in one piece.
                response._content = body
                response._num_bytes_downloaded = len(body)
                response.is_closed = response.is_stream_consumed = True
            else:
                response.read()
        return response

    def _led(self, request: Any, head: dict[str, Any]) -> tuple[Any, list[Any]]:
        """Where redirects led a request: the last one, and the responses on the way."""
        httpx = self._httpx
        history: list[Any] = []
        for hop in head["redirects"]:
            try:
                following = httpx.Request(hop["method"], hop["url"])
            except (httpx.InvalidURL, UnicodeError):
                break  # no client was ever led there: somebody made this up
            redirect = httpx.Response(
                hop["status"],
                headers={"location": hop["location"].encode()},
                request=request,
                content=b"",
                history=history,
            )
            redirect.elapsed = _duration(0)
            history.append(redirect)
            request = following
        return request, history

    def _tap(self, client: Any, live: Any, recording: Recording) -> Any:
        """The live response, or one like it whose body is recorded on its way."""
        reason = live.reason_phrase
        headers = recording.begin(
            live.status_code,
            _pairs_of_text(live.headers),
            sent=[(name.lower(), value) for name, value in _pairs_of_text(live.request.headers)],
            client=self._client,
            http=live.http_version,
            reason=None if reason == self._standard_reason(live.status_code) else reason,
            redirects=[_hop(response, following) for response, following in _pairs(live)],
        )
        live.extensions["cachy"] = {"from": "network", "key": recording.key}
        if headers is None:
            return live
        stream = self._tapped_stream(live, recording)
        finalize(stream, recording.abandon)  # a stream that is dropped unclosed
        response = self._response(
            client,
            live.status_code,
            to_wire(headers),
            stream,
            live.request,
            live.extensions,
            live.history,
        )
        stream.response = ref(response)
        return response

    def _response(
        self,
        client: Any,
        status: int,
        headers: Wire,
        stream: Any,
        request: Any,
        extensions: dict[str, Any],
        history: list[Any],
    ) -> Any:
        return self._httpx.Response(
            status,
            headers=headers,
            stream=stream,
            request=request,
            extensions=extensions,
            history=history,
            # Given to a client's constructor, and told by nothing public afterwards.
            default_encoding=getattr(client, "_default_encoding", "utf-8"),
        )

    def _standard_reason(self, status: int) -> str:
        return str(self._httpx.codes.get_reason_phrase(status))


_MOCKERS = frozenset({"respx", "pytest_httpx", "unittest"})


@lru_cache(maxsize=64)
def _is_mock(function: Any) -> bool:
    """Whether a method comes from a mocking library. Instrumentation wraps methods instead, and
    says so in `__wrapped__`."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    home = getattr(function, "__module__", None) or type(function).__module__
    return home.partition(".")[0] in _MOCKERS


def _origin(head: dict[str, Any]) -> dict[str, Any]:
    """Where a response came from: what `response.extensions["cachy"]` tells."""
    if "miss" in head:
        return {"from": "miss", "miss": head["miss"]}
    return {"from": "store", "key": head["key"][:KEY_LENGTH], "recorded": head.get("recorded")}


def _read_timeout(request: Any) -> float | None:
    """The seconds for which a client waits for an answer; None for ever."""
    timeout = request.extensions.get("timeout")
    seconds = timeout.get("read") if isinstance(timeout, dict) else None
    return seconds if isinstance(seconds, int | float) else None


def _duration(ms: float) -> timedelta:
    return timedelta(0, ms / 1000)


def _pairs_of_text(headers: Any) -> list[tuple[str, str]]:
    """Headers as text that encodes back to the same bytes."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.raw]


def _pairs(live: Any) -> Iterator[tuple[Any, Any]]:
    """Each response of a redirected call's history with the request that followed it."""
    requests = [response.request for response in live.history[1:]] + [live.request]
    return zip(live.history, requests, strict=True) if live.history else iter(())


def _hop(response: Any, following: Any) -> dict[str, Any]:
    return {
        "status": response.status_code,
        "location": redacted_url(str(response.url.join(response.headers.get("location", "")))),
        "method": following.method,
        "url": redacted_url(str(following.url)),
    }
