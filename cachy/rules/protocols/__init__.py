"""The protocols of LLM APIs: what cachy knows about each, one file each.

Every module in this package that has a `PROTOCOL` is used; there is no list to extend. To add a
protocol, add a file:

    from cachy.rules.protocols import Protocol

    PROTOCOL = Protocol(
        last_events=frozenset({"answer.finished"}),
        event_prefixes=("answer.",),
        usage=lambda data: (data.get("tokens_in"), data.get("tokens_out")),
    )

All fields are optional. The functions get a decoded JSON object: the body of a response, or one
event of a stream. A response seldom names its protocol, and many servers mix several, so all
protocols are read as one (`known()`), and these functions are called for the responses of every
API. They must not assume that a field exists or has a certain type (`as_dict`, `as_list` and
`as_text` in `cachy.rules.content` help), and must not raise.

The modules are imported on first use: after a cache miss and by the commands that read a store,
never for a hit.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cachy.rules.content import Piece

    Data = dict[str, Any]
    """A JSON object: a response body, or one event of a stream."""


class Finish(NamedTuple):
    """How one of an answer's choices stands. `choice` is its index, None if the event is about the
    whole answer; `reason` is empty while the choice continues; `declared`: the field for the reason
    exists, even if it is null, so a reason can be expected to follow."""

    choice: str | None
    reason: str
    declared: bool


def finish(choice: Data) -> Finish:
    """Return how a choice stands: `{"index": 0, "finish_reason": "stop"}`."""
    reason = choice.get("finish_reason") or choice.get("finishReason") or ""
    declared = bool(reason) or choice.get("finish_reason", "") is None  # Snowflake: always ""
    return Finish(str(choice.get("index", 0)), str(reason), declared)


class Tokens(NamedTuple):
    """What a call is charged by, None where not given: the tokens that were `read` and `generated`,
    and how many of those read came from the provider's prompt cache, and went into it."""

    read: Any
    generated: Any
    cache_read: Any = None
    cache_write: Any = None


def with_cached(uncached: Any, *cached: Any) -> Any:
    """Return the tokens read, where a provider does not count those of its cache among them."""
    if not is_count(uncached):
        return uncached
    return uncached + sum(count for count in cached if is_count(count))


class Protocol(NamedTuple):
    """The facts about one protocol.

    Streams:

    - `last_events`: event types that end a stream
    - `event_prefixes`: how the types of its events start; a stream with such an event is complete
      only with one of `last_events`
    - `failure_events`: event types that report a failure
    - `end_marks`: bytes in the last event, where it has no type
    - `before_last`: a regular expression that matches the last event but one, if clients stop
      reading there
    - `over`: True if the stream is over with this event, False if it says that more will follow
    - `pending`: True if this event announces one that must follow the last finish reason, False if
      this is that one
    - `index_fields`: fields that number the choices, content blocks or calls that an event is about

    Bodies and events:

    - `failed`: whether the call failed
    - `empty`: whether a whole body holds no answer, though it says nothing of a failure
    - `finishes`: the finish reasons
    - `bad_finishes`: finish reasons of failed calls, in lower case
    - `usage`: `Tokens`, or input and output alone, None where not given
    - `pieces`: the text of the answer

    Requests:

    - `model_fields`: fields with the model's name, beside `model`
    - `system_fields`: fields with a system prompt
    - `turn_fields`: fields with the list of a chat's turns
    - `prompt_fields`: fields with the prompt, where there is no such list
    """

    last_events: frozenset[str] = frozenset()
    event_prefixes: tuple[str, ...] = ()
    failure_events: frozenset[str] = frozenset()
    end_marks: tuple[bytes, ...] = ()
    before_last: bytes = b""
    over: Callable[[Data], bool | None] | None = None
    pending: Callable[[Data], bool | None] | None = None
    index_fields: tuple[str, ...] = ()
    failed: Callable[[Data], bool] | None = None
    empty: Callable[[Data], bool] | None = None
    finishes: Callable[[Data], Iterable[Finish]] | None = None
    bad_finishes: frozenset[str] = frozenset()
    usage: Callable[[Data], Tokens | tuple[Any, Any]] | None = None
    pieces: Callable[[Data], Iterable[Piece]] | None = None
    model_fields: tuple[str, ...] = ()
    system_fields: tuple[str, ...] = ()
    turn_fields: tuple[str, ...] = ()
    prompt_fields: tuple[str, ...] = ()


# ---- All of them, read as one ----


def known() -> Known:
    """Return all protocols, read as one. Imports their modules on the first call."""
    return _known(tuple(__path__))


@lru_cache(maxsize=2)
def _known(folders: tuple[str, ...]) -> Known:
    return Known(_discovered(folders))


