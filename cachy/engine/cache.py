"""One request through policy, key and store.

    wants ──▶ ask ──▶ Entry                                    a hit: replay it
               └──▶ Question ──look──▶ Flight                  somebody is at it: wait, look again
                                  └──▶ Recording               a miss: tap the live call, keep it

Adapters (`cachy/patch/`) turn their library's requests into `Request`, take these steps, and
either build a response from the entry or let the live one flow through the recording. Whatever
goes wrong on cachy's side is warned of once, and the user's call goes on as if it were not there.
"""

from __future__ import annotations

import os
import time
import warnings
from collections import Counter
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.engine.inflight import FLIGHTS_WAITED_FOR, Flight, Flights
from cachy.engine.recording import Recording
from cachy.engine.repeats import Turn, Turns, scope_within
from cachy.errors import REMEDY, CacheMiss, CachyWarning
from cachy.lazy import lazy_logger
from cachy.rules import key as keys
from cachy.rules import verdict as answers
from cachy.rules.key import Request
from cachy.rules.outline import outline
from cachy.store import entry as codec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cachy.engine.events import Log
    from cachy.engine.inflight import Caller
    from cachy.engine.secrets import Finding
    from cachy.explain import Explanation
    from cachy.rules.hosts import Hosts, Route
    from cachy.rules.key import Noise
    from cachy.store.entry import Entry
    from cachy.store.folder import Store

logger = lazy_logger("cachy")

MODES = ("auto", "replay", "refresh", "off")


class Stats:
    """What a session has done so far. `seconds_saved` is what the replayed calls took when live;
    `tokens_saved` what they would have cost again; `skipped` counts the live answers that were not
    kept, by reason; `used` are the full keys that were replayed or recorded, and `made` those that
    were recorded, in order."""

    def __init__(self) -> None:
        self.hits = 0
        self.misses = 0
        self.recorded = 0
        self.seconds_saved = 0.0
        self.tokens_saved = 0
        self.skipped: Counter[str] = Counter()
        self.used: set[str] = set()
        self.made: list[str] = []

    def add(self, other: Stats) -> None:
        """Add what another session has done."""
        self.hits += other.hits
        self.misses += other.misses
        self.recorded += other.recorded
        self.seconds_saved += other.seconds_saved
        self.tokens_saved += other.tokens_saved
        self.skipped += other.skipped
        self.used |= other.used
        self.made += other.made


class Options(NamedTuple):
    """How to record. `requests` is outline, full or none; `headers` are extra response headers to
    keep; `errors` keeps client errors too; `fakes` also caches calls to mock transports; `repeats`
    is same or distinct."""

    errors: bool = False
    requests: str = "outline"
    headers: frozenset[str] = frozenset()
    noise: Sequence[Noise] = keys.NOISE
    fakes: bool = False
    debug: bool = False
    scope: str = ""
    repeats: str = "same"

    def as_settings(self) -> dict[str, Any]:
        """As the arguments of `enable_cachy`, where `headers` are called `hdrs`."""
        settings = self._asdict()
        settings["hdrs"] = settings.pop("headers")
        return settings


