"""One request through policy, key and store.

    wants ──▶ ask ──▶ look ──▶ Entry                            a hit: replay it
                       ├──▶ Flight                           somebody is at it: wait, look again
                       └──▶ Recording ─begin─feed…─commit    a miss: tap the live call, keep it

Adapters (`cachy/patch/`) turn their library's requests into `Request`, take these steps, and
either build a response from the entry or let the live one flow through the recording. Whatever
goes wrong on cachy's side is warned of once, and the user's call goes on as if it were not there.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy import entry as codec
from cachy import key as keys
from cachy import policy
from cachy.entry import Entry
from cachy.errors import CacheMiss, CachyWarning
from cachy.flight import FLIGHTS_WAITED_FOR, Flight, Flights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cachy.flight import Caller
    from cachy.key import Noise, Request
    from cachy.policy import Hosts, Route
    from cachy.store import Store

logger = logging.getLogger("cachy")

MODES = ("auto", "replay", "refresh", "off")


class Stats:
    """What a session has done so far. `seconds_saved` is what the replayed calls took when live;
    `skipped` counts the live answers that were not kept, by reason."""

    def __init__(self) -> None:
        self.hits = 0
        self.misses = 0
        self.recorded = 0
        self.seconds_saved = 0.0
        self.skipped: Counter[str] = Counter()


class Options(NamedTuple):
    """How to record. `requests` is outline, full or none; `headers` are extra response headers to
    keep; `errors` keeps client errors too; `fakes` also caches calls to mock transports."""

    errors: bool = False
    requests: str = "outline"
    headers: frozenset[str] = frozenset()
    noise: Sequence[Noise] = keys.NOISE
    fakes: bool = False
    debug: bool = False


class Cache:
    """A store, the rules for using it, and the counters."""

    def __init__(
        self, store: Store, hosts: Hosts, mode: str, options: Options, stats: Stats | None = None
    ) -> None:
        self.store, self.hosts, self.mode, self.options = store, hosts, mode, options
        self.stats = Stats() if stats is None else stats
        self._warned: set[str] = set()
        self._flights = Flights()

    def with_mode(self, mode: str) -> Cache:
        """The same cache, store and counters in another mode."""
        other = Cache(self.store, self.hosts, mode, self.options, self.stats)
        other._warned, other._flights = self._warned, self._flights
        return other

    def wants(self, method: str, url: str) -> Route | None:
        """How to treat a request, or None to leave it alone. Raises CacheMiss in replay mode for
        a request to a cached host that is never recorded: there the network is off limits."""
        route = self.hosts.route(method, url)
        if not route.matches or self.mode == "off":
            return None
        if route.cached:
            return route
        if self.mode == "replay":
            raise self._miss(method, url, None, f"{route.reason}, so no recording can exist")
        return None

    def ask(self, request: Request, route: Route) -> Question | None:
        """A request in the terms of the store; None if that cannot be said, and it goes live."""
        try:
            canonical = keys.canonical(request, noise=self.options.noise)
            return Question(request, route, canonical, keys.digest(canonical))
        except Exception as error:  # noqa: BLE001 - a fault of ours must not become the user's
            self.warn(f"a request to {request.url} could not be understood ({error!r})")
        if self.mode == "replay":
            raise self._miss(request.method, request.url, None, "it could not be understood")
        return None

    def look(self, question: Question, caller: Callable[[], Caller]) -> Entry | Recording | Flight:
        """The entry that answers a question, or the recording of the answer to be made; or, if
        somebody is at it, the flight to wait for before looking again.

        Raises CacheMiss in replay mode.
        """
        if self.mode != "refresh":
            entry = self._get(question.key)
            if entry is not None:
                return self._hit(question, entry)
        if self.mode == "replay":
            self._tell("miss", question)
            body = keys.outline(question.canonical).get("body")
            request = question.request
            model = policy.model_of(request.url, body)
            self.stats.misses += 1
            raise self._miss(request.method, request.url, model, "nothing was recorded for it")
        flight = None
        if self.mode == "auto" and question.waits < FLIGHTS_WAITED_FOR:
            flight, leads = self._flights.join(question.key, caller())
            if flight is not None and not leads:
                question.waits += 1
                return flight
            if flight is not None and (entry := self._get(question.key)) is not None:
                flight.land()  # the one before landed between our look and our start
                return self._hit(question, entry)
        self.stats.misses += 1
        self._tell("miss", question)
        return Recording(self, question, flight)

    def _hit(self, question: Question, entry: Entry) -> Entry:
        self.stats.hits += 1
        self.stats.seconds_saved += entry.head["ms"] / 1000
        self._tell("hit", question)
        return entry

    def _get(self, key: str) -> Entry | None:
        try:
            return self.store.get(key[: keys.KEY_LENGTH], self._report)
        except Exception as error:  # noqa: BLE001 - any mapping may be a store, and raise anything
            self.warn(f"the store {self.store!r} cannot be read ({error!r})")
            return None

    def keep(self, entry: Entry) -> None:
        """Put an entry into the store; a fault of the store is a warning."""
        try:
            frame = codec.dumps(entry)
            key = entry.head["key"][: keys.KEY_LENGTH]
            name = self.store.put(key, frame, int(time.time()))
        except Exception as error:  # noqa: BLE001 - the user has his answer; the store is our worry
            self.warn(f"the store {self.store!r} cannot be written, so nothing is kept ({error})")
            return
        self.stats.recorded += 1
        is_local = getattr(self.store, "is_local", None)
        if is_local is not None and is_local(name):
            self.warn(
                f"the recording {name[:8]}… is over 2 MiB, so it stays on this machine, "
                f"in {self.store!r}{os.sep}local: git would not thank you for it"
            )

    def skip(self, request: Request, reason: str) -> None:
        """Note that an answer was not kept, and why."""
        self.stats.skipped[reason] += 1
        url = keys.canonical_url(request.url)
        logger.info("not kept: %s %s: %s", request.method, url, reason)

    def warn(self, message: str) -> None:
        """Warn once, and never break the user's call, even where warnings are errors."""
        kind = message.partition("(")[0]
        if kind in self._warned:
            return
        self._warned.add(kind)
        try:
            warnings.warn(f"cachy: {message}", CachyWarning, stacklevel=2)
        except CachyWarning:
            logger.warning(message)

    def _report(self, where: str, what: str) -> None:
        self.warn(f"{where} is passed over: {what}. `cachy fsck` tells more")

    def _miss(self, method: str, url: str, model: str | None, reason: str) -> CacheMiss:
        return CacheMiss(
            method=method,
            url=keys.canonical_url(url),
            model=model,
            store=repr(self.store),
            reason=reason,
        )

    def _tell(self, event: str, question: Question) -> None:
        if self.options.debug:
            sign = {"hit": "🟢 HIT", "miss": "🔴 MISS"}[event]
            line = question.canonical.partition(b"\n")[0].decode()
            print(f"{sign} {question.key[:8]} {line}")


