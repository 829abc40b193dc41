"""A web server as remote: GET, and PUT where it is allowed. Objects are at the paths below its
URL, and cannot be listed.

Over `http.client`, so that nothing is installed, and with connections that are kept: a session
asks many times.
"""

from __future__ import annotations

import base64
import http.client
import os
import socket
import threading
import weakref
from abc import abstractmethod
from typing import TYPE_CHECKING, NamedTuple

from cachy.lazy import urls
from cachy.remote.engine import (
    PATIENCE,
    Denied,
    Engine,
    Found,
    Misconfigured,
    RemoteError,
    TooLarge,
)

if TYPE_CHECKING:
    from cachy.remote.address import Address

TOKEN_VARIABLE = "CACHY_REMOTE_TOKEN"
"""The environment variable with a bearer token for a remote that is a web server."""


_Open = dict[tuple[str, str, int], http.client.HTTPConnection]  # by scheme, host and process


class Reply(NamedTuple):
    """What a server answered. `tag` is its ETag."""

    status: int
    body: bytes
    tag: str
    length: int = 0


class Connections(threading.local):
    """The connections of a thread, by scheme and host."""

    def __init__(self) -> None:
        self._open: _Open = {}
        # A socket that is left to the garbage collector warns of it, amid somebody's tests.
        weakref.finalize(self, _close_all, self._open).atexit = False

    def send(
        self, method: str, url: str, data: bytes | None, headers: dict[str, str], limit: int
    ) -> Reply:
        """Make a request, and return the answer with at most `limit` bytes, and one more. Raises
        RemoteError."""
        parts = urls.urlsplit(url)
        place = parts.scheme, parts.netloc.rpartition("@")[2], os.getpid()
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        for may_be_stale in (place in self._open, False):
            connection = self._open.pop(place, None) or _connect(*place[:2])
            try:
                connection.request(method, target, data, headers)
                response = connection.getresponse()
                if (response.length or 0) > limit:  # its body is left where it is
                    connection.close()
                    raise TooLarge(f"has {response.length:,} bytes, more than any object of cachy")
                body = response.read(limit + 1)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                # The server may have closed a connection that was idle.
                if may_be_stale and not isinstance(error, TimeoutError):
                    continue
                raise RemoteError(_reason(error)) from None
            if response.isclosed() and not response.will_close:
                self._open[place] = connection
            else:
                connection.close()
            return Reply(response.status, body, response.headers.get("ETag") or "")
        raise RemoteError("the connection is closed again and again")


def _close_all(connections: _Open) -> None:
    for connection in connections.values():
        connection.close()


class HttpEngine(Engine):
    """Objects by GET and PUT. The tag of an object is its ETag."""

    absent: tuple[int, ...] = (404,)
    """The statuses of what is not there."""

    def get(self, path: str, limit: int) -> Found | None:
        reply = self._send("GET", path, limit=limit)
        if reply.status in self.absent:
            return None
        if reply.status != 200:
            raise self._error(reply)
        if len(reply.body) > limit:
            raise TooLarge("has more bytes than any object of cachy")
        return Found(reply.body, reply.tag)

    def create(self, path: str, data: bytes) -> bool:
        return self._put(path, data, {"If-None-Match": "*"})

    def replace(self, path: str, data: bytes, tag: str) -> bool:
        return self._put(path, data, {"If-Match": tag})

    @abstractmethod
    def _put(self, path: str, data: bytes, headers: dict[str, str]) -> bool:
        """Put an object, under a condition; return whether that was met."""

    @abstractmethod
    def _send(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        limit: int = 65536,
    ) -> Reply:
        """Send a request, and return the answer. Raises RemoteError."""

    @abstractmethod
    def _error(self, reply: Reply) -> RemoteError:
        """Return what an answer means that is none of the expected ones."""


class WebEngine(HttpEngine):
    """A web server."""

    absent = (404, 410)

    def __init__(self, address: Address) -> None:
        self._base = f"{address.scheme}://{address.place}/{address.prefix}".rstrip("/")
        self._headers: dict[str, str] = {}
        if address.user or address.password:
            pair = f"{address.user}:{address.password}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        elif address.trusted and (token := os.environ.get(TOKEN_VARIABLE, "").strip()):
            self._headers["Authorization"] = f"Bearer {token}"
        self._connections = Connections()

    def replace(self, path: str, data: bytes, tag: str) -> bool:
        if not tag:
            raise Misconfigured("the server gives no ETags, so nothing can be replaced safely")
        return super().replace(path, data, tag)

    def _put(self, path: str, data: bytes, headers: dict[str, str]) -> bool:
        headers["Content-Type"] = "application/octet-stream"
        reply = self._send("PUT", path, data, headers)
        if reply.status in (200, 201, 204):
            return True
        if reply.status in (409, 412):
            return False
        raise self._error(reply)

    def _send(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        limit: int = 65536,
    ) -> Reply:
        url = f"{self._base}/{path}"
        return self._connections.send(method, url, data, self._headers | (headers or {}), limit)

    def _error(self, reply: Reply) -> RemoteError:
        status = f"{reply.status} {http.client.responses.get(reply.status, '')}".strip()
        if reply.status in (401, 403, 405, 407, 501):
            return Denied(f"the server answers {status}")
        if 300 <= reply.status < 400:
            return Misconfigured(f"the server answers {status}: give the URL that it leads to")
        return RemoteError(f"the server answers {status}")


def _connect(scheme: str, netloc: str) -> http.client.HTTPConnection:
    """Return a connection, through the proxy of the environment if there is one for this host."""
    from urllib.request import getproxies, proxy_bypass

    secure = scheme == "https"
    host = netloc.rpartition(":")[0] if netloc.rpartition(":")[2].isdecimal() else netloc
    proxy = "" if proxy_bypass(host.strip("[]")) else getproxies().get(scheme, "")
    if not proxy:
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        return kind(netloc, timeout=PATIENCE)
    parts = urls.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if not secure:
        raise Misconfigured("http:// does not go through a proxy: use https://, or set NO_PROXY")
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    tunnel = {}
    if parts.username:
        pair = urls.unquote(f"{parts.username}:{parts.password or ''}").encode()
        tunnel["Proxy-Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    connection.set_tunnel(netloc, headers=tunnel)
    return connection


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError | socket.timeout):
        return "it does not answer in time"
    if isinstance(error, http.client.HTTPException):
        return f"what it answers is no HTTP ({type(error).__name__})"
    return str(error) or type(error).__name__
