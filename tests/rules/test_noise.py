"""Noise is taken out of texts, and long runs of base64 out of its way."""

from __future__ import annotations

import base64
import json
import random
import re

import pytest

from cachy.rules.noise import DEFAULT_NOISE, RUN, NoiseRules, Quiet, lift, lower
from cachy.rules.tables import NOISE, Noise

RUN_ID = Noise(b"run-", re.compile(rb"run-(?P<name>[0-9a-f]{4})"), b"run", numbered=True)


def test_names_are_numbered_in_order_of_appearance() -> None:
    quiet = Quiet((RUN_ID,))
    assert quiet(b"run-00aa run-00bb run-00aa") == b"run#1 run#2 run#1"
    assert quiet(b"run-00bb") == b"run#2"  # one numbering for all texts of a request
    assert quiet.texts == (b"00aa", b"00bb")
    assert Quiet((RUN_ID,))(b"run-00bb") == b"run#1"  # and another for the next request


def test_a_text_without_noise_is_the_same_object() -> None:
    text = b"nothing here"
    quiet = Quiet(NOISE)
    assert quiet(text) is text
    assert quiet.texts == ()


def test_the_replacement_may_repeat_groups() -> None:
    quiet = Quiet((Noise(b"v", re.compile(rb"v(\d)\.\d+"), rb"v\1"),))
    assert quiet(b"v2.34 and v2.35") == b"v2 and v2"
    assert quiet.texts == (b"v2.34", b"v2.35")


def test_a_head_is_searched_like_any_text() -> None:
    for _ in range(2):  # the second time it may be remembered
        assert Quiet((RUN_ID,)).head(b"POST /run-00aa") == b"POST /run#1"
        assert Quiet((RUN_ID,)).head(b"POST /") == b"POST /"


def test_what_is_clean_for_some_rules_is_not_for_others() -> None:
    assert Quiet(()).head(b"POST /run-00aa") == b"POST /run-00aa"
    assert Quiet((RUN_ID,)).head(b"POST /run-00aa") == b"POST /run#1"


def test_prepared_rules_are_the_same_rules() -> None:
    assert DEFAULT_NOISE == NOISE
    rules = NoiseRules(iter((RUN_ID,)))
    assert list(rules) == [RUN_ID]
    assert Quiet(rules)(b"run-00aa") == Quiet(iter((RUN_ID,)))(b"run-00aa") == b"run#1"
    assert [rules.is_clean(text) for text in (b"run-00aa", b"run-", b"")] == [False, True, True]


@pytest.mark.parametrize("end", [b'"', b" "])
def test_long_runs_are_lifted_and_put_back(end: bytes) -> None:
    body = end.join([b"first", b"A" * 5 * RUN, b"between", b"B" * 2 * RUN, b"last"])
    short, runs = lift(body, end)
    assert len(short) < 2 * RUN
    assert [len(run) for run in runs] == [5 * RUN, 2 * RUN]
    assert lower(b"head ", short, runs) == b"head " + body


@pytest.mark.parametrize(
    "body", [b"short", b"words " * 5000, b'"\\u0000cachy:0"' + b"A" * 5 * RUN, b"\xff" * 5 * RUN]
)
def test_other_bodies_are_left_alone(body: bytes) -> None:
    assert lift(body) == (body, [])
    assert lower(b"", body, []) == body


@pytest.mark.parametrize("wrap", ["\n", "\r\n"])
@pytest.mark.parametrize("size", [30_000, 57 * 600])
def test_base64_in_lines_is_lifted(wrap: str, size: int) -> None:
    lines = base64.encodebytes(random.Random(1).randbytes(size)).decode().replace("\n", wrap)
    body = json.dumps({"image": f"data:image/png;base64,{lines}", "text": "Hello there."}).encode()
    short, runs = lift(body)
    assert len(short) < 200
    assert lower(b"", short, runs) == body


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("ls /tmp/tmpk3x_9q2v " + "x" * 56, id="with-spaces"),
        pytest.param("x" * 60 + '\\"' + "x" * 14, id="with-escapes"),
        pytest.param("x" * 300, id="longer-lines"),
    ],
)
def test_other_lines_are_searched(line: str) -> None:
    assert lift(json.dumps({"text": "\n".join([line] * 600)}).encode())[1] == []


def test_lines_of_many_lengths_are_searched() -> None:
    text = "\n".join("x" * (60 + number % 7) for number in range(600))
    assert lift(json.dumps({"text": text}).encode())[1] == []
