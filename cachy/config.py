"""What files say of cachy, where neither an argument nor the environment does.

    ~/.config/cachy/config.toml     the user's own: remote, push, trust
    pyproject.toml                  of the project, beside `.cachy`: [tool.cachy] remote, trust

A file of the repository may name a remote to read, and keys that narrow who is trusted, and nothing
else: otherwise a pull request could send a team's recordings to its author. Read with the first
request that misses, never before.
"""

from __future__ import annotations

import os
import re
from importlib import import_module
from typing import Any, NamedTuple

from cachy.errors import ConfigError
from cachy.trust import check_trust

FILE = os.path.join("cachy", "config.toml")
PROJECT_FILE = "pyproject.toml"
_NAMES = ("remote", "push", "trust")
_OF_PROJECTS = ("remote", "trust")
_LIMIT = 2**20
_LINE = re.compile(r"""^\s*(\w+)\s*=\s*(?:"([^"\\]*)"|'([^']*)'|(true|false))\s*(?:#.*)?$""")


class Said(NamedTuple):
    """What a file says. `origin` names the file and the setting; `trusted`: it is the user's own.
    `ignored` says what stands there in vain, or is empty."""

    remote: str = ""
    push: bool | None = None
    origin: str = ""
    trusted: bool = True
    ignored: str = ""
    trust: tuple[str, ...] = ()


_LIST = re.compile(r"""^\s*(\w+)\s*=\s*\[((?:\s*["'][^"'\\]*["']\s*,?)*)\s*\]\s*(?:#.*)?$""")
_ITEM = re.compile(r"""["']([^"'\\]*)["']""")


def user_file() -> str:
    """Return the path of the user's own configuration file, which need not exist."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    if not folder and os.name == "nt":
        folder = os.environ.get("APPDATA", "")
    return os.path.join(folder or os.path.join(os.path.expanduser("~"), ".config"), FILE)


def user_settings() -> Said:
    """Return what the user's own file says. Raises ConfigError for one that cannot be meant."""
    path = user_file()
    if (data := _read(path)) is None:
        return Said()
    told = _parse(path, data, "")
    for name in told:
        if name not in _NAMES:
            raise ConfigError(f"{path} sets {name!r}, which is none of {', '.join(_NAMES)}")
    trust = check_trust(told.get("trust"), f"{path}: trust")
    return Said(_remote(path, told), _push(path, told), f"remote in {path}", trust=trust)


def project_settings(folder: str) -> Said:
    """Return what pyproject.toml in a folder says: which remote to read. Raises ConfigError."""
    path = os.path.join(folder, PROJECT_FILE)
    data = _read(path)
    if data is None or b"cachy" not in data:
        return Said()
    told = _parse(path, data, "tool.cachy")
    others = sorted(set(told).difference(_OF_PROJECTS))
    ignored = ""
    if others:
        ignored = (
            f"{path} sets {', '.join(others)} in [tool.cachy], where only `remote` and `trust` "
            f"count: others go into the environment, or into {user_file()}"
        )
    origin = f"remote in {path}"
    trust = check_trust(told.get("trust"), f"{path}: trust")
    return Said(_remote(path, told), None, origin, trusted=False, ignored=ignored, trust=trust)


def _remote(path: str, told: dict[str, Any]) -> str:
    remote = told.get("remote", "")
    if not isinstance(remote, str):
        raise ConfigError(f"{path}: remote={remote!r} is not text")
    return remote.strip()


def _push(path: str, told: dict[str, Any]) -> bool | None:
    push = told.get("push")
    if push is not None and not isinstance(push, bool):
        raise ConfigError(f"{path}: push={push!r} is neither true nor false")
    return push


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read(_LIMIT)
    except OSError:
        return None


def _parse(path: str, data: bytes, section: str) -> dict[str, Any]:
    """Return the settings in a section of a file of TOML; an empty section is the whole file."""
    try:
        text = data.decode("utf-8")
        try:
            parser = import_module("tomllib")
        except ImportError:  # Python 3.10
            return _plain(text, section)
        found = parser.loads(text)
    except ValueError as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    for name in filter(None, section.split(".")):
        found = found.get(name, {})
        if not isinstance(found, dict):
            return {}
    return dict(found)


def _plain(text: str, section: str) -> dict[str, Any]:
    """Do the same with lines of the simplest kind, where there is no library for it."""
    found: dict[str, Any] = {}
    here = ""
    for line in text.splitlines():
        if line.lstrip().startswith("["):
            here = line.strip().strip("[]").strip()
        elif here == section and (match := _LINE.match(line)):
            name, double, single, flag = match.groups()
            text_value = double if double is not None else single
            found[name] = flag == "true" if flag else text_value
        elif here == section and (match := _LIST.match(line)):
            found[match[1]] = _ITEM.findall(match[2])
        elif here == section and line.split("=")[0].strip() == "trust":
            # Never passed by: anyone would be trusted.
            raise ValueError("without Python 3.11 `trust` must stand in one line")
    return found
