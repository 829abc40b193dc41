"""The time, also where a test has frozen the clock."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest

from cachy import clock

FROZEN = """
import sys, time
from unittest import mock
import freezegun, time_machine
from cachy import clock

when = sys.argv[1]
before, started = time.time(), clock.perf_counter()
with freezegun.freeze_time(when):
    froze, clicks, stamp = clock.now(), clock.perf_counter(), clock.timestamp()
    assert clock.is_faked()
with time_machine.travel(when, tick=False):
    travelled = clock.now()
with mock.patch("time.time", return_value=0.0):
    mocked = clock.now()
assert before - 1 < froze <= travelled <= mocked < before + 60
assert 0 <= clicks - started < 60
assert stamp[:4] == clock.timestamp()[:4]
"""


def test_now_is_now() -> None:
    assert abs(clock.now() - time.time()) < 5
    assert not clock.is_faked()


@pytest.mark.parametrize("when", ["1980-01-01", "2120-01-01"])
def test_no_tool_freezes_it(when: str) -> None:
    """In a process of its own: freezegun touches everything that is loaded."""
    for tool in ("freezegun", "time_machine"):
        pytest.importorskip(tool, reason=f"needs {tool}, of the dev group")
    subprocess.run([sys.executable, "-c", FROZEN, when], check=True, timeout=60)


def test_a_timestamp_is_iso_8601() -> None:
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", clock.timestamp())
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", clock.timestamp(digits=3))
