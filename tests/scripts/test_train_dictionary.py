"""The dictionary comes from its script, and from nothing that differs between runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

SCRIPT = Path(__file__).parents[2] / "scripts" / "train_dictionary.py"
PROGRAM = f"""
import runpy, sys
names = runpy.run_path({str(SCRIPT)!r})
sys.stdout.buffer.write(names["train"]())
"""


def trained(**environment: str) -> bytes:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | environment,
        check=True,
        capture_output=True,
    ).stdout


@pytest.mark.skipif(sys.platform == "win32", reason="time zones of the environment")
def test_two_runs_give_the_same_bytes() -> None:
    one = trained(PYTHONHASHSEED="1", TZ="Asia/Tokyo")
    assert one == trained(PYTHONHASHSEED="2", TZ="America/Lima")
    assert len(one) == 32 * 1024
    assert zstandard.ZstdCompressionDict(one).dict_id() == 0xCAC2
