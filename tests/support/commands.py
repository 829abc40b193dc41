"""Call the commands of cachy, and read what they print."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from click.testing import CliRunner, Result

from cachy.cli import app


def call(*arguments: str, code: int = 0, answer: str = "") -> Result:
    """Run a command in this process. `answer` is what is typed; `code` the exit code to expect."""
    result = CliRunner().invoke(app, list(arguments), input=answer)
    assert result.exit_code == code, result.output
    if result.exception is not None:
        assert isinstance(result.exception, SystemExit)
    return result


def data(*arguments: str, code: int = 0) -> Any:
    """Return what a command prints with `--json`."""
    return json.loads(call(*arguments, "--json", code=code).stdout)


def refused(*arguments: str, code: int = 2) -> str:
    """Return the error on stderr: one message, and nothing on stdout."""
    result = call(*arguments, code=code)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("cachy: ")
    return result.stderr


def python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "cachy", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)
