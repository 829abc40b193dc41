"""Which answers are worth recording.

    candidate(status)    whether a response with this status may be
    flaw(answer)         why a response, now complete, is not; None if it is

In doubt an answer is not recorded: one call too many costs money once, a wrong answer in a store
costs trust.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from cachy.lazy import json, lazy_pattern
from cachy.rules import jobs, protocols, streams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.rules.protocols import Finish
    from cachy.rules.streams import Event

REPEATABLE_ERRORS = frozenset({400, 404, 405, 410, 413, 415, 422})
"""With `errors=True` these are recorded too: the same request would fail in the same way again."""


REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Answer:
    """A response as far as it was read. `ended`: the end of its body was reached; `job`: what a
    header says of the job that it starts (`jobs.LINKS`)."""

    def __init__(
        self, status: int, content_type: str, body: bytes, ended: bool, job: str = ""
    ) -> None:
        self.status, self.content_type = status, content_type
        self.body, self.ended = body, ended
        self.job = job

    @cached_property
    def kind(self) -> str | None:
        """The kind of stream that it is, None for a body in one piece."""
        return streams.kind(self.content_type, self.body)

    @cached_property
    def events(self) -> list[Event]:
        """The decoded events of a stream, or one for a body in one piece. Decoded once."""
        return streams.decode(self.kind, self.body)


def candidate(status: int, *, errors: bool = False) -> bool:
    """Return whether a response with this status may be worth recording."""
    whole = 200 <= status < 300 and status != 206  # Partial Content
    return whole or status in REDIRECTS or (errors and status in REPEATABLE_ERRORS)


_CUT_BODY = "it is incomplete"
_EMPTY = "it is empty, and its content type is JSON"
_ERROR = "it carries an error"
_OTHER_GET = "GETs are kept only for lists of models and finished polls"
_RUNNING = "it says that its job is still running"
_WEB_PAGE = "it is a web page: something on the way to the API answered"
_ACCOUNT_TROUBLE = lazy_pattern(
    rb"api[ _-]?(key|token)|(access|security|auth|bearer)[ _-]token|credit|quota|billing|payment"
    rb"|insufficient[ _](funds|balance)|arrear|rate[ _-]?limit|usage limit|unauthori[sz]ed"
    rb"|authenticat|permission|organi[sz]ation|not allowed to|have access|access denied"
    rb"|(your|the|this) (account|workspace|subscription|plan)|location is not supported"
    rb"|data policy"
)
"""In an error: the same request of a colleague, or of tomorrow, would get another answer."""


def flaw(
    answer: Answer,
    *,
    poll: bool = False,
    known: bool = True,
    file: bool = False,
    asked: bytes = b"",
) -> str | None:
    """Return why an answer is not worth recording, in a few words; None if it is.

    `poll`: the request polls a job, and only the last poll is worth recording; `known`: the host is
    known to be an LLM API, so that its fields mean what they mean there; `file`: the answer is a
    file, whatever it may say; `asked` is the canonical request, which tells the start of a job from
    a poll (`jobs.starts`).
    """
    if answer.status >= 400 and answer.ended and _ACCOUNT_TROUBLE.search(answer.body.lower()):
        return "it is about the key, credit or quota of this account"
    if answer.status in REDIRECTS or answer.status >= 400 or asked.startswith(b"HEAD "):
        return None if answer.ended else _CUT_BODY
    media = answer.content_type.lower()
    if file and "html" not in media:
        return None if answer.ended else _CUT_BODY
    if answer.kind:
        return _flaw_of_stream(answer, known)
    if not answer.ended:
        return _CUT_BODY
    if known and "html" in media:
        return _WEB_PAGE
    if "json" in media and answer.status not in (204, 205):  # which have no body
        found = _flaw_of_json(answer, poll, known)
    else:
        found = _OTHER_GET if poll else None
    if found is None and answer.status == 202:
        found = _RUNNING
    if not poll and (found == _RUNNING or (found == _EMPTY and answer.status == 202)):
        data = answer.events[0].data if answer.body else None
        return None if jobs.starts(asked, data, answer.job) else found
    return found


def _flaw_of_json(answer: Answer, poll: bool, known: bool) -> str | None:
    if not answer.body.strip():
        return _EMPTY
    event = answer.events[0]
    if event.defect:
        return None if event.defect == streams.DEEP else _flaw_of_undecoded(answer.body)
    data = event.data
    if known and (data is None or (isinstance(data, dict) and protocols.known().empty(data))):
        return "it holds no answer"
    finishes = _finishes(data)
    if is_error(data) if known else _has_failed_elsewhere(data, finishes):
        return _ERROR
    if jobs.is_running(data, known=known):
        return _RUNNING
    if poll and not jobs.is_finished(data):
        return _OTHER_GET
    if known and not all(finish.reason for finish in finishes if finish.declared):
        return "it ends without a reason to finish"
    return None


def _finishes(data: Any) -> list[Finish]:
    return list(protocols.known().finishes(data)) if isinstance(data, dict) else []


def _flaw_of_undecoded(body: bytes) -> str | None:
    """The verdict on what orjson rejects: NaN, which Python's own `json` writes, is no damage."""
    try:
        json.loads(body)
    except ValueError:
        return "its JSON is broken, so it may have been cut off"
    except RecursionError:
        return "its JSON is nested too deep to be checked"
    return None


# ---- Errors ----


def is_error(data: Any) -> bool:
    """Return whether a decoded JSON body, or one event of a stream, says that the call failed."""
    if isinstance(data, list):
        return any(isinstance(item, dict) and is_error(item) for item in data)
    return isinstance(data, dict) and _has_failed(data, _finishes(data))


