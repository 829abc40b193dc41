"""What `from cachy import …` offers: users' notebooks depend on it."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cachy

NAMES = {
    # the design's
    "CacheMiss",
    "cachy",
    "disable_cachy",
    "doms",
    "enable_cachy",
    "no_cachy",
    # what their arguments, results and failures are
    "NOISE",
    "CachyError",
    "CachyWarning",
    "ConfigError",
    "Noise",
    "Session",
    "placeholders",
    "scope",
}


def test_the_names_are_these() -> None:
    assert set(cachy.__all__) == NAMES
    assert len(cachy.__all__) == len(NAMES)


def test_each_name_is_there_and_nothing_else_is_public() -> None:
    public = {name for name in dir(cachy) if not name.startswith("_")}
    assert public == NAMES
    for name in NAMES:
        assert getattr(cachy, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'enable_cache'"):
        cachy.enable_cache  # noqa: B018


def test_the_package_alone_loads_nothing() -> None:
    code = "import sys, cachy; print([name for name in sys.modules if name.startswith('cachy.')])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"


def test_each_name_is_documented() -> None:
    for name in NAMES - {"doms", "NOISE"}:
        assert getattr(cachy, name).__doc__


def test_the_version_has_one_source() -> None:
    """The build reads it from the package, so that the two cannot differ."""
    project = (Path(cachy.__file__).parent.parent / "pyproject.toml").read_text("utf-8")
    assert '[tool.hatch.version]\npath = "cachy/__init__.py"\n' in project
    assert 'dynamic = ["version"]\n' in project
    assert not re.search(r"^version *=", project, re.M)
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|(a|b|rc)\d+)?", cachy.__version__)


CLIENTS = {"httpx", "httpx2", "requests", "urllib3", "aiohttp", "anyio", "asyncio", "click"} | {
    "botocore"
}


def test_no_client_is_imported_at_the_top() -> None:
    for module in pkgutil.walk_packages(cachy.__path__, "cachy."):
        if module.name.startswith(("cachy.cli", "cachy.__main__")):
            continue
        source = importlib.util.find_spec(module.name)
        assert source is not None
        assert source.origin is not None
        tree = ast.parse(Path(source.origin).read_text())
        tops = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {
            alias.name for node in tops for alias in node.names if isinstance(node, ast.Import)
        }
        names |= {str(node.module) for node in tops if isinstance(node, ast.ImportFrom)}
        assert not {name.partition(".")[0] for name in names} & CLIENTS, module.name
