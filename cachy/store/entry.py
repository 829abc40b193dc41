"""From an entry to a frame and back.

    Entry ──dumps()──▶ frame                     frame ──loads()──▶ Entry

    frame   a zstd frame, with checksum and content size, of three parts:
              head      one line of JSON
              request   one line of JSON: the outline of the request, or null
              body      the decoded response, to the end

A hit needs the head and the body, and never parses the second line. Everything that `loads`
returns has been checked. Nothing here does IO.
"""

from __future__ import annotations

import os
from functools import cache
from threading import local
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.errors import Defect, NewerFormat
from cachy.lazy import hashlib, json, orjson
from cachy.rules.key import parse_json
from cachy.store.names import Buffer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Wire = Sequence[tuple[bytes, bytes]]

FORMAT = 1
BODY_LIMIT = 64 * 2**20
"""Bytes. A longer body is not kept, and no entry expands to more than this and HEAD_LIMIT."""
HEAD_LIMIT = 2 * 2**20
"""Bytes of head and request together. Where they would be longer, the request is left out: parsed,
JSON takes 30 times its size."""
DEEPEST = 200
"""Levels. A request that is nested deeper is left out, too: its readers are recursive."""

LONG = 4 * 2**20
"""Bytes. The frame of a longer body is made piece by piece, as `Packed`."""
FILE_LIMIT = 2 * 2**20
"""Bytes. A larger file stays in `local/`: files of several MB resemble each other to git, whatever
they hold, and slow down every clone."""

_BLOCK = 65536
_PIECE = 2**20
_LEVEL = 9  # level 19 gains 3 % and takes 0.5 s for what this does in 7 ms
_QUICK_LEVEL = 3  # of what is too long for git; on large texts three times as fast
_LONGEST = 10**12
"""Milliseconds. A longer duration does not fit a timedelta."""
_NO_SIZES = (-1, 2**64 - 1, 2**64 - 2)
"""How zstd says that a frame does not state its content size, or that this is no frame."""
_ENCODINGS = ("content-encoding", "transfer-encoding")
_ENCODING_LENGTHS = frozenset(map(len, _ENCODINGS))


class TooLong(Exception):
    """An entry is longer than what was asked for."""


class Entry(NamedTuple):
    """One recording: its metadata, and the decoded response as the client read it.

    `head` has: cachy (the format), key (64 hex digits), recorded (UTC, ISO 8601), nonce, method,
    url (redacted), model, status, headers (list of [name, value]), stream (its kind, or None),
    client, ms (duration of the live call), usage; where they apply, http, reason, redirects; and,
    unless it was read for a replay, request (the outline), where there is one. `wire` holds the
    headers as bytes, in an entry that was read for a replay.
    """

    head: dict[str, Any]
    body: bytes
    wire: Wire = ()


class _Zstd(local):
    """The zstd contexts of a thread: making one costs as much as using it, and they must not be
    shared."""

    def __init__(self) -> None:
        import zstandard

        shared = zstandard.ZstdCompressionDict(dictionary())
        self.compress = _compressor(_LEVEL).compress
        # A frame without a dictionary can be read by a context that has one.
        decompressor = zstandard.ZstdDecompressor(dict_data=shared)
        self.decompress, self.reader = decompressor.decompress, decompressor.stream_reader
        self.parameters = zstandard.get_frame_parameters
        self.known = (0, shared.dict_id())
        self.error = zstandard.ZstdError


def _compressor(level: int) -> Any:
    import zstandard

    return zstandard.ZstdCompressor(
        level=level,
        dict_data=zstandard.ZstdCompressionDict(dictionary()),
        write_checksum=True,
        write_content_size=True,
    )


@cache
def dictionary() -> bytes:
    """Return the zstd dictionary of format 1. Its bytes never change: entries need it to be read.

    scripts/train_dictionary.py says how it was made.
    """
    loader: Any = __spec__.loader  # which also reads from a zip file
    return bytes(loader.get_data(os.path.join(os.path.dirname(__file__), "dictionary")))


@cache
def _zstd() -> _Zstd:
    """Return the contexts. The library is loaded with the first entry, not by `enable_cachy`."""
    return _Zstd()


def dumps(entry: Entry) -> bytes:
    """Return the frame of an entry. A request that is too long or nested too deep becomes null."""
    frame: bytes = _zstd().compress(plain(entry))
    return frame


