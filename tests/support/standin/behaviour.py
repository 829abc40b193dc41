"""How an answer is made worse on its way: coded, split, slowed, cut, replaced."""

from __future__ import annotations

import importlib
import random
import re
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from standin.wire import Answer, Call, json_answer, sse

Replacement = Answer | Callable[[Call, int], Answer]


@dataclass(frozen=True)
class Behaviour:
    """What to do to the answers to the calls that `when` matches, `times` times or for ever.

    Counts of pieces are the provider's (its events); counts of bytes are those on the wire.
    """

    times: int | None = None
    when: Callable[[Call], bool] = lambda call: True

    answer: Replacement | None = None
    """Answer this rather than the provider's."""

    encoding: str | None = None
    """A content encoding: gzip, deflate, br, zstd or identity."""

    crlf: bool = False
    """End the lines of event streams with CRLF."""

    split: int | None = None
    """Send at most that many bytes at a time."""

    scatter: int | None = None
    """Send pieces of random sizes (1 to 64 bytes), drawn with this seed."""

    delay: float = 0
    """Seconds before the head of the answer."""

    pause: float = 0
    """Seconds between pieces."""

    gate: threading.Event | None = None
    """Hold what follows the first piece until this is set."""

    hang: bool = False
    """Never answer."""

    cut_after: int | None = None
    """Break the connection after that many bytes of body, amid a chunk if there are chunks."""

    cut_after_pieces: int | None = None
    """Break the connection after that many pieces."""

    end_after_pieces: int | None = None
    """End properly, yet too early."""

    instead: bytes | None = None
    """Send this in place of the pieces that `end_after_pieces` leaves out."""

    misstate_length: int = 0
    """Add this to the Content-Length."""

    @property
    def breaks(self) -> bool:
        """Whether the connection is of no use afterwards."""
        cuts = (self.cut_after, self.cut_after_pieces)
        return self.misstate_length != 0 or any(cut is not None for cut in cuts)

    def body(self, answer: Answer) -> list[bytes]:
        """The body's pieces, coded: each can be read as soon as it is there."""
        pieces = answer.body if isinstance(answer.body, list) else [answer.body]
        if self.crlf and answer.headers.get("content-type", "").startswith("text/event-stream"):
            pieces = [re.sub(rb"\r?\n", b"\r\n", piece) for piece in pieces]
        pieces = pieces[: self.end_after_pieces]
        if self.instead is not None:
            pieces = [*pieces, self.instead]
        code, finish = coder(self.encoding)
        coded = [code(piece) for piece in pieces]
        if self.cut_after_pieces is not None:
            return coded[: self.cut_after_pieces]
        return [*coded, finish()]

    def portions(self, body: list[bytes]) -> Iterator[bytes]:
        """The body as it is sent: piece by piece, or cut up with no regard for pieces."""
        if self.split is None and self.scatter is None:
            yield from filter(None, body)
            return
        dice = random.Random(self.scatter)
        whole = BytesIO(b"".join(body))
        while portion := whole.read(self.split or dice.randint(1, 64)):
            yield portion


def coder(encoding: str | None) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    """Codes a piece so that it can be read at once; and what ends the body."""
    if encoding in ("gzip", "deflate"):
        deflate = zlib.compressobj(wbits=31 if encoding == "gzip" else 15)
        return lambda data: deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH), deflate.flush
    if encoding == "br":
        brotli: Any = importlib.import_module("brotli").Compressor()
        return lambda data: brotli.process(data) + brotli.flush(), brotli.finish
    if encoding == "zstd":
        module: Any = importlib.import_module("zstandard")
        zstd = module.ZstdCompressor().compressobj()
        block = module.COMPRESSOBJ_FLUSH_BLOCK
        return lambda data: zstd.compress(data) + zstd.flush(block), zstd.flush
    return lambda data: data, bytes


# What goes wrong at providers, as behaviours


def error(status: int, times: int | None = None, message: str = "") -> Behaviour:
    """Refuse with a status, in the words of the provider that was called."""
    return Behaviour(times, answer=lambda call, serial: failure(call, serial, status, message))


def error_object(times: int | None = None) -> Behaviour:
    """An error under status 200, as gateways send it."""
    return Behaviour(times, answer=lambda call, serial: _succeed(failure(call, serial, 502)))


def error_event(after: int, times: int | None = None) -> Behaviour:
    """A stream that turns into an error after that many events, and ends."""
    data = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    return Behaviour(times, end_after_pieces=after, instead=sse([("error", data)])[0])


def redirect(to: str, status: int = 307) -> Behaviour:
    """Send the next call elsewhere, once."""
    return Behaviour(1, answer=Answer(status, {"location": to}))


def empty(status: int = 204, times: int | None = None) -> Behaviour:
    """Success, and nothing more."""
    return Behaviour(times, answer=Answer(status, {"content-type": "application/json"}))


KINDS = {
    400: ("invalid_request_error", "INVALID_ARGUMENT", "The request was malformed."),
    401: ("authentication_error", "UNAUTHENTICATED", "Incorrect API key provided."),
    404: ("not_found_error", "NOT_FOUND", "The model does not exist."),
    429: ("rate_limit_error", "RESOURCE_EXHAUSTED", "Rate limit reached."),
    529: ("overloaded_error", "UNAVAILABLE", "Overloaded"),
}


def failure(call: Call, serial: int, status: int, message: str = "") -> Answer:
    """An error of that status; clients that retry it need not wait."""
    kind, name, words = KINDS.get(status, ("api_error", "INTERNAL", "The server had an error."))
    text = f"{message or words} (call {serial})"
    body: dict[str, Any] = {"error": {"message": text, "type": kind, "param": None, "code": kind}}
    if "anthropic" in call.host:
        number = f"req_{serial:024x}"
        body = {"type": "error", "error": {"type": kind, "message": text}, "request_id": number}
    elif "googleapis" in call.host:
        body = {"error": {"code": status, "message": text, "status": name}}
    return json_answer(body, status, retry_after_ms="1", x_request_id=f"req_{serial:032x}")


def _succeed(answer: Answer) -> Answer:
    return Answer(200, answer.headers, answer.body)
