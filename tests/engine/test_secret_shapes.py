"""The table of shapes is well formed; what each catches is in test_secrets."""

from __future__ import annotations

import re

import pytest

from cachy.engine.secret_shapes import EXAMPLE_ACCOUNTS, NAMED, PLACEHOLDER, SHAPES, Shape


@pytest.mark.parametrize("shape", SHAPES + NAMED, ids=lambda shape: shape.kind)
def test_each_shape_has_a_pattern_with_one_group(shape: Shape) -> None:
    assert re.compile(shape.pattern).groups == 1
    assert all(shape.marks)
    assert all(mark == mark.lower() for mark in shape.marks if shape.named)


def test_placeholders() -> None:
    for text in ("sk-your-key-here", "AKIAIOSFODNN7EXAMPLE", 'os.environ["KEY"]', "xxxxxxxx"):
        assert PLACEHOLDER.search(text)
    assert not PLACEHOLDER.search("x7Kd93mQpL2vR8sTn4Wz")
    assert all(re.fullmatch(r"\d{12}", account) for account in EXAMPLE_ACCOUNTS)
