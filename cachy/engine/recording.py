"""A live call being recorded.

               begin()            feed() …             commit(), abandon()
    WAITING ────────────▶ PASSING ─────────▶ PASSING ──────────────────────▶ OVER

    WAITING   the request is under way
    PASSING   its response has begun, and its body is passed on piece by piece
    OVER      kept or not; nothing changes any more

The adapter calls each method where the live response does it. Recording listens: it changes nothing
of the response, and feeding costs a list append. The rest is done once, when the answer is
complete. What is not worth keeping is counted and dropped. A recording knows no cache: it reports
to a `Listener`.
"""

from __future__ import annotations

import os
from enum import Enum, auto
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

from cachy import clock
from cachy.engine.entries import make_entry, make_head
from cachy.rules import encodings, jobs, protocols, streams
from cachy.rules.content import joined
from cachy.rules.tables import HARMLESS_NOISE
from cachy.rules.verdict import REDIRECTS, Answer, candidate, flaw
from cachy.store.entry import BODY_LIMIT
from cachy.store.names import key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cachy.engine.inflight import Flight
    from cachy.engine.repeats import Number
    from cachy.engine.secret_search import Finding
    from cachy.rules.encodings import Decoder
    from cachy.rules.hosts import Route
    from cachy.rules.message import Request, ResponseHead
    from cachy.settings import Settings
    from cachy.store.entry import Entry


class Listener(Protocol):
    """Who is told what becomes of a recording. None of these raises."""

    def keep(self, entry: Entry, findings: Sequence[Finding]) -> None:
        """Put an entry into the store; `findings` are what looks like a credential in it."""

    def not_kept(self, method: str, url: str, reason: str) -> None:
        """Count an answer that is not worth keeping."""

    def warn(self, message: str, error: BaseException | None = None) -> None:
        """Warn once of a fault of cachy's own."""


class Question:
    """What a recording will be the answer to. `key` has all 64 digits; `number` is the request's
    number among its repeats, if they are numbered; `texts` are what the key leaves out of it, such
    as the name of a temporary file."""

    __slots__ = ("canonical", "key", "number", "request", "route", "texts")

    def __init__(
        self,
        request: Request,
        route: Route,
        canonical: bytes,
        key: str,
        number: Number | None,
        texts: tuple[bytes, ...],
    ) -> None:
        self.request, self.route = request, route
        self.canonical, self.key, self.number = canonical, key, number
        self.texts = texts


class State(Enum):
    """Where a recording stands; see the drawing above."""

    WAITING = auto()
    PASSING = auto()
    OVER = auto()


class Body:
    """A body as it passes: its pieces, decoded at once where it is a stream, whose end must be
    noticed, or else when it is complete. JSON is a stream if it begins with a line of its own.

    `times` are (bytes so far, milliseconds since the call began) of the pieces, where it is known
    how much of the decoded body each of them holds.
    """

    MOST_TIMES = 1024
    _BLOCK = 65536

    def __init__(self, decoder: Decoder, media: str, started: float) -> None:
        self._decoder, self._started = decoder, started
        self.watch = streams.Watch() if streams.kind(media) is not None else None
        self.length = 0
        self.times: list[tuple[int, int]] = []
        self._undecided = self.watch is None and "json" in media.lower()
        self._front = b""  # what was decoded to see whether this is a stream
        self._held = BytesIO()  # which gives away what it holds without another copy

    def feed(self, piece: bytes) -> str:
        """Note a piece, as it came over the wire. Return what the watch says of it. Raise
        ValueError for damaged data."""
        if self.watch is not None:
            piece = self._decoder.feed(piece)
        elif self._undecided:
            piece = self._begin(piece)
        self.length += len(piece)
        if self.length > BODY_LIMIT:
            self._held = BytesIO()  # too long to keep: free its memory
            return ""
        self._held.write(piece)
        if piece and (self.watch is not None or self._decoder is encodings.IDENTITY):
            self.times.append((self.length, round((clock.perf_counter() - self._started) * 1000)))
            if len(self.times) > self.MOST_TIMES:
                self.times = self.times[1::2]  # pieces that follow each other become one
        return "" if self.watch is None else self.watch.see(piece)

    def _begin(self, piece: bytes) -> bytes:
        """Decode the first piece of JSON. Return it, or nothing, if it is kept as the front."""
        piece = self._decoder.feed(piece)
        self._undecided = not piece
        if streams.begins_lines(piece):
            self.watch = streams.Watch()
        elif self._decoder is not encodings.IDENTITY:
            self._front, piece = piece, b""
            self.length += len(self._front)
        return piece

    def whole(self) -> bytes:
        """Return the decoded body as far as it has come, or so much of it that it is plainly longer
        than `BODY_LIMIT`. Raise ValueError for damaged data."""
        raw = self._held.getvalue()
        if self.watch is not None or self._decoder is encodings.IDENTITY:
            return raw
        self._held, front = BytesIO(), self._front
        self._front = b""
        self._held.write(front)
        for at in range(0, len(raw), self._BLOCK):
            self._held.write(self._decoder.feed(raw[at : at + self._BLOCK]))
            if self._held.tell() > BODY_LIMIT:
                return self._held.getvalue()
        self._held.write(self._decoder.finish())
        self._decoder = encodings.IDENTITY
        return self._held.getvalue()


