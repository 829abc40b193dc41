"""Request bodies in canonical form.

    body ──canonical_body()──▶ the same bytes for all that means the same

JSON, also compressed, after white space or in lines, is parsed, freed of what never changes the
answer, and written again. Forms become pairs. Of multipart bodies the boundary is replaced. Noise
is normalised in all of them; bytes that are no text stay as they are.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.lazy import json, lazy_pattern, orjson
from cachy.rules.encodings import decoded
from cachy.rules.noise import lift, lower
from cachy.rules.tables import (
    GEMINI_CALL,
    IGNORED_FIELDS,
    MODEL_CALL,
    MODEL_IN_PATH,
    STATE_FIELDS,
    STATE_FIELDS_OF_ADDED_HOSTS,
    STATE_PATH,
)
from cachy.rules.tidy import is_plain, tidied
from cachy.rules.url import query_pairs

if TYPE_CHECKING:
    from cachy.rules.noise import Quiet

FORM = "application/x-www-form-urlencoded"

_Fields = tuple[tuple[str, str], ...]  # the name of a field, and that of one in it, or ""
_IGNORED: _Fields = tuple(
    (parent, child) for field, _ in IGNORED_FIELDS for parent, _, child in [field.partition(".")]
)
_MODEL_CALL = lazy_pattern(MODEL_CALL)
_MODEL_IN_PATH = lazy_pattern(MODEL_IN_PATH)
_GEMINI_CALL = lazy_pattern(GEMINI_CALL)
_STATE_PATH = lazy_pattern(STATE_PATH)
_ALL_STATE_FIELDS = STATE_FIELDS | STATE_FIELDS_OF_ADDED_HOSTS
_LOOKED_AT = _ALL_STATE_FIELDS | {parent for parent, _ in _IGNORED}

_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
_TOO_LONG_FOR_64_BITS = b"0" * 19
_LONG = 65536
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BOUNDARY = lazy_pattern(r'boundary="?([^";]+)"?', re.IGNORECASE)
_PART_TYPE = lazy_pattern(rb"(?i)content-type:\s*(audio|image|video|application/(octet|pdf|zip))")
_NO_TEXT = ("audio/", "image/", "video/")


class Place(NamedTuple):
    """What the URL says of the body.

    `known`: one of the hosts that cachy knows. `ignored`: the fields that may be ignored, where a
    model is named: in the path (`has_model`) or in the body. `gemini`: names of fields have two
    spellings. `keeps_state`: the path is that of a conversation that the server keeps.
    """

    known: bool
    ignored: _Fields
    has_model: bool
    gemini: bool
    keeps_state: bool

    @classmethod
    def of(cls, url: str, *, known: bool) -> Place:
        """What a canonical URL says."""
        path = url.partition("?")[0]
        return cls(
            known,
            _IGNORED if known and _MODEL_CALL.search(path) else (),
            _MODEL_IN_PATH.search(path) is not None,
            known and _GEMINI_CALL.search(path) is not None,
            _STATE_PATH.search(path) is not None,
        )


class Unreadable(ValueError):
    """The body is not JSON, or cannot be written again without loss."""


# ---- JSON ----


def parse_json(text: bytes | str) -> Any:
    """Return the data of a JSON text with its integers exact: orjson alone turns those past 64 bits
    into floats.

    Raises ValueError.

    >>> parse_json('{"seed": 18446744073709551617}')
    {'seed': 18446744073709551617}
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    looked_at = len(data) < _LONG or _may_have_long_numbers(data)
    if looked_at and _TOO_LONG_FOR_64_BITS in data.translate(_DIGITS_TO_ZERO):
        return json.loads(data, parse_float=_finite, parse_constant=_finite)
    return orjson.loads(data)


def _may_have_long_numbers(data: bytes) -> bool:
    """Whether 19 digits may stand in a row: of every 6th byte three in a row are digits then."""
    return b"000" in data[::6].translate(_DIGITS_TO_ZERO)


def _finite(text: str) -> float:
    """A number as orjson takes it: neither NaN nor infinity is JSON."""
    if not isfinite(number := float(text)):
        raise ValueError(f"{text} is not a JSON number")
    return number


def canonical_json(text: bytes, place: Place) -> tuple[bytes, bool]:
    """Return JSON in canonical form, and whether it names a conversation that the server keeps.

    Raises Unreadable.
    """
    try:
        data = parse_json(text)
        keeps_state = False
        if data.__class__ is dict and not _LOOKED_AT.isdisjoint(data):
            _drop_ignored(data, place)
            keeps_state = _names_state(data, known=place.known)
        plain = is_plain(data)
        if not plain:
            data = tidied(data, known=place.known, gemini=place.gemini)
        return _dump(data, sort=plain), keeps_state
    except (ValueError, TypeError, RecursionError) as error:
        raise Unreadable from error


