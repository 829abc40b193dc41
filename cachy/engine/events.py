"""What happens to each request: counted, logged, printed, warned of.

    CACHY_LOG=1 python script.py           lines of JSON to stderr
    CACHY_LOG=calls.jsonl pytest           lines of JSON to the end of a file
    logging.getLogger("cachy.requests")    the same in words: hits and what passes through as DEBUG,
                                           the rest as INFO

A line has `time`, `event`, `method` and `url`, and where there is one `key`, `model`, `reason`, and
`us`: microseconds since the request was made, or that the live call took. The events:

    hit              answered from the store
    miss             not in the store; it goes live, or is refused in replay mode
    fetched          not in the store, and in the remote behind it; a hit follows
    recorded         the live answer of a miss was kept
    not kept         it was not, for the reason given
    passed through   left alone: not one of the hosts, or not a request that is cached
    refused          the same in replay mode, where the network is off limits
    dropped          telemetry in replay mode: it is answered with nothing
    bypassed         it went past cachy: by a client that is not recorded, or to a model on a host
                     that is not in `doms`

No handler is installed for `logging`: users who want the lines there configure one.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

from cachy import clock
from cachy.errors import CachyWarning, ConfigError
from cachy.frames import is_own
from cachy.rules.key import redacted_url
from cachy.store.disk import Disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from logging import Logger
    from types import FrameType

    from cachy.errors import CacheMiss

VARIABLE = "CACHY_LOG"

_DEBUG, _INFO = 10, 20  # as in `logging`
_LEVELS = {"hit": _DEBUG, "passed through": _DEBUG, "dropped": _DEBUG}
_STDERR = frozenset({"1", "true", "yes", "on", "stderr", "-"})
_OFF = frozenset({"", "0", "false", "no", "off"})
MANY_HITS = 20
"""Identical requests in one session after which a warning names the ways to get other answers."""
_SIGNS = {"hit": "🟢", "miss": "🔴", "fetched": "📥"}


class Stats:
    """What a session has done so far. `seconds_saved` is what the replayed calls took when live,
    `tokens_saved` what they would have cost again; `seconds_spent` and `tokens_spent` are those of
    the calls that were recorded. `skipped` counts the live answers that were not kept, by reason;
    `bypassed` counts the calls that went past cachy, by host and client; `remote` what the remote
    had (`found`), had not (`absent`), had in vain (`broken`), did not answer (`failed`), or was not
    asked (`left alone`), and what was `pushed`;
    `used` are the full keys that were replayed or recorded; `made` the names of what was recorded,
    and `missed` what was not there in replay mode, in order. `first_use` is called with each full
    key that is new to `used`."""

    def __init__(self) -> None:
        self.hits = 0
        self.misses = 0
        self.recorded = 0
        self.seconds_saved = 0.0
        self.tokens_saved = 0
        self.seconds_spent = 0.0
        self.tokens_spent = 0
        self.skipped: Counter[str] = Counter()
        self.used: set[str] = set()
        self.bypassed: Counter[str] = Counter()
        self.remote: Counter[str] = Counter()
        self.made: list[str] = []
        self.missed: list[CacheMiss] = []
        self.first_use: Callable[[str], None] | None = None

    def is_used(self) -> bool:
        """Tell whether anything was asked for."""
        return self.hits + self.misses > 0

    def use(self, key: str) -> None:
        """Note a full key that is not in `used` yet."""
        self.used.add(key)
        if self.first_use is not None:
            self.first_use(key)

    def add(self, other: Stats) -> None:
        """Add what another session has done."""
        self.hits += other.hits
        self.misses += other.misses
        self.recorded += other.recorded
        self.seconds_saved += other.seconds_saved
        self.tokens_saved += other.tokens_saved
        self.seconds_spent += other.seconds_spent
        self.tokens_spent += other.tokens_spent
        self.skipped += other.skipped
        self.bypassed += other.bypassed
        self.remote += other.remote
        self.used |= other.used
        self.made += other.made
        self.missed += other.missed

    def __repr__(self) -> str:
        """What a person wants to know of it, on a line each."""
        lines = [
            f"hits      {self.hits:,}",
            f"misses    {self.misses:,}",
            f"recorded  {self.recorded:,}",
            f"saved     {self.tokens_saved:,} tokens, {self.seconds_saved:,.1f} s",
        ]
        lines += [f"not kept  {n:,}: {why}" for why, n in self.skipped.most_common()]
        lines += [f"bypassed  {n:,}: {what}" for what, n in self.bypassed.most_common()]
        lines += [f"remote    {n:,} {what}" for what, n in self.remote.most_common()]
        return "\n".join(lines)


def _levels_up() -> int:
    """Return how many frames above its caller the program's own code is, as `warnings.warn` counts
    them: a warning points at it, and not at cachy or an SDK."""
    frame: FrameType | None = sys._getframe(1)
    level = 1
    while frame is not None:
        if is_own(frame.f_code.co_filename):
            return level
        frame, level = frame.f_back, level + 1
    return 2


class Log:
    """Where the lines go: to `target`, as CACHY_LOG has it, and to `logging`."""

    def __init__(self, target: str = "") -> None:
        """Raise ConfigError for a file that cannot be written."""
        self._file, self._stderr = "", target.lower() in _STDERR
        self._logger: Logger | None = None
        if not self._stderr and target.lower() not in _OFF:
            try:
                self._file = os.path.abspath(os.path.expanduser(target))
                self._append(b"")
            except OSError as error:
                raise ConfigError(
                    f"{VARIABLE}={target!r} cannot be written ({error.strerror}): give a file, or "
                    f"1 for stderr"
                ) from None

    @classmethod
    def of_environment(cls) -> Log:
        """Make the log that CACHY_LOG asks for."""
        return cls(os.environ.get(VARIABLE, "").strip())

    def wanted(self, level: int = _INFO) -> bool:
        """Tell whether anybody reads lines of a level of `logging`."""
        logger = self._logger or self._load_logger()
        return self._stderr or self._file != "" or logger.isEnabledFor(level)

    def wants_reasons(self) -> bool:
        """Tell whether anybody asked for the reasons of misses, which take time to find."""
        return self.wanted(_DEBUG)

    def _load_logger(self) -> Logger:
        import logging  # with the first request; an HTTP library has loaded it by then

        self._logger = logging.getLogger("cachy.requests")
        return self._logger

    def write(
        self, event: str, method: str, url: str, *, started: float = 0.0, **details: Any
    ) -> None:
        """Write a line; `started` is the request's `clock.perf_counter()`. Raise nothing."""
        details = {name: value for name, value in details.items() if value}
        reason = f": {details['reason']}" if "reason" in details else ""
        logger = self._logger or self._load_logger()
        logger.log(_LEVELS.get(event, _INFO), "%s: %s %s%s", event, method, url, reason)
        if not (self._stderr or self._file):
            return
        import orjson

        line = {
            "time": clock.timestamp(digits=3),
            "event": event,
            "method": method,
            "url": url,
            **details,
        }
        if started:
            line["us"] = round((clock.perf_counter() - started) * 1e6)
        data = orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
        try:
            if self._stderr:
                sys.stderr.write(data.decode())
            else:
                self._append(data)
        except (OSError, ValueError, RuntimeError):
            pass  # a full disk, a closed stream, a signal amid a line: the user's call goes on

    def _append(self, data: bytes) -> None:
        """Append with one write, so that lines of several processes do not mix. The file is opened
        each time: a log may be moved away while it is written, and processes fork."""
        fd = Disk.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            Disk.write(fd, data)
        finally:
            Disk.close(fd)


