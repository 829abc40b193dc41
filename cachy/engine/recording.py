"""A live call being recorded.

    begin(response) ──▶ feed(piece) … ──▶ ended() ──▶ commit() ──▶ an entry in the store, or none

The adapter calls each where the live response does it. Feeding costs a list append; the rest is
done once, when the answer is complete. What is not worth keeping is counted and forgotten.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from cachy.rules import key as keys
from cachy.rules import verdict as answers
from cachy.rules.outline import outline
from cachy.store import entry as codec
from cachy.store.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cachy.engine.cache import Cache, Question
    from cachy.engine.inflight import Flight
    from cachy.engine.secrets import Finding


class Recording:
    """A live call being recorded: `begin` with its response, `feed` the body as it passes, say
    `ended` when its end is reached, and `commit` when it is over. Feeding costs a list append.
    """

    def __init__(self, cache: Cache, question: Question, flight: Flight | None) -> None:
        self._cache, self._flight = cache, flight
        self._key, self._canonical = question.key, question.canonical
        self._request, self._route = question.request, question.route
        self._turn = question.turn
        self._started = time.perf_counter()
        self._ms: float | None = None
        self._head: dict[str, Any] = {}
        self._content_type = ""
        self._chunks: list[bytes] = []
        self._length = 0
        self._kept_length = -1
        self._ended = False
        self._open = False
        self._over = False
        self._watch: answers.Watch | None = None
        self._held = b""
        self.may_be_whole = False  # whether what was fed last may be the end of a stream

    @property
    def key(self) -> str:
        """The key as it names an entry."""
        return self._key[: keys.KEY_LENGTH]

    def begin(
        self,
        status: int,
        headers: Sequence[tuple[str, str]],
        *,
        sent: Sequence[tuple[str, str]],
        client: str,
        http: str,
        reason: str | None,
        redirects: Sequence[dict[str, Any]] = (),
    ) -> list[tuple[str, str]] | None:
        """The headers that the client shall see, now as in every replay. None if a response of
        this status is not for recording: then it is the client's, as it came.

        `sent` are all the request's headers in the end: nothing that is kept may repeat a
        credential among them.
        """
        cache = self._cache
        if not answers.candidate(status, errors=cache.options.errors):
            self.abandon(f"its status is {status}")
            return None
        self._request = self._request._replace(headers=sent)
        encoded = any(name.lower() == "content-encoding" for name, _ in headers)
        kept = answers.kept_headers(headers, cache.options.headers, encoded)
        self._head = {
            "cachy": codec.FORMAT,
            "key": self._key,
            "recorded": "",
            "nonce": os.urandom(4).hex(),
            "method": self._request.method,
            "url": keys.redacted_url(self._request.url, known=self._route.known),
            "status": status,
            "headers": kept,
            "client": client,
        }
        if http != "HTTP/1.1":
            self._head["http"] = http
        if reason is not None:
            self._head["reason"] = reason
        if redirects:
            self._head["redirects"] = redirects
        self._content_type = next((value for name, value in kept if name == "content-type"), "")
        if answers.stream_kind(self._content_type):
            self._watch = answers.Watch()
        self._open = True
        self.hold()
        return kept

    def abandon(self, reason: str = "it was left before its end") -> None:
        """There will be no more, and what there is is not whole. Again it does nothing."""
        if not self._over and self._kept_length < 0:
            self._cache.skip(self._request, reason)
        self._land()

    def _land(self) -> None:
        """The call is over, kept or not."""
        self._open, self._over = False, True
        if self._turn is not None and self._kept_length < 0:
            self._turn.give_back()
        if self._flight is not None:
            self._flight.land()

    def hold(self) -> None:
        """The client has what has come so far, and does not read on."""
        if self._flight is not None:
            self._flight.hold()

    def read_on(self) -> None:
        """The client waits for the next piece."""
        if self._flight is not None:
            self._flight.read_on()

    def lost(self) -> None:
        """The rest will not come: nobody need wait for it, even if nobody closes the stream."""
        if self._flight is not None:
            self._flight.land()

    def feed(self, chunk: bytes) -> bytes:
        """Note a piece of the decoded body. Returns what shall be passed on now: all that came, or
        nothing, if the end of the stream should be fetched first. If `may_be_whole` then, it is
        time to commit."""
        self.hold()
        self._length += len(chunk)
        if self._length > codec.BODY_LIMIT:
            self._chunks = []  # too long to keep: do not hold it either
            self.may_be_whole = False
            return self.release() + chunk
        self._chunks.append(chunk)
        sign = self._watch.see(chunk) if self._watch is not None else ""
        self.may_be_whole = sign == "last"
        if sign == "last but one" or (self._held and not self.may_be_whole):
            self._held += chunk
            return b""
        return self.release() + chunk

    def release(self) -> bytes:
        """What was not passed on yet; nothing if nobody waits for it."""
        held, self._held = self._held, b""
        return held

    def ended(self) -> None:
        """Note that the end of the body was reached."""
        self._ended = True

    def ms(self) -> float:
        """How long the call took, in milliseconds: until this was first asked."""
        if self._ms is None:
            self._ms = round((time.perf_counter() - self._started) * 1000, 1)
        return self._ms

    def due(self) -> bool:
        """Whether `commit` may have something to do."""
        return self._open and self._length != self._kept_length

    def commit(self, *, closing: bool = True) -> None:
        """Keep the recording if it is worth keeping. Raises nothing.

        While the stream may still go on (not `closing`), a flawed one is not given up yet; and if
        more comes after one was kept, the longer one is kept, too, and supersedes it.
        """
        try:
            if self.due():
                entry = self._entry(final=closing)
                if entry is not None:
                    self._kept_length = self._length
                    self._cache.keep(entry, self._findings(entry))
        except Exception as error:  # noqa: BLE001 - a fault of ours must not become the user's
            self._cache.warn("a response could not be recorded", error)
        finally:
            if closing:
                self._land()
            elif self._length == self._kept_length and self._flight is not None:
                self._flight.land()

    def _findings(self, entry: Entry) -> list[Finding]:
        from cachy.engine import secrets  # not on the path of a hit

        return secrets.in_recording(entry, self._canonical, self._request)

    def _entry(self, final: bool) -> Entry | None:
        """What to keep of the answer so far, if anything. If it is the `final` one, say why not,
        unless the start of it was kept already."""
        head = self._head
        answer = answers.Answer(
            head["status"], self._content_type, b"".join(self._chunks), self._ended
        )
        if reason := self._flaw(answer):
            if final and self._kept_length < 0:
                self._cache.skip(self._request, reason)
            return None
        full = self._cache.options.requests == "full" and len(self._canonical) < codec.HEAD_LIMIT
        asked = outline(self._canonical, full=full)
        head["recorded"] = _utc_now()
        head["ms"] = self.ms()
        head["model"] = answers.model_of(self._request.url, asked.get("body"))
        head["stream"] = answers.stream_kind(answer.content_type, answer.body)
        head["usage"] = answers.usage_of(answer)
        if self._cache.options.requests != "none":
            head["request"] = asked
        return Entry(head, answer.body)

    def _flaw(self, answer: answers.Answer) -> str | None:
        """Why an answer is not worth keeping."""
        if self._length > codec.BODY_LIMIT:
            return f"it is longer than {codec.BODY_LIMIT:,} bytes"
        route, get = self._route, self._request.method == "GET"
        return answers.flaw(answer, poll=route.poll, known=route.known, get=get)


def _utc_now() -> str:
    from datetime import datetime, timezone

    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
