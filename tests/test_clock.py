"""The time, also where a test has frozen the clock."""

from __future__ import annotations

import re
import time
from typing import Any
from unittest import mock

import pytest

from cachy import clock

freezegun: Any = pytest.importorskip("freezegun", reason="needs freezegun, of the dev group")
time_machine: Any = pytest.importorskip("time_machine", reason="needs time-machine, likewise")

LONG_AGO, FAR_OFF = "1980-01-01", "2120-01-01"


def test_now_is_now() -> None:
    assert abs(clock.now() - time.time()) < 5
    assert not clock.is_faked()


@pytest.mark.parametrize("when", [LONG_AGO, FAR_OFF])
def test_no_tool_freezes_it(when: str) -> None:
    before, started = time.time(), time.perf_counter()
    with freezegun.freeze_time(when):
        froze, clicks, stamp = clock.now(), clock.perf_counter(), clock.timestamp()
        assert clock.is_faked()
    with time_machine.travel(when, tick=False):
        travelled = clock.now()
    with mock.patch("time.time", return_value=0.0):
        mocked = clock.now()
    assert before - 1 < froze <= travelled <= mocked < before + 60
    assert abs(clicks - started) < 60
    assert stamp[:4] == clock.timestamp()[:4]


def test_a_timestamp_is_iso_8601() -> None:
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", clock.timestamp())
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", clock.timestamp(digits=3))
