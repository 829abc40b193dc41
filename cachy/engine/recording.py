"""A live call being recorded.

               begin()            feed() …             commit(), abandon()
    WAITING ────────────▶ PASSING ─────────▶ PASSING ──────────────────────▶ OVER

    WAITING   the request is under way
    PASSING   its response has begun, and its body is passed on piece by piece
    OVER      kept or not; nothing changes any more

The adapter calls each method where the live response does it. Feeding costs a list append; the rest
is done once, when the answer is complete. What is not worth keeping is counted and dropped. A
recording knows no cache: it reports to a `Listener`.
"""

from __future__ import annotations

import os
import time
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Protocol

from cachy.engine.entries import make_entry, make_head
from cachy.rules import streams
from cachy.rules.key import KEY_LENGTH
from cachy.rules.verdict import Answer, candidate, flaw
from cachy.store.entry import BODY_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cachy.engine.inflight import Flight
    from cachy.engine.repeats import Number
    from cachy.engine.secrets import Finding
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
    number among its repeats, if they are numbered."""

    __slots__ = ("canonical", "key", "number", "request", "route")

    def __init__(
        self, request: Request, route: Route, canonical: bytes, key: str, number: Number | None
    ) -> None:
        self.request, self.route = request, route
        self.canonical, self.key, self.number = canonical, key, number


class State(Enum):
    """Where a recording stands; see the drawing above."""

    WAITING = auto()
    PASSING = auto()
    OVER = auto()


class Recording:
    """A live call being recorded: `begin` with its response, `feed` the body as it passes, say
    `ended` when its end is reached, and `commit` when it is closed."""

    def __init__(
        self, question: Question, flight: Flight | None, listener: Listener, settings: Settings
    ) -> None:
        self._question, self._flight = question, flight
        self._listener, self._settings = listener, settings
        self._request = question.request
        self._started = time.perf_counter()
        self._ms: float | None = None
        self._state = State.WAITING
        self._head: dict[str, Any] = {}
        self._content_type = ""
        self._pieces: list[bytes] = []
        self._length = 0
        self._kept_length = -1
        self._ended = False
        self._watch: streams.Watch | None = None
        self._held = b""
        self.may_be_whole = False  # whether what was fed last may be the end of a stream

    @property
    def key(self) -> str:
        """The key as it names an entry."""
        return self._question.key[:KEY_LENGTH]

    def begin(
        self, response: ResponseHead, *, sent: Sequence[tuple[str, str]]
    ) -> list[tuple[str, str]] | None:
        """Return the headers that the client shall see, now as in every replay. None if a response
        of this status is not recorded: then the client gets it as it came.

        `sent` are all the headers that the request had in the end: nothing that is kept may repeat
        a credential among them.
        """
        if not candidate(response.status, errors=self._settings.errors):
            self.abandon(f"its status is {response.status}")
            return None
        self._request = self._request._replace(headers=sent)
        self._head = make_head(
            self._request,
            response,
            self._question.key,
            nonce=os.urandom(4).hex(),
            known=self._question.route.known,
            hdrs=self._settings.hdrs,
        )
        headers: list[tuple[str, str]] = self._head["headers"]
        self._content_type = next((value for name, value in headers if name == "content-type"), "")
        if streams.kind(self._content_type):
            self._watch = streams.Watch()
        self._state = State.PASSING
        return headers

    def hand_over(self) -> None:
        """Note that the caller reads the body itself, and may never read it to its end."""
        if self._flight is not None:
            self._flight.hand_over(stream=self._watch is not None)

    def abandon(self, reason: str = "it was left before its end") -> None:
        """Discard the recording: the response is incomplete and will stay so. Idempotent."""
        if self._state is not State.OVER and self._kept_length < 0:
            self._listener.not_kept(self._request.method, self._request.url, reason)
        self._finish()

    def _finish(self) -> None:
        self._state = State.OVER
        number = self._question.number
        if number is not None and self._kept_length < 0:
            number.give_back()
        if self._flight is not None:
            self._flight.land()

    def feed(self, piece: bytes) -> bytes:
        """Note a piece of the decoded body. Return what to pass on now: all that came, or nothing,
        if the end of the stream should be fetched first. If `may_be_whole` then, it is time to
        commit."""
        self._length += len(piece)
        if self._length > BODY_LIMIT:
            self._pieces = []  # too long to keep: free its memory
            self.may_be_whole = False
            return self.release() + piece
        self._pieces.append(piece)
        sign = self._watch.see(piece) if self._watch is not None else ""
        self.may_be_whole = sign == "last"
        if sign == "last but one" or (self._held and not self.may_be_whole):
            self._held += piece
            return b""
        return self.release() + piece

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
            self._ms = round((time.perf_counter() - self._started) * 1000, 1)
        return self._ms

    def due(self) -> bool:
        """Tell whether `commit` may have something to do."""
        return self._state is State.PASSING and self._length != self._kept_length

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
            elif self._length == self._kept_length and self._flight is not None:
                self._flight.land()

    def _keep(self, *, final: bool) -> None:
        """Keep the answer as far as it has come, unless it is flawed. If it is the `final` one, say
        why not, unless the start of it was kept already."""
        answer = Answer(
            self._head["status"], self._content_type, b"".join(self._pieces), self._ended
        )
        request = self._request
        if reason := self._flaw(answer):
            if final and self._kept_length < 0:
                self._listener.not_kept(request.method, request.url, reason)
            return
        entry = make_entry(
            self._head,
            request,
            self._question.canonical,
            answer,
            recorded=_utc_now(),
            ms=self.ms(),
            requests=self._settings.requests,
        )
        self._kept_length = self._length
        from cachy.engine import secrets  # not on the path of a hit

        findings = secrets.in_recording(
            entry, self._question.canonical, request, events=answer.events
        )
        self._listener.keep(entry, findings)

    def _flaw(self, answer: Answer) -> str | None:
        """Return why an answer is not worth keeping."""
        if self._length > BODY_LIMIT:
            return f"it is longer than {BODY_LIMIT:,} bytes"
        route, get = self._question.route, self._request.method == "GET"
        return flaw(answer, poll=route.poll, known=route.known, get=get)


def _utc_now() -> str:
    from datetime import datetime, timezone

    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
