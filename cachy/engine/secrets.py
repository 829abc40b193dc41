"""Search recordings for credentials, before they are stored and before they are committed.

    in_recording(entry, canonical, request)    before it is stored: the credentials that the request
                                               was sent with, and all that has a credential's shape
    in_entry(entry)                            from a store: shapes alone
    find(text, where)                          in any text

A recording with a finding stays in `local/`. So a false alarm costs a team one shared recording,
and an oversight costs it a key. Placeholders in documentation (`sk-your-key-here`) are not
reported: users turn off an alarm that rings for them.

A finding says what it looks like and where it is, never its value. Nothing here does IO, and
nothing raises for what an entry may hold.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections import Counter
from functools import cache
from itertools import chain
from math import log2
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, unquote, unquote_to_bytes, urlsplit

import orjson

from cachy.engine.secret_shapes import EXAMPLE_ACCOUNTS, NAMED, PLACEHOLDER, SHAPES, Shape
from cachy.rules import protocols, streams
from cachy.rules.key import is_secret_param
from cachy.store.entry import json_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from cachy.rules.key import Request
    from cachy.rules.streams import Event
    from cachy.store.entry import Entry


class Finding(NamedTuple):
    """What looks like a credential. `kind`: as what (`an OpenAI key`); `field`: where
    (`request.messages[0].content`)."""

    kind: str
    field: str

    def __str__(self) -> str:
        return f"{self.kind}, in {self.field}"


_LONG_RUN = re.compile(rb"[A-Za-z0-9+/]{1000,}")
_WINDOW, _OVERLAP = 65536, 8192
_ESCAPE = re.compile(rb"\\+(?:u00([2-7][0-9a-fA-F])|/)")


def find(text: bytes | str, where: str, own: Collection[bytes] = ()) -> list[Finding]:
    """Return what looks like a credential in a text. Its field is `where`, and if the text is JSON
    the path in it.

    `own` are values that are credentials whatever they look like.

    >>> find('{"note": "my key: AKIA' + '2345' * 4 + '"}', "answer")
    [Finding(kind='an AWS access key id', field='answer.note')]
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    hits = list(_hits(data, own))
    if not hits:
        return []
    try:
        leaves = list(_leaves(orjson.loads(data)))
    except ValueError:
        leaves = []
    findings = []
    for kind, value in hits:
        path = next((path for path, leaf in leaves if value in leaf or value in unquote(leaf)), "")
        findings.append(Finding(kind, f"{where}{path and '.' * (path[0] != '[')}{path}"))
    return list(dict.fromkeys(findings))


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
    findings = _in_parts(entry, headers.partition(b"\n")[2], body, own, events)
    return list(dict.fromkeys(findings + _in_addresses(entry)))


def public_headers(headers: Sequence[tuple[str, str]], request: Request) -> list[tuple[str, str]]:
    """Return the response headers without those whose values look like credentials, or repeat one
    that the request was sent with: a client can do without them, and the rest can be shared."""
    own = _spellings(credentials(request))
    pairs = [pair for pair in headers if not _is_signed_address(*pair)]
    lines = [json_bytes({name: value}) for name, value in pairs]
    # Nearly always there is nothing, which one search shows.
    if len(together := b"\n\0\n".join(lines)) <= _WINDOW and not any(_hits(together, own)):
        return pairs
    return [pair for pair, line in zip(pairs, lines, strict=True) if not any(_hits(line, own))]


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
    # Nearly always there is nothing, which one search shows.
    if not any(_hits(b"\n\0\n".join(parts), own)):
        return []
    findings = find(about, "head", own) + find(headers, "request", own)
    findings += find(body, "request", own) + find(entry.body, "answer", own)
    for path, text in texts.items():
        findings += [Finding(kind, f"answer.{path}") for kind, _ in find(text, "", own)]
    return list(dict.fromkeys(findings))


_ADDRESSES = frozenset({"location", "content-location", "operation-location", "link"})
_URL_END = re.compile(r"[\s<>\"]+")


def _in_addresses(entry: Entry) -> list[Finding]:
    """The headers with pre-signed URLs, or others with credentials: clients need them unchanged."""
    return [
        Finding("a credential in a URL", f"head.headers.{name}")
        for name, value in entry.head["headers"]
        if _is_signed_address(name, value)
    ]


