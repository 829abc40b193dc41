"""Print the structure of the package from its imports: files, lines, floors and circles.

    python scripts/structure.py            a line a module, from the ground floor up
    python scripts/structure.py --check    exit code 1 where a bound is exceeded

The rooms of the house are the folders of the package and the modules beside them; a folder is one
room, because its modules are read together. A room stands one floor above the highest room that it
imports from. Every import counts, also those in functions and under TYPE_CHECKING. Circles are
looked for among modules. What the bounds are is in `BOUNDS`, what may import what in `ORDER`;
tests/test_structure.py holds the code to both.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "cachy"

ORDER = (
    ("clock", "errors", "frames", "lazy", "prices", "tables", "wording"),
    ("rules",),
    ("store", "formats", "trust"),
    ("remote", "settings", "config"),
    ("explain",),
    ("engine",),
    ("patch",),
    ("api_keys",),
    ("session",),
    ("child",),
    ("upkeep",),
    ("page",),
    ("pytest_vcr", "pytest_outside", "pytest_tally"),
    ("notebook", "pytest_plugin", "cli"),
    ("__main__",),
)
"""The rooms of the house from the bottom up: a room imports from those below it, never above."""


class Bounds(NamedTuple):
    """The most that is allowed: floors in all, lines a file, lines a function."""

    floors: int
    file: int
    function: int


BOUNDS = Bounds(floors=11, file=450, function=60)


class Module(NamedTuple):
    """A module of the package. `imports` are the names of the package's modules that it imports;
    `functions` each function's name with its lines."""

    name: str
    lines: int
    imports: frozenset[str]
    functions: tuple[tuple[str, int], ...]

    @property
    def room(self) -> str:
        """The top-level module or folder that it is in; empty for the package itself."""
        return self.name.removeprefix(PACKAGE).lstrip(".").partition(".")[0]


@cache
def modules() -> dict[str, Module]:
    """Every module of the package by its dotted name."""
    paths = {_name(path): path for path in sorted((ROOT / PACKAGE).rglob("*.py"))}
    return {name: _module(name, path, paths.keys()) for name, path in paths.items()}


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _module(name: str, path: Path, known: object) -> Module:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    assert isinstance(known, type({}.keys()))
    found = {target for target in _targets(tree) if target in known and target != name}
    sizes = [
        (node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return Module(name, text.count("\n"), frozenset(found - {PACKAGE}), tuple(sizes))


def _targets(tree: ast.Module) -> Iterator[str]:
    """The modules that imports name: of `from a.b import c` both `a.b.c`, if it is a module, and
    `a.b`, unless only modules are taken from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from inner
            if not all(_is_module(name) for name in inner):
                yield node.module


def path_of(name: str) -> Path:
    """The file of a module, by its dotted name; it need not exist."""
    path = ROOT.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _is_module(name: str) -> bool:
    return path_of(name).exists()


def circles() -> list[list[str]]:
    """The groups of modules that import each other (strongly connected, of more than one)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for target in sorted(modules()[name].imports):
            if target not in order:
                visit(target)
                low[name] = min(low[name], low[target])
            elif target in stack:
                low[name] = min(low[name], order[target])
        if low[name] == order[name]:
            at = stack.index(name)
            group = stack[at:]
            del stack[at:]
            if len(group) > 1:
                found.append(sorted(group))

    for name in modules():
        if name not in order:
            visit(name)
    return found


@cache
def rooms() -> dict[str, frozenset[str]]:
    """The rooms, each with those that it imports from."""
    found: dict[str, set[str]] = {}
    for module in modules().values():
        if module.room:
            targets = {modules()[target].room for target in module.imports} - {module.room, ""}
            found.setdefault(module.room, set()).update(targets)
    return {room: frozenset(targets) for room, targets in found.items()}


@cache
def floors() -> dict[str, int]:
    """The floor of each room, the ground floor being 1. None where imports run upward."""
    known: dict[str, int] = {}

    def floor(room: str) -> int:
        if room not in known:
            known[room] = 1 + max(map(floor, rooms()[room]), default=0)
        return known[room]

    if upward():
        return {}
    for room in rooms():
        floor(room)
    return known


def upward() -> list[tuple[str, str]]:
    """The imports that run from one room to another which is not below it."""
    level = {room: number for number, rooms in enumerate(ORDER) for room in rooms}
    return [
        (module.name, target)
        for module in modules().values()
        for target in sorted(module.imports)
        if module.room and (room := modules()[target].room) != module.room
        if level.get(room, 0) >= level.get(module.room, 0)
    ]


def faults() -> list[str]:
    """What exceeds a bound, a line each."""
    known = {room for group in ORDER for room in group}
    named = [f"{room}: not in ORDER" for room in rooms() if room not in known]
    named += [f"circle: {', '.join(group)}" for group in circles()]
    named += [f"upward: {name} imports {target}" for name, target in upward()]
    if (most := max(floors().values(), default=0)) > BOUNDS.floors:
        named.append(f"{most} floors, at most {BOUNDS.floors} allowed")
    for module in modules().values():
        if module.lines > BOUNDS.file:
            named.append(f"{module.name}: {module.lines} lines, at most {BOUNDS.file} allowed")
        named += [
            f"{module.name}.{name}: {lines} lines, at most {BOUNDS.function} allowed"
            for name, lines in module.functions
            if lines > BOUNDS.function
        ]
    return named


def main() -> None:
    """Print the report."""
    for room, floor in sorted(floors().items(), key=lambda item: (item[1], item[0])):
        print(f"{floor}  {room}: imports {', '.join(sorted(rooms()[room])) or 'nothing'}")
        for module in modules().values():
            if module.room == room:
                longest = max(module.functions, key=lambda item: item[1], default=("-", 0))
                name = module.name.removeprefix(f"{PACKAGE}.")
                print(f"   {module.lines:>4}  {name:<30} longest: {longest[0]} ({longest[1]})")
    lines = sum(module.lines for module in modules().values())
    print(
        f"{len(modules())} files, {lines:,} lines, {len(rooms())} rooms on "
        f"{max(floors().values(), default=0)} floors, {len(circles())} circles"
    )
    for fault in faults():
        print(fault, file=sys.stderr)
    if "--check" in sys.argv:
        sys.exit(bool(faults()))


if __name__ == "__main__":
    main()
