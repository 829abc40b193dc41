"""The tests do not depend on the variables of the machine that runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import environment
import pytest

ROOT = Path(__file__).resolve().parents[2]

ODD = {
    "CACHY_MODE": "replay",
    "CACHY_LOG": "1",
    "OPENAI_API_KEY": "x",
    "OPENAI_BASE_URL": "http://127.0.0.1:1",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:1",
    "ANTHROPIC_AUTH_TOKEN": "x",
    "GOOGLE_GENAI_USE_VERTEXAI": "true",
    "AWS_PROFILE": "work",
    "HF_ENDPOINT": "http://127.0.0.1:1",
    "OLLAMA_HOST": "127.0.0.1:1",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "GIT_DIR": "/nowhere",
    "FORCE_COLOR": "1",
    "NO_COLOR": "1",
    "COLUMNS": "40",
    "LINES": "5",
    "PYTHONWARNINGS": "error",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "GEMINI_API_KEY": "x",
    "GOOGLE_CLOUD_PROJECT": "x",
    "PRE_COMMIT_ALLOW_NO_CONFIG": "1",
    "_CACHY_COMPLETE": "bash_source",
}


@pytest.mark.parametrize("name", ODD)
def test_misleading_variables_are_removed(name: str) -> None:
    environ = {name: ODD[name], "PATH": "/bin"}
    environment.clean(environ)
    assert name not in environ
    assert environ["PATH"] == "/bin"


@pytest.mark.parametrize("name", ["PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "CACHY_CORPUS"])
def test_what_the_tests_need_is_left(name: str) -> None:
    assert not environment.is_misleading(name)


def test_git_does_not_read_the_settings_of_this_machine() -> None:
    listed = subprocess.run(
        ["git", "config", "--list", "--show-scope"], capture_output=True, text=True, check=True
    )
    assert not [line for line in listed.stdout.splitlines() if line[:6] in ("system", "global")]


PART = ["tests/engine/test_events.py", "tests/system/test_sdks.py"]


def test_tests_pass_whatever_the_environment_holds() -> None:
    """A part of the tests, run with every such variable set."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *PART]
    command += ["-k", "test_events or (openai and chat and sync-plain and not async)"]
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command, cwd=ROOT, env=outer | ODD, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
