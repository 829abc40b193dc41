"""One line a request, for whoever asks.

    CACHY_LOG=1 python script.py           lines of JSON to stderr
    CACHY_LOG=calls.jsonl pytest           lines of JSON to the end of a file
    logging.getLogger("cachy.requests")    the same in words: hits and what passes through as DEBUG,
                                           the rest as INFO

A line has `time`, `event`, `method` and `url`, and where there is one `key`, `model`, `reason`, and
`us`: microseconds since the request was made, or that the live call took. The events:

    hit              answered from the store
    miss             not in the store; it goes live, or is refused in replay mode
    recorded         the live answer of a miss was kept
    not kept         it was not, for the reason given
    passed through   left alone: not one of the hosts, or not a request that is cached
    refused          the same in replay mode, where the network is off limits

No handler is installed for `logging`; who wants the lines there says where they go.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from cachy.errors import ConfigError
from cachy.lazy import lazy_logger, orjson
from cachy.rules.key import KEY_LENGTH

VARIABLE = "CACHY_LOG"

_logger = lazy_logger("cachy.requests")
_DEBUG, _INFO = 10, 20  # as in `logging`
_LEVELS = {"hit": _DEBUG, "passed through": _DEBUG}
_STDERR = frozenset({"1", "true", "yes", "on", "stderr", "-"})
_NONE = frozenset({"", "0", "false", "no", "off"})


class Log:
    """Where the lines go: to `target`, as CACHY_LOG has it, and to `logging`."""

    def __init__(self, target: str = "") -> None:
        """Raises ConfigError for a file that cannot be written."""
        self._file, self._stderr = "", target.lower() in _STDERR
        if not self._stderr and target.lower() not in _NONE:
            self._file = os.path.abspath(os.path.expanduser(target))
            try:
                self._append(b"")
            except OSError as error:
                raise ConfigError(
                    f"{VARIABLE}={target!r} cannot be written ({error.strerror}): give a file, or "
                    f"1 for stderr"
                ) from None

    @classmethod
    def of_environment(cls) -> Log:
        """As CACHY_LOG says now."""
        return cls(os.environ.get(VARIABLE, "").strip())

    def wanted(self) -> bool:
        """Whether anybody reads the lines."""
        return self._stderr or self._file != "" or _logger.isEnabledFor(_INFO)

    def wants_reasons(self) -> bool:
        """Whether anybody asked for the reasons of misses, which take time to find."""
        return self._stderr or self._file != "" or _logger.isEnabledFor(_DEBUG)

    def tell(self, event: str, method: str, url: str, *, started: float = 0.0, **more: Any) -> None:
        """Write a line; `started` is the request's `time.perf_counter()`. Raises nothing."""
        told = {name: value for name, value in more.items() if value}
        _logger.log(
            _LEVELS.get(event, _INFO),
            "%s: %s %s%s",
            event,
            method,
            url,
            f": {told['reason']}" if "reason" in told else "",
        )
        if not (self._stderr or self._file):
            return
        line: dict[str, Any] = {
            "time": _now(),
            "event": event,
            "method": method,
            "url": url,
            **told,
        }
        if started:
            line["us"] = round((time.perf_counter() - started) * 1e6)
        data = orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
        try:
            if self._stderr:
                sys.stderr.write(data.decode())
            else:
                self._append(data)
        except (OSError, ValueError):
            pass  # a full disk, a closed stream: not the user's call's business

    def recorded(self, head: dict[str, Any], name: str) -> None:
        """Tell of an answer that was kept, or not for lack of a name; `us` is the call's time."""
        self.tell(
            "recorded" if name else "not kept",
            head["method"],
            head["url"],
            key=head["key"][:KEY_LENGTH],
            model=head["model"],
            us=round(head["ms"] * 1000),
        )

    def _append(self, data: bytes) -> None:
        """One write, so that lines of several processes do not mix. Opened each time: a log may be
        moved away while it is written, and processes fork."""
        fd = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            os.write(fd, data)
        finally:
            os.close(fd)


def _now() -> str:
    from datetime import datetime, timezone

    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
