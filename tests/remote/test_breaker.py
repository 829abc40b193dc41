"""A remote that does not answer is left alone for a while, by all processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachy import clock
from cachy.remote.address import parse
from cachy.remote.breaker import FAILURES, PAUSE, Breaker

ADDRESS = parse("redis://host")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which only the test changes."""
    time = [1_800_000_000.0]
    monkeypatch.setattr(clock, "now", lambda: time[0])
    return time


def opened(root: Path) -> Breaker:
    one = Breaker(str(root), ADDRESS)
    for _ in range(FAILURES):
        assert one.why_not() == ""
        one.failed("it does not answer")
    return one


def test_after_some_failures_one_probe(tmp_path: Path, now: list[float]) -> None:
    one = opened(tmp_path)
    assert one.why_not() == "is left alone for 30 s at a time, because it does not answer"
    now[0] += PAUSE - 1
    assert one.why_not()
    now[0] += 2
    assert one.why_not() == ""  # the probe
    assert one.why_not()  # others wait for it
    one.failed("it is still ill")
    assert "still ill" in one.why_not()
    now[0] += PAUSE + 1
    assert one.why_not() == ""
    one.succeeded()
    assert one.why_not() == ""
    one.failed("once")
    assert one.why_not() == ""


def test_an_answer_between_failures(tmp_path: Path) -> None:
    one = Breaker(str(tmp_path), ADDRESS)
    for _ in range(10):
        one.failed("x")
        one.succeeded()
    assert one.why_not() == ""
    assert not (tmp_path / "local").exists()


def test_other_processes_do_not_pay_again(tmp_path: Path, now: list[float]) -> None:
    one = opened(tmp_path)
    other = Breaker(str(tmp_path), ADDRESS)
    assert other.why_not()
    assert Breaker(str(tmp_path), parse("redis://another")).why_not() == ""
    now[0] += PAUSE + 1
    assert other.why_not() == ""  # it probes
    assert one.why_not()
    other.succeeded()
    assert Breaker(str(tmp_path), ADDRESS).why_not() == ""


@pytest.mark.parametrize("text", ["", "{", '{"until": "x"}', '{"until": 9e99, "said": "x"}'])
def test_a_note_that_says_nothing(tmp_path: Path, text: str) -> None:
    one = opened(tmp_path)
    (note,) = (tmp_path / "local" / "remote").iterdir()
    note.write_text(text)
    assert one.why_not()
    assert Breaker(str(tmp_path), ADDRESS).why_not() == ""
