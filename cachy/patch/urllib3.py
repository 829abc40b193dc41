"""urllib3 1.26 and 2, also under requests and botocore.

`HTTPConnectionPool.urlopen` is patched: one request in its final form, and one hop, as PoolManager
and requests follow redirects themselves. For who asks a pool itself to follow them, `_follow` does.
urllib3's own retries are part of the call: they happen within `urlopen`, so a miss, which is raised
before, is not retried.

A hit is the library's own response over one of http.client, in the chunks in which it came. A live
response stays what it is, with its connection, framing and time-outs: its class becomes a subclass
that listens where bytes come out of the connection, below all of `read`, `read1`, `readinto`,
`stream`, `read_chunked` and lines.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from cachy.engine.entries import origin
from cachy.engine.exchange import Do, admit, drive, go_live, note_redirect, resolve
from cachy.engine.inflight import sync_caller
from cachy.engine.recording import Recording
from cachy.engine.tap import begin
from cachy.patch.bodies import header_pairs, read_body
from cachy.patch.fakes import is_mocked
from cachy.patch.functions import Method, warn_unsupported
from cachy.patch.http_client import head_of, replayed
from cachy.patch.urllib3_bodies import LISTENED_TO, keep_whole, listen
from cachy.rules.message import Request
from cachy.rules.url import DEFAULT_PORTS

if TYPE_CHECKING:
    from types import ModuleType

    from cachy.engine.cache import Cache
    from cachy.engine.exchange import Steps
    from cachy.patch import Current
    from cachy.rules.hosts import Route
    from cachy.store.entry import Entry

_SUPPORTED = "urllib3 1.26.9 or later, and urllib3 2"
_ARGUMENTS = (  # of `urlopen`: instrumentation passes them by position
    *("method", "url", "body", "headers", "retries", "redirect", "assert_same_host", "timeout"),
    *("pool_timeout", "release_conn", "chunked", "body_pos", "preload_content", "decode_content"),
)
_SKIPPED = "@@@SKIP_HEADER@@@"  # a header that urllib3 shall not add

reads_whole: ContextVar[bool] = ContextVar("cachy_reads_whole", default=False)
"""Whether the client above will read the whole body at once, as requests does without `stream`."""


def patch(urllib3: ModuleType, current: Current) -> list[Method]:
    """Return the methods to patch of urllib3: that of its pools."""
    library: Any = urllib3
    version = library.__version__.split(".")
    known = version[0] == "2" or version[:2] == ["1", "26"]
    if not known or not all(hasattr(library.HTTPResponse, name) for name in LISTENED_TO):
        warn_unsupported("urllib3", library.__version__, _SUPPORTED)
        return []
    return [Method(library.HTTPConnectionPool, "urlopen", _Adapter(library, current).urlopen)]


class _Call(NamedTuple):
    """One request that is answered or recorded. `given` are the arguments of `urlopen`."""

    cache: Cache
    pool: Any
    url: str
    route: Route
    given: dict[str, Any]


class _Adapter:
    """What needs the library's own classes."""

    def __init__(self, urllib3: Any, current: Current) -> None:
        self._urllib3, self._current = urllib3, current
        self._client = f"urllib3/{urllib3.__version__}"
        is_1 = urllib3.__version__.startswith("1.")
        self._encoding = "latin-1" if is_1 else "utf-8"  # of a body that is text
        self._tells_version = not is_1

    def urlopen(self, original: Any) -> Any:
        """Return what replaces `urlopen`."""

        @wraps(original)
        def urlopen(pool: Any, *arguments: Any, **options: Any) -> Any:
            cache = self._current()
            if cache is None:
                return original(pool, *arguments, **options)
            given = {**dict(zip(_ARGUMENTS, arguments, strict=False)), **options}
            call = self._call(cache, pool, given, original)
            if call is None:
                return Do(original, pool, *arguments, **options).run()
            response = drive(self._steps(call, original))
            if given.get("redirect", True) and response.get_redirect_location():
                return self._follow(call, response)
            return response

        return urlopen

    def _call(self, cache: Cache, pool: Any, given: dict[str, Any], original: Any) -> _Call | None:
        """Return what is to be answered or recorded, or None for what must go through untouched."""
        if "url" not in given or "method" not in given or pool.pool is None:  # it is closed
            return None
        url = _absolute(pool, str(given["url"]))
        route = admit(
            cache,
            given["method"],
            url,
            lambda: is_mocked(original, pool.ConnectionCls),
            upgrade=_upgrade(given.get("headers") or {}),
            body=given.get("body"),
        )
        if route is None:
            return None
        if given.get("assert_same_host", True) and not pool.is_same_host(given["url"]):
            return None  # it will complain
        return _Call(cache, pool, url, route, given)

    def _steps(self, call: _Call, original: Any) -> Steps:
        """Answer one request, or send it and record the answer. Returns its response."""
        cache, pool, url, route, given = call
        body = read_body(given.get("body"), self._encoding)
        if body is None:
            return (yield Do(original, pool, **given))
        given["body"] = body.again
        given["retries"] = self._retries(call)
        headers = given.get("headers")
        headers = header_pairs(pool.headers if headers is None else headers)
        sent = [pair for pair in headers if pair[1] != _SKIPPED]
        request = Request(given["method"], url, sent, body.data)
        timeout = _read_timeout(pool, given.get("timeout", pool.timeout))
        alone = not (given.get("preload_content", True) or reads_whole.get())
        found = yield from resolve(cache, request, route, sync_caller, timeout, alone=alone)
        options = {**given, "redirect": False}
        if found is None:
            return (yield Do(original, pool, **options))
        if isinstance(found, Recording):
            response = yield from go_live(found, original, pool, **options)
            self._tap(response, found, request, given)
        else:
            response = self._replayed(call, found)
        note_redirect(response.status, url, response.headers.get("location"))
        return response

    def _retries(self, call: _Call) -> Any:
        """Return the retries as an object, as `urlopen` makes them."""
        retries = call.given.get("retries")
        kind = self._urllib3.Retry
        if isinstance(retries, kind):
            return retries
        redirect = call.given.get("redirect", True)
        return kind.from_int(retries, redirect=redirect, default=call.pool.retries)

    def _replayed(self, call: _Call, found: Entry) -> Any:
        """Return the response in an entry."""
        given, pool = call.given, call.pool
        original = replayed(found, given["method"])
        options: dict[str, Any] = {}
        if self._tells_version:
            options["version_string"] = found.head.get("http", "HTTP/1.1")
        response = getattr(pool, "ResponseCls", self._urllib3.HTTPResponse)(
            body=original,
            headers=found.head["headers"],
            status=original.status,
            version=original.version,
            reason=original.reason,
            preload_content=False,
            decode_content=given.get("decode_content", True),
            original_response=original,
            pool=pool,
            retries=given["retries"],
            request_method=given["method"],
            request_url=given.get("request_url", given["url"]),  # which 1.26 is given
            **options,
        )
        if original.chunked:
            response.chunked, response.length_remaining = True, None
        response.cachy = origin(found.head)
        response._cachy_head = found.head
        if given.get("preload_content", True):
            _ = response.data  # reads it
        return response

    def _tap(
        self, live: Any, recording: Recording, request: Request, given: dict[str, Any]
    ) -> None:
        """Have the body of a live response recorded."""
        tap = begin(recording, head_of(live, self._client), request.headers, live)
        if tap is None:
            return
        if given.get("preload_content", True) or live._fp is None:
            keep_whole(live, recording, decoded=given.get("decode_content", True))
            return
        listen(live, tap)

    def _follow(self, call: _Call, response: Any) -> Any:
        """Go where a response leads, as `urlopen` does when it is asked to."""
        pool, given = call.pool, call.given
        location = response.get_redirect_location()
        retries = given["retries"]
        try:
            retries = retries.increment(
                given["method"], given["url"], response=response, _pool=pool
            )
        except self._urllib3.exceptions.MaxRetryError:
            if retries.raise_on_redirect:
                response.drain_conn()
                raise
            return response
        headers = pool.headers if given.get("headers") is None else given["headers"]
        headers = self._urllib3._collections.HTTPHeaderDict(headers)
        if response.status == 303:
            given |= {"method": "GET", "body": None, "chunked": False, "body_pos": None}
            for name in ("content-encoding", "content-type", "content-length", "transfer-encoding"):
                headers.discard(name)
        if not pool.is_same_host(location):
            for name in retries.remove_headers_on_redirect:
                headers.discard(name)
        response.drain_conn()
        if not hasattr(response, "_cachy_head"):
            retries.sleep_for_retry(response)
        return pool.urlopen(**{**given, "url": location, "headers": headers, "retries": retries})


def _absolute(pool: Any, url: str) -> str:
    """Return the whole URL of a request to a pool. Through a proxy without a tunnel, it is given
    whole."""
    if not url.isascii() or " " in url:
        url = quote(url, safe="%/?:@!$&'()*+,;=[]~#")
    if url.startswith(("http://", "https://")):
        return url
    host = f"[{pool.host}]" if ":" in pool.host else pool.host
    port = pool.port
    place = "" if port is None or port == DEFAULT_PORTS.get(pool.scheme) else f":{port}"
    return f"{pool.scheme}://{host}{place}{url if url.startswith('/') else f'/{url}'}"


def _upgrade(headers: Any) -> str:
    for name in headers:
        if name.lower() in ("upgrade", b"upgrade"):
            return str(headers[name])
    return ""


def _read_timeout(pool: Any, timeout: Any) -> float | None:
    """Return the seconds for which a call waits for an answer; None for ever."""
    if timeout is not None and not isinstance(timeout, int | float | type(pool.timeout)):
        timeout = pool.timeout  # it stands for the default
    told = (timeout, getattr(timeout, "_read", None), getattr(timeout, "total", None))
    return min((each for each in told if isinstance(each, int | float)), default=None)
