"""The pytest plugin: tests that call LLM APIs, recorded once and replayed for ever.

    def test_answer(cachy): …                  the fixture, or
    @pytest.mark.cachy(mode="replay")          the mark: this test is recorded and replayed
    pytest --cachy=replay                      every test is, and what is called outside of tests;
                                               so with `cachy_mode` in pytest.ini, and in replay
                                               mode with CACHY_MODE, too

Precedence of the mode, highest first:

    --cachy=MODE               it sets CACHY_MODE for the run, and so for xdist's workers and for
                               all that tests call and start
    CACHY_MODE                 as everywhere in cachy
    @pytest.mark.cachy(mode=)  the mark closest to the test
    cachy_mode                 in pytest.ini, or [tool.pytest.ini_options] of pyproject.toml
    auto

The session of a test is in force for the whole process while the test and its fixtures run, so it
does not matter which thread, task or event loop makes the call. Where the tests or what they test
call `enable_cachy` themselves, their session is left in force; only the mode is applied.

At start-up nothing is imported beyond the package itself. A test that does not use cachy costs a
look at its marks.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from cachy.errors import CacheMiss
    from cachy.pytest_outside import Outside
    from cachy.pytest_tally import Tally
    from cachy.session import Session
    from cachy.store.base import Store
    from cachy.store.journal import Draft

_MARK = (
    "cachy(mode=, scope=, store=, **settings): record and replay this test's LLM calls; store is "
    "the folder that holds .cachy, or a mapping; settings are those of enable_cachy"
)


def _mode(text: str) -> str:
    """Return the mode that `--cachy` names, as cachy or VCR calls it."""
    from argparse import ArgumentTypeError

    from cachy.errors import ConfigError
    from cachy.settings import check_mode

    try:
        return check_mode(text, "--cachy").name
    except ConfigError as error:
        raise ArgumentTypeError(f"{error} (before a path, write --cachy=auto)") from None


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cachy", "recorded LLM API calls")
    group.addoption(
        "--cachy",
        dest="cachy_mode",
        nargs="?",
        const="auto",
        type=_mode,
        metavar="MODE",
        help="record and replay the LLM calls of all tests, in this mode: replay, auto (the "
        "default), refresh or off",
    )
    group.addoption(
        "--cachy-unused",
        action="store_true",
        help="list the recordings that no test of this run used",
    )
    parser.addini("cachy_mode", "the mode of all tests: replay, auto, refresh or off", default="")
    parser.addini("cachy_dir", "the folder that holds .cachy, from the root directory", default="")
    parser.addini("cachy_doms", "hosts to cache beside the known ones", type="linelist")
    parser.addini("cachy_repeats", "identical requests: same or distinct", default="")
    parser.addini("cachy_scope", "a scope for each test: none, test or module", default="")
    parser.addini(
        "cachy_vcr",
        "understand the marks, options and fixtures of tests with cassettes: true, or pytest-vcr "
        "for its names of cassettes",
        default="",
    )
    parser.addini(
        "cachy_placeholders",
        "while replaying, set placeholders for the API keys that are not set",
        type="bool",
        default=True,
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    if _is_moved(early_config):
        from cachy.pytest_vcr import switch_on

        switch_on(early_config)
    _begin(early_config)


def _is_moved(config: pytest.Config) -> bool:
    """Tell whether the suite was written for cassettes. Raises UsageError."""
    value = config.getini("cachy_vcr").lower()
    if value not in ("", "false", "no", "0", "true", "yes", "1", "pytest-vcr", "pytest-recording"):
        raise pytest.UsageError(f"cachy_vcr = {value}: give true, false or pytest-vcr")
    return value not in ("", "false", "no", "0")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARK)
    if not config.pluginmanager.has_plugin(_Run.NAME):  # it is loaded by a conftest.py
        _begin(config)


def _begin(config: pytest.Config) -> None:
    """Begin the run, before anything of the project is imported."""
    run = _Run(config)
    config.pluginmanager.register(run, _Run.NAME)
    config.add_cleanup(run.close)


@pytest.fixture
def cachy(request: pytest.FixtureRequest) -> Session:
    """This test's session: `cachy.stats.hits`, `cachy.stats.misses`, `cachy.mode`, `cachy.store`.

    Asking for it makes the test one that is recorded and replayed.
    """
    run: _Run | None = request.config.pluginmanager.get_plugin(_Run.NAME)
    assert run is not None
    return run.begin(request.node)


def _mode_of_variable() -> str:
    """Return the mode that CACHY_MODE names, or an empty string. Raises UsageError once for what
    would else fail in every test."""
    if not os.environ.get("CACHY_MODE", "").strip():
        return ""  # and nothing is imported
    from cachy.errors import ConfigError
    from cachy.settings import MODES, mode_in_force

    try:
        return mode_in_force(MODES["off"]).name
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from None


_left: list[ExitStack] = []  # what is in force until the process ends
_TEST = pytest.StashKey["tuple[Session, ExitStack]"]()


class _Run:
    """One run of pytest, in one process."""

    NAME = "cachy-run"

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._closing = ExitStack()
        self._stores: dict[str, Store] = {}
        self._notes: dict[str, Draft] = {}  # by the root of the store
        self._theirs: list[Session] = []
        self._tallied: Tally | None = None
        self._moved = _is_moved(config)
        self._scope = config.getini("cachy_scope") or ("test" if self._moved else "none")
        if self._scope not in ("none", "test", "module"):
            raise pytest.UsageError(f"cachy_scope = {self._scope}: give none, test or module")
        early = config.known_args_namespace
        asked = getattr(early, "cachy_mode", None) or config.getoption("cachy_mode", None)
        if asked:
            self._closing.enter_context(_variable("CACHY_MODE", asked))
        self._mode: str = config.getini("cachy_mode")
        variable = _mode_of_variable()
        self._everywhere = (asked or self._mode or "off") != "off" or variable == "replay"
        mode = variable or self._mode
        if self._everywhere and mode == "replay":
            # Now, because modules of tests make clients when they are imported.
            self._set_placeholders(self._closing)
        self._outside: Outside | None = None
        if self._everywhere and mode != "off":
            self._outside = self._begin_outside()

    def _begin_outside(self) -> Outside:
        from cachy.errors import ConfigError
        from cachy.pytest_outside import Outside

        try:
            return Outside(self._settings(None), self._config.rootpath, self._is_own)
        except ConfigError as error:
            self._closing.close()
            raise pytest.UsageError(str(error)) from None

    def close(self) -> None:
        """Leave the process as it was before the run. Where it ends with the run, leave all in
        force: threads may go on, and what runs at exit may make calls."""
        if self._outside is None:
            self._closing.close()
            return
        from cachy.pytest_outside import is_program

        if hasattr(self._config, "workerinput") or is_program():
            _left.append(self._closing)
            return
        self._outside.end()
        self._closing.close()

    # One test

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if self._moved and item.get_closest_marker("vcr"):
            return  # its own fixture begins
        asks = "cachy" in getattr(item, "fixturenames", ()) or item.get_closest_marker("cachy")
        if asks or (self._everywhere and self._is_outside()):
            self.begin(item)

    def _is_outside(self) -> bool:
        """Whether neither a test nor the tests themselves have put a session in force."""
        ours = None if self._outside is None else self._outside.session
        return _session_in_force() in (None, ours)

    def begin_cassette(self, item: pytest.Item, cassette: str, **settings: Any) -> Session:
        """The session of a test whose recordings were in this cassette."""
        from cachy.formats.vcr import scope_of

        store = self._settings(item)["store"]
        base = os.path.dirname(store.root) if store.root else self._config.rootpath
        place = cassette if self._scope == "test" else os.path.dirname(cassette)
        scope = "" if self._scope == "none" else scope_of(place, str(base))
        repeats = self._config.getini("cachy_repeats") or settings["repeats"]
        return self.begin(item, **{**settings, "scope": scope, "repeats": repeats})

    def begin(self, item: pytest.Item, **settings: Any) -> Session:
        """The session of a test, put in force now if it is not yet. The marks of the test win over
        `settings`."""
        from cachy.errors import CachyError
        from cachy.session import new_session, put_in_force

        if _TEST in item.stash:
            return item.stash[_TEST][0]
        try:
            session = new_session(**self._settings(item, settings))
        except (CachyError, TypeError, pytest.UsageError) as error:
            # One line for an invalid mark or setting, in place of this file's source.
            path, line, _ = item.location
            pytest.fail(f"{path}:{(line or 0) + 1}: {error}", pytrace=False)
        before, closing = _session_in_force(), ExitStack()

        def end() -> None:
            if _session_in_force() is session:
                put_in_force(before)
            self._count(session)

        put_in_force(session)
        if note := self._notes.get(session.store.root or ""):
            session.stats.first_use = lambda key: note.use((key,))
        closing.callback(end)
        if session.mode == "replay":
            self._set_placeholders(closing)
        item.stash[_TEST] = session, closing
        return session

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None]:
        try:
            return (yield)
        finally:
            ours, closing = item.stash.get(_TEST, (None, ExitStack()))
            session = _session_in_force()
            if session is not ours and not self._is_outside() and session not in self._theirs:
                self._theirs.append(session)  # type: ignore[arg-type]
            closing.close()
            if ours is not None:
                del item.stash[_TEST]
            if self._outside is not None:
                self._outside.put_back()

    def _count(self, session: Session) -> None:
        self._tally.add(session)
        if note := self._notes.get(session.store.root or ""):
            note.add(session.stats)

    def _settings(
        self, item: pytest.Item | None, more: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The settings of a test's session: those of the ini file, then `more`, then those of the
        test's marks; without a test, those of what is outside of tests."""
        config = self._config
        settings: dict[str, Any] = {"mode": self._mode or "auto"}
        settings["repeats"] = config.getini("cachy_repeats") or "same"
        if item is not None and self._scope != "none":
            settings["scope"] = (
                item.nodeid if self._scope == "test" else item.nodeid.partition("::")[0]
            )
        settings["store"] = config.getini("cachy_dir") or "dir"
        if hosts := config.getini("cachy_doms"):
            from cachy.rules.hosts import doms

            settings["doms"] = (*doms, *hosts)
        settings |= more or {}
        marks = [] if item is None else list(item.iter_markers("cachy"))
        for mark in reversed(marks):  # the closest is the last
            if mark.args:
                raise pytest.UsageError(f"@pytest.mark.cachy takes names only: {_MARK}")
            settings |= mark.kwargs
        store, folder = settings["store"], settings.pop("cache_dir", None)
        if isinstance(store, str | os.PathLike):
            settings["store"] = self._store(folder if store == "dir" else store)
        return settings

    def _store(self, folder: str | os.PathLike[str] | None) -> Store:
        """One object for each folder, so that its shards are not listed for each test anew. By
        default the place where `enable_cachy` would have it."""
        from cachy.store.folder import DirStore
        from cachy.store.journal import Draft
        from cachy.store.layout import find_root

        place = str(folder or "")
        if place not in self._stores:
            root = find_root(self._config.rootpath / folder if folder else None)
            self._stores[place] = DirStore(root)
            self._notes.setdefault(root, Draft(root))
        return self._stores[place]

    def _set_placeholders(self, closing: ExitStack) -> None:
        if self._config.getini("cachy_placeholders"):
            from cachy.session import placeholders

            closing.enter_context(placeholders("replay"))

    # Reports

    @property
    def _tally(self) -> Tally:
        from cachy.pytest_tally import Tally

        self._tallied = self._tallied or Tally()
        return self._tallied

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Shorten the report of a test that failed because a recording is missing: the miss and the
        lines of the test, without the frames of the SDK. `--full-trace` shows all of it."""
        report = yield
        if report.failed and call.excinfo is not None and not self._config.option.fulltrace:
            miss = _miss_behind(call.excinfo.value)
            if miss is not None:
                report.longrepr = self._short(call.excinfo, miss)
        return report

    def _short(self, raised: pytest.ExceptionInfo[BaseException], miss: CacheMiss) -> Any:
        """The miss, under the lines of the user's own that led to it."""
        own = raised.traceback.filter(lambda entry: self._is_own(Path(entry.path)))
        shown = pytest.ExceptionInfo.from_exc_info((type(miss), miss, raised.tb))
        shown.traceback = own or raised.traceback
        return shown.getrepr(style="short", chain=False, tbfilter=False)

    def _is_own(self, path: Path) -> bool:
        """Whether a file is the project's, and no library's, wherever that is installed."""
        from cachy.frames import is_own

        return self._config.rootpath in path.parents and is_own(str(path))

    @pytest.hookimpl(trylast=True)  # conftest.py may make calls, too
    def pytest_sessionfinish(self) -> None:
        for session in self._theirs:
            self._tally.add(session)
        if self._outside is not None and self._outside.session.stats.is_used():
            self._tally.add(self._outside.session)
        for note in self._notes.values():
            note.write()
        output = getattr(self._config, "workeroutput", None)
        if output is not None and self._tallied is not None:
            output["cachy"] = self._tallied.packed()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker of xdist is done; if it crashed, it has left nothing."""
        if packed := getattr(node, "workeroutput", {}).get("cachy"):
            self._tally.add_packed(packed)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._tallied is None:
            return
        from shutil import get_terminal_size

        from cachy.pytest_tally import lines

        tally = self._tally
        # Only a run of all tests tells what none of them uses.
        partial = bool(terminalreporter.stats.get("deselected"))
        unused = [] if partial else tally.unused()
        end = "" if partial else f", {len(unused)} unused"
        last_failed = self._config.pluginmanager.has_plugin("lfplugin")
        again = "pytest --cachy=auto --lf" if last_failed else "pytest --cachy=auto"
        said = [f"{tally.done()}{end}", *tally.missed(again), tally.of_remote(), tally.past()]
        for line in filter(None, said):
            terminalreporter.write_line(f"cachy: {line}")
        if self._config.getoption("cachy_unused"):
            if partial:
                line = "cachy: tests were deselected, so it is not known what none of them uses"
                terminalreporter.write_line(line)
            for line in lines(unused, get_terminal_size().columns):
                terminalreporter.write_line(line)


def _session_in_force() -> Session | None:
    module = sys.modules.get("cachy.session")  # where it is not loaded, nothing is in force
    return module.session_in_force() if module is not None else None


def _miss_behind(error: BaseException) -> CacheMiss | None:
    """The miss that made an exception, or one of a group of them."""
    from cachy.errors import CacheMiss

    inner = [_miss_behind(each) for each in getattr(error, "exceptions", ())]
    return CacheMiss.behind(error) or next(filter(None, inner), None)


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    """Within the block the environment has this variable."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before
