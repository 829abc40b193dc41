"""A bucket by signed URLs and plain HTTP: how a process uses it that was forked from one which used
obstore. The threads of that library are not in a child, which would wait for them for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachy.remote.complaints import said_of
from cachy.remote.engine import Denied, Engine, Found, Misconfigured, RemoteError, TooLarge
from cachy.remote.web import Connections, Reply

if TYPE_CHECKING:
    from collections.abc import Callable


class SignedEngine(Engine):
    """Takes a function that signs: method, path ──▶ URL."""

    def __init__(self, sign: Callable[[str, str], str]) -> None:
        self._sign = sign
        self._connections = Connections()

    def get(self, path: str, limit: int) -> Found | None:
        reply = self._send("GET", path, limit=limit)
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise _error(reply)
        if len(reply.body) > limit:
            raise TooLarge("has more bytes than any object of cachy")
        return Found(reply.body, reply.tag)

    def create(self, path: str, data: bytes) -> bool:
        return self._put(path, data, {"If-None-Match": "*"})

    def replace(self, path: str, data: bytes, tag: str) -> bool:
        return self._put(path, data, {"If-Match": tag})

    def _put(self, path: str, data: bytes, headers: dict[str, str]) -> bool:
        # What Azure wants to know of an object; S3 lets it be.
        headers["x-ms-blob-type"] = "BlockBlob"
        reply = self._send("PUT", path, data, headers)
        if reply.status in (200, 201, 204):
            return True
        error = _error(reply)
        absent = reply.status == 404 and "If-Match" in headers
        if reply.status in (409, 412) or (absent and not isinstance(error, Misconfigured)):
            return False
        raise error

    def _send(
        self,
        method: str,
        path: str,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        limit: int = 65536,
    ) -> Reply:
        return self._connections.send(method, self._sign(method, path), data, headers or {}, limit)


def _error(reply: Reply) -> RemoteError:
    said = said_of(f"{reply.status} {reply.body[:2000].decode('utf-8', 'replace')}")
    if reply.status in (401, 403):
        return Denied(said)
    return Misconfigured(said) if "is not there" in said else RemoteError(said)