def _discovered(folders: tuple[str, ...]) -> Iterator[Protocol]:
    """The protocols of the package, by the names of their modules."""
    from importlib import import_module
    from pkgutil import iter_modules

    for name in sorted(module.name for module in iter_modules(folders)):
        protocol: Protocol | None = getattr(import_module(f"{__name__}.{name}"), "PROTOCOL", None)
        if protocol is not None:
            yield protocol


class Known:
    """Several protocols, read as one. Where two of them read the same fact, the first one wins."""

    def __init__(self, protocols: Iterable[Protocol]) -> None:
        every = tuple(protocols)
        self.last_events = frozenset[str]().union(*(each.last_events for each in every))
        self.failure_events = frozenset[str]().union(*(each.failure_events for each in every))
        self.event_prefixes = _joined(each.event_prefixes for each in every)
        self.index_fields = _joined(each.index_fields for each in every)
        self.model_fields = _joined(each.model_fields for each in every)
        self.system_fields = _joined(each.system_fields for each in every)
        self.turn_fields = _joined(each.turn_fields for each in every)
        self.prompt_fields = _joined(each.prompt_fields for each in every)
        marks = sorted(event.encode() for event in self.last_events)
        self.end_marks = (*chain.from_iterable(each.end_marks for each in every), *marks)
        patterns = [each.before_last for each in every if each.before_last]
        self.before_last = re.compile(b"|".join(patterns) or rb"(?!)", re.DOTALL)
        self._bad_finishes = frozenset[str]().union(*(each.bad_finishes for each in every))
        self._over = [each.over for each in every if each.over is not None]
        self._pending = [each.pending for each in every if each.pending is not None]
        self._failed = [each.failed for each in every if each.failed is not None]
        self._empty = [each.empty for each in every if each.empty is not None]
        self._finishes = [each.finishes for each in every if each.finishes is not None]
        self._usage = [each.usage for each in every if each.usage is not None]
        self._pieces = [each.pieces for each in every if each.pieces is not None]

    def over(self, data: Data) -> bool | None:
        """Return True if a stream is over with this event, False if it says that more follows."""
        return _first(self._over, data)

    def pending(self, data: Data) -> bool | None:
        """Return True if an event must follow the last finish reason, False if this is that one."""
        return _first(self._pending, data)

    def failed(self, data: Data, finishes: Iterable[Finish] | None = None) -> bool:
        """Return whether a body or an event says that the call failed. `finishes` are its finish
        reasons, where they are known already."""
        kind = data.get("type")
        if isinstance(kind, str) and kind in self.failure_events:
            return True
        for each in self._failed:
            if each(data):
                return True
        if finishes is None:
            finishes = self.finishes(data)
        return bool(finishes) and self.ended_badly(finishes)

    def ended_badly(self, finishes: Iterable[Finish]) -> bool:
        """Return whether one of these is the finish reason of a failed call."""
        for end in finishes:  # noqa: SIM110 - a loop, because it runs for each event
            if end.reason and end.reason.lower() in self._bad_finishes:
                return True
        return False

    def empty(self, data: Data) -> bool:
        """Return whether a whole body holds no answer, though it says nothing of a failure."""
        return any(each(data) for each in self._empty)

    def finishes(self, data: Data) -> Iterator[Finish]:
        """Yield the finish reasons in a body or an event."""
        for each in self._finishes:
            yield from each(data)

    def usage(self, data: Data) -> dict[str, int]:
        """Return the tokens that a body or an event reports: `{"input": 3, "output": 5}`, and
        those of a prompt cache, where there are any: `cache_read`, `cache_write`."""
        usage: dict[str, int] = {}
        for each in self._usage:
            counts = each(data)
            for name, count in zip(_COUNTS, counts, strict=False):
                if name in usage or not is_count(count):
                    continue
                if count or name in _ALWAYS_COUNTED:
                    usage[name] = int(count)
        return usage

    def pieces(self, data: Data) -> Iterator[Piece]:
        """Yield the pieces of text in a body or an event."""
        for each in self._pieces:
            yield from each(data)


def _first(readers: list[Callable[[Data], bool | None]], data: Data) -> bool | None:
    """The first flag that one of them reads. A loop, because it runs for each event."""
    for each in readers:
        if (flag := each(data)) is not None:
            return flag
    return None


def _joined(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(groups)))


_ALWAYS_COUNTED = ("input", "output")
_COUNTS = (*_ALWAYS_COUNTED, "cache_read", "cache_write")


def is_count(value: Any) -> bool:
    """Return whether this can be a number of tokens."""
    return isinstance(value, int | float) and abs(value) < 1e15
