"""Search recordings for credentials, before they are stored and before they are committed.

    in_recording(entry, canonical, request)    before it is stored: the credentials that the request
                                               was sent with, and all that has a credential's shape
    in_entry(entry)                            from a store: shapes alone

A recording with a finding stays in `local/`. So a false alarm costs a team one shared recording,
and an oversight costs it a key. Placeholders in documentation (`sk-your-key-here`) are not
reported: users turn off an alarm that rings for them. What is found in a text stands in
`cachy.engine.secret_search`.

A finding says what it looks like and where it is, never its value. Nothing here does IO, and
nothing raises for what an entry may hold.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cachy.engine.secret_search import WINDOW, Finding, find, matches
from cachy.rules import protocols, streams
from cachy.rules.key import is_credential_param, is_secret_param
from cachy.store.entry import json_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from cachy.rules.key import Request
    from cachy.rules.streams import Event
    from cachy.store.entry import Entry


def in_recording(
    entry: Entry, canonical: bytes, request: Request, events: Sequence[Event] | None = None
) -> list[Finding]:
    """Return what must not be committed of a recording that is about to be stored.

    The whole request is searched, not its outline: a secret that is shortened there is still one. A
    request that is not stored is not searched. `events` are those of the entry's stream, if it was
    decoded already.
    """
    headers, _, body = canonical.partition(b"\n\n") if "request" in entry.head else (b"",) * 3
    own = _spellings(credentials(request))
    return _in_parts(entry, headers.partition(b"\n")[2], body, own, events)


def public_headers(headers: Sequence[tuple[str, str]], request: Request) -> list[tuple[str, str]]:
    """Return the response headers without those whose values look like credentials, or repeat one
    that the request was sent with: a client can do without them, and the rest can be shared."""
    own = _spellings(credentials(request))
    pairs = [pair for pair in headers if not _is_signed_address(*pair)]
    lines = [json_bytes({name: value}) for name, value in pairs]
    # Nearly always there is nothing, which one search shows.
    if len(together := b"\n\0\n".join(lines)) <= WINDOW and not any(matches(together, own)):
        return pairs
    return [pair for pair, line in zip(pairs, lines, strict=True) if not any(matches(line, own))]


def _is_signed_address(name: str, value: str) -> bool:
    return name in _ADDRESSES and any(map(_of_url, _URL_END.split(value)))


def in_entry(entry: Entry) -> list[Finding]:
    """Return what should not have been committed of an entry."""
    return _in_parts(entry, b"", json_bytes(entry.head.get("request")), ())


def _in_parts(
    entry: Entry,
    headers: bytes,
    body: bytes,
    own: Collection[bytes],
    events: Sequence[Event] | None = None,
) -> list[Finding]:
    head = {name: value for name, value in entry.head.items() if name not in ("request", "key")}
    head["headers"] = _by_name(entry.head.get("headers") or ())
    about = json_bytes(head)
    texts: dict[str, str] = {}
    if kind := entry.head.get("stream"):
        texts = _assembled(streams.decode(kind, entry.body) if events is None else events)
    parts = [about, headers, body, entry.body]
    parts += [text.encode("utf-8", "surrogatepass") for text in texts.values()]
    # Nearly always there is nothing, which one search of the short parts together shows.
    short = b"\n\0\n".join(part for part in parts if len(part) <= WINDOW)
    long = (part for part in parts if len(part) > WINDOW)
    if not any(any(matches(part, own)) for part in (short, *long)):
        return []
    findings = find(about, "head", own) + find(headers, "request", own)
    findings += find(body, "request", own) + find(entry.body, "answer", own)
    for path, text in texts.items():
        findings += [Finding(kind, f"answer.{path}") for kind, _ in find(text, "", own)]
    return list(dict.fromkeys(findings))


_ADDRESSES = frozenset({"location", "content-location", "operation-location", "link"})
_URL_END = re.compile(r"[\s<>\"]+")


def _of_url(url: str) -> list[str]:
    """The user, the password and the credentials in the query of a URL."""
    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query)
    except ValueError:
        return []
    values = [
        value
        for name, value in query
        if is_credential_param(name) or (is_secret_param(name) and _is_distinctive(value))
    ]
    return values + [unquote(part) for part in (parts.username, parts.password) if part]


# ---- The credentials of a request ----

_CREDENTIAL_HEADER = re.compile(
    r"auth|cookie|token|secret|signature|credential|passw|organi[sz]ation|project|account|key$"
    r"|(^|[-_])(api-?key|pass|pwd|pw|jwt|sig|sas|bearer|session|sid|tenant|workspace)([-_]|$)"
)


def credentials(request: Request) -> frozenset[bytes]:
    """Return the values in a request that authenticate or identify its sender: no recording may
    repeat them."""
    values = [value for name, value in request.headers if _CREDENTIAL_HEADER.search(name)]
    values += _of_url(request.url)
    pieces = chain.from_iterable(_pieces(value) for value in values)
    return frozenset(
        piece.encode("utf-8", "surrogatepass") for piece in pieces if _is_distinctive(piece)
    )


def _pieces(value: str) -> Iterator[str]:
    """A header's value and its parts: scheme and token, cookies, the parts of a signature."""
    yield value
    for piece in re.split(r"[\s;,]+(?:[\w-]+=)?|^[\w-]+=", value):
        yield piece
        yield piece.partition("/")[0]  # an AWS access key id, before its scope
    scheme, _, coded = value.partition(" ")
    if scheme.lower() == "basic":
        try:
            yield from b64decode(coded).decode().split(":", 1)
        except ValueError:
            pass  # not base64; the value itself was yielded


