"""Settings are checked once, and documented once."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

import cachy
from cachy.errors import ConfigError
from cachy.settings import MODES, Settings, check, check_mode

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
PARAMETERS = dict(inspect.signature(cachy.enable_cachy).parameters)
PARAMETERS.pop("unknown")  # takes what is no setting, to say what was perhaps meant
ARGUMENTS = list(PARAMETERS)


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CACHY_MODE", raising=False)


def test_every_argument_has_a_check_and_is_documented() -> None:
    page, doc = PAGE.read_text("utf-8"), str(cachy.enable_cachy.__doc__)
    fields = {"hosts" if name == "doms" else name for name in ARGUMENTS}
    assert fields == set(Settings._fields)
    for name in ARGUMENTS:
        assert f"`{name}`" in page
        assert f"`{name}`" in doc


def test_defaults_are_those_of_enable_cachy() -> None:
    defaults = {name: parameter.default for name, parameter in PARAMETERS.items()}
    assert check(defaults)._replace(hosts=Settings().hosts) == Settings()


def test_what_is_not_given_is_inherited() -> None:
    base = check({"scope": "a", "mode": "replay"})
    assert check({"scope": "b"}, base) == base._replace(scope="b")
    assert check({}, base) == base


def test_an_unknown_setting_names_the_nearest() -> None:
    with pytest.raises(TypeError, match="'scop'; did you mean 'scope'"):
        check({"scop": "x"})


def test_the_variable_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHY_MODE", " Replay ")
    assert check({"mode": "off"}).mode == MODES["replay"]


@pytest.mark.parametrize("name", MODES)
def test_a_mode_is_what_it_does(name: str) -> None:
    mode = check_mode(name)
    assert check_mode(mode) is mode
    assert mode.reads == (name in ("auto", "replay"))
    assert mode.calls == (name != "replay")
    assert mode.keeps == (name in ("auto", "refresh"))


@pytest.mark.parametrize("value", ["Auto", "", None, 5, ["auto"]])
def test_an_invalid_mode(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"invalid mode=.*auto, replay, refresh, off"):
        check_mode(value)
