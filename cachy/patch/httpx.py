"""httpx and httpx2, the library passed in as a module.

Two methods of each client are patched:

    send                   a plain hit, through plain functions only; all else goes on to
    _send_single_request   one request on its way to the transport: answer it, or record it

A request is final only in the second: there auth flows and request hooks have added their headers,
and each hop of a redirect comes by itself. So the original `send` runs hooks, redirects and cookies
on a hit as on a live call, and each hop is an entry of its own. A live response stays what it is:
only its stream is replaced, by one that passes the bytes on as they come, and listens.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import timedelta
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import finalize, ref

from cachy import clock
from cachy.engine.cache import LATER, Missing
from cachy.engine.entries import origin
from cachy.engine.exchange import (
    Do,
    Look,
    adrive,
    drive,
    go_live,
    is_inside,
    notice,
    send_live,
    take_off,
)
from cachy.engine.inflight import async_caller, sync_caller
from cachy.engine.recording import Recording
from cachy.engine.threads import LONG
from cachy.errors import CacheMiss
from cachy.patch.fakes import is_fake
from cachy.patch.functions import Method, warn_unsupported
from cachy.patch.httpx_messages import pairs_of_text, read_timeout, translated
from cachy.patch.miss import MissAnswer, answer
from cachy.patch.noted_bodies import TOO_LONG, noted_stream
from cachy.patch.streams import pieces_stream, tapped_stream
from cachy.rules.message import ResponseHead
from cachy.settings import MODES
from cachy.store.entry import Entry, to_wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from cachy.engine.cache import Cache
    from cachy.engine.exchange import Steps
    from cachy.engine.inflight import Caller
    from cachy.engine.threads import Threads
    from cachy.patch import Current
    from cachy.rules.hosts import Route

_LOOKED_INTO = ("send", "_send_single_request")
_CAPABLE = "httpx 0.24 or later, httpx2 2.0 or later"


class _Sent(NamedTuple):
    """What `send` passes on: whether its caller reads the response, and what a look-up gave."""

    request: Any
    stream: bool
    found: Entry | Missing | None


class _Call(NamedTuple):
    """One request that is answered or recorded."""

    cache: Cache
    client: Any
    request: Any
    url: str
    route: Route


_LEAVE: Any = object()
_UNREAD: Any = object()  # of a request whose body is only read while it is sent
_sent: ContextVar[_Sent | None] = ContextVar("cachy_sent", default=None)


def patch(httpx: ModuleType, current: Current) -> list[Method]:
    """Return the methods to patch of both clients of httpx or httpx2."""
    adapter = _Adapter(httpx, current)
    for client_class, flavour in _clients(httpx, adapter).items():
        if not all(hasattr(client_class, name) for name in _LOOKED_INTO):
            warn_unsupported(httpx.__name__, httpx.__version__, _CAPABLE)
            continue
        makers = zip(_LOOKED_INTO, adapter.makers(flavour), strict=True)
        adapter.methods += [Method(client_class, name, make) for name, make in makers]
    return adapter.methods


def _clients(httpx: ModuleType, adapter: _Adapter) -> dict[Any, _Flavour]:
    """Return the classes of clients: they are twice where the module that makes them was loaded
    again."""
    flavours = {"Client": adapter.sync, "AsyncClient": adapter.async_}
    places = [httpx, getattr(httpx, "_client", httpx)]
    return {
        getattr(place, name): flavour
        for place in places
        for name, flavour in flavours.items()
        if hasattr(place, name)
    }


class _Flavour(NamedTuple):
    """What differs between sync and async."""

    stream: Any
    transport: str
    fill: str
    close: str
    limit: int | None
    caller: Callable[[], Caller | None]


class _Adapter:
    """What needs the library's own classes."""

    def __init__(self, httpx: ModuleType, current: Current) -> None:
        self._httpx, self._current = httpx, current
        self._client = f"{httpx.__name__}/{httpx.__version__}"
        whole = httpx.Response(200, content=b"whole")
        self._keeps_content = whole.__dict__.get("_content") == b"whole" and whole.is_closed
        self.sync = _Flavour(
            httpx.SyncByteStream, "handle_request", "fill", "close", None, sync_caller
        )
        self.async_ = _Flavour(
            httpx.AsyncByteStream, "handle_async_request", "afill", "aclose", LONG, async_caller
        )
        self._fakes = (httpx.MockTransport, httpx.ASGITransport, httpx.WSGITransport)
        self._real = (httpx.HTTPTransport, httpx.AsyncHTTPTransport)
        self._plain_auths = (type(None), httpx.BasicAuth)  # add nothing that decides an answer
        self._reasons = {int(c): httpx.codes.get_reason_phrase(c).encode() for c in httpx.codes}
        self._tapped = tapped_stream(httpx)
        self._noted = noted_stream(httpx)
        self._pieces = pieces_stream(httpx)
        self.methods: list[Method] = []

    def _put_again(self, name: str) -> None:
        """Put on again what another tool has taken off: of the two methods of a client, each looks
        after the other."""
        if self._current() is not None:
            for method in self.methods:
                if method.name == name:
                    method.put()

    def makers(self, flavour: _Flavour) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
        """Return what makes the replacements of `_LOOKED_INTO` from the originals."""
        if flavour is self.sync:
            return self._sync_send, self._sync_single
        return self._async_send, self._async_single

    def _sync_send(self, original: Any) -> Any:
        @wraps(original)
        def send(client: Any, request: Any, *, stream: bool = False, **options: Any) -> Any:
            cache = self._current()
            if cache is None or _is_seen(request):
                return original(client, request, stream=stream, **options)
            found = self._plain_hit(cache, client, request, stream, options, self.sync)
            if found.__class__ is not _Sent:
                return found
            self._put_again("_send_single_request")
            token = _sent.set(found)
            try:
                return Do(original, client, request, stream=stream, **options).run()
            finally:
                _sent.reset(token)
                _give_back(found)

        return send

    def _async_send(self, original: Any) -> Any:
        @wraps(original)
        async def send(client: Any, request: Any, *, stream: bool = False, **options: Any) -> Any:
            cache = self._current()
            if cache is None or _is_seen(request):
                return await original(client, request, stream=stream, **options)
            found = self._plain_hit(cache, client, request, stream, options, self.async_)
            if found.__class__ is not _Sent:
                return found
            self._put_again("_send_single_request")
            token = _sent.set(found)
            try:
                return await Do(original, client, request, stream=stream, **options).arun()
            finally:
                _sent.reset(token)
                _give_back(found)

        return send

    def _sync_single(self, original: Any) -> Any:
        @wraps(original)
        def single(client: Any, request: Any) -> Any:
            call = self._call(client, request, self.sync)
            if call is None:
                return original(client, request)
            return drive(self._steps(call, original, self.sync))

        return single

    def _async_single(self, original: Any) -> Any:
        @wraps(original)
        async def single(client: Any, request: Any) -> Any:
            call = self._call(client, request, self.async_)
            if call is None:
                return await original(client, request)
            return await adrive(self._steps(call, original, self.async_))

        return single

    def _call(self, client: Any, request: Any, flavour: _Flavour) -> _Call | None:
        """Return what is to be answered or recorded, or None for what must go through untouched."""
        cache = self._current()
        if cache is None:
            return None
        if _sent.get() is None:  # it did not come by our `send`
            self._put_again("send")
        url = str(request.url)
        route = None if _is_left(request) else self._route(cache, client, request, url, flavour)
        if route is None and not is_inside():
            route = notice(
                cache,
                request.method,
                url,
                lambda: self._is_fake(cache, client, request, flavour),
                upgrade=request.headers.get("upgrade", ""),
                body=getattr(request, "_content", None),
            )
        return None if route is None else _Call(cache, client, request, url, route)

    def _plain_hit(
        self, cache: Cache, client: Any, request: Any, stream: bool, options: Any, flavour: _Flavour
    ) -> Any:
        """Return the response of a plain hit, or what is known so far of any other request."""
        if not self._is_plain(client, request, options):
            return _Sent(request, stream, None)
        url = str(request.url)
        route = self._route(cache, client, request, url, flavour)
        if route is None:
            return _Sent(request, stream, _LEAVE)
        if not route.cached:
            return _Sent(request, stream, None)
        asked = translated(cache, request, url, route, request.content)
        try:
            found: Any = cache.lookup(asked, route, flavour.limit)
        except CacheMiss:
            found = None  # it could not be understood; the long way says so again
        if found.__class__ is Entry and not 300 <= found.head["status"] < 400:
            return self._response(client, request, found, read=not stream)
        return _Sent(request, stream, found)

    def _is_plain(self, client: Any, request: Any, options: Any) -> bool:
        """Tell whether the request is final, and nobody must see it on its way."""
        hooks = client.event_hooks
        if hooks["request"] or hooks["response"] or not hasattr(request, "_content"):
            return False
        auth = options.get("auth", self._httpx.USE_CLIENT_DEFAULT)
        if auth is self._httpx.USE_CLIENT_DEFAULT:
            auth = client.auth
        return isinstance(auth, self._plain_auths)

    def _route(
        self, cache: Cache, client: Any, request: Any, url: str, flavour: _Flavour
    ) -> Route | None:
        """Return how to treat a request, or None for one that must go through untouched."""
        if is_inside() or client.is_closed:
            return None
        route = cache.route(request.method, url)
        if route is None or not isinstance(request.stream, flavour.stream):
            return None  # of a body of the other flavour the client will complain
        if "upgrade" in request.headers:
            return None
        if self._is_fake(cache, client, request, flavour):
            cache.events.passed(request.method, url, "its transport is a fake")
            return None
        return route

    def _is_fake(self, cache: Cache, client: Any, request: Any, flavour: _Flavour) -> bool:
        return not cache.settings.fakes and is_fake(
            client, request.url, flavour.transport, self._fakes, self._real
        )

    def _steps(self, call: _Call, original: Any, flavour: _Flavour) -> Steps:
        """Answer one request, or send it and record the answer. Returns its response, unread."""
        cache, client, request, url, route = call
        sent = _sent.get()
        mine = sent is not None and sent.request is request
        if sent is not None and not mine:  # a redirect led here: what it gives is no poll
            route = route._replace(poll=False)
        found: Any = sent.found if sent is not None and mine else None
        try:
            if not route.cached:
                found = cache.refuse(request.method, url, route)
            elif found is None or found is LATER or (isinstance(found, Missing) and found.taken):
                found = yield from self._look(call, flavour, route, long=found is LATER)
            if found is None:
                return (yield Do(original, client, request))
            if isinstance(found, Missing):
                found.taken = True
                alone = not mine or sent is None or sent.stream
                timeout = read_timeout(request)
                found = yield from take_off(cache, found, flavour.caller, timeout, alone=alone)
        except CacheMiss as miss:
            found = answer(miss, request.headers)
        if found is _UNREAD:
            return (yield from self._record_unread(call, original, flavour, route))
        if not isinstance(found, Recording):
            if isinstance(request.stream, self._noted):
                request.stream.leave()
            return self._response(client, request, found, read=False)
        live = yield from go_live(found, original, client, request)
        yield from self._tap(live, found, cache.threads)
        return live

    def _look(self, call: _Call, flavour: _Flavour, route: Route, *, long: bool) -> Steps:
        """Look a request up. A body that is sent in pieces is read before, unless nothing can have
        been recorded: then the call goes as without cachy, and its key is known afterwards."""
        cache, request, url = call.cache, call.request, call.url
        if hasattr(request, "_content"):
            body = request.content
        else:
            request.stream = body_stream = self._noted(request.stream)
            if cache.mode.calls and not (
                cache.mode.reads and (yield Look(cache.threads, cache.may_answer, True))
            ):
                return _UNREAD
            yield Do(getattr(body_stream, flavour.fill))
            if not body_stream.whole:
                if not cache.mode.calls:
                    return cache.refuse(request.method, url, route._replace(reason=TOO_LONG))
                cache.not_kept(request.method, url, TOO_LONG)
                return None
            body = body_stream.content
        look = partial(cache.lookup, translated(cache, request, url, route, body), route)
        return (yield Look(cache.threads, look, long))

    def _record_unread(self, call: _Call, original: Any, flavour: _Flavour, route: Route) -> Steps:
        """Send a request whose body is noted on its way, and record the answer."""
        cache, client, request, url, _ = call
        started = clock.perf_counter()
        live = yield from send_live(original, client, request)
        if not request.stream.whole:
            cache.not_kept(request.method, url, TOO_LONG)
            return live
        asked = translated(cache, request, url, route, request.stream.content)
        request.stream.leave()
        look = partial(cache.in_mode(MODES["refresh"]).lookup, asked, route)
        try:
            missing = yield Look(cache.threads, look)
            if isinstance(missing, Missing):
                record = partial(cache.record, missing, None, started=started)
                recording = yield Look(cache.threads, lambda _: record(), missing.is_long)
                yield from self._tap(live, recording, cache.threads)
        except BaseException:  # cancelled
            yield Do(getattr(live, flavour.close))
            raise
        return live

    def _tap(self, live: Any, recording: Recording, threads: Threads) -> Steps:
        """Have the body of a live response recorded on its way."""
        reason = live.reason_phrase
        standard = str(self._httpx.codes.get_reason_phrase(live.status_code))
        head = ResponseHead(
            live.status_code,
            pairs_of_text(live.headers),
            client=self._client,
            http=live.http_version,
            reason=None if reason == standard else reason,
        )
        sent = [(name.lower(), value) for name, value in pairs_of_text(live.request.headers)]
        live.extensions["cachy"] = {"from": "network", "key": recording.key}
        if not recording.begin(head, sent=sent):
            return
        if hasattr(live, "_content"):  # a transport that answers by itself has read it already
            recording.feed_decoded(live.content)
            yield Look(threads, lambda _: recording.commit(), len(live.content) > LONG)
        else:
            live.stream = tapped = self._tapped(live.stream, recording, threads)
            tapped.response = ref(live)
            finalize(tapped, recording.abandon)  # a stream that is dropped unclosed

    def _response(self, client: Any, request: Any, found: Entry | MissAnswer, *, read: bool) -> Any:
        """Return the response in an entry; with `read`, its body has been read."""
        head, body, wire = found
        extensions = {
            "http_version": head["http"].encode() if "http" in head else b"HTTP/1.1",
            "cachy": origin(head),
        }
        if "reason" in head:
            extensions["reason_phrase"] = head["reason"].encode()
        elif "http" not in head:  # HTTP/2 has none
            extensions["reason_phrase"] = self._reasons.get(head["status"], b"")
        response = self._httpx.Response(
            head["status"],
            headers=wire or to_wire(head["headers"]),
            stream=self._pieces(head, body),
            request=request,
            extensions=extensions,
            # Given to a client's constructor, and told by nothing public afterwards.
            default_encoding=getattr(client, "_default_encoding", "utf-8"),
        )
        response.elapsed = timedelta(0, head["ms"] / 1000)
        if read:
            if self._keeps_content:
                # What read() does, without a generator in a generator for a body in one piece.
                response._content = body
                response._num_bytes_downloaded = len(body)
                response.is_closed = response.is_stream_consumed = True
            else:
                response.read()
        return response


def _is_seen(request: Any) -> bool:
    """Tell whether `send` has seen this request: another tool's is between two of ours."""
    sent = _sent.get()
    return sent is not None and sent.request is request


def _is_left(request: Any) -> bool:
    """Tell whether `send` has seen that this request is not for cachy."""
    sent = _sent.get()
    return sent is not None and sent.request is request and sent.found is _LEAVE


def _give_back(sent: _Sent) -> None:
    """Free the number of a request that never reached its transport."""
    missing = sent.found
    if isinstance(missing, Missing) and not missing.taken and missing.number is not None:
        missing.number.give_back()
