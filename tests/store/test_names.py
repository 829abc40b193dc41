"""The names of entries, and the mask made from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachy.errors import Defect
from cachy.store import names

KEY = "ab" * 16
NAME = names.name_of(KEY, 0x6741F0A3, b"frame")


def test_a_name_tells_key_and_second() -> None:
    assert names.is_name(NAME)
    assert names.key_in(NAME) == KEY == names.key_of(KEY + "0" * 32)
    assert names.second_in(NAME) == 0x6741F0A3
    assert NAME.endswith(names.stamp_in(NAME))
    assert len(NAME) == names.NAME_LENGTH


@pytest.mark.parametrize("path", ["{}.entry", "a/ab/{}.entry", "/x/git-blob-1/prefix_{}.entry"])
def test_a_name_in_a_path(path: str) -> None:
    assert names.name_in(path.format(NAME)) == NAME


@pytest.mark.parametrize("second", [-1, 2**32, 2**40])
def test_a_second_that_does_not_fit_is_bounded(second: int) -> None:
    assert names.second_in(names.name_of(KEY, second, b"")) in (0, names.LAST_SECOND)


@given(st.binary(min_size=32, max_size=3000))  # of a shorter one, two pads may agree
def test_what_is_sealed_can_be_unsealed_under_its_name_alone(frame: bytes) -> None:
    name = names.name_of(KEY, 1, frame)
    sealed = names.seal(name, frame)
    assert sealed[:1] == b"\0"
    assert bytes(names.unseal(name, sealed)) == frame
    other = names.name_of("cd" * 16, 1, frame)
    with pytest.raises(Defect, match="not the ones that were recorded"):
        names.unseal(other, sealed)
