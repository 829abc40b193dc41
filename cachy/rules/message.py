"""A request, and the head of a response, in the terms of no HTTP library.

Adapters, importers and tests speak these words, so that one rule serves them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    Headers = Sequence[tuple[str, str]]


class Request(NamedTuple):
    """What a client is about to send.

    `headers` are (lower-case name, value) pairs; `body` is complete.
    """

    method: str
    url: str
    headers: Headers
    body: bytes

    def header(self, name: str) -> str:
        """Return the first value of a header by its lower-case name, or the empty string."""
        return next((value for key, value in self.headers if key == name), "")


class Hop(NamedTuple):
    """One redirect on the way to a response: its status and location, and the request that
    followed it."""

    status: int
    location: str
    method: str
    url: str


class ResponseHead(NamedTuple):
    """A response before its body.

    `headers` are as received, as text; `reason` is None where it is the standard phrase of the
    status; `client` is the library that made the call and its version, such as `httpx/0.28.1`.
    """

    status: int
    headers: Headers
    client: str
    http: str = "HTTP/1.1"
    reason: str | None = None
    redirects: Sequence[Hop] = ()
