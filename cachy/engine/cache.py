"""One request through hosts, key and store.

    route() ──▶ lookup() ──▶ Entry                               a hit: replay it
                        └──▶ Missing ──take_off()──▶ Recording   a miss: record the live call
                                                └──▶ CacheMiss   replay mode: why it missed

Adapters (`cachy/patch/`) turn their library's requests into `Request`, take these steps, and either
build a response from the entry or let the live one flow through the recording. A fault of cachy
is warned of once, and the user's call goes on as if cachy were not there.
"""

from __future__ import annotations

import os
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

from cachy import clock
from cachy.engine.inflight import Flights
from cachy.engine.recording import Question, Recording
from cachy.engine.repeats import Numbers, scope_within
from cachy.engine.threads import LONG, Threads
from cachy.errors import REMEDY, CacheMiss
from cachy.rules.key import digest, identify, numbered, redacted_url
from cachy.rules.outline import outline
from cachy.rules.usage import model_of
from cachy.store import entry as codec
from cachy.store.base import TooLong, Where
from cachy.store.entry import Entry
from cachy.store.names import key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cachy.engine.adoption import Adoption
    from cachy.engine.behind import Behind
    from cachy.engine.events import Events, Stats
    from cachy.engine.inflight import Flight
    from cachy.engine.repeats import Number
    from cachy.engine.secret_search import Finding
    from cachy.explain import Explanation
    from cachy.remote.tier import Outcome
    from cachy.rules.hosts import Route
    from cachy.rules.message import Request
    from cachy.settings import Mode, Settings
    from cachy.store.base import Store


_NO_CONTENT: dict[str, Any] = {"status": 204, "headers": [], "ms": 0.0, "dropped": True}
"""The head of the answer to telemetry that is dropped."""


class _Later(Enum):
    LATER = auto()


LATER: Final = _Later.LATER
"""What a look-up returns that would take too long for an event loop."""


class Missing(Question):
    """A request that the store does not answer. `started` is when it was made
    (`clock.perf_counter()`), or 0 if nobody reads the log; `defects` are what is wrong with
    recordings of it; `said` is what the remote said; `taken`: its call has begun."""

    __slots__ = ("defects", "said", "started", "taken")

    def __init__(
        self,
        request: Request,
        route: Route,
        canonical: bytes,
        key: str,
        number: Number | None,
        started: float,
        defects: list[str],
        texts: tuple[bytes, ...],
    ) -> None:
        super().__init__(request, route, canonical, key, number, texts)
        self.started, self.defects = started, defects
        self.said, self.taken = "", False

    @property
    def is_long(self) -> bool:
        """Whether what is done with it takes too long for an event loop."""
        return len(self.canonical) > LONG

    def model(self) -> str | None:
        """Return the model that the request names."""
        return model_of(self.request.url, outline(self.canonical).get("body"))


