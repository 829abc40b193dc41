"""Which remote there is: variables, arguments, the user's file, the project's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cachy import ConfigError
from cachy.engine.behind import Behind, remote_at
from cachy.remote.address import parse
from cachy.settings import check
from cachy.store.folder import DirStore
from cachy.store.mapping import MappingStore
from cachy.trust import ANYONE, NOBODY, show_key

ONE, TWO, THREE, FOUR = (f"redis://host{number}" for number in range(4))


class Warned(list[str]):
    def __call__(self, message: str) -> None:
        self.append(message)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("CACHY_REMOTE", "CACHY_PUSH"):
        monkeypatch.delenv(name, raising=False)


def user_file(folder: Path, text: str) -> None:
    (folder / "config" / "cachy").mkdir(parents=True, exist_ok=True)
    (folder / "config" / "cachy" / "config.toml").write_text(text)


def project_file(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(f"[tool.cachy]\n{text}\n")


def found(folder: Path, warned: Warned | None = None, **arguments: Any) -> tuple[str, bool]:
    behind = Behind(check(arguments), DirStore(folder / ".cachy"))
    remote = behind.look(warned if warned is not None else Warned())
    return ("" if remote is None else remote.address.label), behind.pushes


def test_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(tmp_path) == ("", False)
    project_file(tmp_path, f'remote = "{FOUR}"')
    assert found(tmp_path) == (FOUR, False)
    user_file(tmp_path, f'remote = "{THREE}"\npush = true\n')
    assert found(tmp_path) == (THREE, True)
    assert found(tmp_path, remote=TWO) == (TWO, True)
    assert found(tmp_path, remote=TWO, push=False) == (TWO, False)
    monkeypatch.setenv("CACHY_REMOTE", ONE)
    monkeypatch.setenv("CACHY_PUSH", "0")
    assert found(tmp_path, remote=TWO, push=True) == (ONE, False)


def test_none_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user_file(tmp_path, f'remote = "{THREE}"')
    assert found(tmp_path, remote=False) == ("", False)
    assert found(tmp_path, remote="none") == ("", False)
    user_file(tmp_path, 'remote = "none"')
    project_file(tmp_path, f'remote = "{FOUR}"')
    assert found(tmp_path) == ("", False)
    monkeypatch.setenv("CACHY_REMOTE", "off")
    assert found(tmp_path, remote=TWO) == ("", False)


@pytest.mark.parametrize("who", ["argument", "variable", "user"])
def test_a_file_of_the_repository_makes_nobody_push(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    project_file(tmp_path, f'remote = "{FOUR}"')
    arguments = {}
    if who == "argument":
        arguments["push"] = True
    elif who == "variable":
        monkeypatch.setenv("CACHY_PUSH", "1")
    else:
        user_file(tmp_path, "push = true")
    warned = Warned()
    assert found(tmp_path, warned, **arguments) == (FOUR, False)
    assert warned == [
        f"nothing is pushed to {FOUR}, because a file of the repository names it: "
        f"set CACHY_REMOTE={FOUR}"
    ]


def test_what_a_file_of_the_repository_may_not(tmp_path: Path) -> None:
    project_file(tmp_path, f'remote = "{FOUR}"\npush = true\nsign = "x"')
    warned = Warned()
    assert found(tmp_path, warned) == (FOUR, False)
    assert "sets push, sign in [tool.cachy], where only `remote` and `trust` count" in warned[0]
    project_file(tmp_path, 'remote = "s3://team?endpoint=https://evil"')
    warned = Warned()
    assert found(tmp_path, warned) == ("", False)
    assert "may name a place alone" in warned[0]


@pytest.mark.parametrize("name", ["remote", "CACHY_REMOTE"])
def test_a_url_that_cannot_be_meant_is_an_error_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    arguments = {"remote": "team/bucket"} if name == "remote" else {}
    if not arguments:
        monkeypatch.setenv(name, "team/bucket")
    with pytest.raises(ConfigError, match="is no remote: give s3://"):
        Behind(check(arguments), DirStore(tmp_path / ".cachy"))


def test_a_store_that_is_no_folder_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match='remote goes with store="dir"'):
        check({"store": {}, "remote": ONE})
    monkeypatch.setenv("CACHY_REMOTE", ONE)
    assert Behind(check({"store": {}}), MappingStore({})).look(Warned()) is None


def test_sessions_share_a_remote(tmp_path: Path) -> None:
    root = str(tmp_path / ".cachy")
    assert remote_at(parse(ONE), root) is remote_at(parse(ONE), root)
    assert remote_at(parse(ONE), root) is not remote_at(parse(TWO), root)


def test_who_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = (show_key(bytes([number]) * 32) for number in (1, 2))

    def trusted(**arguments: Any) -> tuple[str, ...]:
        behind = Behind(check(arguments), DirStore(tmp_path / ".cachy"))
        address = behind.find(Warned())
        assert address is not None
        return address.signatures.trusted

    project_file(tmp_path, f'remote = "{FOUR}"')
    assert trusted() == ()
    project_file(tmp_path, f'remote = "{FOUR}"\ntrust = ["{one}", "{two}"]')
    assert trusted() == tuple(sorted((one, two)))
    assert trusted(remote=TWO) == tuple(sorted((one, two)))
    user_file(tmp_path, f'trust = ["{two}"]')
    assert trusted() == (two,)
    assert trusted(trust=[one]) == (one,)
    project_file(tmp_path, f'trust = ["{one}"]')
    assert trusted(remote=TWO) == (NOBODY,)
    assert trusted(remote=TWO, trust=False) == ANYONE
    monkeypatch.setenv("CACHY_TRUST", one)
    assert trusted(remote=TWO, trust=[two]) == (one,)
    project_file(tmp_path, 'trust = ["x"]')
    warned = Warned()
    assert found(tmp_path, warned, remote=TWO) == ("", False)
    assert "trust holds 'x', which is no public key" in warned[0]
