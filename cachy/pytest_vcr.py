"""Tests that were written for cassettes, unchanged: what `cachy_vcr = true` adds to pytest.

    @pytest.mark.vcr                      this test is recorded and replayed, in a scope of its own
    --record-mode, --block-network, …     as in pytest-recording; --vcr-record as in pytest-vcr
    vcr_config, vcr_cassette_dir, …       the fixtures that suites redefine

The scope of a test is the path that its cassette had, from the folder of the store, so that what
`cachy import` has taken from a cassette answers the test that it belongs to. pytest-recording and
pytest-vcr may stay installed: they are switched off.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cachy.session import Session

NAME = "cachy-vcr"
_REPLACED = {
    "pytest_recording.plugin": (
        "--record-mode",
        "--disable-recording",
        "--block-network",
        "--allowed-hosts",
    ),
    "pytest_vcr": ("--vcr-record", "--disable-vcr"),
}
"""The modules of pytest-recording and pytest-vcr, and their options."""
_MODES = {
    "none": "replay",
    "once": "auto",
    "new_episodes": "auto",
    "all": "refresh",
    "rewrite": "refresh",
}
_OPTIONS: dict[str, dict[str, Any]] = {
    "--record-mode": {"choices": tuple(_MODES)},
    "--vcr-record": {"choices": tuple(_MODES), "dest": "vcr_record"},
    "--disable-recording": {"action": "store_true"},
    "--disable-vcr": {"action": "store_true"},
    "--block-network": {"action": "store_true"},
    "--allowed-hosts": {"metavar": "REGEXES"},
}
_MARKERS = (
    "vcr: record and replay this test's calls, in the scope of its cassette",
    "block_network(allowed_hosts=): let no call of this test leave the machine",
    "default_cassette(name): the name of this test's cassette",
    "allowed_hosts(hosts): hosts that may be reached where the network is blocked",
)
_FORBIDDEN = r"<>?%*:|\"'/\\"
_LONGEST_NAME = 255


def switch_on(config: pytest.Config) -> None:
    """Add all of this to a run of pytest that has read its ini file and not yet its options."""
    manager = config.pluginmanager
    there: set[str] = set()
    for plugin in manager.get_plugins():
        if options := _REPLACED.get(getattr(plugin, "__name__", "")):
            manager.unregister(plugin)
            there.update(options)
    manager.register(_Options(there), f"{NAME}-options")
    manager.register(sys.modules[__name__], NAME)


class _Options:
    """Adds the options of both plugins, but for those that are there."""

    def __init__(self, there: set[str]) -> None:
        self._there = there

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        """Add them."""
        group = parser.getgroup("cachy", "recorded LLM API calls")
        for names in _REPLACED.values():
            for name in names:
                if name not in self._there:
                    group.addoption(name, help="as for cassettes", **_OPTIONS[name])


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Let suites implement the hook of pytest-recording, which is never called."""
    if not hasattr(pluginmanager.hook, "pytest_recording_configure"):
        pluginmanager.add_hookspecs(_Hooks)


class _Hooks:
    @staticmethod
    def pytest_recording_configure(config: Any, vcr: Any) -> None:
        """Configure VCR."""


def pytest_configure(config: pytest.Config) -> None:
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)


def _option(config: pytest.Config, *names: str) -> Any:
    """Return the first of these options that is given, whatever its `dest` is."""
    return next((value for name in names if (value := config.getoption(name, None))), None)


# ---- Fixtures ----


class Cassette:
    """What a test that asks for `vcr` gets."""

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def play_count(self) -> int:
        """How many requests were answered from the store."""
        return self.session.stats.hits


@pytest.fixture(autouse=True)
def vcr(request: pytest.FixtureRequest) -> Cassette | None:
    """Record or replay a test with the mark `vcr`; None for others."""
    marks = list(request.node.iter_markers("vcr"))
    if not marks:
        return None
    options = dict(request.getfixturevalue("vcr_config"))
    for mark in reversed(marks):
        options.update(mark.kwargs)
    named = [name for mark in marks for name in mark.args]
    name = named[0] if named else request.getfixturevalue("vcr_cassette_name")
    cassette = os.path.join(request.getfixturevalue("vcr_cassette_dir"), name)
    run = request.config.pluginmanager.get_plugin("cachy-run")
    assert run is not None
    mode = _mode(request.config, options)
    repeats = "same" if options.get("allow_playback_repeats") else "distinct"
    return Cassette(run.begin_cassette(request.node, cassette, mode=mode, repeats=repeats))


@pytest.fixture(scope="session")
def record_mode(request: pytest.FixtureRequest) -> str:
    """The record mode of the command line, or none."""
    return _option(request.config, "--record-mode", "--vcr-record") or "none"


@pytest.fixture(scope="session")
def disable_recording(request: pytest.FixtureRequest) -> bool:
    """Whether calls go live."""
    return bool(_option(request.config, "--disable-recording", "--disable-vcr"))