def _is_distinctive(value: str) -> bool:
    """Whether finding this text elsewhere means anything: `ollama` and `any` are keys, too."""
    if value.startswith(("AWS4-", "aws4_")):
        return False
    return len(value) >= 20 or (len(value) >= 8 and any(char.isdigit() for char in value))


def _spellings(values: Collection[bytes]) -> frozenset[bytes]:
    """Values as they are, and as base64 of a longer text may contain them."""
    spellings = set(values)
    for value in values:
        for before in range(3):
            data = bytes(before) + value
            whole = len(data) // 3 * 4  # the rest depends on what comes after
            coded = b64encode(data)[(0, 2, 3)[before] : whole]
            spellings |= {coded, coded.translate(_URL_SAFE)}
    return frozenset(spellings)


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


# ---- Fields ----


def _by_name(headers: Iterable[Any]) -> dict[str, Any]:
    """Headers as a mapping, so that a finding's path has their names."""
    pairs = [pair for pair in headers if isinstance(pair, list | tuple) and len(pair) == 2]
    return {str(name): value for name, value in pairs}


def _assembled(events: Iterable[Event]) -> dict[str, str]:
    """The texts that a stream sends in pieces, joined, by path: the strings in its events that
    change from one event to the next.

    A key that a model repeats comes a few letters at a time, and no event holds it whole.
    """
    texts: dict[str, list[str]] = {}
    coded = set[str]()  # paths of texts that cannot be read in the body
    fields = protocols.known().index_fields
    for event in events:
        added = dict[str, list[str]]()
        if event.defect:
            added[event.type or "stream"] = [event.raw.decode("utf-8", "replace")]
        elif isinstance(event.data, dict):
            _add_texts(added, event.data, event.type, fields)
        for path, parts in added.items():
            texts.setdefault(path, []).extend(parts)
        if event.coded:
            coded |= added.keys()
    return {
        path: "".join(parts)
        for path, parts in texts.items()
        if path in coded or any(part != parts[0] for part in parts)
    }


def _add_texts(
    texts: dict[str, list[str]], data: Any, path: str, index_fields: tuple[str, ...]
) -> None:
    """Add the strings of an event under their paths."""
    if isinstance(data, str):
        texts.setdefault(path, []).append(data)
    elif isinstance(data, dict):
        for index in map(data.get, index_fields):
            if index is not None:
                path = f"{path}#{index}"  # one of several choices, content blocks or calls
        for name, value in data.items():
            if isinstance(value, str | dict | list):
                _add_texts(texts, value, f"{path}.{name}" if path else name, index_fields)
    elif isinstance(data, list):
        for position, value in enumerate(data):
            _add_texts(texts, value, f"{path}[{position}]", index_fields)
