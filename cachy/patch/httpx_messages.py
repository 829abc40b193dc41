"""What requests and responses of httpx and httpx2 say, in our words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cachy.rules.message import Request
from cachy.rules.request_headers import deciding

if TYPE_CHECKING:
    from cachy.engine.cache import Cache
    from cachy.rules.hosts import Route


def translated(cache: Cache, request: Any, url: str, route: Route, body: bytes) -> Request:
    """Return a request, with those of its headers that a key may depend on."""
    seen = deciding(route.known, cache.settings.key_headers).seen
    headers = [
        (name, value.decode("latin-1"))
        for raw, value in request.headers.raw
        if (name := seen[raw]) is not None
    ]
    return Request(request.method, url, headers, body)


def read_timeout(request: Any) -> float | None:
    """Return the seconds for which a client waits for an answer; None for ever."""
    timeout = request.extensions.get("timeout")
    seconds = timeout.get("read") if isinstance(timeout, dict) else None
    return seconds if isinstance(seconds, int | float) else None


def pairs_of_text(headers: Any) -> list[tuple[str, str]]:
    """Return headers as text that encodes back to the same bytes."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.raw]
