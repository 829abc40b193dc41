"""From an entry to bytes and back.

    Entry ──dumps()──▶ frame ──seal()──▶ file      file ──unseal()──▶ frame ──loads()──▶ Entry

    frame   a zstd frame of one line of JSON (the head), a newline, and the body; with checksum
            and content size
    name    KEY-STAMP: 32 hex digits of the key; 8 of the second of recording and 16 of the
            sha256 of the frame
    file    a NUL byte, then the frame masked with a pad made from the name

The NUL byte makes git see a binary file. The mask makes two recordings of one body unrelated
bytes, because git pairs a deleted file with an added one that looks like it, and then sees
conflicts where there are none. The mask is not encryption: whoever has the file has the name.

The one rule: nothing that `loads` and `unseal` return has not been checked. Nothing here does IO.
"""

from __future__ import annotations

from threading import local
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.errors import Defect, NewerFormat
from cachy.lazy import hashlib, json, lazy_pattern, orjson
from cachy.rules.key import KEY_LENGTH, parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Buffer = bytes | memoryview
    Wire = Sequence[tuple[bytes, bytes]]

FORMAT = 1
SUFFIX = ".entry"
BODY_LIMIT = 64 * 2**20
"""Bytes. A longer body is not kept, and no entry expands to more than this and its head."""
HEAD_LIMIT = 2 * 2**20
"""Bytes. Of a longer head the request is left out: as objects, JSON takes 30 times its size."""
DEEPEST = 200
"""Levels. A request that is nested deeper is left out, too: what reads it is recursive."""

_LEVEL = 9  # level 19 gains 3 % and takes 0.5 s for what this does in 7 ms
_STAMP_LENGTH = 24
_LONGEST = 10**12
"""Milliseconds. No call took longer, and what is far longer fits no timedelta."""
LAST_SECOND = 0xFFFFFFFF
"""The last second that fits a stamp, in the year 2106."""
NAME_LENGTH = KEY_LENGTH + 1 + _STAMP_LENGTH
_REQUEST = b',"request":'
"""Where the outline begins in a head: its last field. No quote in a string looks like that."""
_NAME = lazy_pattern(rf"[0-9a-f]{{{KEY_LENGTH}}}-[0-9a-f]{{{_STAMP_LENGTH}}}")


class Entry(NamedTuple):
    """One recording: what is known of it, and the decoded response as the client read it.

    `head` has: cachy (the format), key (64 hex digits), recorded (UTC, ISO 8601), nonce, method,
    url (redacted), model, status, headers (list of [name, value]), stream (its kind, or None),
    client, ms (duration of the live call), usage; and, where there is something to say, http,
    reason, redirects and, last of all, request (the outline). `wire`: the headers as they go over
    one, in an entry that was read for a replay.
    """

    head: dict[str, Any]
    body: bytes
    wire: Wire = ()


class _Codec(local):
    """zstd contexts are reused, and not shared between threads. The library is loaded with the
    first entry of a thread, and not with `enable_cachy`."""

    compress: Callable[[bytes], bytes]
    decompress: Callable[..., bytes]
    content_size: Callable[[Buffer], int]
    error: type[Exception]

    def __getattr__(self, name: str) -> Any:
        import zstandard

        self.compress = zstandard.ZstdCompressor(
            level=_LEVEL, write_checksum=True, write_content_size=True
        ).compress
        self.decompress = zstandard.ZstdDecompressor().decompress
        self.content_size = zstandard.frame_content_size
        self.error = zstandard.ZstdError
        return self.__dict__[name]


_codec = _Codec()


def dumps(entry: Entry) -> bytes:
    """The frame of an entry."""
    head = {name: value for name, value in entry.head.items() if name != "request"}
    text = json_bytes(head)
    if "request" in entry.head:
        # Last, so that a hit, which has no use for it, need not parse it.
        request = _json_of_request(entry.head["request"])
        if request and len(text) + len(_REQUEST) + len(request) < HEAD_LIMIT:
            text = b"%b%b%b}" % (text[:-1], _REQUEST, request)
    return _codec.compress(b"%b\n%b" % (text, entry.body))