class Question:
    """One request on its way to an answer. `key` has all 64 digits; `waits` counts flights."""

    __slots__ = ("canonical", "key", "request", "route", "waits")

    def __init__(self, request: Request, route: Route, canonical: bytes, key: str) -> None:
        self.request, self.route, self.canonical, self.key = request, route, canonical, key
        self.waits = 0


class Recording:
    """A live call being recorded: `begin` with its response, `feed` the body as it passes, say
    `ended` when its end is reached, and `commit` when it is over. Feeding costs a list append.
    """

    def __init__(self, cache: Cache, question: Question, flight: Flight | None) -> None:
        self._cache, self._flight = cache, flight
        self._key, self._canonical = question.key, question.canonical
        self._request, self._route = question.request, question.route
        self._started = time.perf_counter()
        self._ms: float | None = None
        self._head: dict[str, Any] = {}
        self._chunks: list[bytes] = []
        self._length = 0
        self._kept_length = -1
        self._ended = False
        self._open = False
        self._watch: policy.Watch | None = None

    def begin(
        self,
        status: int,
        headers: Sequence[tuple[str, str]],
        *,
        client: str,
        http: str,
        reason: str,
        redirects: Sequence[dict[str, Any]] = (),
    ) -> list[tuple[str, str]] | None:
        """The headers that the client shall see, now as in every replay. None if a response of
        this status is not for recording: then it is the client's, as it came.
        """
        cache = self._cache
        if not policy.candidate(status, errors=cache.options.errors):
            cache.skip(self._request, f"its status is {status}")
            self.abandon()
            return None
        encoded = any(name.lower() == "content-encoding" for name, _ in headers)
        kept = policy.kept_headers(headers, cache.options.headers, encoded)
        self._head = {
            "cachy": codec.FORMAT,
            "key": self._key,
            "recorded": "",
            "nonce": os.urandom(4).hex(),
            "method": self._request.method,
            "url": keys.canonical_url(self._request.url),
            "status": status,
            "headers": kept,
            "client": client,
        }
        if http != "HTTP/1.1":
            self._head["http"] = http
        if reason:
            self._head["reason"] = reason
        if redirects:
            self._head["redirects"] = redirects
        content_type = next((value for name, value in kept if name == "content-type"), "")
        if policy.stream_kind(content_type):
            self._watch = policy.Watch()
        self._open = True
        self.hold()
        return kept

    def abandon(self) -> None:
        """There is, or will be, nothing to keep. Calling it again does nothing."""
        self._open = False
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

    def feed(self, chunk: bytes) -> str:
        """Note a piece of the decoded body. Says `last` if it may be the last, and it is time to
        commit; `last but one` if the next one should be fetched before this one is passed on."""
        self.hold()
        self._length += len(chunk)
        if self._length > codec.BODY_LIMIT:
            self._chunks = []  # too long to keep: do not hold it either
            return ""
        self._chunks.append(chunk)
        return self._watch.see(chunk) if self._watch is not None else ""

    def ended(self) -> None:
        """Note that the end of the body was reached."""
        self._ended = True

    def ms(self) -> float:
        """How long the call took, in milliseconds, from the lookup to the first question."""
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
            if self._open and self._length != self._kept_length:
                entry = self._entry(final=closing)
                if entry is not None:
                    self._kept_length = self._length
                    self._cache.keep(entry)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not become the user's
            self._cache.warn(f"a response could not be recorded ({error!r})")
        finally:
            if closing:
                self.abandon()
            elif self._length == self._kept_length and self._flight is not None:
                self._flight.land()

    def _entry(self, final: bool) -> Entry | None:
        if self._length > codec.BODY_LIMIT:
            self._cache.skip(self._request, f"it is longer than {codec.BODY_LIMIT:,} bytes")
            return None
        head = self._head
        content_type = next((v for n, v in head["headers"] if n == "content-type"), "")
        answer = policy.Answer(head["status"], content_type, b"".join(self._chunks), self._ended)
        if reason := policy.flaw(answer, poll=self._route.poll):
            if final:
                self._cache.skip(self._request, reason)
            return None
        outline = keys.outline(self._canonical, full=self._cache.options.requests == "full")
        head["recorded"] = _utc_now()
        head["ms"] = self.ms()
        head["model"] = policy.model_of(self._request.url, outline.get("body"))
        head["stream"] = policy.stream_kind(answer.content_type, answer.body)
        head["usage"] = policy.usage_of(answer)
        if self._cache.options.requests != "none":
            head["request"] = outline
        return Entry(head, answer.body)


def _utc_now() -> str:
    from datetime import datetime, timezone

    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