def plain(entry: Entry) -> bytes:
    """Return the three parts of an entry's frame, uncompressed."""
    return b"%b%b" % (_lines_of(entry), entry.body)


class Packed:
    """The frame of a long entry, piece by piece, so that its memory is not needed at once. Each
    iteration gives the same bytes. `digest` is their sha256, `length` their number."""

    def __init__(self, entry: Entry) -> None:
        self._lines, self._body = _lines_of(entry), memoryview(entry.body)
        self._short = self._if_short()
        digest, self.length = hashlib.sha256(), 0
        for piece in self:
            digest.update(piece)
            self.length += len(piece)
        self.digest: str = digest.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        if self._short is not None:
            return iter(self._short)
        return self._compressed(_QUICK_LEVEL)

    def _if_short(self) -> list[bytes] | None:
        """Return the frame, if it is short enough for git."""
        pieces, length = list[bytes](), 0
        for piece in self._compressed(_LEVEL):
            pieces.append(piece)
            length += len(piece)
            if length >= FILE_LIMIT:
                return None
        return pieces

    def _compressed(self, level: int) -> Iterator[bytes]:
        size = len(self._lines) + len(self._body)
        frame = _compressor(level).compressobj(size)
        yield frame.compress(self._lines)
        for at in range(0, len(self._body), _PIECE):
            yield frame.compress(self._body[at : at + _PIECE])
        yield frame.flush()


def _lines_of(entry: Entry) -> bytes:
    """Return what stands before the body."""
    head = json_bytes({name: value for name, value in entry.head.items() if name != "request"})
    request = _json_of_request(entry.head.get("request"))
    if len(head) + 1 + len(request) >= HEAD_LIMIT:
        request = b"null"
    return b"%b\n%b\n" % (head, request)


def json_bytes(value: Any) -> bytes:
    """Return a value as JSON on one line."""
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer past 64 bits, or half a surrogate pair
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


def _json_of_request(value: Any) -> bytes:
    try:
        text = json_bytes(value)
    except RecursionError:
        return b"null"
    return b"null" if is_deep(value, text) else text


def is_deep(value: Any, text: bytes) -> bool:
    """Return whether a value has more than `DEEPEST` levels; `text` is its JSON."""
    if text.count(b"[") + text.count(b"{") <= DEEPEST:
        return False
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return bool(level)


def loads(
    frame: Buffer, key: str = "", *, replay: bool = False, limit: int = BODY_LIMIT + HEAD_LIMIT
) -> Entry:
    """Return the entry in a frame; with `key` (32 hex digits or more), only if it is that key's.

    For a `replay` the request is not parsed, so `head` lacks it. Raises Defect, and nothing else,
    whatever the bytes are, but TooLong where it would expand to more than a lower `limit`.
    """
    text = _expand(frame, limit)
    end = text.find(b"\n", 0, HEAD_LIMIT)
    if end < 0:
        raise Defect("it has no head")
    middle = text.find(b"\n", end + 1, HEAD_LIMIT)
    if middle < 0:
        raise Defect("it has no request line")
    try:
        head = orjson.loads(text[:end])
    except (ValueError, RecursionError):
        raise Defect("its head is not JSON") from None
    if problem := _problem(head, key):
        newer = isinstance(head, dict) and _version(head) > FORMAT
        raise (NewerFormat if newer else Defect)(problem)
    if not replay:
        _add_request(head, text[:end], text[end + 1 : middle])
    try:
        wire = to_wire(head["headers"])
    except (TypeError, ValueError, AttributeError):
        raise Defect("its headers are not pairs of text") from None
    return Entry(head, text[middle + 1 :], wire if replay else ())


def lines(frame: Buffer) -> tuple[bytes, bytes]:
    """Return the two lines of JSON in a frame, head and request, unchecked; a long body after them
    is not expanded. Raises Defect."""
    zstd = _zstd()
    try:
        if zstd.parameters(frame).content_size <= _BLOCK:
            text = zstd.decompress(frame)
        else:
            with zstd.reader(frame) as reader:
                text = reader.read(_BLOCK)
                while text.count(b"\n") < 2 and len(text) <= HEAD_LIMIT:
                    if not (more := reader.read(_BLOCK)):
                        break
                    text += more
    except zstd.error as error:
        raise Defect(f"its zstd frame is damaged ({error})") from None
    head, _, rest = text.partition(b"\n")
    request, end, _ = rest.partition(b"\n")
    if not end:
        raise Defect("it has no request line")
    return head, request


