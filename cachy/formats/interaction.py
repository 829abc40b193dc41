"""One request with its answer, whatever file it stands in, and what files have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.lazy import base64
from cachy.rules import encodings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cachy.rules.message import Request, ResponseHead

FILE_LIMIT = 2**30
"""Bytes. A larger file is refused where it would be read whole: JSON."""
TEXT_LIMIT = 256 * 2**20
"""Bytes. No text in a file is longer: a body of 64 MiB takes less, however it is escaped."""


class Interaction(NamedTuple):
    """A request and its answer. `place` says where in the file it stands (`line 12`). `body` is
    encoded as the headers of the response say. `recorded` is a UTC time in ISO 8601, empty if it
    is not known; `ms` the milliseconds of the call. `scope` and `repeat` are those of its key,
    None where the file does not say."""

    place: str
    request: Request
    response: ResponseHead
    body: bytes
    recorded: str = ""
    ms: float = 0.0
    scope: str | None = None
    repeat: int | None = None


class Unclear(NamedTuple):
    """Something in a file that is no interaction, and why."""

    place: str
    what: str


if TYPE_CHECKING:
    Found = Iterator[Interaction | Unclear]


class NotUnderstood(ValueError):
    """Why something in a file is no interaction: a few words that follow a place."""


def pairs(headers: Any) -> list[tuple[str, str]]:
    """Return headers as pairs: of a mapping from a name to a value or to several, or of a list of
    pairs or of objects with `name` and `value`. What is nothing of the kind is left out."""
    if isinstance(headers, dict):
        return [
            (_text(name), _text(value))
            for name, values in headers.items()
            for value in (values if isinstance(values, list) else [values])
            if _is_text(value)
        ]
    found = []
    for each in headers if isinstance(headers, list) else ():
        if isinstance(each, dict):
            each = [each.get("name"), each.get("value")]
        if isinstance(each, list) and len(each) == 2 and all(map(_is_text, each)):
            found.append((_text(each[0]), _text(each[1])))
    return [pair for pair in found if not pair[0].startswith(":")]  # HTTP/2's own


def lower(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return headers with their names in lower case."""
    return [(name.lower(), value) for name, value in headers]


def settled(headers: list[tuple[str, str]], body: bytes) -> list[tuple[str, str]]:
    """Return the headers of a response without those that are not true of its body any more: many
    recorders decode a body, and keep the headers of what came over the wire."""
    encoding = ", ".join(value for name, value in headers if name.lower() == "content-encoding")
    gone = set()
    if encoding and not _is_encoded(body, encoding):
        gone.add("content-encoding")
    if encoding or _length(headers) not in (None, len(body)):
        gone.add("content-length")
    return [pair for pair in headers if pair[0].lower() not in gone]


def _is_encoded(body: bytes, encoding: str) -> bool:
    """Tell whether a body still has its encodings. One of gzip that was cut has them, too."""
    outermost = encoding.lower().split(",")[-1].strip()
    if outermost in ("gzip", "x-gzip"):
        return body.startswith(b"\x1f\x8b")
    if outermost == "zstd":
        return body.startswith(b"\x28\xb5\x2f\xfd")
    if body[:1] in (b"{", b"[") or body.startswith((b"data:", b"event:")):
        return False
    decoder = encodings.decoder(encoding)
    if decoder is None:
        return True  # only its own library could tell
    try:
        return bool(decoder.feed(body) + decoder.finish()) or not body
    except ValueError:
        return False


def _length(headers: list[tuple[str, str]]) -> int | None:
    values = [value for name, value in headers if name.lower() == "content-length"]
    return int(values[0]) if values and values[0].isdecimal() else None


def as_bytes(value: Any) -> bytes:
    """Return the bytes of a text or of bytes. Raises NotUnderstood for anything else."""
    if value is None:
        return b""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape" if _is_escaped(value) else "surrogatepass")
    if isinstance(value, bytes):
        return value
    raise NotUnderstood("a body that is neither text nor bytes")


def _is_escaped(text: str) -> bool:
    """Tell whether all surrogates in a text stand for bytes that are not UTF-8."""
    if text.isascii():
        return False
    return all("\udc80" <= char <= "\udcff" for char in text if "\ud800" <= char <= "\udfff")


def from_base64(text: Any) -> bytes:
    """Return the bytes in base64, whatever white space is in it. Raises NotUnderstood."""
    try:
        return base64.b64decode("".join(_text(text).split()), validate=True)
    except ValueError:
        raise NotUnderstood("a body that should be base64, and is not") from None


def utc(text: Any) -> str:
    """Return a time as ISO 8601 in UTC, or an empty string for what is no time with its zone: read
    are ISO 8601 and the dates of HTTP."""
    from datetime import datetime, timezone
    from email.utils import parsedate_to_datetime

    if not _is_text(text):
        return ""
    text = _text(text)
    try:
        iso = text[:-1] + "+00:00" if text.endswith("Z") else text
        moment = datetime.fromisoformat(iso)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (TypeError, ValueError):
            return ""
    if moment.tzinfo is None:
        return ""
    try:
        return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return ""


def date_of(headers: list[tuple[str, str]]) -> str:
    """Return the time of a response by its own header."""
    return next((utc(value) for name, value in headers if name.lower() == "date"), "")


def status_of(value: Any) -> int:
    """Return the status of a response. Raises NotUnderstood for what is none."""
    try:
        status = int(value)
    except (TypeError, ValueError):
        status = 0
    if not 100 <= status <= 599:
        raise NotUnderstood("a response without a status")
    return status


def usual_reason(status: int) -> str:
    """Return the usual reason phrase of a status, empty if it has none."""
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def reason_of(status: int, text: Any) -> str | None:
    """Return the reason phrase of a response, None for the usual one of its status."""
    given = str(text) if isinstance(text, str) else ""
    return None if given in ("", usual_reason(status)) else given


def url_of(value: Any) -> str:
    """Return the URL of a request. Raises NotUnderstood for what is none."""
    if not isinstance(value, str) or "://" not in value:
        raise NotUnderstood("a request without a URL")
    return str(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str | bytes | int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