class Cache:
    """A store, the settings for using it, and what is shared by all calls of a session: the
    counters and warnings, the calls under way, the numbers of repeats, the threads that write."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        events: Events,
        *,
        flights: Flights | None = None,
        numbers: Numbers | None = None,
        threads: Threads | None = None,
        adoption: Adoption | None = None,
        behind: Behind | None = None,
    ) -> None:
        self.adoption, self.behind = adoption, behind
        self.store, self.settings, self.events = store, settings, events
        self.flights = flights or Flights()
        self.numbers = numbers or Numbers()
        self.threads = threads or Threads()
        self.whence: Callable[[], str] | None = None
        """Tells where the call comes from that is made now, for what a miss says."""

    def in_mode(self, mode: Mode) -> Cache:
        """Return a cache in another mode that shares everything else, counters included."""
        other = Cache(
            self.store,
            self.settings._replace(mode=mode),
            self.events,
            flights=self.flights,
            numbers=self.numbers,
            threads=self.threads,
            adoption=self.adoption,
            behind=self.behind,
        )
        other.whence = self.whence
        return other

    @property
    def mode(self) -> Mode:
        """The mode in force."""
        return self.settings.mode

    @property
    def stats(self) -> Stats:
        """What has been done so far."""
        return self.events.stats

    def route(self, method: str, url: str) -> Route | None:
        """Return how to treat a request, or None to leave it alone.

        In replay mode the network is off limits for all requests to the hosts: what is never
        recorded has a route, too, and `refuse` says why it cannot be answered.
        """
        route = self.settings.hosts.route(method, url)
        if not route.matches:
            reason = "not one of the hosts"
        elif self.mode.name == "off":
            reason = "the mode is off"
        elif route.cached or not self.mode.calls:
            return route
        else:
            reason = route.reason
        self.events.passed(method, url, reason)
        return None

    def refuse(self, method: str, url: str, route: Route) -> Entry:
        """Return the answer to a request that is never recorded, in replay mode: an empty one to
        telemetry, which is dropped. Raise CacheMiss for any other."""
        if route.telemetry:
            self.events.dropped(method, url, route.reason)
            return Entry(_NO_CONTENT, b"")
        reason = f"{route.reason}, so no recording can exist"
        self.events.refused(method, url, reason)
        remedy = "let it through, within no_cachy(), or put a fake in its place"
        if route.remedy:
            remedy = f"{route.remedy}; or {remedy}"
        raise self._miss(method, url, None, reason, remedy=remedy)

    def lookup(
        self, request: Request, route: Route, limit: int | None = None
    ) -> Entry | Missing | _Later | None:
        """Return the entry that answers a request, or what is missing; None if the request cannot
        be understood, and goes live. Raise CacheMiss for that in replay mode.

        With a `limit` in bytes, return LATER rather than read a longer request or entry.
        """
        if limit is not None and len(request.body) > limit:
            return LATER
        events, settings = self.events, self.settings
        started = clock.perf_counter() if events.log.wanted() else 0.0
        number = None
        try:
            canon, keeps_state, texts = identify(
                request,
                scope=scope_within(settings.scope),
                noise=settings.noise,
                known=route.known,
                key_headers=settings.key_headers,
            )
            key = digest(canon)
            if keeps_state or settings.repeats == "distinct":
                number = self.numbers.take(key)
                if number.value:
                    canon = numbered(canon, number.value)
                    key = digest(canon)
        except Exception as error:  # noqa: BLE001 - a fault of cachy must not break the user's call
            # Without the URL, which may contain a credential.
            events.warn(f"a {request.method} request could not be understood", error)
            if not self.mode.calls:
                reason = "it could not be understood"
                raise self._miss(request.method, request.url, None, reason) from None
            return None
        defects: list[str] = []
        entry = self._get(key, defects, limit) if self.mode.reads else None
        if entry is LATER:
            if number is not None:
                number.give_back()
            return LATER
        if entry is not None and not started and not events.debug:
            events.hit(key, entry.head)
            return entry
        missing = Missing(request, route, canon, key, number, started, defects, texts)
        if entry is None and self.adoption is not None and self.mode.reads:
            from cachy.engine.adoption import adopted  # not on the path of a hit

            entry = adopted(self.adoption, missing, self, self.settings)
        return missing if entry is None else self._hit(missing, entry)

    def again(self, missing: Missing, limit: int | None = None) -> Entry | _Later | None:
        """Look once more: another call may have been recorded meanwhile. With a `limit` in bytes,
        return LATER rather than read a longer entry."""
        entry = self._get(missing.key, missing.defects, limit)
        return entry if entry is None or entry is LATER else self._hit(missing, entry)

    def fetched(self, missing: Missing, outcome: Outcome, label: str) -> Entry | None:
        """Take what became of a look-up in the remote called `label`. Return the entry, if it has
        one; or else note what it said."""
        self.events.looked(outcome.kind.value)
        said = f"the remote {label} {outcome.said}"
        if outcome.found is not None:
            self._report("fetched", missing, reason=said)
            return self._hit(missing, outcome.found.entry)
        missing.said = said
        if outcome.warn:
            self.warn(said)
        return None

    def pushed(self, label: str, said: str) -> None:
        """Take what became of a recording that was to be pushed: nothing to say, or a warning."""
        if said:
            self.warn(f"the remote {label} {said}")
        else:
            self.events.stats.remote["pushed"] += 1

    def has_used(self, missing: Missing) -> bool:
        """Tell whether a request like this has been answered or recorded in this session."""
        return missing.key in self.stats.used

    def miss(self, missing: Missing) -> CacheMiss:
        """Return the miss of a request that was not recorded, with its explanation."""
        self.events.miss()
        if missing.number is not None:
            missing.number.give_back()
        why = self._explain(missing)
        self._report("miss", missing, why)
        request = missing.request
        miss = self._miss(request.method, request.url, missing.model(), *why)
        self.events.stats.missed.append(miss)
        return miss

    def may_answer(self, _limit: int | None = None) -> bool:
        """Tell whether the store may hold an answer to any request at all."""
        if self.events.stats.used:
            return True
        try:
            names = self.store.names()
        except Exception:  # noqa: BLE001 - any mapping may be a store, and raise anything
            return True
        return names is None or len(names) > 0

    def record(
        self, missing: Missing, flight: Flight | None, *, started: float | None = None
    ) -> Recording:
        """Return the recording of a call that goes live now, or did when it `started`
        (`time.perf_counter()`)."""
        self.events.miss()
        wanted = self.events.debug or (missing.started and self.events.log.wants_reasons())
        explained = wanted and self.mode.reads
        self._report("miss", missing, self._explain(missing) if explained else None)
        return Recording(missing, flight, self, self.settings, started)

    def _hit(self, missing: Missing, entry: Entry) -> Entry:
        self._report("hit", missing)
        self.events.hit(missing.key, entry.head)
        return entry

    def _get(self, key: str, defects: list[str], limit: int | None = None) -> Entry | _Later | None:
        """Return the newest sound recording of a key; what is wrong with others is added to
        `defects`."""

        def report(where: str, what: str) -> None:
            defects.append(what)
            self.warn(f"{where} is passed over: {what}. `cachy fsck` tells more")

        try:
            if limit is None:
                return self.store.get(key_of(key), report)
            return self.store.get_short(key_of(key), report, limit)
        except TooLong:
            return LATER
        except Exception as error:  # noqa: BLE001 - any mapping may be a store, and raise anything
            defects.append("the store cannot be read")
            self.warn(f"the store {self.store.label} cannot be read", error)
            return None

    # What a recording reports

    def keep(self, entry: Entry, findings: Sequence[Finding] = ()) -> None:
        """Put an entry into the store; a fault of the store is a warning. With `findings`, things
        in it that look like credentials, it stays on this machine."""
        head = entry.head
        try:
            key, second, private = key_of(head["key"]), int(clock.now()), bool(findings)
            if len(entry.body) > codec.LONG:
                kept = self.store.put_packed(key, codec.Packed(entry), second, private=private)
            else:
                kept = self.store.put(key, codec.dumps(entry), second, private=private)
        except Exception as error:  # noqa: BLE001 - the user has the answer; only the store failed
            self.warn(f"the store {self.store.label} cannot be written, so nothing is kept", error)
            return
        name = kept.name if kept.where is not Where.NOWHERE else ""
        if name:
            self.events.kept(head, name)
            if self.behind is not None and not private:
                self.behind.push(name, self.pushed, self.warn, anew=not self.mode.reads)
        if self.events.log.wanted():
            self.events.log.write(
                "recorded" if name else "not kept",
                head["method"],
                head["url"],
                key=key_of(head["key"]),
                model=head["model"],
                us=round(head["ms"] * 1000),
            )
        if findings:
            more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
            where = (
                f"stays on this machine, in {self.store.label}{os.sep}local"
                if name
                else "is not kept"
            )
            self.warn(f"a recording holds what looks like {findings[0]}{more}: it {where}")
            return
        if kept.where is Where.LARGE:
            self.warn(
                f"the recording {name[:8]}… is above the 2 MiB limit for committed entries, so it "
                f"stays on this machine, in {self.store.label}{os.sep}local"
            )

    def not_kept(self, method: str, url: str, reason: str) -> None:
        """Count an answer that is not worth keeping."""
        self.events.not_kept(method, url, reason)

    def warn(self, message: str, error: BaseException | None = None) -> None:
        """Warn once of a fault of cachy's own."""
        self.events.warn(message, error)

    # Misses

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
            url=redacted_url(url),
            model=model,
            store=self.store.label,
            reason=reason,
            differences=differences,
            remedy=remedy,
            whence=self.whence() if self.whence is not None else "",
        )

    def _explain(self, missing: Missing) -> Explanation:
        from cachy import explain  # not on the path of a hit
        from cachy.explain.remedy import of_broken

        if missing.defects:
            reason = f"its recording is broken: {missing.defects[0]}"
            why = explain.Explanation(reason, [], of_broken(self.store))
        else:
            try:
                why = explain.explain(self.store, missing.canonical, missing.key)
                why = _masked(why, missing.canonical)
            except Exception:  # noqa: BLE001 - a failed explanation must not hide the miss
                why = explain.Explanation("nothing was recorded for it", [], REMEDY)
        return why._replace(reason=f"{why.reason}; {missing.said}") if missing.said else why

    def _report(
        self, event: str, missing: Missing, why: Explanation | None = None, reason: str = ""
    ) -> None:
        request = missing.request
        if missing.started:
            self.events.log.write(
                event,
                request.method,
                redacted_url(request.url),
                started=missing.started,
                key=key_of(missing.key),
                model=missing.model(),
                reason="; ".join([why.reason, *why.differences]) if why is not None else reason,
            )
        if self.events.debug:
            line = f"{request.method} {redacted_url(request.url)}"
            reason = why.reason if why is not None else reason
            self.events.show(event, missing.key, line, missing.model(), reason)


def _masked(why: Explanation, canonical: bytes) -> Explanation:
    """Return an explanation that can be shown and logged: it quotes the request."""
    from cachy.engine.secret_search import masked  # not on the path of a hit

    reason, *differences = [masked(text, of=canonical) for text in (why.reason, *why.differences)]
    return why._replace(reason=reason, differences=differences)