class Events:
    """The one listener of a cache and its recordings."""

    def __init__(self, log: Log, *, debug: bool = False) -> None:
        self.log, self.debug = log, debug
        self.stats = Stats()
        self._warned: set[str] = set()
        self._hits: dict[str, int] = {}
        self.costs: dict[str, float | None] = {}
        """What `engine/money.py` has found out, by key."""

    @property
    def hits_by_key(self) -> dict[str, int]:
        """How often each full key was replayed, as of now."""
        return self._hits.copy()

    def hit(self, key: str, head: dict[str, Any]) -> None:
        """Count an answer from the store. Warn once of a request that is made again and again: a
        loop that asks until the answer is right never ends on a recording."""
        self._hits[key] = hits = self._hits.get(key, 0) + 1
        if hits == MANY_HITS:
            self._warn_of_repeats(head)
        stats = self.stats
        stats.hits += 1
        stats.seconds_saved += head["ms"] / 1000
        stats.tokens_saved += _tokens(head.get("usage"))
        if key not in stats.used:
            stats.use(key)

    def _warn_of_repeats(self, head: dict[str, Any]) -> None:
        self.warn(
            f"the same request to {head.get('url')} was answered {MANY_HITS} times with the same "
            f'recording. If each try should get an answer of its own, use repeats="distinct", or '
            f"a scope for each: with scope(name): …"
        )

    def miss(self) -> None:
        """Count a request that the store did not answer."""
        self.stats.misses += 1

    def looked(self, kind: str) -> None:
        """Count a look-up in the remote."""
        self.stats.remote[kind] += 1

    def passed(self, method: str, url: str, reason: str) -> None:
        """Note that a request is left alone, and why."""
        self._note("passed through", method, url, reason)

    def refused(self, method: str, url: str, reason: str) -> None:
        """Count a request that must not go out and cannot be answered."""
        self.miss()
        self._note("refused", method, url, reason)

    def went_past(self, method: str, url: str, what: str, by: str) -> None:
        """Count a call that went past cachy."""
        self.stats.bypassed[what] += 1
        self._note("bypassed", method, url, f"by {by}")

    def dropped(self, method: str, url: str, reason: str) -> None:
        """Note a request that was answered with nothing, for nobody waits for its answer."""
        self._note("dropped", method, url, reason)

    def not_kept(self, method: str, url: str, reason: str) -> None:
        """Count an answer that was not kept, and why."""
        self.stats.skipped[reason] += 1
        self._note("not kept", method, url, reason)

    def kept(self, head: dict[str, Any], name: str) -> None:
        """Count an answer that is in the store now, under this name."""
        stats = self.stats
        stats.recorded += 1
        stats.seconds_spent += head["ms"] / 1000
        stats.tokens_spent += _tokens(head.get("usage"))
        if head["key"] not in stats.used:
            stats.use(head["key"])
        stats.made.append(name)

    def _note(self, event: str, method: str, url: str, reason: str) -> None:
        if self.log.wanted():
            self.log.write(event, method, redacted_url(url), reason=reason)

    def show(self, event: str, key: str, line: str, model: str | None, reason: str) -> None:
        """Print a hit or a miss, where `debug` is on."""
        if not self.debug:
            return
        about = f" ({model})" if model else ""
        why = f": {reason}" if reason else ""
        text = f"{event.upper()} {key[:8]} {line}{about}{why}"
        try:
            print(_SIGNS[event], text)
        except UnicodeEncodeError:  # a terminal or a file that has no such signs
            print(text.encode("ascii", "replace").decode())
        except (OSError, ValueError, RuntimeError):
            pass  # stdout is closed, or a signal came amid a line: the user's call goes on

    def warn(self, message: str, error: BaseException | None = None) -> None:
        """Warn once, whatever the error, and never break the user's call, even where warnings are
        errors."""
        if message in self._warned:
            return
        self._warned.add(message)
        message += f" ({error!r})" if error is not None else ""
        try:
            warnings.warn(f"cachy: {message}", CachyWarning, stacklevel=_levels_up())
        except CachyWarning:
            import logging

            logging.getLogger("cachy").warning(message)


def _tokens(usage: Any) -> int:
    """Return the tokens, input and output, that an entry's head tells of."""
    if usage.__class__ is not dict:
        return 0
    counts = (usage.get("input"), usage.get("output"))  # of a cache: among the input
    return sum([count for count in counts if count.__class__ is int])