def _of_url(url: str) -> list[str]:
    """The user, the password and the credentials in the query of a URL."""
    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query)
    except ValueError:
        return []
    values = [value for name, value in query if is_secret_param(name)]
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


# ---- The search ----


def _hits(data: bytes, own: Collection[bytes]) -> Iterator[tuple[str, str]]:
    """Kind and value of each match."""
    texts = [data]
    if own and b"\\" in data:
        texts.append(_unescaped(data))
    if own and b"%" in data:
        texts += [unquote_to_bytes(text) for text in texts]
    for value in own:
        if any(value in text for text in texts):
            yield "a credential that the request was sent with", value.decode("utf-8", "replace")
    # By windows: one search of a large body would block all other threads and event loops.
    for at in range(0, max(1, len(data) - _OVERLAP), _WINDOW):
        piece = data[at : at + _WINDOW + _OVERLAP]
        if len(data) > _WINDOW:
            piece = _LONG_RUN.sub(b"", piece)  # images, sound and vectors in base64
        if b"\\u00" in piece or b"\\/" in piece:
            piece = _unescaped(piece)
        yield from _shaped(piece, piece, SHAPES)
        yield from _shaped(piece, piece.lower(), NAMED)


def _unescaped(text: bytes) -> bytes:
    """Undo the escapes that JSON permits but does not need."""
    return _ESCAPE.sub(lambda at: bytes((int(at[1], 16),)) if at[1] else b"/", text)


def _shaped(data: bytes, seen: bytes, shapes: tuple[Shape, ...]) -> Iterator[tuple[str, str]]:
    """Kind and value of each match; `seen` is the data as the patterns match it."""
    marked = [shape for mark, shape in _marked(shapes) if mark in seen]
    for shape in dict.fromkeys(marked):
        for match in _compiled(shape).finditer(seen):
            if shape.starts and not _may_start(data, match.start()):
                continue
            value = data[match.start(1) : match.end(1)].decode("utf-8", "replace")
            if _is_random(value, shape):
                yield shape.kind, value


_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_AFTER_ESCAPE = re.compile(rb"\\(?:[nrtbf]|u[0-9a-fA-F]{4})$")


def _may_start(data: bytes, at: int) -> bool:
    """Whether a token may start here: not in a word, but after an escape of JSON (`\\nsk-…`)."""
    if at == 0 or data[at - 1] not in _WORD:
        return True
    return _AFTER_ESCAPE.search(data[max(0, at - 6) : at]) is not None


@cache
def _marked(shapes: tuple[Shape, ...]) -> tuple[tuple[bytes, Shape], ...]:
    """Each mark with its shape, in one list: every recording is searched for them."""
    return tuple((mark.encode(), shape) for shape in shapes for mark in shape.marks)


@cache
def _compiled(shape: Shape) -> re.Pattern[bytes]:
    """Compiled on first use: compiling them all takes longer than `import cachy` may."""
    return re.compile(shape.pattern.encode())


def _is_random(value: str, shape: Shape) -> bool:
    """Whether a value may be a credential, not a placeholder, a word or a run of one letter."""
    if value in EXAMPLE_ACCOUNTS or PLACEHOLDER.search(value):
        return False
    mixed = not shape.named and value != value.lower() and value != value.upper()
    if not mixed and not any(char.isdigit() for char in value):
        return False
    size = len(value)
    bits = -sum(count / size * log2(count / size) for count in Counter(value).values())
    return bits >= shape.entropy


# ---- Fields ----


def _by_name(headers: Iterable[Any]) -> dict[str, Any]:
    """Headers as a mapping, so that a finding's path has their names."""
    pairs = [pair for pair in headers if isinstance(pair, list | tuple) and len(pair) == 2]
    return {str(name): value for name, value in pairs}


def _leaves(data: Any) -> Iterator[tuple[str, str]]:
    """The path and text of every string in decoded JSON; a key is at the path of its value."""
    stack = [("", data)]  # not recursive: JSON may be nested a thousand levels deep
    while stack:
        path, value = stack.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, dict):
            for name, inner in reversed(value.items()):
                place = f"{path}.{name}" if path else str(name)
                stack += ((place, inner), (place, str(name)))
        elif isinstance(value, list):
            stack += reversed([(f"{path}[{at}]", item) for at, item in enumerate(value)])


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
