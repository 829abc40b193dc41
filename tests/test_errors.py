"""The errors: one tree, drawn in its docstring; each can travel between processes."""

from __future__ import annotations

import copy
import inspect
import pickle

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


def test_the_tree_is_the_one_in_the_docstring() -> None:
    classes = [value for value in vars(errors).values() if inspect.isclass(value)]
    own = {value.__name__ for value in classes if value.__module__ == errors.__name__}
    drawing = str(errors.__doc__)
    assert own == {name for name in own if name in drawing}
    assert {ConfigError, CacheMiss, Defect} <= {*CachyError.__subclasses__()}
    assert issubclass(CachyError, Exception)
    assert issubclass(CachyWarning, UserWarning)


def test_settings_are_values() -> None:
    with pytest.raises(ValueError, match="no mode"):
        raise ConfigError("no mode")


def test_a_miss_says_what_was_asked_and_where() -> None:
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
