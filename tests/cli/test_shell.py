"""completion, in real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import call, refused


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script = call("completion", shell).stdout
    assert "_CACHY_COMPLETE" in script
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    assert call("completion").stdout == script


def test_another_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    assert "bash, zsh, fish" in refused("completion")
    said = call("completion", "tcsh", code=2).stderr
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in said


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes(folder: Path) -> None:
    command = folder / "cachy"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cachy "$@"\n')
    command.chmod(0o755)
    code = """
eval "$(cachy completion bash)"
COMP_WORDS=(cachy fs) COMP_CWORD=1
_cachy_completion cachy
echo "${COMPREPLY[@]}"
"""
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "fsck\n", done.stderr