def json_bytes(value: Any) -> bytes:
    """JSON of whatever a head may hold, on one line."""
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer past 64 bits, or half a surrogate pair
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


def _json_of_request(value: Any) -> bytes:
    """Nothing, if it is nested too deep."""
    try:
        text = json_bytes(value)
    except RecursionError:
        return b""
    return b"" if is_deep(value, text) else text


def is_deep(value: Any, text: bytes) -> bool:
    """Whether a value has more than `DEEPEST` levels; `text` is its JSON."""
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


def loads(frame: Buffer, key: str = "", *, replay: bool = False) -> Entry:
    """The entry in a frame; with `key` (32 hex digits or more), only if it is that key's.

    For a `replay` its head lacks `request`, which can be long and answers nobody; and so it does
    where that is nested too deep. Raises Defect, and nothing else, whatever the bytes are.
    """
    codec = _codec
    try:
        size = codec.content_size(frame)
    except codec.error as error:
        raise Defect(f"not a zstd frame ({error})") from None
    if size < 0:
        raise Defect("its frame does not tell its size")
    if size > BODY_LIMIT + HEAD_LIMIT:
        raise Defect(f"it would expand to {size:,} bytes, over the limit")
    try:
        text = codec.decompress(frame, 0, False, False)  # no data after the frame
    except codec.error as error:
        raise Defect(f"its zstd frame is damaged ({error})") from None
    end = text.find(b"\n", 0, HEAD_LIMIT)
    if end < 0:
        raise Defect("it has no head")
    at = text.find(_REQUEST, 0, end)
    line = text[:end] if at < 0 else text[:at] + b"}"
    try:
        head = orjson.loads(line)
        if not replay:
            _add_request(head, line, text[at + len(_REQUEST) : end - 1] if at >= 0 else b"")
    except (ValueError, RecursionError):
        raise Defect("its head is not JSON") from None
    if problem := _problem(head, key):
        newer = isinstance(head, dict) and _version(head) > FORMAT
        raise (NewerFormat if newer else Defect)(problem)
    try:
        wire = to_wire(head["headers"])
    except (TypeError, ValueError, AttributeError):
        raise Defect("its headers are no pairs of text") from None
    return Entry(head, text[end + 1 :], wire if replay else ())


def to_wire(headers: Iterable[tuple[str, str]]) -> Wire:
    """Headers as they go over a wire. Raises Defect for those that say how a body is encoded (ours
    are decoded, and a client would do it again, to any size), and whatever comes of what is none.
    """
    names = _names
    try:
        return [(names[name], value.encode("latin-1")) for name, value in headers]
    except UnicodeEncodeError:  # no header that ever came over a wire
        return [(names[name], value.encode()) for name, value in headers]


class _Names(dict[str, bytes]):
    """The names of headers as they go over a wire, learned as they come."""

    _MOST = 1024

    def __missing__(self, name: str) -> bytes:
        if name.lower() in ("content-encoding", "transfer-encoding"):
            raise Defect("its headers say that its body is encoded")
        encoded = name.encode()
        if len(self) < self._MOST:
            self[name] = encoded
        return encoded


_names = _Names()


def _add_request(head: Any, line: bytes, request: bytes) -> None:
    """Add the outline to the head in a line. Raises Defect, ValueError, RecursionError."""
    if is_deep(head, line):
        raise Defect("its head is nested too deep")
    if request and isinstance(head, dict):
        asked = parse_json(request)
        if not is_deep(asked, request):
            head["request"] = asked


def _version(head: dict[str, Any]) -> int:
    """The format of a head, or 0 for what is no entry's."""
    version = head.get("cachy")
    return version if isinstance(version, int) else 0


