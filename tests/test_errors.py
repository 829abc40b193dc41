"""The errors: one tree, drawn in its docstring; each can travel between processes."""

from __future__ import annotations

import builtins
import copy
import inspect
import pickle
import re
from collections.abc import Iterator

import pytest

from cachy import errors
from cachy.errors import CacheMiss, CachyError, CachyWarning, ConfigError, Defect

MISS = CacheMiss(
    method="POST",
    url="https://api.openai.com/v1/responses",
    model="gpt-4o",
    store="/home/me/.cachy",
    reason="nothing was recorded for it",
)

BRANCH = re.compile(r"(?P<trunk>[│ ]*)[├└]─+ *(?P<name>\w+)")


def drawn(text: str) -> Iterator[tuple[str, str]]:
    """The pairs (child, parent) of the trees that are drawn in a text.

    A root stands at the beginning of the line above its first branch. Prose is passed over.
    """
    path: list[tuple[int, str]] = []
    above = ""
    for line in text.splitlines():
        if branch := BRANCH.match(line):
            column, name = len(branch["trunk"]), branch["name"]
            if not path:
                path = [(-1, above.split()[0])]
            while path[-1][0] >= column:
                path.pop()
            yield name, path[-1][1]
            path.append((column, name))
        elif not line.startswith((" ", "│")):
            path, above = [], line


def test_a_drawing_is_read_as_it_stands() -> None:
    text = """Prose.

A      the root
├── B  the first
│   │  with more about it
│   └── C
│       └── D
└── E
F
└── G

More prose.
"""
    assert [*drawn(text)] == [("B", "A"), ("C", "B"), ("D", "C"), ("E", "A"), ("G", "F")]


def test_the_tree_is_the_one_in_the_docstring() -> None:
    tree = dict(drawn(str(errors.__doc__)))
    classes = [value for value in vars(errors).values() if inspect.isclass(value)]
    own = {value.__name__ for value in classes if value.__module__ == errors.__name__}
    assert tree.keys() == own
    for child, parent in tree.items():
        above = getattr(errors if parent in own else builtins, parent)
        assert above in getattr(errors, child).__bases__, f"{child} is not derived from {parent}"


def test_the_roots_are_as_documented() -> None:
    assert {ConfigError, CacheMiss, Defect} <= {*CachyError.__subclasses__()}
    assert issubclass(CachyError, Exception)
    assert issubclass(CachyWarning, UserWarning)


def test_invalid_settings_are_value_errors() -> None:
    with pytest.raises(ValueError, match="no mode"):
        raise ConfigError("no mode")


def test_a_miss_says_what_was_requested_and_where() -> None:
    for part in (MISS.method, MISS.url, "gpt-4o", MISS.store, MISS.reason, "remedy"):
        assert str(part) in str(MISS)


def test_a_miss_without_a_model() -> None:
    miss = CacheMiss(method="GET", url="https://a.b/", model=None, store="s", reason="r")
    assert miss.model is None
    assert "None" not in str(miss)


@pytest.mark.parametrize("travel", [lambda it: pickle.loads(pickle.dumps(it)), copy.copy])
@pytest.mark.parametrize("error", [MISS, ConfigError("x"), Defect("x"), CachyError("x")], ids=repr)
def test_errors_travel(error: CachyError, travel: object) -> None:
    assert callable(travel)
    arrived = travel(error)
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)
