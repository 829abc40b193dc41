"""Numbers with their nouns."""

from __future__ import annotations

import pytest

from cachy.wording import count


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "entry", "0 entries"),
        (1, "entry", "1 entry"),
        (2000, "entry", "2,000 entries"),
        (2, "older recording", "2 older recordings"),
        (2, "key", "2 keys"),
        (1, "miss", "1 miss"),
        (2, "miss", "2 misses"),
    ],
)
def test_a_number_with_its_noun(number: int, noun: str, text: str) -> None:
    assert count(number, noun) == text
