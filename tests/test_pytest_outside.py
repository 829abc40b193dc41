"""Calls outside of tests, in runs of pytest of their own: in replay mode none goes out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from counting import Counting, counting, python

from cachy import disable_cachy
from cachy.store import journal

Run = Callable[..., "subprocess.CompletedProcess[str]"]

CONFTEST = """
import atexit, os, threading, time
import httpx

def ask(what):
    return httpx.post(os.environ["URL"], json={"what": what}).json()["number"]

ask("conftest.py is imported")
def pytest_configure(): ask("configure")
def pytest_sessionstart(): ask("start")
def pytest_generate_tests(metafunc):
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", [ask("parametrize")])
def pytest_collection_modifyitems(): ask("collection")
def pytest_runtest_logfinish(): ask("between")
def pytest_sessionfinish(): ask("finish")
def pytest_unconfigure(): ask("unconfigure")
"""

TESTS = """
import atexit, threading, time
from conftest import ask

ask("a module is imported")
atexit.register(ask, "exit")

def test_case(case): assert case and ask("in a test")
def test_thread():
    def later():
        time.sleep(1)
        ask("a thread goes on")
    threading.Thread(target=later).start()
def test_off():
    import cachy
    cachy.disable_cachy()
"""

CALLS = {
    *("conftest.py is imported", "configure", "start", "a module is imported", "parametrize"),
    *("collection", "in a test", "between", "finish", "unconfigure", "a thread goes on", "exit"),
}


@pytest.fixture
def server() -> Iterator[Counting]:
    with counting() as server:
        yield server


@pytest.fixture
def run(server: Counting, tmp_path: Path) -> Run:
    (tmp_path / "pytest.ini").write_text(f"[pytest]\ncachy_doms = {server.host}\n")
    (tmp_path / ".cachy").mkdir()

    def run(*arguments: str, code: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        server.calls.clear()
        plugins = ("-p", "cachy.pytest_plugin", "-p", "xdist.plugin", "-p", "no:cacheprovider")
        variables |= {"URL": server.url, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        command = ("-W", "error", "-m", "pytest", *plugins, *arguments)
        return python(*command, folder=tmp_path, variables=variables, code=code)

    return run


def asked(server: Counting) -> set[str]:
    return {call["what"] for call in server.calls}


def test_nothing_goes_out_in_replay_mode(run: Run, server: Counting, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)
    run("--cachy=auto")
    assert asked(server) == CALLS
    for asks in ({"CACHY_MODE": "replay"}, {}):
        arguments = () if asks else ("--cachy=replay",)
        run(*arguments, **asks)
        assert asked(server) == set()
    keys = {path.name[:32] for path in tmp_path.glob(".cachy/??/*.entry")}
    noted = journal.read(str(tmp_path / ".cachy"))
    assert {key for note in noted for key in note.keys} == keys


def test_workers_of_xdist(run: Run, server: Counting, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)
    run("--cachy=auto", "-n", "1")
    assert asked(server) == CALLS
    run("--cachy=replay", "-n", "1")
    assert asked(server) == set()


def test_a_miss_says_where_the_call_comes_from(run: Run, server: Counting, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text("def test_it(): pass\n")
    done = run("--cachy=replay", code=4)
    assert "call:    conftest.py:6, outside of the tests" in done.stdout + done.stderr
    (tmp_path / "conftest.py").write_text("")
    (tmp_path / "test_it.py").write_text(
        "import os, threading, httpx\n"
        "def ask(): httpx.post(os.environ['URL'], json={})\n"
        "def later(): threading.current_thread().name = 'later'; go.wait(); ask()\n"
        "go = threading.Event()\n"
        "def test_it(): threading.Thread(target=later).start()\n"
        "def teardown_module(): import atexit; atexit.register(go.set)\n"
        "threading._register_atexit(go.set)\n"
    )
    done = run("--cachy=replay")
    assert "call:    test_it.py:2, in later, outside of the tests" in done.stderr
    assert asked(server) == set()


def test_tests_without_a_mark(run: Run, server: Counting, tmp_path: Path) -> None:
    """They are in replay mode, where that is asked for; else they go live."""
    (tmp_path / "test_it.py").write_text(
        "import os, httpx\ndef test_it(): httpx.post(os.environ['URL'], json={'what': 'it'})\n"
    )
    for variables in ({}, {"CACHY_MODE": "auto"}, {"CACHY_MODE": "off"}):
        run(**variables)
        assert asked(server) == {"it"}
    done = run(CACHY_MODE="replay", code=1)
    assert "cachy: no recording" in done.stdout
    assert asked(server) == set()
    run("--cachy=auto")
    run(CACHY_MODE="replay")
    assert asked(server) == set()
    run("--cachy=off", CACHY_MODE="replay")
    assert asked(server) == {"it"}


def test_a_child_of_a_test_is_noted_at_once(run: Run, server: Counting, tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("no fork here")
    (tmp_path / "test_it.py").write_text(
        "import os, httpx\n"
        "def ask(what): httpx.post(os.environ['URL'], json={'what': what})\n"
        "def test_it():\n"
        "    ask('parent')\n"
        "    if not os.fork(): ask('child'); os._exit(0)\n"
        "    os.wait()\n"
    )
    for _ in "recorded", "replayed":
        run("--cachy=auto")
    notes = journal.read(str(tmp_path / ".cachy"))
    assert [len(note.keys) for note in notes] == [2, 2]


PROGRAM = """
import os, sys, httpx, pytest
from cachy import session, enable_cachy

mine = enable_cachy(store={}) if sys.argv[1] == "on" else None
assert pytest.main(["--cachy=replay", "-p", "no:cacheprovider"]) == 0
assert session.session_in_force() is mine
assert "CACHY_MODE" not in os.environ
httpx.post(os.environ["URL"], json={"what": "after"})
"""


@pytest.mark.parametrize("state", ["on", "off"])
def test_a_program_that_calls_pytest_goes_on_as_before(
    state: str, run: Run, server: Counting, tmp_path: Path
) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(): pass\n")
    (tmp_path / "program.py").write_text(PROGRAM)
    plugins = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "cachy.pytest_plugin"}
    python("program.py", state, folder=tmp_path, variables={"URL": server.url, **plugins})
    assert asked(server) == {"after"}


def test_a_folder_that_is_a_file_is_said_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\ncachy_dir = test_it.py\n")
    (tmp_path / "test_it.py").write_text("def test_it(): pass\n")
    done = run("--cachy=replay", code=4)
    assert "is not a folder" in done.stderr
    assert "Traceback" not in done.stderr
    disable_cachy()