def _problem(head: Any, key: str) -> str | None:
    """What is wrong with a head, or None. Readers rely on the types that are checked here."""
    if head.__class__ is not dict:
        return "its head is no entry's"
    get = head.get
    if get("cachy") != FORMAT:
        if not (version := _version(head)):
            return "its head is no entry's"
        return f"it has format {version}, and this cachy reads format {FORMAT}: update cachy-store"
    full = get("key")
    if full.__class__ is not str or not full.startswith(key):
        return "its head names another key"
    if not _is_status(get("status")):
        return "its status is no HTTP status"
    if get("headers").__class__ is not list:
        return "its headers are no list"
    ms = get("ms")
    if ms.__class__ not in (float, int) or not 0 <= ms <= _LONGEST:
        return "it does not tell how long the call took"
    if not _OPTIONAL.isdisjoint(head):
        return _problem_of_optional(head)
    return None


_OPTIONAL = frozenset({"http", "reason", "redirects"})


def _problem_of_optional(head: dict[str, Any]) -> str | None:
    for name in ("http", "reason"):
        if name in head and not isinstance(head[name], str):
            return f"its {name} is no text"
    if "redirects" in head:
        hops = head["redirects"]
        if not (isinstance(hops, list) and all(map(_is_hop, hops))):
            return "its redirects are none"
    return None


def _is_status(value: Any) -> bool:
    return value.__class__ is int and 100 <= value <= 599


def _is_hop(hop: Any) -> bool:
    """Whether this is one redirect on the way to a response."""
    return (
        isinstance(hop, dict)
        and _is_status(hop.get("status"))
        and all(isinstance(hop.get(name), str) for name in ("location", "method", "url"))
    )


def name_of(key: str, second: int, frame: bytes) -> str:
    """The name of an entry recorded in this UTC second (since 1970). Newer names sort after older.

    `second` has 32 bits, until the year 2106; a clock that says otherwise is not believed.
    """
    second = min(max(second, 0), 0xFFFFFFFF)
    return f"{key[:KEY_LENGTH]}-{second:08x}{hashlib.sha256(frame).hexdigest()[:16]}"


def is_name(name: str) -> bool:
    """Whether this could be the name of an entry (without its ending)."""
    return _NAME.fullmatch(name) is not None


def key_in(name: str) -> str:
    """The key in an entry's name."""
    return name[:KEY_LENGTH]


def second_in(name: str) -> int:
    """The second of recording in an entry's name, since 1970, UTC."""
    return int(name[KEY_LENGTH + 1 : KEY_LENGTH + 9], 16)


def seal(name: str, frame: bytes) -> bytes:
    """The file that holds a frame under this name."""
    return bytes(_masked(name, b"\0" + frame))


def unseal(name: str, data: bytes) -> memoryview:
    """The frame in a file of this name. Raises Defect unless it is the one that the name tells."""
    if data[:1] != b"\0":
        raise Defect("it is empty" if not data else "it does not start like an entry")
    frame = memoryview(_masked(name, data))[1:]
    if hashlib.sha256(frame).hexdigest()[:16] != name[-16:]:
        raise Defect("its bytes are not the ones that were recorded")
    return frame


def _masked(name: str, data: bytes) -> bytearray:
    """A file's bytes, with the pad, repeated, in exclusive or with each 4th of a small frame and
    each 16th of a large.

    A 64-byte chunk, git's unit of likeness, then differs in four places at least; in a small file
    the short chunks, between newlines, count for more. The exclusive or is done on one big integer:
    the only way at C speed in plain Python, and its own inverse.
    """
    step = min(16, 4 + len(data) // 512)
    picked = data[1::step]
    count = len(picked)
    pad = (hashlib.sha256(name.encode()).digest() * (count // 32 + 1))[:count]
    mixed = int.from_bytes(picked, "little") ^ int.from_bytes(pad, "little")
    masked = bytearray(data)
    masked[1::step] = mixed.to_bytes(count, "little")
    return masked
