"""Redis as remote: `cachy:1:KEY`, the bytes of an object as everywhere. It forgets what is not used
by itself: maxmemory, with allkeys-lru."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cachy.remote.engine import (
    PATIENCE,
    Denied,
    Engine,
    Found,
    Listed,
    Misconfigured,
    RemoteError,
    TooLarge,
)
from cachy.remote.objects import RUNS
from cachy.store.names import NAME_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cachy.remote.address import Address

_REPLACE = """
if redis.call('GETRANGE', KEYS[1], 0, tonumber(ARGV[3]) - 1) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""
_AT_ONCE = 500


class RedisEngine(Engine):
    """The tag of an object is its first bytes, which hold the name of the entry."""

    def __init__(self, address: Address) -> None:
        """Raises Misconfigured without the library."""
        try:
            import redis
        except ImportError:
            raise Misconfigured(
                "the library `redis` is not installed: pip install 'cachy-store[redis]'"
            ) from None
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        host, _, port = address.place.rpartition(":")
        if not host or not port.isdecimal():
            host, port = address.place, "6379"
        self._front = ":".join(filter(None, ("cachy", address.option("prefix")))) + ":"
        self._client: Any = redis.Redis(
            host=host.strip("[]"),
            port=int(port),
            db=int(address.prefix or 0),
            username=address.user or None,
            password=address.password or None,
            ssl=address.scheme == "rediss",
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE / 2,
            retry=Retry(NoBackoff(), 1),  # a connection that was closed meanwhile
        )

    def get(self, path: str, limit: int) -> Found | None:
        with _translated():
            data: bytes = self._client.getrange(self._name(path), 0, limit)
        if len(data) > limit:
            raise TooLarge("has more bytes than any object of cachy")
        return Found(data, data[:NAME_LENGTH].hex()) if data else None

    def create(self, path: str, data: bytes) -> bool:
        with _translated():
            return bool(self._client.set(self._name(path), data, nx=True))

    def replace(self, path: str, data: bytes, tag: str) -> bool:
        start = bytes.fromhex(tag)
        with _translated():
            done = self._client.eval(_REPLACE, 1, self._name(path), start, data, len(start))
            return bool(done)

    def listing(self, under: str) -> Iterator[Listed]:
        front = len(self._front.encode())
        pattern = f"{self._front}1:{'runs:' if under.startswith(RUNS) else ''}*"
        with _translated():
            names = list(self._client.scan_iter(pattern, count=_AT_ONCE))
            for at in range(0, len(names), _AT_ONCE):
                some = names[at : at + _AT_ONCE]
                pipe = self._client.pipeline(transaction=False)
                for name in some:
                    pipe.strlen(name)
                for name, size in zip(some, pipe.execute(), strict=True):
                    if (path := _path(name[front:].decode())).startswith(under):
                        yield Listed(path, size)

    def delete(self, paths: Sequence[str]) -> None:
        with _translated():
            for at in range(0, len(paths), _AT_ONCE):
                self._client.delete(*map(self._name, paths[at : at + _AT_ONCE]))

    def _name(self, path: str) -> str:
        """Return what an object at a path is called: `cachy:1:KEY`, without the shard."""
        parts = path.split("/")
        kept = [parts[0], *parts[2:]] if len(parts) == 3 and len(parts[1]) == 2 else parts
        return self._front + ":".join(kept)


def _path(name: str) -> str:
    """Return the path of what is called so, after its front."""
    parts = name.split(":")
    return "/".join([parts[0], parts[1][:2], parts[1]] if len(parts) == 2 else parts)


@contextmanager
def _translated() -> Iterator[None]:
    import redis

    try:
        yield
    except (redis.AuthenticationError, redis.exceptions.NoPermissionError) as error:
        raise Denied(str(error)) from None
    except redis.exceptions.ReadOnlyError as error:
        raise Denied(str(error)) from None
    except (redis.RedisError, OSError, ValueError) as error:
        text = str(error)
        if "NOPERM" in text or "WRONGPASS" in text or "NOAUTH" in text:
            raise Denied(text) from None
        raise RemoteError(text or type(error).__name__) from None
