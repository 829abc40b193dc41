"""The commands as a whole: help, invalid arguments, exit codes, and a process of its own."""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import call, python, refused
from many import add, make_entry
from stores import OLD, key_of

from cachy import prices
from cachy.cli import THEMES

COMMANDS = [name for theme in THEMES.values() for name in theme]


def test_every_command_has_help() -> None:
    said = call("--help").stdout
    for command in COMMANDS:
        assert f"\n  {command} " in said
        assert len(call(command, "--help").stdout.splitlines()) > 5


def test_help_is_a_command_too() -> None:
    assert call("help").stdout == call("--help").stdout
    assert call("help", "ls").stdout == call("ls", "--help").stdout
    assert "there is no command 'lss'; did you mean 'ls'?" in call("help", "lss", code=2).stderr


def test_importing_cachy_imports_no_command_line() -> None:
    code = "import cachy, sys; sys.exit(any(m in sys.modules for m in ('click', 'cachy.cli')))"
    subprocess.run([sys.executable, "-c", code], check=True)


HEAVY = (
    *(
        "asyncio",
        "email",
        "importlib.metadata",
        "ssl",
        "httpx",
        "httpx2",
        "rich",
        "typer",
        "pydantic",
    ),
    *("cachy.session", "cachy.patch", "cachy.pytest_plugin", "cachy.cli.care"),
)
LOADED = """
import sys
from cachy.cli import app
try:
    app(sys.argv[1:])
except SystemExit:
    pass
print(sorted(sys.modules), file=sys.stderr)
"""
FAST = (["--version"], ["ls"], ["show"], ["cat"], ["status"], ["stats"])
PRICED = ("ls", "show", "stats")
"""Commands that load the prices, where they are installed: that takes 0.2 s more."""
WITHOUT_PRICES = "import sys; sys.modules['genai_prices'] = None\n"


@pytest.mark.parametrize("arguments", [*FAST, ["-C", ".", "status"]], ids=" ".join)
def test_a_command_loads_what_it_needs(root: Path, arguments: list[str]) -> None:
    add(root, make_entry(1), OLD)
    code = WITHOUT_PRICES + LOADED if arguments[0] in PRICED else LOADED
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = ast.literal_eval(done.stderr.splitlines()[-1])
    assert "cachy.cli" in loaded
    assert not set(HEAVY) & set(loaded)


@pytest.mark.timing
@pytest.mark.parametrize("arguments", FAST, ids=" ".join)
def test_a_command_starts_fast(root: Path, arguments: list[str]) -> None:
    """In processor time, of which other processes take little."""
    add(root, make_entry(1), OLD)
    code = WITHOUT_PRICES if arguments[0] in PRICED else ""
    command = [sys.executable, "-c", f"{code}from cachy.cli import main; main()", *arguments]
    took = []
    for _ in range(7):
        before = os.times()
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
        after = os.times()
        spent = after.children_user - before.children_user
        took.append(spent + after.children_system - before.children_system)
    assert min(took) < 0.15


def test_the_folder_can_stand_before_the_command(root: Path, tmp_path: Path) -> None:
    add(root, make_entry(0), OLD)
    folder = str(root.parent)
    for command in (["ls"], ["status"], ["gc", "--dry-run"]):
        before, after = call("-C", folder, *command), call(*command, "-C", folder)
        assert (before.stdout, before.exit_code) == (after.stdout, after.exit_code)
    assert "gpt" in call("-C", folder, "ls").stdout


def test_as_a_module(root: Path) -> None:
    path = add(root, make_entry(1), int(time.time()) - 300)
    done = python("ls")
    assert (done.returncode, done.stderr) == (0, "")
    title, line = done.stdout.splitlines()
    titles = ["key", "age", "model", "host", "size", "cost", "prompt"]
    assert title.split() == [each for each in titles if each != "cost" or prices.installed()]
    assert line.startswith(f"{key_of(path)[:10]}  5m   gpt-4o  api.openai.com  ")
    assert line.endswith("Question 1: what is it?")


def test_a_closed_pipe_is_no_error(root: Path) -> None:
    for number in range(3000):
        add(root, make_entry(number), OLD)
    command = f"{shlex.quote(sys.executable)} -m cachy ls | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("key")
    assert done.stderr == ""


# ---- Errors ----


@pytest.mark.parametrize(
    "arguments",
    [("ls",), ("stats",), ("fsck",), ("gc",), ("gc", "--undo"), ("show", "ab"), ("cat", "ab")],
)
def test_no_store(arguments: tuple[str, ...]) -> None:
    assert "there is no store at" in refused(*arguments)


def test_a_store_of_the_future(root: Path) -> None:
    (root / "manifest.json").write_text('{"format": "cachy", "version": 2}')
    assert "pip install -U" in refused("ls")


def test_a_cache_dir_that_is_a_file(folder: Path) -> None:
    (folder / "file").write_text("")
    assert "not a folder" in refused("ls", "--cache-dir", str(folder / "file"))


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("ls", "--newer-than", "soon"), "such as 90d"),
        (("ls", "--notebook", "n.ipynb"), "run it once"),
        (("gc", "--older-than", "x"), "such as 90d"),
        (("gc", "--max-size", "big"), "such as 800kB"),
        (("gc", "--grace", "-1d"), "such as 90d"),
        (("gc", "--unused", "--since", "then"), "or last-run"),
        (("gc", "--unused", "--since", "last-run"), "cachy run"),
        (("gc", "--since", "3d"), "add it, or use --older-than"),
        (("gc", "--unused"), "run your notebooks"),
        (("gc", "--undo"), "nothing to undo"),
        (("show", "ffff"), "`cachy ls` lists them"),
        (("cat", "no/such.entry"), "give a key"),
        (("diff",), "not in a git repository"),
        (("init", "--hook"), "git init"),
    ],
)
def test_bad_input(root: Path, arguments: tuple[str, ...], remedy: str) -> None:
    assert remedy in refused(*arguments)


def test_wrong_options(root: Path) -> None:
    call("ls", "--colour", code=2)
    call("show", "ab", "cd", code=2)
    assert "did you mean 'stats'" in call("stat", code=2).stderr
