"""The user's own configuration file, and the project's."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from cachy import ConfigError, config
from cachy.config import Said, project_settings, user_settings


@pytest.fixture(params=["with tomllib", "without"], autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Python 3.10 has no library for TOML."""
    if request.param == "without":

        def fails(name: str) -> Any:
            raise ImportError(name)

        monkeypatch.setattr(config, "import_module", fails)
    return str(request.param)


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "cachy").mkdir()
    return tmp_path / "cachy" / "config.toml"


def test_the_users_own(user: Path) -> None:
    assert user_settings() == Said()
    user.write_text("# mine\nremote = 's3://team'  # and ours\npush = true\n")
    assert user_settings() == Said("s3://team", True, f"remote in {user}")


def test_the_projects(tmp_path: Path) -> None:
    assert project_settings(str(tmp_path)) == Said()
    path = tmp_path / "pyproject.toml"
    path.write_text('[tool.other]\nremote = "x"\n[tool.cachy]\nremote = "s3://team"\n[x]\npush=1\n')
    assert project_settings(str(tmp_path)) == Said(
        "s3://team", None, f"remote in {path}", trusted=False
    )
    path.write_text('[project]\nname = "cachy-user"\n')
    assert project_settings(str(tmp_path)).remote == ""


def test_what_cannot_be_meant(user: Path, library: str) -> None:
    for text in ("remotes = 's3://team'", "push = 'yes'"):
        user.write_text(text)
        with pytest.raises(ConfigError, match=str(user)):
            user_settings()
    user.write_text("remote = ")
    if library == "with tomllib" and hasattr(builtins, "ExceptionGroup"):  # Python 3.11
        with pytest.raises(ConfigError, match="cannot be read"):
            user_settings()


def test_trust(user: Path, library: str) -> None:
    keys = [f"ed25519:{'0' * 63}{number}" for number in (1, 2)]
    user.write_text(f"trust = ['{keys[0]}', \"{keys[1]}\"]  # both\n")
    assert len(user_settings().trust) == 2
    user.write_text(f"trust = '{keys[0]}'\n")
    assert len(user_settings().trust) == 1
    for text in ("trust = []", "trust = ['x']", "trust = 7"):
        user.write_text(text)
        with pytest.raises(ConfigError, match="trust"):
            user_settings()
    user.write_text(f"trust = [\n'{keys[0]}',\n]\n")
    if library == "without":  # never passed by: anyone would be trusted
        with pytest.raises(ConfigError, match="must stand in one line"):
            user_settings()
    else:
        assert len(user_settings().trust) == 1