def _mode(config: pytest.Config, options: dict[str, Any]) -> str:
    """Return the mode of a test with a cassette; CACHY_MODE and --cachy win over it."""
    if _option(config, "--disable-recording", "--disable-vcr"):
        return "off"
    asked = _option(config, "--record-mode", "--vcr-record") or options.get("record_mode")
    if asked:
        asked = getattr(asked, "value", asked)  # VCR has an enum of them
        if asked not in _MODES:
            raise pytest.UsageError(f"record_mode={asked!r}: give one of {', '.join(_MODES)}")
        return _MODES[asked]
    return str(config.getini("cachy_mode") or "replay")


@pytest.fixture(scope="module")
def vcr_config() -> dict[str, Any]:
    """The options of VCR; suites redefine it."""
    return {}


@pytest.fixture(scope="module")
def vcr_cassette_dir(request: pytest.FixtureRequest) -> str:
    """The folder that cassettes of a test's module had; suites redefine it."""
    path = request.node.path
    folder = os.path.join(path.parent, "cassettes")
    flat = request.config.getini("cachy_vcr") == "pytest-vcr"
    return folder if flat else os.path.join(folder, path.stem)


@pytest.fixture
def vcr_cassette_name(default_cassette_name: str) -> str:
    """The name of a test's cassette; suites redefine it."""
    return default_cassette_name


@pytest.fixture
def default_cassette_name(request: pytest.FixtureRequest) -> str:
    """The name of a test's cassette: its own, after that of its class."""
    marker = request.node.get_closest_marker("default_cassette")
    if marker is not None and marker.args:
        return str(marker.args[0])
    name = request.node.name
    if request.cls is not None:
        name = f"{request.cls.__name__}.{name}"
    if request.config.getini("cachy_vcr") == "pytest-vcr":
        return str(name)
    for char in _FORBIDDEN:
        name = name.replace(char, "-")
    return _shortened(name)


def _shortened(name: str) -> str:
    """Return a name as pytest-recording shortens it to what file systems allow."""
    suffix = ".yaml"
    if len(name) + len(suffix) <= _LONGEST_NAME:
        return name
    import hashlib

    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    return f"{name[: _LONGEST_NAME - len(suffix) - len(digest) - 3]}...{digest}"


# ---- The network ----


@pytest.fixture(autouse=True)
def block_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Shut the network, where that is asked for and the test does not record."""
    mark = request.node.get_closest_marker("block_network")
    if mark is None and not _option(request.config, "--block-network"):
        yield
        return
    options = dict(request.getfixturevalue("vcr_config"))
    marks = list(request.node.iter_markers("vcr"))
    for each in reversed(marks):
        options.update(each.kwargs)
    if marks and _mode(request.config, options) not in ("replay", "off"):
        yield
        return
    hosts = mark.kwargs.get("allowed_hosts") if mark is not None else None
    hosts = hosts or _option(request.config, "--allowed-hosts") or options.get("allowed_hosts")
    with blocked(hosts.split(",") if isinstance(hosts, str) else hosts or ()):
        yield


@contextmanager
def blocked(allowed: Sequence[str]) -> Iterator[None]:
    """Let no socket of this process connect, and no name be resolved, within the block, but for
    hosts that one of these regular expressions matches."""
    pattern = re.compile("|".join(f"(?:{each})" for each in allowed)) if allowed else None
    resolved: set[str] = set()

    def is_allowed(host: str) -> bool:
        return host in resolved or (pattern is not None and pattern.match(host) is not None)

    with (
        patch.object(socket.socket, "connect", _guarded(socket.socket.connect, is_allowed)),
        patch.object(socket.socket, "connect_ex", _guarded(socket.socket.connect_ex, is_allowed)),
        patch.object(socket, "getaddrinfo", _resolving(socket.getaddrinfo, is_allowed, resolved)),
    ):
        yield


def _guarded(original: Any, is_allowed: Callable[[str], bool]) -> Any:
    def connect(opened: socket.socket, address: Any) -> Any:
        inside = opened.family not in (socket.AF_INET, socket.AF_INET6)
        host = _text(address[0]) if isinstance(address, tuple) else ""
        if not inside and not is_allowed(host):
            raise RuntimeError(_BLOCKED.format(host))
        return original(opened, address)

    return connect


def _resolving(original: Any, is_allowed: Callable[[str], bool], resolved: set[str]) -> Any:
    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        name = _text(host or "")
        if is_allowed(name):
            found = original(host, *arguments, **options)
            resolved.update(address[0] for *_, address in found)
            return found
        if any(char.isalpha() for char in name) and ":" not in name and name != "localhost":
            raise RuntimeError(_BLOCKED.format(name))
        return original(host, *arguments, **options)

    return getaddrinfo


def _text(host: Any) -> str:
    return host.decode() if isinstance(host, bytes) else str(host)


_BLOCKED = "the network is blocked in this test: a call to {}"
