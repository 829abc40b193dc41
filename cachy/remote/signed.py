"""A bucket by signed URLs and plain HTTP: how a process uses it that was forked from one which used
obstore. The threads of that library are not in a child, which would wait for them for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachy.remote.complaints import said_of
from cachy.remote.engine import Denied, Misconfigured, RemoteError
from cachy.remote.web import Connections, HttpEngine, Reply

if TYPE_CHECKING:
    from collections.abc import Callable


class SignedEngine(HttpEngine):
    """Takes a function that signs: method, path ──▶ URL."""

    def __init__(self, sign: Callable[[str, str], str]) -> None:
        self._sign = sign
        self._connections = Connections()

    def _put(self, path: str, data: bytes, headers: dict[str, str]) -> bool:
        # What Azure wants to know of an object; S3 lets it be.
        headers["x-ms-blob-type"] = "BlockBlob"
        reply = self._send("PUT", path, data, headers)
        if reply.status in (200, 201, 204):
            return True
        error = self._error(reply)
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

    def _error(self, reply: Reply) -> RemoteError:
        said = said_of(f"{reply.status} {reply.body[:2000].decode('utf-8', 'replace')}")
        if reply.status in (401, 403):
            return Denied(said)
        return Misconfigured(said) if "is not there" in said else RemoteError(said)