def _dump(data: Any, *, sort: bool) -> bytes:
    try:
        return orjson.dumps(data, option=orjson.OPT_SORT_KEYS if sort else None)
    except TypeError as error:
        if "64-bit" not in str(error):  # too deep: json can, if it has stack enough left
            raise
    return json.dumps(data, sort_keys=sort, separators=(",", ":"), ensure_ascii=False).encode()


def _names_state(data: dict[str, Any], *, known: bool) -> bool:
    """Whether a body names a conversation that the server keeps and each request moves on."""
    fields = STATE_FIELDS if known else _ALL_STATE_FIELDS
    return any(data.get(field) for field in fields)


def _drop_ignored(data: dict[str, Any], place: Place) -> None:
    if place.has_model or isinstance(data.get("model"), str):
        for parent, child in place.ignored:
            if parent in data:
                _drop(data, parent, child)


def _drop(data: dict[str, Any], parent: str, child: str) -> None:
    """Remove `parent`, or the `child` in it; a parent that is left empty goes too."""
    if not child:
        del data[parent]
    elif isinstance(inner := data.get(parent), dict) and child in inner:
        del inner[child]
        if not inner:
            del data[parent]


# ---- All bodies ----


class Canonical(NamedTuple):
    """A body in canonical form, or the `parts` of it that were to stay as they are (False) or to
    be searched for noise (True)."""

    parts: list[tuple[bytes, bool]]
    runs: list[memoryview]
    keeps_state: bool = False

    def text(self, head: bytes, quiet: Quiet) -> bytes:
        """Return the head, and after it the body without noise."""
        parts = [quiet(part) if searched else part for part, searched in self.parts]
        if self.runs:
            return lower(head, b"".join(parts), self.runs)
        return b"".join([head, *parts])


def canonical_body(body: bytes, content_type: str, encoding: str, place: Place) -> Canonical:
    """Return the canonical form of any body. `encoding` is its content-encoding."""
    if encoding:
        body = decoded(body, encoding)
    kind = content_type.partition(";")[0].strip().lower()
    if body.startswith(b"--") and (found := _BOUNDARY.search(content_type)):
        return Canonical(_multipart(body, found[1].encode()), [])
    text = body.removeprefix(_BYTE_ORDER_MARK).lstrip(b" \t\r\n")
    if text.startswith((b"{", b"[")):
        short, runs = lift(text)
        try:
            made, keeps_state = canonical_json(short, place)
            return Canonical([(made, True)], runs, keeps_state)
        except Unreadable:
            pass
        try:
            return Canonical([(_lines(short, place), True)], runs)
        except Unreadable:
            pass
    if kind == FORM:
        return Canonical([(_form(body), True)], [])
    return Canonical(*_text(body, kind))


def _lines(text: bytes, place: Place) -> bytes:
    """JSON in lines. Raises Unreadable, if there is only one."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        raise Unreadable
    return b"\n".join(canonical_json(line, place)[0] for line in lines)


def _form(body: bytes) -> bytes:
    """A form as a list of pairs, sorted by name, without credentials."""
    pairs = query_pairs(body.decode("utf-8", "surrogateescape"), "")
    text = json.dumps(pairs, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogateescape")


def _text(body: bytes, kind: str) -> tuple[list[tuple[bytes, bool]], list[memoryview]]:
    """A body that is neither JSON nor a form: searched for noise if it is a text."""
    if kind.startswith(_NO_TEXT) or not _is_text(body):
        return [(_without_time(body), False)], []
    short, runs = lift(body, b" ")
    return [(short, True)], runs


def _is_text(body: bytes) -> bool:
    if b"\0" in body:
        return False
    try:
        return body.isascii() or bool(body.decode())
    except UnicodeDecodeError:
        return False


def _without_time(body: bytes) -> bytes:
    """A gzip file without the time at which it was made."""
    return body[:4] + bytes(4) + body[8:] if body.startswith(b"\x1f\x8b\x08") else body


def _multipart(body: bytes, boundary: bytes) -> list[tuple[bytes, bool]]:
    """The parts of a multipart body, with one boundary for the random one of this request. Their
    headers are searched for noise, and their contents if they are texts."""
    parts: list[tuple[bytes, bool]] = []
    for number, part in enumerate(body.split(b"--" + boundary)):
        if number:
            parts.append((b"--cachy-boundary", False))
        head, blank, content = part.partition(b"\r\n\r\n")
        parts.append((head + blank, True))
        if content:
            short = len(content) < 2**20 and not _PART_TYPE.search(head)
            parts.append((content, short and _is_text(content)))
    return parts
