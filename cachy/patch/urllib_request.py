"""urllib.request of the standard library.

`AbstractHTTPHandler.do_open` is patched: one request in its final form, below redirects, proxies
and authentication, each hop by itself. Errors are made of responses above it, so a recorded 404 is
raised as the HTTPError that it was. A hit is the same class as a live response. All bodies are read
by the caller, so none of these calls waits for an identical one.
"""

from __future__ import annotations

import sys
from functools import wraps
from typing import TYPE_CHECKING, Any

from cachy.engine.exchange import Do, admit, drive, go_live, note_redirect, resolve
from cachy.engine.inflight import sync_caller
from cachy.engine.recording import Recording
from cachy.engine.tap import begin
from cachy.patch.bodies import read_body
from cachy.patch.fakes import is_mocked
from cachy.patch.functions import Method
from cachy.patch.http_client import head_of, replayed, tap
from cachy.rules.message import Request

if TYPE_CHECKING:
    from types import ModuleType

    from cachy.engine.cache import Cache
    from cachy.engine.exchange import Steps
    from cachy.patch import Current
    from cachy.rules.hosts import Route

_CLIENT = f"urllib.request/{sys.version.partition(' ')[0]}"


def patch(library: ModuleType, current: Current) -> list[Method]:
    """Return the methods to patch of urllib.request."""

    def make(original: Any) -> Any:
        @wraps(original)
        def do_open(handler: Any, http_class: Any, req: Any, **options: Any) -> Any:
            cache = current()
            if cache is None or not req.host:
                return original(handler, http_class, req, **options)
            url = _url(req)
            live = Do(original, handler, http_class, req, **options)
            route = admit(
                cache,
                req.get_method(),
                url,
                lambda: _is_fake(original, http_class),
                upgrade=req.get_header("Upgrade", ""),
                body=req.data,
            )
            if route is None:
                return live.run()
            return drive(_steps(cache, req, url, route, live))

        return do_open

    handler: Any = library.AbstractHTTPHandler
    return [Method(handler, "do_open", make)]


def _steps(cache: Cache, req: Any, url: str, route: Route, live: Do) -> Steps:
    """Answer one request, or send it and record the answer. Returns its response."""
    body = read_body(req.data, "latin-1")
    if body is None:
        return (yield live)
    if body.again is not req.data:
        headers = dict(req.headers), dict(req.unredirected_hdrs)
        req.data = body.again  # which forgets the length of the body
        req.headers, req.unredirected_hdrs = headers
    sent = [(name.lower(), str(value)) for name, value in req.header_items()]
    request = Request(req.get_method(), url, sent, body.data)
    found = yield from resolve(cache, request, route, sync_caller, None, alone=True)
    if found is None:
        return (yield live)
    response: Any
    if isinstance(found, Recording):
        response = yield from go_live(found, live.run)
        tapped = begin(found, head_of(response, _CLIENT), sent, response)
        if tapped is not None:
            tap(response, tapped)
    else:
        response = replayed(found, request.method)
        response.url, response.msg = req.get_full_url(), response.reason
    note_redirect(response.status, url, response.headers.get("location"))
    return response


def _url(req: Any) -> str:
    """Return the URL that is asked for. Through a proxy, `host` is that of the proxy."""
    url: str = req.full_url
    if not url.isascii() or " " in url:
        from urllib.parse import quote

        return quote(url, safe="%/?:@!$&'()*+,;=[]~")
    return url


def _is_fake(original: Any, http_class: Any) -> bool:
    return is_mocked(original, http_class, http_class.request)
