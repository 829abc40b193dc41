"""Clients that are noticed, not recorded (`cachy/engine/bypass.py`).

    ssl                             the two doors of all of Python's TLS: http.client, asyncio,
                                    anyio, trio, websockets. Once a connection, with the host's name
                                    whatever proxy is between
    grpc, grpc.aio                  do TLS of their own; noticed where a call is made
    curl_cffi                       likewise
    pycurl                          likewise; its classes, of C, give way to subclasses

A connection that is kept alive passes the doors of ssl once. Plain HTTP to a host in `doms` by one
of the first, and TLS in other libraries of C or Rust (primp, rnet), are not seen.
"""

from __future__ import annotations

from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any

from cachy.engine.bypass import at_work, connecting, leaving
from cachy.patch.functions import Method

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from cachy.patch import Current


_DOORS = {"wrap_socket": 4, "wrap_bio": 3}
"""Method of an SSLContext -> which of its arguments, by position, is the name of the server."""
_GRPC_CALLS = ("__call__", "with_call", "future")


def patch(library: ModuleType, current: Current) -> list[Method]:
    """Return the methods of a library to patch, so that its calls are noticed."""
    return _PATCHES[library.__name__](library, current)


def _patch_ssl(ssl: Any, current: Current) -> list[Method]:
    def make(place: int) -> Callable[[Any], Any]:
        def replacement(original: Any) -> Any:
            @wraps(original)
            def wrap(context: Any, *arguments: Any, **options: Any) -> Any:
                if not at_work.get() and (cache := current()) is not None:
                    host = options.get("server_hostname")
                    if host is None and len(arguments) > place:
                        host = arguments[place]
                    if isinstance(host, bytes):
                        host = host.decode("ascii", "replace")
                    if isinstance(host, str):  # a server's own end has none
                        connecting(cache, host.lower(), _port(arguments, options))
                return original(context, *arguments, **options)

            return wrap

        return replacement

    return [Method(ssl.SSLContext, name, make(place)) for name, place in _DOORS.items()]


def _port(arguments: tuple[Any, ...], options: dict[str, Any]) -> int | None:
    """Return the port that a socket is connected to, if it is one, and not a proxy's."""
    sock = arguments[0] if arguments else options.get("sock")
    with suppress(AttributeError, OSError, IndexError, TypeError):
        return int(sock.getpeername()[1])  # type: ignore[union-attr]
    return None


def _patch_grpc(module: Any, current: Current) -> list[Method]:
    """Patch what a stub consists of: a call of each kind. It knows its channel and method."""

    def replacement(original: Any) -> Any:
        @wraps(original)
        def call(stub: Any, *arguments: Any, **options: Any) -> Any:
            if (cache := current()) is not None:
                leaving(cache, _url(stub), "grpc")
            return original(stub, *arguments, **options)

        return call

    kinds = [each for name, each in vars(module).items() if name.endswith("MultiCallable")]
    return [
        Method(kind, name, replacement)
        for kind in kinds
        if kind.__module__ == module.__name__
        for name in _GRPC_CALLS
        if name in vars(kind)
    ]


def _url(stub: Any) -> str:
    """Return where a gRPC call goes: targets are `dns:///api.x.ai:443`, and like it."""
    target, method = stub._channel.target, stub._method
    target = target() if callable(target) else target
    target = target.decode() if isinstance(target, bytes) else target
    method = method.decode() if isinstance(method, bytes) else method
    host = target.rpartition("/")[2]
    return f"https://{host}{method}"


def _patch_curl_cffi(module: Any, current: Current) -> list[Method]:
    def replacement(original: Any) -> Any:
        @wraps(original)
        def request(session: Any, method: str, url: str, *arguments: Any, **options: Any) -> Any:
            if (cache := current()) is not None:
                leaving(cache, str(url), "curl_cffi", str(method))
            return original(session, method, url, *arguments, **options)

        return request

    sessions = (module.Session, module.AsyncSession)
    return [Method(session, "request", replacement) for session in sessions]


def _patch_pycurl(pycurl: Any, current: Current) -> list[Method]:
    """Handles know their URL by the last option that set it."""

    def left(handle: Any) -> None:
        if (cache := current()) is not None:
            url = getattr(handle, "_cachy_url", "")
            url = url.decode("latin-1") if isinstance(url, bytes) else url
            leaving(cache, url if "://" in url else f"http://{url}", "pycurl")

    def curl(original: Any) -> Any:
        class Curl(original):  # type: ignore[misc]
            __doc__ = original.__doc__

            def setopt(self, option: int, value: Any) -> Any:
                if option == pycurl.URL:
                    self._cachy_url = value
                return super().setopt(option, value)

        def performing(name: str) -> Any:
            perform = getattr(original, name)

            @wraps(perform)
            def performed(handle: Any) -> Any:
                left(handle)
                return perform(handle)

            return performed

        for name in ("perform", "perform_rb", "perform_rs"):
            setattr(Curl, name, performing(name))
        return Curl

    def multi(original: Any) -> Any:
        class CurlMulti(original):  # type: ignore[misc]
            __doc__ = original.__doc__

            def add_handle(self, handle: Any) -> Any:
                left(handle)
                return super().add_handle(handle)

        return CurlMulti

    return [Method(pycurl, "Curl", curl), Method(pycurl, "CurlMulti", multi)]


_PATCHES: dict[str, Callable[[Any, Current], list[Method]]] = {
    "ssl": _patch_ssl,
    "grpc._channel": _patch_grpc,
    "grpc.aio._channel": _patch_grpc,
    "curl_cffi.requests.session": _patch_curl_cffi,
    "pycurl": _patch_pycurl,
}