def _has_failed(data: dict[str, Any], finishes: list[Finish]) -> bool:
    return (
        bool(data.get("error"))
        or jobs.state(data) in jobs.FAILED
        or protocols.known().failed(data, finishes)
    )


_BESIDE_AN_ERROR = frozenset({"error", "message", "code", "status", "type", "detail", "request_id"})


def _has_failed_elsewhere(data: Any, finishes: list[Finish]) -> bool:
    """The same on hosts that the user added: there `error: 0.12` and `success: false` are data."""
    if not isinstance(data, dict):
        return False
    choices = [finish for finish in finishes if finish.choice is not None]
    return (
        _is_error_object(data)
        or data.get("type") == "response.failed"
        or (bool(choices) and protocols.known().ended_badly(choices))
    )


def _is_error_object(data: dict[str, Any]) -> bool:
    """Return whether this is an error and nothing else."""
    error = data.get("error")
    if isinstance(error, dict):
        return "message" in error or "code" in error
    return isinstance(error, str) and error != "" and data.keys() <= _BESIDE_AN_ERROR


# ---- Streams ----

_CUT = "the stream is incomplete"
_FAILED = "the stream carries an error event"
_SILENT = "the stream has no event with content"
_UNDECODED = "the stream has an event that cannot be decoded"
_PINGS = ("ping", "keepalive", "keep-alive", "heartbeat")
_DONE = b"[DONE]"


def _flaw_of_stream(answer: Answer, known: bool) -> str | None:
    events = answer.events
    types = [event.type for event in events]
    if _reports_failure(events, types, known):
        return _FAILED
    # Many servers leave out the blank line after the last server-sent event.
    if events and not events[-1].complete and not (answer.kind == "sse" and answer.ended):
        return _CUT
    if found := _flaw_of_broken_events(events, framed=answer.kind != "sse"):
        return found
    has_failed = _has_failed if known else _has_failed_elsewhere
    progress = _Progress()
    for event, kind in _with_content(events, types):
        finishes = _finishes(event.data)
        if isinstance(event.data, dict) and has_failed(event.data, finishes):
            return _FAILED
        progress.add(event.data, kind, finishes)
    done = bool(events) and events[-1].raw == _DONE
    return progress.flaw(answer.ended, done)


def _reports_failure(events: list[Event], types: list[str], known: bool) -> bool:
    """Return whether the names of the events tell of a failure. In a stream of a host that the user
    added, an event called `error` may be a line of a log: there it is one if nothing follows."""
    if not known:
        return bool(events) and events[-1].failed
    failures = protocols.known().failure_events
    return any(event.failed for event in events) or not failures.isdisjoint(types)


def _flaw_of_broken_events(events: list[Event], *, framed: bool) -> str | None:
    """The verdict on events that cannot be decoded: cut ones, or plain text. `framed`: a cut event
    would have been noticed already."""
    found = [event for event in events if event.raw != _DONE]
    broken = [event for event in found if event.defect == streams.INVALID and event.raw]
    if not broken:
        return None
    json_like = not framed and all(event.raw[:1] in (b"{", b"[") for event in broken)
    if len(broken) == len(found) and not json_like:
        return None  # a stream of plain text
    return _CUT if broken[0] is events[-1] else _UNDECODED


def _with_content(events: list[Event], types: list[str]) -> Iterator[tuple[Event, str]]:
    """The events and their types, but pings, names without data, and `[DONE]` at the end."""
    prefixes = protocols.known().event_prefixes
    for event, kind in zip(events, types, strict=True):
        if event.defect:
            if event.raw and not (event is events[-1] and event.raw == _DONE):
                yield event, kind
        elif kind not in _PINGS and (event.data != {} or kind.startswith(prefixes)):
            yield event, kind


class _Progress:
    """What the events of a stream say about its end.

    A stream of a protocol with a last event, or with a finish reason for each choice, must have had
    it. Any other is whole if the end of its body was reached.
    """

    def __init__(self) -> None:
        self._known = protocols.known()
        self._silent = True
        self._over = False
        self._continues = False  # so said the last event
        self._must_end = False  # the protocol has a last event
        self._declares = False  # choices have a field for their finish reason
        self._pending = False
        self._choices: dict[str, bool] = {}  # index -> finished

    def add(self, data: Any, kind: str, finishes: list[Finish]) -> None:
        """Note the next event: its data, its type and its finish reasons."""
        self._silent = False
        known = self._known
        self._continues = False
        if not isinstance(data, dict):
            return
        over = known.over(data)
        self._over = self._over or over is True or kind in known.last_events
        self._continues = over is False
        self._must_end = self._must_end or kind.startswith(known.event_prefixes)
        for finish in finishes:
            if finish.choice is not None:
                self._declares = self._declares or finish.declared
                finished = self._choices.get(finish.choice, False) or bool(finish.reason)
                self._choices[finish.choice] = finished
        if (pending := known.pending(data)) is not None:
            self._pending = pending

    def flaw(self, ended: bool, done: bool) -> str | None:
        """Return why the stream is not whole, or None. `done`: it closed with `[DONE]`."""
        if self._silent:
            return _SILENT if ended or done else _CUT
        if ended and self._continues:
            return _CUT
        choices = self._choices.values()
        finished = bool(choices) and all(choices)
        over = self._over or (done and (any(choices) or not (self._declares or self._must_end)))
        if over or (ended and (finished or not (choices or self._must_end))):
            return None
        return None if finished and not self._pending else _CUT