class Recording:
    """A live call being recorded: `begin` with its response, `feed` the body as it passes, say
    `ended` when its end is reached, and `commit` when it is closed."""

    def __init__(
        self,
        question: Question,
        flight: Flight | None,
        listener: Listener,
        settings: Settings,
        started: float | None = None,
    ) -> None:
        self._question, self._flight = question, flight
        self._listener, self._settings = listener, settings
        self._request = question.request
        self._started = clock.perf_counter() if started is None else started
        self._ms: float | None = None
        self._recorded = ""
        self._state = State.WAITING
        self._head: dict[str, Any] = {}
        self._content_type = self._job = ""
        self._body: Body | None = None
        self._kept = -1
        self._ended = False
        self._held = b""
        self.may_be_whole = False  # whether what was fed last may be the end of a stream

    @property
    def key(self) -> str:
        """The key as it names an entry."""
        return key_of(self._question.key)

    def begin(self, response: ResponseHead, *, sent: Sequence[tuple[str, str]]) -> bool:
        """Start to record a response. False for one that is not recorded.

        `sent` are all the headers that the request had in the end: nothing that is kept may repeat
        a credential among them.
        """
        if not candidate(response.status, errors=self._settings.errors):
            self.abandon(f"its status is {response.status}")
            return False
        if response.status in REDIRECTS and not response.values("location"):
            self.abandon("it is a redirect to nowhere")
            return False
        if _length_of(response) > BODY_LIMIT:
            self.abandon(_too_long())
            return False
        encoding = ", ".join(response.values("content-encoding"))
        decoder = encodings.decoder(encoding)
        if decoder is None:
            self.abandon(f"its encoding {encoding!r} cannot be decoded here")
            return False
        self._request = self._request._replace(headers=sent)
        self._head = make_head(
            self._request,
            response,
            self._question.key,
            nonce=os.urandom(4).hex(),
            known=self._question.route.known,
            hdrs=self._settings.hdrs,
        )
        self._content_type = response.value("content-type")
        self._job = next(filter(None, map(response.value, jobs.LINKS)), "")
        self._body = Body(decoder, self._content_type, self._started)
        self._state = State.PASSING
        return True

    def date(self, recorded: str, ms: float) -> None:
        """Say when the call was made (a UTC time in ISO 8601, or an empty string for now), and how
        many milliseconds it took: of one that was recorded elsewhere."""
        self._recorded, self._ms = recorded, ms

    def abandon(self, reason: str = "it was left before its end") -> None:
        """Discard the recording: the response is incomplete and will stay so. Idempotent."""
        if self._state is not State.OVER and self._kept < 0:
            self._listener.not_kept(self._request.method, self._request.url, reason)
        self._finish()

    def let_go(self) -> None:
        """Let those go on who wait for this call: its body may never be read."""
        if self._flight is not None:
            self._flight.land()

    def _finish(self) -> None:
        self._state = State.OVER
        self._body = None  # the response, which may live on, holds this recording
        number = self._question.number
        if number is not None and self._kept < 0:
            number.give_back()
        if self._flight is not None:
            self._flight.land()

    def feed(self, piece: bytes) -> bytes:
        """Note a piece of the body. Return what to pass on now: all that came, or nothing, if the
        end of the stream should be fetched first. If `may_be_whole` then, it is time to commit."""
        sign = ""
        if self._body is not None and self._state is State.PASSING:
            try:
                sign = self._body.feed(piece)
            except ValueError as error:
                self.abandon(f"its body cannot be decoded ({error})")
        self.may_be_whole = sign == "last"
        if sign == "last but one" or (self._held and not self.may_be_whole):
            self._held += piece
            return b""
        return self.release() + piece

    def feed_decoded(self, body: bytes) -> None:
        """Note a whole body that was decoded already."""
        self._body = Body(encodings.IDENTITY, "", self._started)
        self._body.feed(body)
        self._ended = True

    def release(self) -> bytes:
        """Return what was not passed on yet."""
        held, self._held = self._held, b""
        return held

    def ended(self) -> bytes:
        """Note that the end of the body was reached. Return what was not passed on yet."""
        self._ended = True
        return self.release()

    def ms(self) -> float:
        """Return how long the call took, in milliseconds: until this was first asked."""
        if self._ms is None:
            self._ms = round((clock.perf_counter() - self._started) * 1000, 1)
        return self._ms

    @property
    def _length(self) -> int:
        """How much of the body has come."""
        return 0 if self._body is None else self._body.length

    def due(self) -> bool:
        """Tell whether `commit` may have something to do."""
        return self._state is State.PASSING and self._length != self._kept

    def commit(self, *, closing: bool = True) -> None:
        """Keep the recording if it is worth keeping. Raise nothing.

        While the stream may still go on (not `closing`), a flawed one is not given up yet; and if
        more comes after one was kept, the longer one is kept, too, and supersedes it.
        """
        try:
            if self.due():
                self._keep(final=closing)
        except Exception as error:  # noqa: BLE001 - a fault of cachy must not break the user's call
            self._listener.warn("a response could not be recorded", error)
        finally:
            if closing:
                self._finish()
            elif self._length == self._kept and self._flight is not None:
                self._flight.land()

    def _keep(self, *, final: bool) -> None:
        """Keep the answer as far as it has come, unless it is flawed. If it is the `final` one, say
        why not, unless the start of it was kept already."""
        assert self._body is not None
        request, body = self._request, b""
        try:
            if self._body.length <= BODY_LIMIT:
                body = self._body.whole()
            reason = ""
        except ValueError as error:
            reason = f"its body cannot be decoded ({error})"
        if max(self._body.length, len(body)) > BODY_LIMIT:
            reason = _too_long()
        status, kind = self._head["status"], self._content_type
        answer = Answer(status, kind, body, self._ended, self._job)
        if reason := reason or self._flaw(answer) or self._repeated(answer):
            if final and self._kept < 0:
                self._listener.not_kept(request.method, request.url, reason)
            return
        from cachy.engine import secrets  # not on the path of a hit

        headers = secrets.public_headers(self._head["headers"], request)
        if answer.status in REDIRECTS and not any(name == "location" for name, _ in headers):
            # Kept, it would leak; kept without, a hit would send a client to another address.
            self._listener.not_kept(request.method, request.url, "its location holds a credential")
            return
        head = {**self._head, "headers": headers}
        entry = make_entry(
            head,
            request,
            self._question.canonical,
            answer,
            recorded=self._recorded or clock.timestamp(),
            ms=self.ms(),
            times=self._body.times,
            requests=self._settings.requests,
        )
        self._kept = self._length
        findings = secrets.in_recording(
            entry, self._question.canonical, request, events=answer.events
        )
        self._listener.keep(entry, findings)

    def _flaw(self, answer: Answer) -> str:
        route, asked = self._question.route, self._question.canonical
        found = flaw(answer, poll=route.poll, known=route.known, file=route.file, asked=asked)
        return found or ""

    def _repeated(self, answer: Answer) -> str:
        """Return why an answer is true of this one request alone: it repeats a text that the key
        leaves out."""
        texts = [text for text in self._question.texts if not text.startswith(HARMLESS_NOISE)]
        if not texts:
            return ""
        said = answer.body + b"\0" + _said(answer) if answer.kind else answer.body
        if any(text in said for text in texts):
            return "it repeats a name of this run, such as that of a temporary file"
        return ""


def _too_long() -> str:
    return f"it is longer than {BODY_LIMIT:,} bytes"


def _length_of(response: ResponseHead) -> int:
    """Return the length that a response announces, or 0."""
    length = next(iter(response.values("content-length")), "")
    return int(length) if length.isascii() and length.isdecimal() else 0


def _said(answer: Answer) -> bytes:
    """Return the texts of a stream, put together: a name may come in several events."""
    known = protocols.known()
    objects = (event.data for event in answer.events if isinstance(event.data, dict))
    texts = [text for _, text in joined(each for data in objects for each in known.pieces(data))]
    return "\0".join(texts).encode("utf-8", "surrogatepass")
