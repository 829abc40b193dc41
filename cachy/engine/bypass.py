"""Calls that go past cachy: noticed, warned of once for each host and package, and counted; refused
where that is asked for.

    connecting   a TLS connection to a cached host, while no patched client is at work
    leaving      a call to a cached host by a client that is known, and not recorded
    upgrading    a websocket to a cached host, opened by a patched client
    passing      a patched client asks a model on a host that is not in `doms`

In doubt nothing is said: a false alarm would be ignored, and the next true one with it.
"""

from __future__ import annotations

import os
import sys
from contextvars import ContextVar
from gc import get_referents
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.engine.inflight import running_loop
from cachy.lazy import urls
from cachy.rules.hosts import Route
from cachy.rules.model_calls import asks_model
from cachy.rules.url import DEFAULT_PORTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cachy.engine.cache import Cache

at_work: ContextVar[bool] = ContextVar("cachy_at_work", default=False)
"""Whether a patched client is making a call in this task or thread, recorded or not. Tasks that are
born within one inherit it: they open its connections."""

_PLUMBING = frozenset(
    {
        *("ssl", "socket", "http", "urllib", "asyncio", "anyio", "trio", "sniffio", "uvloop"),
        *("concurrent", "contextlib", "functools", "importlib", "runpy", "threading", "truststore"),
    }
)
"""What stands between a program and its connections, whoever opens them."""
_CLIENTS = frozenset(
    {
        *("httpx", "httpx2", "httpcore", "httpcore2", "urllib3", "requests", "aiohttp"),
        *("botocore", "boto3", "opentelemetry", "wrapt", "tenacity"),
    }
)
_CONNECTS = frozenset({"create_connection", "start_tls"})


class _Past(NamedTuple):
    """A call that went past: `said` is what the summary calls it."""

    said: str
    by: str
    warning: str
    reason: str
    remedy: str


def connecting(cache: Cache, host: str, port: int | None) -> None:
    """Note a TLS connection that no patched client opens. Raise CacheMiss where it is refused."""
    if not _is_off(cache) and cache.settings.hosts.covers(host, port):
        _raise(cache, _unrecorded(host, _opener(host)), "CONNECT", f"https://{host}")


def leaving(cache: Cache, url: str, by: str, method: str = "POST") -> None:
    """Note a call by a client that is not recorded, if its host is cached. Raise CacheMiss where it
    is refused."""
    if host := _cached_host(cache, url):
        _raise(cache, _unrecorded(host, by), method, url)


def upgrading(cache: Cache, method: str, url: str, upgrade: str) -> Route | None:
    """Note a websocket that a patched client opens to a cached host. Return None if it goes
    through, or a route by which it is refused."""
    if "websocket" in upgrade.lower() and (host := _cached_host(cache, url)):
        return _route(cache, _unrecorded(host, "a websocket"), method, url, in_doms=True)
    return None


def passing(cache: Cache, method: str, url: str, body: bytes | None) -> Route | None:
    """Note a request to a host that is not in `doms`, if it asks a model. Return None if it goes
    through, or a route by which it is refused. `body` is its body, if that is at hand."""
    parts = urls.urlsplit(url)
    if not asks_model(parts.path, body):
        return None
    host = _with_port(parts)
    by = _name(_modules_of_stack(), _PLUMBING | _CLIENTS)
    add = _how_to_add(host)
    past = _Past(
        said=f"{host}, which is not in doms",
        by=by,
        warning=(
            f"a call to a model on {host}, by {by}, is not recorded, because the host is not in "
            f'doms: add it with {add}, or silence this with bypass="ignore"'
        ),
        reason=f"{host} is not in doms",
        remedy=f"add the host with {add}",
    )
    return _route(cache, past, method, url, in_doms=False)


def _how_to_add(host: str) -> str:
    argument = f'enable_cachy(doms=doms + ("{host}",))'
    if os.environ.get("PYTEST_CURRENT_TEST"):
        return f"{argument}, or with the line `cachy_doms = {host}` in pytest's configuration"
    return f"{argument}, after `from cachy import doms`"


