"""Texts compared word by word: what is shown, that nothing is lost, that nothing takes long."""

from __future__ import annotations

import random

import pytest

from cachy.upkeep.word_diff import LONGEST, Piece, differ, excerpt, folded, marked, word_diff


def pieces(old: str, new: str) -> list[Piece]:
    """The pieces of two texts, which make both again."""
    found = word_diff(old, new)
    assert "".join(text for op, text in found if op != "+") == old
    assert "".join(text for op, text in found if op != "-") == new
    assert all(text for _, text in found)
    return found


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("", "", ""),
        ("same", "same", "same"),
        ("", "new", "{+new+}"),
        ("old", "", "[-old-]"),
        ("run ls", "run rm -rf /", "run [-ls-]{+rm -rf /+}"),
        ("a b c", "a c", "a [-b -]c"),
        ("It was 12.", "It was 13.", "It was [-12-]{+13+}."),
        ("prefix", "prefixed", "[-prefix-]{+prefixed+}"),
        ("unhappy", "happy", "[-unhappy-]{+happy+}"),
        ("one, two", "one; three", "one[-, two-]{+; three+}"),
        ("我喜欢苹果", "我喜欢梨", "我喜欢[-苹果-]{+梨+}"),
        ("say: yes\nand go", "say: no\nand go", "say: [-yes-]{+no+}\nand go"),
    ],
)
def test_words(old: str, new: str, shown: str) -> None:
    found = pieces(old, new)
    assert marked(found) == shown
    assert differ(found) == (old != new)


def test_nothing_is_lost() -> None:
    chance = random.Random(1)
    parts = ["a", "b", " ", "c d", "x1 ", "\n", ". ", "ß", "林"]
    for _ in range(500):
        texts = ["".join(chance.choices(parts, k=chance.randint(0, 30))) for _ in range(2)]
        pieces(*texts)


def many(*words: str, times: int = 20_000) -> str:
    return " ".join(words * (times // len(words)))


CHANCE = random.Random(2)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (many("a", "b", "b"), many("a", "a", "b")),
        (
            " ".join(CHANCE.choices("ab", k=40_000)),
            " ".join(CHANCE.choices("ab", k=40_000)),
        ),
        (
            " ".join(f"x{n} a{n}" for n in range(9000)),
            " ".join(f"y{n} a{n}" for n in range(9000)),
        ),
        (
            " ".join(f"w{n}" for n in range(20_000)),
            " ".join(f"w{n}" for n in reversed(range(20_000))),
        ),
        ("x" * 10**7 + "a" + "y" * 10**7, "x" * 10**7 + "b" + "y" * 10**7),
        ("!?" * 90_000, "?!." * 60_000),
        ("a" * LONGEST * 2, "b" * LONGEST * 2),
    ],
)
def test_what_is_made_to_take_long(old: str, new: str) -> None:
    pieces(old, new)


def test_folded() -> None:
    found = pieces("word " * 200 + "ls" + " tail" * 200, "word " * 200 + "rm" + " tail" * 200)
    shown = marked(folded(found))
    assert "[-ls-]{+rm+}" in shown
    assert len(shown) < 250
    assert "characters) …" in shown
    long = marked(folded([Piece("+", "x" * 10_000)], longest=100))
    assert "(9,900 characters)" in long
    assert len(long) < 200
    short = pieces("a b", "a c")
    assert folded(short) == short


def test_an_excerpt_shows_where_texts_differ() -> None:
    same = "Nothing to see here, really nothing at all. " * 30
    found = excerpt(pieces(f"{same}Now run ls", f"{same}Now run rm -rf /"), 60)
    assert str(found).endswith("Now run [-ls-]{+rm -rf /+}")
    assert len(str(found)) < 90
    two = excerpt(pieces("a one b two c", "a 1 b 2 c"), 60)
    assert (str(two), two.more) == ("a [-one-]{+1+} b (+1 more)", 1)
    assert str(excerpt(pieces("same", "same"), 60)) == ""
    long = excerpt([Piece("-", "x" * 500), Piece("+", "y\n" * 500)], 60)
    assert len(str(long)) < 80
    assert "\n" not in str(long)
