"""httpx and httpx2: `Client.send` and `AsyncClient.send`, the library passed in as a module.

    send ──▶ _recall() ──▶ _LEAVE      not for cachy: the original `send`
                      ├──▶ Response    a plain hit, through plain functions only
                      └──▶ _Call ────▶ steps(): look again, wait, call, record; driven sync or async

A call is written once, as a generator of steps (engine/exchange.py). A miss and its later hits look
alike because both responses are made here, in `_response`: from the kept headers, and with a body
that is already decoded.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import timedelta
from functools import lru_cache, partial, wraps
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import finalize, ref

from cachy.engine.cache import Missing
from cachy.engine.exchange import Do, adrive, drive, take_off
from cachy.engine.inflight import Caller, async_caller, running_caller, sync_caller
from cachy.engine.recording import Recording
from cachy.errors import CacheMiss
from cachy.patch.fakes import is_fake
from cachy.patch.miss import MissAnswer, answer
from cachy.rules.key import KEY_LENGTH, SEEN_HEADERS, redacted_url
from cachy.rules.message import Hop, Request, ResponseHead
from cachy.store.entry import Entry, to_wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import ModuleType

    from cachy.engine.cache import Cache
    from cachy.engine.exchange import Steps
    from cachy.patch import Current
    from cachy.rules.hosts import Route
    from cachy.store.entry import Wire

# A transport may itself use a client: one call is one recording, that of the outermost. A task that
# is born within a call inherits this, and is not taken for it.
_inside: ContextVar[Caller | None] = ContextVar("cachy_inside", default=None)
_LEAVE: Any = object()


def patch(httpx: ModuleType, current: Current) -> list[Callable[[], None]]:
    """Patch both clients of httpx or httpx2, once. Return the functions that undo it."""
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


class _Flavour(NamedTuple):
    """What differs between sync and async: the bodies that can be sent, and names of methods."""

    stream: Any
    transport: str
    read: str
    close: str
    caller: Callable[[], Caller]


class _Call(NamedTuple):
    """A call that is more than a plain hit. `found` is what the look-up gave; None if the body of
    the request must be read before there can be one."""

    cache: Cache
    client: Any
    request: Any
    stream: bool
    route: Route
    found: Entry | Missing | MissAnswer | None


class _Adapter:
    """What needs the library's own classes."""

    def __init__(self, httpx: ModuleType) -> None:
        self._httpx = httpx
        self._client = f"{httpx.__name__}/{httpx.__version__}"
        whole = httpx.Response(200, content=b"whole")
        self._keeps_content = whole.__dict__.get("_content") == b"whole" and whole.is_closed
        self._sync = _Flavour(httpx.SyncByteStream, "handle_request", "read", "close", sync_caller)
        self._async = _Flavour(
            httpx.AsyncByteStream, "handle_async_request", "aread", "aclose", async_caller
        )
        self._fakes = (httpx.MockTransport, httpx.ASGITransport, httpx.WSGITransport)
        self._tapped_stream = _tapped_stream(httpx)

    def sync_send(self, original: Any, current: Current) -> Any:
        """Return what takes the place of `Client.send`."""

        @wraps(original)
        def send(client: Any, request: Any, *, stream: bool = False, **options: Any) -> Any:
            cache = current()
            recalled = _LEAVE
            if cache is not None:
                recalled = self._recall(cache, client, request, stream, self._sync)
            if recalled is _LEAVE:
                return original(client, request, stream=stream, **options)
            if recalled.__class__ is not _Call:
                return recalled
            return drive(self._steps(recalled, self._sync, original, options))

        return send

    def async_send(self, original: Any, current: Current) -> Any:
        """Return what takes the place of `AsyncClient.send`."""

        @wraps(original)
        async def asend(client: Any, request: Any, *, stream: bool = False, **options: Any) -> Any:
            cache = current()
            recalled = _LEAVE
            if cache is not None:
                recalled = self._recall(cache, client, request, stream, self._async)
            if recalled is _LEAVE:
                return await original(client, request, stream=stream, **options)
            if recalled.__class__ is not _Call:
                return recalled
            return await adrive(self._steps(recalled, self._async, original, options))

        return asend

    def _recall(
        self, cache: Cache, client: Any, request: Any, stream: bool, flavour: _Flavour
    ) -> Any:
        """Return the response of a plain hit, the call to be made, or _LEAVE for a request that
        must go through untouched."""
        if ((inside := _inside.get()) is not None and inside == running_caller()) or (
            client.is_closed
        ):
            return _LEAVE
        method, url = request.method, str(request.url)
        route = cache.route(method, url)
        if route is None or not isinstance(request.stream, flavour.stream):
            return _LEAVE  # of a body of the other flavour the client will complain
        if not cache.settings.fakes and is_fake(
            client, request.url, flavour.transport, self._fakes
        ):
            cache.events.passed(method, url, "its transport is a fake")
            return _LEAVE
        if "upgrade" in request.headers:
            return _LEAVE
        found: Entry | Missing | MissAnswer | None = None
        try:
            if not route.cached:
                raise cache.refuse(method, url, route)
            if hasattr(request, "_content"):
                found = cache.lookup(_translated(request, method, url), route)
                if found is None:
                    return _LEAVE
        except CacheMiss as miss:
            found = answer(miss, request.headers)
        if found.__class__ is Entry and not stream:
            hooks = client.event_hooks
            if not (hooks["request"] or hooks["response"]):
                return self._replay(client, request, found, unread=False)
        return _Call(cache, client, request, stream, route, found)

    def _steps(self, call: _Call, flavour: _Flavour, original: Any, options: Any) -> Steps:
        """Make a call that is not a plain hit. Returns its response."""
        cache, client, request, stream, route, found = call
        answered: Entry | MissAnswer | Recording
        try:
            if found is None:
                yield Do(getattr(request, flavour.read))
                asked = _translated(request, request.method, str(request.url))
                found = cache.lookup(asked, route)
                if found is None:
                    return (yield Do(original, client, request, stream=stream, **options))
            if isinstance(found, Missing):
                timeout = _read_timeout(request)
                answered = yield from take_off(cache, found, flavour.caller, timeout)
            else:
                answered = found
        except CacheMiss as miss:
            answered = answer(miss, request.headers)
        if isinstance(answered, Recording):
            response = yield from self._record(call, answered, original, options)
            hooks: list[Any] = []
        else:
            response = self._replay(client, request, answered, unread=True)
            hooks = [partial(hook, request) for hook in client.event_hooks["request"]]
            hooks += [partial(hook, response) for hook in client.event_hooks["response"]]
        try:
            for hook in hooks:
                yield Do(hook)
            if not stream:
                yield Do(getattr(response, flavour.read))
        except BaseException:
            yield Do(getattr(response, flavour.close))
            raise
        return response

    def _record(self, call: _Call, recording: Recording, original: Any, options: Any) -> Steps:
        """Call live. Returns the response, unread, its body recorded on its way."""
        token = _inside.set(running_caller())
        try:
            live = yield Do(original, call.client, call.request, stream=True, **options)
        except BaseException:
            recording.abandon("the call failed")
            raise
        finally:
            _inside.reset(token)
        response = self._tap(call, live, recording)
        if call.stream:
            recording.hand_over()
        return response

    def _replay(self, client: Any, request: Any, found: Entry | MissAnswer, *, unread: bool) -> Any:
        """Return the response in an entry, as `send` returns it; if `unread`, with its body to
        come."""
        head, body, wire = found
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
        """Return where redirects led a request: the last one, and the responses on the way."""
        httpx = self._httpx
        history: list[Any] = []
        for hop in head["redirects"]:
            try:
                following = httpx.Request(hop["method"], hop["url"])
            except (httpx.InvalidURL, UnicodeError):
                break  # no client was ever redirected there: the entry was made up
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

    def _tap(self, call: _Call, live: Any, recording: Recording) -> Any:
        """Return the live response, or one like it whose body is recorded on its way."""
        reason = live.reason_phrase
        standard = str(self._httpx.codes.get_reason_phrase(live.status_code))
        head = ResponseHead(
            live.status_code,
            _pairs_of_text(live.headers),
            client=self._client,
            http=live.http_version,
            reason=None if reason == standard else reason,
            redirects=[_hop(response, following) for response, following in _pairs(live)],
        )
        sent = [(name.lower(), value) for name, value in _pairs_of_text(live.request.headers)]
        headers = recording.begin(head, sent=sent)
        live.extensions["cachy"] = {"from": "network", "key": recording.key}
        if headers is None:
            return live
        stream = self._tapped_stream(live, recording, call.cache.threads)
        finalize(stream, recording.abandon)  # a stream that is dropped unclosed
        response = self._response(
            call.client,
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


def _tapped_stream(httpx: ModuleType) -> Any:
    """Return the class of a live response's decoded body, recorded on its way to the caller."""

    class TappedStream(httpx.SyncByteStream, httpx.AsyncByteStream):  # type: ignore[misc,name-defined]
        def __init__(self, live: Any, recording: Recording, threads: Any) -> None:
            self._live, self._recording, self._threads = live, recording, threads
            self.response: Any = None  # a weak reference: a dropped response is gone at once

        def __iter__(self) -> Iterator[bytes]:
            recording = self._recording
            try:
                for piece in self._live.iter_bytes():
                    passing = recording.feed(piece)
                    if recording.may_be_whole:
                        recording.commit(closing=False)
                    if passing:
                        yield passing
            except Exception:
                if held := recording.release():
                    yield held
                raise
            if held := recording.ended():
                yield held

        async def __aiter__(self) -> AsyncIterator[bytes]:
            recording = self._recording
            try:
                async for piece in self._live.aiter_bytes():
                    passing = recording.feed(piece)
                    if recording.may_be_whole:
                        await self._threads.run(partial(recording.commit, closing=False))
                    if passing:
                        yield passing
            except Exception:
                if held := recording.release():
                    yield held
                raise
            if held := recording.ended():
                yield held

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
                    await self._threads.run(self._recording.commit)

        def _set_elapsed(self) -> None:
            if (response := self.response()) is not None:
                response.elapsed = _duration(self._recording.ms())

    return TappedStream


def _translated(request: Any, method: str, url: str) -> Request:
    headers = [
        (name, value.decode("latin-1"))
        for sent, value in request.headers.raw
        if (name := _seen(sent)) is not None
    ]
    return Request(method, url, headers, request.content)


@lru_cache(maxsize=1024)
def _seen(name: bytes) -> str | None:
    """Return the lower-case name of a header; None for one that a key does not depend on."""
    lower = name.decode("latin-1").lower()
    return lower if lower in SEEN_HEADERS else None


def _origin(head: dict[str, Any]) -> dict[str, Any]:
    """Return where a response came from: what `response.extensions["cachy"]` tells."""
    if "miss" in head:
        return {"from": "miss", "miss": head["miss"]}
    return {"from": "store", "key": head["key"][:KEY_LENGTH], "recorded": head.get("recorded")}


def _read_timeout(request: Any) -> float | None:
    """Return the seconds for which a client waits for an answer; None for ever."""
    timeout = request.extensions.get("timeout")
    seconds = timeout.get("read") if isinstance(timeout, dict) else None
    return seconds if isinstance(seconds, int | float) else None


def _duration(ms: float) -> timedelta:
    return timedelta(0, ms / 1000)


def _pairs_of_text(headers: Any) -> list[tuple[str, str]]:
    """Return headers as text that encodes back to the same bytes."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.raw]


def _pairs(live: Any) -> Iterator[tuple[Any, Any]]:
    """Return each response of a redirected call's history with the request that followed it."""
    requests = [response.request for response in live.history[1:]] + [live.request]
    return zip(live.history, requests, strict=True) if live.history else iter(())


def _hop(response: Any, following: Any) -> Hop:
    return Hop(
        response.status_code,
        redacted_url(str(response.url.join(response.headers.get("location", "")))),
        following.method,
        redacted_url(str(following.url)),
    )
