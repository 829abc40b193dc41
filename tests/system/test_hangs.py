"""Nothing waits for ever, and nobody waits for what would not keep them without cachy.

Each program of `tests/support/hangs.py` runs in a process of its own, with a time-out.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SUPPORT = Path(__file__).parent.parent / "support"
ENDS_WITHIN = 25  # seconds; less than the longest wait of all, which would end by itself
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
signals = pytest.mark.skipif(os.name == "nt", reason="no such signals on this platform")


def run(
    script: str, *arguments: str, seconds: float = ENDS_WITHIN
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "faulthandler", str(SUPPORT / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)


def comes_to_an_end(*arguments: str) -> None:
    result = run("hangs.py", *arguments)
    assert result.stdout == "the end\n", result.stderr


@pytest.mark.parametrize(
    "program",
    [
        "garbage",
        pytest.param("signals", marks=signals),
        *("bridge", "within", "needed", "streams", "by_hand"),
        pytest.param("forks", marks=forks),
    ],
)
def test_comes_to_an_end(program: str) -> None:
    comes_to_an_end(program)


def test_frozen_clocks() -> None:
    for tool in ("freezegun", "time_machine"):
        pytest.importorskip(tool, reason=f"needs {tool}, of the dev group")
    comes_to_an_end("frozen")


@pytest.mark.parametrize("patched", ["early", "late", "not"])
def test_greenlets_share_a_call(patched: str) -> None:
    pytest.importorskip("gevent", reason="needs gevent, of the dev group")
    comes_to_an_end("greenlets", patched)


def storm(seconds: float) -> None:
    result = run("storm_of_calls.py", str(seconds), seconds=seconds + 60)
    print(result.stdout)
    assert result.returncode == 0, result.stdout + result.stderr


@forks
def test_a_storm_of_calls() -> None:
    storm(2)


@forks
@pytest.mark.storm
def test_a_longer_storm_of_calls() -> None:
    storm(float(os.environ.get("CACHY_STORM_SECONDS", "60")))
