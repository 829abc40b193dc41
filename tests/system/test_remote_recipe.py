"""The workflow of docs/remote.md, run as it stands: main's CI pushes, a pull request's CI reads."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from loopback import Loopback
from pages import ROOT, blocks
from servers import NotInstalled, Seaweed, Web

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the steps are for bash")

TEST = """
import os
import httpx
import pytest
from cachy import enable_cachy

HOST = os.environ["HOST_OF_MODEL"]
enable_cachy(doms=(HOST,))

@pytest.mark.parametrize("number", range(3))
def test_answer(number):
    answer = httpx.post(f"http://{HOST}/v1/chat/completions", json={"text": str(number)})
    assert str(number) in answer.json()["answer"]
"""


def steps() -> dict[str, Any]:
    """The steps of the workflow that run a command in cachy's name, by event."""
    (recipe,) = [
        block.code
        for block in blocks(ROOT / "docs" / "remote.md")
        if block.language == "yaml" and "jobs:" in block.code
    ]
    workflow: Any = import_module("yaml").safe_load(recipe)
    job = workflow["jobs"]["test"]
    assert job["env"] == {"CACHY_REMOTE": "s3://bucket/prefix"}
    return {
        str(step["if"]).rpartition("== ")[2].strip("'"): step
        for step in job["steps"]
        if "if" in step
    }


@pytest.fixture(params=["web", pytest.param("seaweed", marks=pytest.mark.remote)])
def remote(request: pytest.FixtureRequest) -> Iterator[tuple[str, dict[str, str], dict[str, str]]]:
    """A URL, what the writer has in its environment, and what the reader has."""
    if request.param == "web":
        with Web() as web:
            yield web.url, {}, {}
        return
    pytest.importorskip("obstore")
    try:
        with Seaweed() as server:
            yield server.url, server.variables, Seaweed.READ_ONLY
    except NotInstalled as error:
        pytest.skip(str(error))


def run(step: Any, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a step in a new clone of the project."""
    (folder / ".git").mkdir(parents=True)
    (folder / "test_it.py").write_text(TEST)
    (folder / "bin").mkdir()
    for name, module in (("cachy", "cachy"), ("pytest", "pytest")):
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
        script.chmod(0o755)
    given = {name: str(value) for name, value in step.get("env", {}).items()}
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CACHY_")}
    return subprocess.run(
        ["bash", "-ec", step["run"]],
        cwd=folder,
        env={**kept, **given, **environment, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_main_pushes_and_a_pull_request_reads(
    remote: tuple[str, dict[str, str], dict[str, str]], tmp_path: Path
) -> None:
    url, writer, reader = remote
    recipe = steps()
    assert recipe.keys() == {"push", "pull_request"}
    with Loopback() as server:
        both = {
            "CACHY_REMOTE": url,
            "HOST_OF_MODEL": server.host,
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
        }
        done = run(recipe["push"], tmp_path / "main", {**both, **writer})
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(server.calls) == 3
        assert "0 hits, 3 misses, 3 recorded" in done.stderr
        done = run(recipe["pull_request"], tmp_path / "branch", {**both, **reader})
        assert done.returncode == 0, done.stdout + done.stderr
        assert "cachy: fetched 3 recordings, 0 were here" in done.stderr
        assert "3 hits, 0 misses" in done.stderr
        done = run(recipe["push"], tmp_path / "again", {**both, **writer})
        assert "fetched 3 recordings" in done.stderr
        assert len(server.calls) == 3
