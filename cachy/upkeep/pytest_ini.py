"""What the ini file of pytest says of cachy, read without pytest."""

from __future__ import annotations

import os
import sys
from importlib import import_module


def read_ini(folder: str) -> dict[str, str]:
    """Return the settings of cachy in the first ini file of pytest in a folder that has some."""
    for name, read in (("pytest.ini", _ini), ("pyproject.toml", _toml), ("tox.ini", _ini)):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and (found := read(path)):
            return found
    return {}


def _ini(path: str) -> dict[str, str]:
    from configparser import ConfigParser
    from configparser import Error as IniError

    parser = ConfigParser(interpolation=None)
    try:
        parser.read(path, "utf-8")
    except (IniError, UnicodeDecodeError):
        return {}
    if not parser.has_section("pytest"):
        return {}
    return {name: value for name, value in parser.items("pytest") if name.startswith("cachy_")}


def _toml(path: str) -> dict[str, str]:
    name = "tomllib" if sys.version_info >= (3, 11) else "tomli"  # which pytest brings
    try:
        with open(path, "rb") as stream:
            data = import_module(name).load(stream)
    except (ImportError, ValueError):
        return {}
    options = data.get("tool", {}).get("pytest", {})
    options = options.get("ini_options", options)
    return {
        name: "\n".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in options.items()
        if name.startswith("cachy_")
    }
