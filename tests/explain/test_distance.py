"""The distance of two values grows with what differs, and is zero only without a difference."""

from __future__ import annotations

from math import isclose
from typing import Any

import pytest
from chats import LONG
from hypothesis import example, given
from hypothesis import strategies as st

from cachy.explain.distance import distance, equal_ends, equal_start, outlined_parts, weight
from cachy.rules.outline import shorten_text

values = st.recursive(
    st.none() | st.integers(2, 5) | st.text(st.sampled_from("ab"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.sampled_from("xyz"), max_size=1), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(values, values)
def test_it_is_zero_only_for_equal_values(a: Any, b: Any) -> None:
    assert distance(a, a) == 0
    assert (distance(a, b) == 0) == (a == b)


@given(values, values)
def test_it_is_the_same_in_both_directions(a: Any, b: Any) -> None:
    assert isclose(distance(a, b), distance(b, a))


@given(values, values, st.floats(0, 20))
def test_beyond_the_limit_it_may_be_too_small_but_not_below_the_limit(
    a: Any, b: Any, limit: float
) -> None:
    whole, limited = distance(a, b), distance(a, b, limit)
    assert limited <= whole or isclose(limited, whole)
    assert isclose(limited, whole) or limited > limit


BASE = {"model": "m", "n": 1, "messages": ["one", "two", "three"]}


@pytest.mark.parametrize(
    ("near", "far"),
    [
        ({**BASE, "n": 2}, {**BASE, "n": 2, "model": "other"}),
        ({**BASE, "messages": ["one", "too", "three"]}, {**BASE, "messages": ["one", "x", "y"]}),
        ({**BASE, "messages": ["new", "one", "two", "three"]}, {**BASE, "messages": ["new"]}),
        ({"model": "m", "n": 1}, {"model": "m"}),
    ],
    ids=["fewer fields", "similar text", "an insertion is no shift", "fewer absent fields"],
)
def test_what_differs_less_is_closer(near: Any, far: Any) -> None:
    assert 0 < distance(BASE, near) < distance(BASE, far)


def test_long_texts_are_compared_by_their_pieces() -> None:
    text = shorten_text(LONG)
    late, early = (shorten_text(f"{LONG[:at]}!{LONG[at:]}") for at in (9000, 5000))
    other = shorten_text(LONG[::-1])
    assert 0 < distance(text, late) < distance(text, early) < distance(text, other)
    assert distance(text, other) <= weight(text) < distance(text, "short") + 1
    # a store with requests="full" has the whole text
    assert distance(text, LONG) < distance(text, LONG[::-1])


def test_the_weight_grows_with_the_length() -> None:
    assert weight(None) == weight(7) == weight("") == 1
    assert weight("a") < weight("a" * 100) < weight(LONG) < weight([LONG, LONG])
    assert weight(shorten_text(LONG)) == weight(LONG)
    assert weight({"a": 1, "b": 2}) == weight([1, 2]) == 3


def test_only_an_outlined_text_has_parts() -> None:
    parts = outlined_parts(shorten_text(LONG))
    assert parts is not None
    assert parts[0] == len(LONG)
    others: list[Any] = [LONG, {}, {"…": []}, {"…": "12345"}, {"…": [1, 2, 3, 4, 5], "a": 1}, [1]]
    assert [outlined_parts(other) for other in others] == [None] * len(others)


short_texts = st.text(st.sampled_from("ab"), max_size=12)


@given(short_texts, short_texts)
@example("b", "ab")
@example("aa", "aaa")
def test_equal_ends_are_those_of_a_loop_over_characters(a: str, b: str) -> None:
    most = min(len(a), len(b))
    start = next((i for i in range(most) if a[i] != b[i]), most)
    end = next((i for i in range(most - start) if a[-1 - i] != b[-1 - i]), most - start)
    assert equal_ends(a, b) == equal_ends(list(a), list(b)) == (start, end)
    assert equal_start(a, b) == start
