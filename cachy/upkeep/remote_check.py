"""Try a remote out: write, read, create twice, replace, list, remove."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy import clock
from cachy.errors import CachyError
from cachy.remote.engine import Denied, Engine, RemoteError
from cachy.remote.objects import RUNS
from cachy.upkeep.remote import opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from cachy.remote.address import Address

_OK, _LACKS, _FAILS = "ok", "lacks", "fails"
_ROUNDS = 5


class Finding(NamedTuple):
    """What was tried, and what came of it: ok; lacks, which cachy can do without; or fails."""

    what: str
    state: str
    said: str = ""


class RemoteReport(NamedTuple):
    """What a check found. `ms`: the median time of a look-up."""

    remote: str
    findings: list[Finding]
    ms: float

    @property
    def code(self) -> int:
        """The exit code: 1 if it cannot be read."""
        return 1 if any(each.state == _FAILS for each in self.findings) else 0

    def as_dict(self) -> dict[str, Any]:
        """Return the report as `--json` prints it."""
        return {**self._asdict(), "findings": [each._asdict() for each in self.findings]}


def check(address: Address) -> RemoteReport:
    """Try a remote out. Raises CachyError where it cannot be opened."""
    engine = opened(address)
    path = f"{RUNS}check-{os.urandom(8).hex()}"
    findings = [_attempt("read", lambda: _reads_nothing(engine, path))]
    if findings[0].state == _FAILS:
        return RemoteReport(address.label, findings, 0.0)
    ms = _median(engine, path)
    written = _attempt("write", lambda: _writes(engine, path))
    findings.append(written)
    if written.state == _OK:
        findings.append(_attempt("create only once", lambda: _creates_once(engine, path)))
        findings.append(_attempt("replace by tag", lambda: _replaces(engine, path)))
    findings.append(_attempt("list", lambda: _lists(engine, path, written.state == _OK)))
    if written.state == _OK:
        findings.append(_attempt("remove", lambda: _removes(engine, path)))
    return RemoteReport(address.label, findings, ms)


def _attempt(what: str, does: Callable[[], str]) -> Finding:
    try:
        lack = does()
    except Denied as error:
        return Finding(what, _FAILS if what == "read" else _LACKS, f"not allowed: {error}")
    except RemoteError as error:
        return Finding(what, _FAILS if what == "read" else _LACKS, str(error))
    except CachyError as error:
        return Finding(what, _FAILS, str(error))
    return Finding(what, _LACKS if lack else _OK, lack)


def _reads_nothing(engine: Engine, path: str) -> str:
    if engine.get(path, 1000) is not None:
        raise CachyError("it has an object that nobody wrote: does a proxy answer in its place?")
    return ""


def _median(engine: Engine, path: str) -> float:
    times = []
    for _ in range(_ROUNDS):
        started = clock.perf_counter()
        try:
            engine.get(path, 1000)
        except RemoteError:
            continue
        times.append(clock.perf_counter() - started)
    return round(sorted(times)[len(times) // 2] * 1000, 1) if times else 0.0


def _writes(engine: Engine, path: str) -> str:
    if not engine.create(path, b"first"):
        raise CachyError("it says that an object is there which is not")
    found = engine.get(path, 1000)
    if found is None or found.data != b"first":
        raise CachyError("what was written cannot be read")
    return ""


def _creates_once(engine: Engine, path: str) -> str:
    if engine.create(path, b"other"):
        return "it ignores If-None-Match: of two first recordings the last one wins"
    return ""


def _replaces(engine: Engine, path: str) -> str:
    found = engine.get(path, 1000)
    if found is None:
        raise CachyError("what was written cannot be read")
    if not engine.replace(path, b"newer", found.tag):
        return "it does not know its own tag: refreshed answers do not replace others"
    if not path.startswith(RUNS) or engine.replace(path, b"wrong", found.tag):
        return "it ignores If-Match: of two refreshed answers the last one wins"
    return ""


def _lists(engine: Engine, path: str, written: bool) -> str:
    found = any(each.path == path for each in engine.listing(RUNS))
    return "" if found or not written else "what was written is not listed yet"


def _removes(engine: Engine, path: str) -> str:
    engine.delete([path])
    return "" if engine.get(path, 1000) is None else "what was removed can still be read"
