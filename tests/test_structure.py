"""The structure of the code: its tests mirror it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import structure

TESTS = Path(__file__).resolve().parent

ELSEWHERE = {
    # A test of the package is named after what it checks.
    "cachy": "test_exported_names.py",
    # Runs cachy.cli.main, as the tests of the commands do.
    "cachy.__main__": "cli/test_cli.py",
    # Which libraries are patched when is seen from a session alone.
    "cachy.lazy": "test_session.py",
    # What a client sees of a miss is the explanation.
    "cachy.patch.miss": "explain/test_explain.py",
}
"""Modules without a test module of their own: where they are tested, and why."""

PROTOCOLS = "cachy.rules.protocols."
"""One table tests every protocol, so that a new one needs no test module."""

AWAITED = {
    "cachy.cli.units",
    "cachy.engine.cache",
    "cachy.engine.recording",
    "cachy.engine.threads",
    "cachy.explain.diff",
    "cachy.explain.distance",
    "cachy.explain.texts",
    "cachy.explain.words",
    "cachy.patch",
    "cachy.store.files",
    "cachy.upkeep.check",
    "cachy.upkeep.diff",
    "cachy.upkeep.find",
    "cachy.upkeep.gc",
    "cachy.upkeep.index",
    "cachy.upkeep.init",
    "cachy.upkeep.stats",
}
"""Modules whose test module is still to be written."""


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
    if module in AWAITED or module.startswith(PROTOCOLS) or not has_code(structure.path_of(module)):
        return
    wanted = own_tests(module)
    assert any(path.exists() for path in wanted), f"write {wanted[0].relative_to(TESTS.parent)}"


@pytest.mark.parametrize("module", ELSEWHERE)
def test_exceptions_are_needed(module: str) -> None:
    assert module in structure.modules()
    assert (TESTS / ELSEWHERE[module]).exists()
    assert module == "cachy" or not any(path.exists() for path in own_tests(module))