class Cache:
    """A store, the rules for using it, and the counters."""

    def __init__(self, store: Store, hosts: Hosts, mode: str, options: Options, log: Log) -> None:
        self.store, self.hosts, self.mode, self.options = store, hosts, mode, options
        self.log = log
        self.stats = Stats()
        self._warned: set[str] = set()
        self._flights = Flights()
        self._turns = Turns()
        self.settings: dict[str, Any] = {}  # those that made it, for blocks within

    def with_mode(self, mode: str) -> Cache:
        """The same cache in another mode: everything else, counters and all, is shared."""
        other = copy(self)
        other.mode = mode
        return other

    def wants(self, method: str, url: str) -> Route | None:
        """How to treat a request, or None to leave it alone. Raises CacheMiss in replay mode for
        a request to a cached host that is never recorded: there the network is off limits."""
        route = self.hosts.route(method, url)
        if not route.matches or self.mode == "off":
            reason = "the mode is off" if route.matches else "not one of the hosts"
            self.passes(method, url, reason)
            return None
        if route.cached:
            return route
        if self.mode == "replay":
            reason = f"{route.reason}, so no recording can exist"
            remedy = "let it through, within no_cachy(), or put a fake in its place"
            raise self._miss(method, url, None, reason, remedy=remedy)
        self.passes(method, url, route.reason)
        return None

    def refuses(self, miss: CacheMiss) -> None:
        """Note that a request is refused."""
        self.stats.misses += 1
        self._note("refused", miss.method, miss.url, miss.reason)

    def passes(self, method: str, url: str, reason: str) -> None:
        """Note that a request is left alone, and why."""
        self._note("passed through", method, url, reason)

    def ask(
        self, method: str, url: str, headers: Sequence[tuple[str, str]], route: Route, body: bytes
    ) -> Entry | Question | None:
        """The entry that answers a request, or the question to `look` into; None if the request
        cannot be understood, and goes live. Raises CacheMiss for that in replay mode."""
        request = Request(method, url, headers, body)
        started = time.perf_counter() if self.log.wanted() else 0.0
        turn, options = None, self.options
        try:
            scope = scope_within(options.scope)
            canonical = keys.canonical(request, scope=scope, noise=options.noise)
            key = keys.digest(canonical)
            if options.repeats == "distinct":
                turn = self._turns.take(key)
                if turn.number:
                    canonical = keys.numbered(canonical, turn.number)
                    key = keys.digest(canonical)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not become the user's
            self.warn(
                f"a {method} request could not be understood", error
            )  # the URL may tell a key
            if self.mode == "replay":
                raise self._miss(method, url, None, "it could not be understood") from None
            return None
        defects: list[str] = []
        entry = self._get(key, defects) if self.mode != "refresh" else None
        if entry is not None and not started and not options.debug:
            return self._hit(key, entry)
        question = Question(request, route, canonical, key, turn, started, defects)
        return question if entry is None else self._tell_hit(question, entry)

    def look(self, question: Question, caller: Callable[[], Caller]) -> Entry | Recording | Flight:
        """The recording of the answer to be made; or, if somebody is at it, the flight to wait for
        before looking again; or, after that, perhaps the entry.

        Raises CacheMiss in replay mode.
        """
        key = question.key
        if question.waits and (entry := self._get(key, question.defects)) is not None:
            return self._tell_hit(question, entry)
        if self.mode == "replay":
            self.stats.misses += 1
            if question.turn is not None:
                question.turn.give_back()
            why = self._explain(question)
            self._tell("miss", question, why)
            request = question.request
            raise self._miss(request.method, request.url, question.model(), *why)
        flight = None
        if self.mode == "auto" and question.waits < FLIGHTS_WAITED_FOR:
            flight, leads = self._flights.join(key, caller())
            if flight is not None and not leads:
                question.waits += 1
                return flight
            if flight is not None and (entry := self._get(key, question.defects)) is not None:
                flight.land()  # the one before landed between our look and our start
                return self._tell_hit(question, entry)
        self.stats.misses += 1
        wanted = question.started and self.mode == "auto" and self.log.wants_reasons()
        self._tell("miss", question, self._explain(question) if wanted else None)
        return Recording(self, question, flight)

    def _hit(self, key: str, entry: Entry) -> Entry:
        stats, head = self.stats, entry.head
        stats.hits += 1
        stats.seconds_saved += head["ms"] / 1000
        stats.tokens_saved += _tokens(head.get("usage"))
        stats.used.add(key)
        return entry

    def _tell_hit(self, question: Question, entry: Entry) -> Entry:
        self._tell("hit", question)
        return self._hit(question.key, entry)

    def _get(self, key: str, defects: list[str]) -> Entry | None:
        """The newest sound recording of a key; what is wrong with others is added to `defects`."""

        def report(where: str, what: str) -> None:
            defects.append(what)
            self.warn(f"{where} is passed over: {what}. `cachy fsck` tells more")

        try:
            return self.store.get(key[: keys.KEY_LENGTH], report)
        except Exception as error:  # noqa: BLE001 - any mapping may be a store, and raise anything
            defects.append("the store cannot be read")
            self.warn(f"the store {self.store!r} cannot be read", error)
            return None

    def keep(self, entry: Entry, findings: Sequence[Finding] = ()) -> None:
        """Put an entry into the store; a fault of the store is a warning. With `findings`, things
        in it that look like credentials, it stays on this machine."""
        try:
            frame = codec.dumps(entry)
            key = entry.head["key"][: keys.KEY_LENGTH]
            name = self.store.put(key, frame, int(time.time()), private=bool(findings))
        except Exception as error:  # noqa: BLE001 - the user has his answer; the store is our worry
            self.warn(f"the store {self.store!r} cannot be written, so nothing is kept", error)
            return
        if name:
            self.stats.recorded += 1
            self.stats.used.add(entry.head["key"])
            self.stats.made.append(entry.head["key"])
        if self.log.wanted():
            self.log.recorded(entry.head, name)
        if findings:
            more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
            where = (
                f"stays on this machine, in {self.store!r}{os.sep}local" if name else "is not kept"
            )
            self.warn(f"a recording holds what looks like {findings[0]}{more}: it {where}")
            return
        is_local = getattr(self.store, "is_local", None)
        if is_local is not None and is_local(name):
            self.warn(
                f"the recording {name[:8]}… is over 2 MiB, so it stays on this machine, "
                f"in {self.store!r}{os.sep}local: git would not thank you for it"
            )

    def skip(self, request: Request, reason: str) -> None:
        """Note that an answer was not kept, and why."""
        self.stats.skipped[reason] += 1
        self._note("not kept", request.method, request.url, reason)

    def warn(self, message: str, error: Exception | None = None) -> None:
        """Warn once, whatever the error, and never break the user's call, even where warnings are
        errors."""
        if message in self._warned:
            return
        self._warned.add(message)
        message += f" ({error!r})" if error is not None else ""
        try:
            warnings.warn(f"cachy: {message}", CachyWarning, stacklevel=2)
        except CachyWarning:
            logger.warning(message)

    def _miss(
        self,
        method: str,
        url: str,
        model: str | None,
        reason: str,
        differences: Sequence[str] = (),
        remedy: str = REMEDY,
    ) -> CacheMiss:
        return CacheMiss(
            method=method,
            url=keys.redacted_url(url),
            model=model,
            store=repr(self.store),
            reason=reason,
            differences=differences,
            remedy=remedy,
        )

    def _explain(self, question: Question) -> Explanation:
        from cachy import explain as misses  # not on the path of a hit

        if question.defects:
            reason = f"its recording is broken: {question.defects[0]}"
            return misses.Explanation(reason, [], misses.remedy(self.store))
        try:
            return misses.explain(self.store, question.canonical, question.key)
        except Exception:  # noqa: BLE001 - an explanation that fails must not hide the miss
            return misses.Explanation("nothing was recorded for it", [], REMEDY)

    def _note(self, event: str, method: str, url: str, reason: str) -> None:
        if self.log.wanted():
            self.log.tell(event, method, keys.redacted_url(url), reason=reason)

    def _tell(self, event: str, question: Question, why: Explanation | None = None) -> None:
        if question.started:
            reason = "; ".join([why.reason, *why.differences]) if why is not None else ""
            self.log.tell(
                event,
                question.request.method,
                keys.redacted_url(question.request.url),
                started=question.started,
                key=question.key[: keys.KEY_LENGTH],
                model=question.model(),
                reason=reason,
            )
        if self.options.debug:
            line = question.canonical.partition(b"\n")[0].decode()
            told = f"{event.upper()} {question.key[:8]} {line}"
            try:
                print({"hit": "🟢", "miss": "🔴"}[event], told)
            except UnicodeEncodeError:  # a terminal or a file that knows no such signs
                print(told.encode("ascii", "replace").decode())
            except (OSError, ValueError):
                pass  # closed: not the user's call's business


class Question:
    """One request on its way to an answer. `key` has all 64 digits; `turn` its number among
    repeats, if they are numbered; `started` the time it was asked, if anybody reads the log;
    `defects` what is wrong with recordings of it; `waits` counts flights."""

    __slots__ = ("canonical", "defects", "key", "request", "route", "started", "turn", "waits")

    def __init__(
        self,
        request: Request,
        route: Route,
        canonical: bytes,
        key: str,
        turn: Turn | None,
        started: float,
        defects: list[str],
    ) -> None:
        self.request, self.route, self.canonical, self.key = request, route, canonical, key
        self.turn, self.started, self.defects = turn, started, defects
        self.waits = 0

    def model(self) -> str | None:
        """The model that is asked for."""
        return answers.model_of(self.request.url, outline(self.canonical).get("body"))


def _tokens(usage: Any) -> int:
    """How many tokens, input and output, an entry's head tells of."""
    if usage.__class__ is not dict:
        return 0
    return sum([count for count in usage.values() if count.__class__ is int])
