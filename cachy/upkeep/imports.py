"""Take recordings of other tools into a store, as if they had been recorded now.

Each interaction goes the way of a live answer: the rules of hosts and of the key, the verdict on
what is worth keeping, the search for credentials, the store's own writing.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.engine.recording import Question, Recording
from cachy.engine.repeats import Numbers
from cachy.errors import ConfigError
from cachy.formats import files
from cachy.formats.interaction import Interaction, Unclear
from cachy.formats.pycachy import Answers
from cachy.formats.vcr import scope_of
from cachy.lazy import hashlib
from cachy.rules.key import digest, identify, numbered
from cachy.settings import Settings
from cachy.store.base import Where
from cachy.store.entry import dumps
from cachy.store.folder import DirStore
from cachy.store.layout import show_path
from cachy.store.names import key_of
from cachy.upkeep.index import silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cachy.engine.secret_search import Finding
    from cachy.rules.hosts import Route
    from cachy.store.entry import Entry
    from cachy.upkeep.index import Progress

SCOPES = ("none", "test", "module")
"""A scope for what is imported: none; one for each file; one for each folder."""


class Problem(NamedTuple):
    """Something in a file that was not understood."""

    file: str
    place: str
    what: str

    def __str__(self) -> str:
        where = f"{show_path(self.file)}, {self.place}" if self.place else show_path(self.file)
        return f"{where}: {self.what}"


class Waiting(NamedTuple):
    """A file of pycachy: how many answers it has, and how many of them were adopted so far."""

    file: str
    answers: int
    adopted: int


class Report:
    """What became of the interactions in some files. `private` counts, by kind, those of the taken
    that stay on this machine; `skipped`, by reason, those that are not worth keeping; `foreign`
    are the hosts that are not cached; `of_tests`: a file is where pytest's plugins put cassettes.
    """

    def __init__(self) -> None:
        self.files = self.taken = self.present = 0
        self.foreign: set[str] = set()
        self.of_tests = False
        self.private: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.problems: list[Problem] = []
        self.waiting: list[Waiting] = []

    @property
    def code(self) -> int:
        """The exit code: 1 where something was not understood, 2 where that is all there is."""
        if not self.problems:
            return 0
        return 1 if self.taken or self.present or self.skipped or self.waiting else 2

    def as_dict(self) -> dict[str, Any]:
        """Return the report as `--json` prints it."""
        return {
            "files": self.files,
            "taken": self.taken,
            "already_there": self.present,
            "on_this_machine": dict(self.private),
            "not_kept": dict(self.skipped),
            "not_understood": [
                {**each._asdict(), "file": show_path(each.file)} for each in self.problems
            ],
            "pycachy": [{**each._asdict(), "file": show_path(each.file)} for each in self.waiting],
        }


def take(
    root: str,
    names: Sequence[str],
    settings: Settings,
    *,
    scope: str = "none",
    dry_run: bool = False,
    progress: Progress = silent,
) -> Report:
    """Import what is in files, folders and patterns into the store at `root`.

    Of `settings` count: hosts, errors, requests, noise, key_headers, scope, repeats. `scope` is one
    of `SCOPES`. With `dry_run` nothing is written. Raises ConfigError where a path names no file or
    a library is missing, OSError where the store cannot be written.
    """
    found = files.find(names)
    if found.missing:
        raise ConfigError(f"there is no file {found.missing[0]}: give files, folders or patterns")
    report = Report()
    taker = _Taker(DirStore(root), settings, report, dry_run=dry_run)
    base = os.path.dirname(os.path.abspath(root))
    for done, path in enumerate(found.paths):
        progress(done, len(found.paths))
        report.files += 1
        report.of_tests |= "cassettes" in os.path.abspath(path).split(os.sep)
        _take_file(path, taker, _scope(path, base, scope))
    progress(len(found.paths), len(found.paths))
    return report


def _scope(path: str, base: str, scope: str) -> str:
    if scope == "none":
        return ""
    return scope_of(path if scope == "test" else os.path.dirname(path), base)


def _take_file(path: str, taker: _Taker, scope: str) -> None:
    report = taker.report
    try:
        content = files.read(path)
        if isinstance(content, Answers):
            report.waiting.append(_waiting(path, content, taker.store))
            what = "it is no answer of pycachy"
            report.problems += [Problem(path, f"line {line}", what) for line in content.unclear]
            return
        for each in content:
            if isinstance(each, Unclear):
                report.problems.append(Problem(path, each.place, each.what))
            else:
                taker.take(path, each, scope)
    except OSError as error:
        if error.filename != path:
            raise
        report.problems.append(Problem(path, "", f"it cannot be read ({error.strerror})"))


def _waiting(path: str, answers: Answers, store: DirStore) -> Waiting:
    """Count which of the answers were adopted: their entries name them as their client."""
    from cachy.upkeep.index import scan

    clients = {row.client for row in scan(store.root).rows}
    adopted = sum(f"pycachy/{digits}" in clients for digits in answers.digits())
    return Waiting(path, len(answers), adopted)


class _Taker:
    """Takes one interaction after the other. It is the listener of their recordings."""

    def __init__(
        self, store: DirStore, settings: Settings, report: Report, *, dry_run: bool
    ) -> None:
        self.store, self.report = store, report
        self._settings, self._dry_run = settings, dry_run
        self._numbers = Numbers()
        self._made: dict[str, bytes] = {}  # key -> digest of the body, of this import
        self._digest = b""
        self._place = ("", "")

    def take(self, path: str, each: Interaction, scope: str) -> None:
        """Take an interaction."""
        self._place = path, each.place
        request = each.request
        try:
            route = self._settings.hosts.route(request.method, request.url)
            if not route.matches:
                self.report.foreign.add(_host(request.url))
            if reason := _reason(route, request.url):
                self.not_kept(request.method, request.url, reason)
                return
            question = self._question(each, route, scope)
        except (ValueError, RecursionError) as error:
            self._problem(f"a request that is not understood ({error})")
            return
        key = key_of(question.key)
        self._digest = hashlib.sha256(each.body).digest()
        if self._made.get(key, self._digest) != self._digest:
            self.not_kept(request.method, request.url, _ANOTHER)
        elif key in self._made or self.store.get(key, lambda where, what: None) is not None:
            self.report.present += 1
        else:
            self._record(each, question)

    def _question(self, each: Interaction, route: Route, scope: str) -> Question:
        settings, request = self._settings, each.request
        canonical, keeps_state, texts = identify(
            request,
            scope=(scope or settings.scope) if each.scope is None else each.scope,
            noise=settings.noise,
            known=route.known,
            key_headers=settings.key_headers,
        )
        key = digest(canonical)
        number, repeat = None, each.repeat
        if repeat is None and (keeps_state or settings.repeats == "distinct"):
            number = self._numbers.take(key)
            repeat = number.value
        if repeat:
            canonical = numbered(canonical, repeat)
            key = digest(canonical)
        return Question(request, route, canonical, key, number, texts)

    def _record(self, each: Interaction, question: Question) -> None:
        if b'{"\xe2\x80\xa6":[' in question.canonical:
            self._problem("a request that was shortened when it was exported")
            return
        recording = Recording(question, None, self, self._settings)
        if recording.begin(each.response, sent=each.request.headers):
            recording.feed(each.body)
            recording.ended()
            recording.date(each.recorded, each.ms)
            recording.commit()

    def _problem(self, what: str) -> None:
        self.report.problems.append(Problem(*self._place, what))

    # What a recording reports

    def keep(self, entry: Entry, findings: Sequence[Finding]) -> None:
        """Put an entry into the store."""
        key = key_of(entry.head["key"])
        self._made[key] = self._digest
        self.report.taken += 1
        for kind in sorted({finding.kind for finding in findings}):
            self.report.private[kind] += 1
        if self._dry_run:
            return
        kept = self.store.put(key, dumps(entry), int(time.time()), private=bool(findings))
        if kept.where is Where.LARGE:
            self.report.private["it is too large to be committed"] += 1

    def not_kept(self, method: str, url: str, reason: str) -> None:
        """Count an answer that is not worth keeping."""
        self.report.skipped[reason] += 1

    def warn(self, message: str, error: BaseException | None = None) -> None:
        """Note what was wrong with an interaction."""
        if isinstance(error, OSError):
            raise error
        self._problem(f"{message} ({error!r})" if error is not None else message)


_ANOTHER = "another answer to a request that was taken: --repeats distinct numbers them"


def _reason(route: Route, url: str) -> str:
    """Return why a request is not one that is cached, or an empty string."""
    if not route.matches:
        return f"not one of the hosts, so add it with --doms: {_host(url)}"
    return "" if route.cached else route.reason


def _host(url: str) -> str:
    from urllib.parse import urlsplit

    return urlsplit(url).netloc
