"""From a request to its key.

    Request ──canonical()──▶ canonical request ──digest()──▶ 64 hex digits, the first 32 the key

The canonical request is the part of a request that decides the answer, in one fixed byte form: an
HTTP-like message with one line for method and URL, one for each header that matters, a blank line,
and the body.

    POST https://api.openai.com/v1/chat/completions
    openai-beta: assistants=v2

    {"messages":[{"content":"hi","role":"user"}],"model":"gpt-4o"}

The one rule: what cannot change the answer is left out, and whatever can is in. Credentials are
never in. What the rules apply to stands in tables.py. Nothing here does any IO.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from cachy.lazy import hashlib, json, lazy_pattern
from cachy.rules.body import (
    FORM,
    Place,
    Unreadable,
    canonical_body,
    canonical_json,
    parse_json,
)
from cachy.rules.message import Request
from cachy.rules.noise import DEFAULT_NOISE, Quiet, lift, lower
from cachy.rules.request_headers import check_key_headers, deciding, header_lines
from cachy.rules.tables import IGNORED_FIELDS, KEY_HEADERS, KEY_LENGTH, NOISE, Noise
from cachy.rules.url import canonical_url, is_credential_param, is_secret_param, redacted_url

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "IGNORED_FIELDS",
    "KEY_HEADERS",
    "KEY_LENGTH",
    "NOISE",
    "Identity",
    "Noise",
    "Request",
    "canonical",
    "canonical_url",
    "check_key_headers",
    "digest",
    "identify",
    "is_credential_param",
    "is_secret_param",
    "numbered",
    "parse_json",
    "redacted_url",
]

# What such bodies are is plain from themselves; aiohttp calls all bytes the last of these.
_PLAIN_TYPE = lazy_pattern(
    r"application/(.*\+)?(x-)?(nd)?json|multipart/.*|application/octet-stream"
)

_Headers = tuple[tuple[str, str], ...]


class Identity(NamedTuple):
    """What a request is.

    `canonical` is the canonical request. `keeps_state`: it is one of a conversation that the server
    keeps, where the same request gets another answer each time and is to be `numbered`. `texts` are
    what was normalised, in order of appearance, as it stands in the canonical request, where the
    strings of JSON are escaped: an answer that repeats one of them is true of this request alone,
    and under a key that other requests share it must not be kept.
    """

    canonical: bytes
    keeps_state: bool
    texts: tuple[bytes, ...]


def canonical(
    request: Request,
    *,
    scope: str = "",
    noise: Iterable[Noise] = DEFAULT_NOISE,
    known: bool = True,
    key_headers: tuple[str, ...] = (),
) -> bytes:
    """Return the canonical request.

    - `scope` keeps requests apart that would otherwise be the same.
    - `noise` are the patterns that are normalised, as `NoiseRules` where they are used often; `()`
      for none.
    - `known`: the host is one that cachy knows. On other hosts every header and every field counts,
      except those that a table excludes.
    - `key_headers` adds headers to the key ("x-tenant") and removes them ("-x-session").

    Raises ValueError for a URL that cannot be taken apart.
    """
    return _identify(request, scope, Quiet(noise), known, key_headers)[0]


def identify(
    request: Request,
    *,
    scope: str = "",
    noise: Iterable[Noise] = DEFAULT_NOISE,
    known: bool = True,
    key_headers: tuple[str, ...] = (),
) -> Identity:
    """Return the canonical request, and what else is known of it by then.

    Takes the arguments of `canonical`, and as long.

    >>> body = b'{"messages": [{"content": "ls /tmp/tmpk3x_9q2v"}]}'
    >>> identify(Request("POST", "https://a.example/v1", [], body)).texts
    (b'tmpk3x_9q2v',)
    """
    quiet = Quiet(noise)
    return Identity(*_identify(request, scope, quiet, known, key_headers), quiet.texts)


def numbered(canonical_request: bytes, number: int) -> bytes:
    """Return the canonical request of a repeat: the second of two that are the same is number 1."""
    end = canonical_request.index(b"\n\n")
    line = b"\ncachy-repeat: %d" % number
    return b"".join((canonical_request[:end], line, memoryview(canonical_request)[end:]))


def digest(canonical_request: bytes) -> str:
    """Return the full key: 64 hex digits. The first `KEY_LENGTH` of them are the key."""
    return hashlib.sha256(canonical_request).hexdigest()


def _identify(
    request: Request, scope: str, quiet: Quiet, known: bool, key_headers: tuple[str, ...]
) -> tuple[bytes, bool]:
    method, url, headers, body = request
    pairs = deciding(known, key_headers).among(headers)
    if body.startswith((b"{", b"[")):
        head, place = _head(method, url, pairs, "", known, key_headers)
        head = _scoped(quiet.head(head), scope)
        short, runs = lift(body)
        try:
            text, keeps_state = canonical_json(short, place)
        except Unreadable:
            pass
        else:
            return lower(head, quiet(text), runs), keeps_state or place.keeps_state
    content_type = request.header("content-type") if body else ""
    encoding = request.header("content-encoding") if body else ""
    head, place = _head(method, url, pairs, _raw_type(content_type), known, key_headers)
    head = _scoped(quiet.head(head), scope)
    made = canonical_body(body, content_type, encoding, place)
    return made.text(head, quiet), made.keeps_state or place.keeps_state


def _scoped(head: bytes, scope: str) -> bytes:
    return head[:-1] + f"cachy-scope: {json.dumps(scope)}\n\n".encode() if scope else head


@lru_cache(maxsize=4096)
def _head(
    method: str,
    url: str,
    headers: _Headers,
    raw_type: str,
    known: bool,
    key_headers: tuple[str, ...],
) -> tuple[bytes, Place]:
    """What comes before the body, the same for most requests of a client; and what it says of the
    body."""
    url = canonical_url(url)
    lines = header_lines(headers, url, frozenset(key_headers))
    if raw_type:
        lines = sorted([*lines, f"content-type: {raw_type}"])
    text = "\n".join([f"{method} {url}", *lines])
    return text.encode("utf-8", "surrogateescape") + b"\n\n", Place.of(url, known=known)


@lru_cache(maxsize=256)
def _raw_type(content_type: str) -> str:
    """The content type of a body that means nothing without it; an empty string for others."""
    kind, *parameters = [part.strip().lower() for part in content_type.split(";")]
    if kind == FORM:
        return FORM
    if not kind or _PLAIN_TYPE.fullmatch(kind):
        return ""
    return ";".join([kind, *sorted(filter(None, parameters))])
