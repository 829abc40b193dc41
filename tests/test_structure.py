"""The structure of the code: imports run downward, nothing grows too large, tests mirror it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import structure

TESTS = Path(__file__).resolve().parent

ELSEWHERE = {
    # A test of the package is named after what it checks.
    "cachy": "test_exported_names.py",
    # The application is what every command is run through.
    "cachy.__main__": "cli/test_app.py",
    "cachy.cli": "cli/test_app.py",
    # Which libraries are patched when is seen from a session alone.
    "cachy.lazy": "test_session.py",
    # The parts of a key are tested together, by which requests are the same and which are not.
    "cachy.rules.body": "rules/test_tables.py",
    "cachy.rules.request_headers": "rules/test_tables.py",
    "cachy.rules.tidy": "rules/test_tables.py",
    "cachy.rules.url": "rules/test_tables.py",
    # The verbs are a class without code; each engine is tested by them.
    "cachy.remote.engine": "support/engine_contract.py",
    # What goes to the trash is tested with what comes back from it.
    "cachy.store.trash": "upkeep/test_trash.py",
    # What httpx says is tested by what comes of it.
    "cachy.patch.httpx_messages": "patch/test_httpx.py",
    # What a client sees of a miss is the explanation.
    "cachy.patch.miss": "explain/test_explain.py",
}
"""Modules without a test module of their own: where they are tested, and why."""

PROTOCOLS = "cachy.rules.protocols."
"""One table tests every protocol, so that a new one needs no test module."""


def has_code(path: Path) -> bool:
    """Whether a module defines a function or a class."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return any(isinstance(node, kinds) for node in ast.walk(ast.parse(path.read_text("utf-8"))))


def own_tests(module: str) -> list[Path]:
    """Where the tests of a module may be: `cachy.x.y` has tests/x/test_y.py; a package `cachy.x`
    tests/x/test_x.py or tests/test_x.py."""
    *folders, name = module.split(".")[1:]
    folder = TESTS.joinpath(*folders)
    return [folder / f"test_{name}.py", folder / name / f"test_{name}.py"]


@pytest.mark.parametrize("module", [n for n in structure.modules() if n not in ELSEWHERE])
def test_every_module_has_a_test_module(module: str) -> None:
    if module.startswith(PROTOCOLS) or not has_code(structure.path_of(module)):
        return
    wanted = own_tests(module)
    assert any(path.exists() for path in wanted), f"write {wanted[0].relative_to(TESTS.parent)}"


@pytest.mark.parametrize("module", ELSEWHERE)
def test_exceptions_are_needed(module: str) -> None:
    assert module in structure.modules()
    assert (TESTS / ELSEWHERE[module]).exists()
    assert module == "cachy" or not any(path.exists() for path in own_tests(module))


PURE = ("errors", "rules")
IO = {"os", "pathlib", "socket", "subprocess", "time", "io", "tempfile", "shutil"}


def test_there_are_no_circles() -> None:
    assert structure.circles() == []


def test_imports_run_downward_only() -> None:
    assert structure.upward() == []


def test_every_room_is_in_the_order() -> None:
    assert set(structure.rooms()) == {room for group in structure.ORDER for room in group}


def test_no_bound_is_exceeded() -> None:
    assert structure.faults() == []


@pytest.mark.parametrize("name", [n for n, m in structure.modules().items() if m.room in PURE])
def test_pure_modules_import_no_io(name: str) -> None:
    path = structure.path_of(name)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            assert not {alias.name.partition(".")[0] for alias in node.names} & IO
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in IO