def may_pass_by(cache: Cache, method: str, url: str) -> bool:
    """Tell whether a request that goes through untouched is one for `passing` to look at."""
    route = cache.settings.hosts.route(method, url)
    return route.asks_model and not route.matches and not _is_off(cache)


def _is_off(cache: Cache) -> bool:
    return cache.settings.bypass == "ignore" or cache.mode.name == "off"


def _cached_host(cache: Cache, url: str) -> str:
    """Return the host of a URL, if calls to it are cached and watched, or an empty string."""
    if _is_off(cache):
        return ""
    parts = urls.urlsplit(url)
    parts = parts._replace(scheme={"wss": "https", "ws": "http"}.get(parts.scheme, parts.scheme))
    matches = cache.settings.hosts.route("POST", parts.geturl()).matches
    return parts.hostname or "" if matches else ""


def _unrecorded(host: str, by: str) -> _Past:
    return _Past(
        said=f"{host} by {by}",
        by=by,
        warning=(
            f"a call to {host} left through {by}, which cachy does not record: it was made live "
            '(bypass="error" refuses such calls, bypass="ignore" is silent)'
        ),
        reason=f"it left through {by}, which cachy does not record",
        remedy='use a client that is recorded, or set bypass="warn"',
    )


def _goes_through(cache: Cache, past: _Past, method: str, url: str, *, in_doms: bool) -> bool:
    """Count a call, and warn of it or tell that it is refused."""
    asked = cache.settings.bypass or ("warn" if cache.mode.calls or not in_doms else "error")
    cache.events.went_past(method, url, past.said, past.by)
    if asked == "warn":
        cache.events.warn(past.warning)
    return asked == "warn"


def _route(cache: Cache, past: _Past, method: str, url: str, *, in_doms: bool) -> Route | None:
    if _goes_through(cache, past, method, url, in_doms=in_doms):
        return None
    return Route(True, False, past.reason, remedy=past.remedy)


def _raise(cache: Cache, past: _Past, method: str, url: str) -> None:
    if not _goes_through(cache, past, method, url, in_doms=True):
        cache.refuse(method, url, Route(True, False, past.reason, remedy=past.remedy))


def _with_port(parts: Any) -> str:
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    default = parts.port in (None, DEFAULT_PORTS.get(parts.scheme))
    return host if default else f"{host}:{parts.port}"


# Who it is


def _opener(host: str) -> str:
    """Return the package that opens a TLS connection."""
    modules = list(_modules_of_stack())
    if modules and modules[0].partition(".")[0] in ("asyncio", "uvloop"):
        # In a callback of the event loop: the task that waits for the connection tells.
        modules = _modules_of_task(host) or modules
    return _name(modules, _PLUMBING)


def _name(modules: Iterable[str], plumbing: frozenset[str]) -> str:
    """Return the first package outside the plumbing, from the inside out; for a program of the
    user's own the plumbing that it uses."""
    nearest = "this program"
    for module in modules:
        package = module.partition(".")[0]
        if package == "__main__":
            return nearest
        if package not in plumbing:
            return package
        nearest = module if package in ("http", "urllib") else package
    return nearest


def _modules_of_stack() -> Iterator[str]:
    frame: Any = sys._getframe(1)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", "__main__"))
        if module.partition(".")[0] != "cachy":
            yield module
        frame = frame.f_back


def _modules_of_task(host: str) -> list[str]:
    """Return the modules of the task that is opening a connection to a host, from the inside out;
    nothing if none is found."""
    if (loop := running_loop()) is None:
        return []
    import asyncio

    found: list[str] = []
    for task in asyncio.all_tasks(loop):
        frames = list(_awaiting(task.get_coro()))
        opening = [frame for frame in frames if frame.f_code.co_name in _CONNECTS]
        if opening:
            found = [str(frame.f_globals.get("__name__", "")) for frame in reversed(frames)]
            if opening[0].f_locals.get("server_hostname") == host:
                break
    return found


def _awaiting(coroutine: Any) -> Iterator[Any]:
    """Yield the frames of a coroutine, from the outside in."""
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is not None:
            yield frame
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
        if type(coroutine).__name__ == "coroutine_wrapper":  # what `__await__` of a coroutine gives
            coroutine = next(iter(get_referents(coroutine)), None)
