"""The response headers that a recording keeps: all but those that a table excludes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachy.lazy import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

_OF_THE_CONNECTION = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "alt-svc",  # another way to reach this server
    }
)
"""Hop-by-hop headers (RFC 9110, 7.6.1), and others about the connection alone."""

_NEVER = lazy_pattern(
    r".*(cookie|authoriz|authenticat|api-?key|secret|signature|credential|passw|csrf|xsrf"
    r"|organi[sz]ation|project|account|workspace|tenant|subscription|customer).*"
    r"|(.*[-_])?(org|user)([-_](id|name|email))?"
)
"""Names of headers that carry credentials, or tell whose account it is."""

_DOUBTFUL = lazy_pattern(
    r"(?!.*(next|prev|page|cont|cursor|sync))(.*[-_])?(key|auth|token|jwt|sid)"
)
"""Names that mean credentials, but for the tokens of pages. The user can keep these by name."""


def kept_headers(
    headers: Sequence[tuple[str, str]],
    extra: frozenset[str] = frozenset(),
    encoded: bool = False,
) -> list[tuple[str, str]]:
    """Return the response headers that are stored, and that a hit has, in lower case.

    `extra` are names, in lower case, that the user wants to keep although they look like those of
    credentials; cookies, authorisation and account headers are never kept.
    `encoded`: the body came with a content encoding, so the length in its headers is not that of
    the decoded body.

    >>> kept_headers([("Content-Type", "text/plain"), ("ETag", "7"), ("Set-Cookie", "a=b")])
    [('content-type', 'text/plain'), ('etag', '7')]
    """
    return [
        (name, value)
        for name, value in ((name.lower(), value) for name, value in headers)
        if _is_kept(name, extra, encoded)
    ]


def _is_kept(name: str, extra: frozenset[str], encoded: bool) -> bool:
    if name in _OF_THE_CONNECTION or name == "content-encoding" or _NEVER.fullmatch(name):
        return False
    if encoded and name == "content-length":
        return False
    return name in extra or not _DOUBTFUL.fullmatch(name)
