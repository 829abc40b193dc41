"""Forty tests with cassettes: recorded and replayed by pytest-recording, then moved to cachy and
replayed with the network shut, without a change to a test file.

It runs where pytest-recording is installed: in the environment `cassettes`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from standin import Standin
from standin.certificates import authority

SUPPORT = Path(__file__).parent.parent / "support"
ROOT = SUPPORT.parent.parent
TESTS = 40
INTERACTIONS = 50

pytestmark = pytest.mark.skipif(
    find_spec("pytest_recording") is None, reason="pytest-recording is not installed here"
)

CONFTEST = """
import os, sys
import pytest

if "MOVING_RECORDS" in os.environ:
    sys.path.insert(0, {support!r})
    from standin.reach import reach

    reached = reach({secure}, {plain}, {authority!r})
    reached.__enter__()

@pytest.fixture(scope="module")
def vcr_config():
    return {{"filter_headers": ["authorization"]}}
"""


def run(folder: Path, *arguments: str, **variables: str) -> float:
    """Run the suite, and return its seconds."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, "tests"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    passed = re.search(r"^(\d+) passed in ([\d.]+)s", result.stdout, re.M)
    assert passed is not None, result.stdout[-3000:] + result.stderr[-3000:]
    assert int(passed[1]) == TESTS, result.stdout[-3000:]
    return float(passed[2])


def test_a_suite_with_cassettes_moves(
    standin: Standin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    shutil.copy(SUPPORT / "moving" / "suite.py", tests / "test_suite.py")
    (tests / "conftest.py").write_text(
        CONFTEST.format(
            support=str(SUPPORT),
            secure=standin._secure,
            plain=standin._plain,
            authority=authority().file,
        )
    )
    theirs = ("-p", "pytest_recording.plugin")
    run(tmp_path, *theirs, "--record-mode=once", MOVING_RECORDS="1")
    assert len(standin.calls) == INTERACTIONS
    before = run(tmp_path, *theirs, "--block-network")

    (tmp_path / "pytest.ini").write_text("[pytest]\ncachy_vcr = true\n")
    command = [sys.executable, "-m", "cachy", "import", "tests/cassettes"]
    moved = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert moved.stdout == f"took {INTERACTIONS} recordings from {TESTS} files\n"
    shutil.rmtree(tests / "cassettes")
    ours = ("-p", "cachy.pytest_plugin")
    for plugins in (ours, (*theirs, *ours)):  # whether theirs is still installed or not
        after = run(tmp_path, *plugins, "--block-network", "--strict-markers")
    with capsys.disabled():
        print(f"\n{TESTS} tests: {before:.2f} s with cassettes, {after:.2f} s with cachy")
    assert len(standin.calls) == INTERACTIONS

    back = [sys.executable, "-m", "cachy", "export", "tests/cassettes"]
    subprocess.run(back, cwd=tmp_path, capture_output=True, text=True, check=True)
    (tmp_path / "pytest.ini").unlink()
    run(tmp_path, *theirs, "--block-network")  # and back again
