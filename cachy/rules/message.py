"""Requests and response heads, in no HTTP library's terms.

Adapters (`cachy/patch/`) translate what their library has into these, and the rest of
cachy knows nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Request(NamedTuple):
    """A request as it goes out.

    `headers` are all its headers as (lower-case name, value) pairs, in their order; a name may
    occur more than once. `body` is complete, and encoded as it is sent.

    >>> Request("POST", "https://a.example/b", [("accept", "*/*")], b"{}").header("accept")
    '*/*'
    """

    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """Return the first value of a header by its lower-case name, or the empty string."""
        return next((value for key, value in self.headers if key == name), "")


class ResponseHead(NamedTuple):
    """What is known of a response before its body is read.

    `headers` are (name, value) pairs as they came. `http` is the version in the form "HTTP/1.1".
    `reason` is the reason phrase, None if it is the usual one of its status. `client` names the
    HTTP library and its version, for example "httpx/0.28.1".
    """

    status: int
    headers: Sequence[tuple[str, str]]
    http: str = "HTTP/1.1"
    reason: str | None = None
    client: str = ""

    def value(self, name: str) -> str:
        """Return the first value of a header by its lower-case name, or the empty string."""
        return next(iter(self.values(name)), "")

    def values(self, name: str) -> list[str]:
        """Return the values of a header by its lower-case name, in their order."""
        return [value for key, value in self.headers if key.lower() == name]