def _expand(frame: Buffer, limit: int) -> bytes:
    """Return what is in a frame. Raises Defect, also for one that would expand past the limits."""
    zstd = _zstd()
    try:
        parameters = zstd.parameters(frame)
    except zstd.error as error:
        raise Defect(f"not a zstd frame ({error})") from None
    if parameters.dict_id not in zstd.known:
        raise NewerFormat("it was made by a newer cachy: update cachy-store")
    size = parameters.content_size
    if size in _NO_SIZES:
        raise Defect("its frame does not state its size")
    if size > limit:
        if size <= BODY_LIMIT + HEAD_LIMIT:
            raise TooLong
        raise Defect(f"it would expand to {size:,} bytes, over the limit")
    try:
        return zstd.decompress(frame, 0, False, False)  # no data after the frame
    except zstd.error as error:
        raise Defect(f"its zstd frame is damaged ({error})") from None


def to_wire(headers: Iterable[tuple[str, str]]) -> Wire:
    """Return headers as bytes, as they are sent over the network.

    Raises Defect for headers that name an encoding of the body: a recorded body is decoded, and a
    client would decode it again, to any size. Raises TypeError, ValueError or AttributeError where
    these are not pairs of text.
    """
    headers = list(headers)
    for name, _ in headers:
        if len(name) in _ENCODING_LENGTHS and name.lower() in _ENCODINGS:
            raise Defect("its headers say that its body is encoded")
    try:
        return [(name.encode(), value.encode("latin-1")) for name, value in headers]
    except UnicodeEncodeError:  # a real header never holds such text; clients guess one encoding
        return [(name.encode(), value.encode()) for name, value in headers]


def _add_request(head: dict[str, Any], line: bytes, request: bytes) -> None:
    """Add the outline to the head in `line`, unless it is null or too deep. Raises Defect."""
    if is_deep(head, line):
        raise Defect("its head is nested too deep")
    try:
        outline = parse_json(request)
    except (ValueError, RecursionError):
        raise Defect("its request is not JSON") from None
    if outline is not None and not is_deep(outline, request):
        head["request"] = outline


def _version(head: dict[str, Any]) -> int:
    """Return the format of a head, or 0 if it states none."""
    version = head.get("cachy")
    return version if isinstance(version, int) else 0


def _problem(head: Any, key: str) -> str | None:
    """Return what is wrong with a head, or None. Readers rely on the types checked here."""
    if head.__class__ is not dict:
        return "its head is not that of an entry"
    get = head.get
    if get("cachy") != FORMAT:
        if not (version := _version(head)):
            return "its head is not that of an entry"
        return f"it has format {version}, and this cachy reads format {FORMAT}: update cachy-store"
    full = get("key")
    if full.__class__ is not str or not full.startswith(key):
        return "its head names another key"
    if not _is_status(get("status")):
        return "its status is not an HTTP status"
    if get("headers").__class__ is not list:
        return "its headers are not a list"
    ms = get("ms")
    if ms.__class__ not in (float, int) or not 0 <= ms <= _LONGEST:
        return "it does not say how long the call took"
    if not _OPTIONAL.isdisjoint(head):
        return _problem_of_optional(head)
    return None


_OPTIONAL = frozenset({"http", "reason", "redirects"})


def _problem_of_optional(head: dict[str, Any]) -> str | None:
    for name in ("http", "reason"):
        if name in head and not isinstance(head[name], str):
            return f"its {name} is not text"
    if "redirects" in head:
        hops = head["redirects"]
        if not (isinstance(hops, list) and all(map(_is_hop, hops))):
            return "its redirects are invalid"
    return None


def _is_status(value: Any) -> bool:
    return value.__class__ is int and 100 <= value <= 599


def _is_hop(hop: Any) -> bool:
    """Return whether this describes one redirect on the way to a response."""
    return (
        isinstance(hop, dict)
        and _is_status(hop.get("status"))
        and all(isinstance(hop.get(name), str) for name in ("location", "method", "url"))
    )
