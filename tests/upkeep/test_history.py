"""What commits did to the recordings of a key, in a real repository."""

from __future__ import annotations

import pytest
from clones import Clone
from many import add, make_entry
from stores import OLD, key_of

from cachy.errors import ConfigError
from cachy.upkeep.history import history


def test_added_recorded_again_and_removed(clone: Clone) -> None:
    first = add(clone.root, make_entry(1, answer="Blue."), OLD)
    assert [event.sign for event in history(str(clone.root), key_of(first))] == ["+"]
    one = clone.commit("one")
    add(clone.root, make_entry(2), OLD)
    clone.commit("another key")
    first.unlink()
    second = add(clone.root, make_entry(1, again=1, answer="Green."), OLD + 1)
    two = clone.commit("two")
    second.unlink()
    three = clone.commit("three")
    told = [
        (event.sign, event.commit, event.subject, event.answer)
        for event in history(str(clone.root), key_of(first)[:6])
    ]
    assert told[0] == ("-", three, "three", "Green.")
    assert told[1:3] == [("+", two, "two", "Green."), ("-", two, "two", "Blue.")]
    assert told[3:] == [("+", one, "one", "Blue.")]
    of_file = history(str(clone.root), str(second))
    assert [event.sign for event in of_file] == ["-", "+"]


def test_merged_from_a_branch(clone: Clone) -> None:
    clone.commit("base")
    clone.git("checkout", "-q", "-b", "branch")
    path = add(clone.root, make_entry(1), OLD)
    clone.commit("recorded")
    clone.git("checkout", "-q", "main")
    add(clone.root, make_entry(2), OLD)
    clone.commit("meanwhile")
    clone.git("merge", "-q", "--no-edit", "branch")
    subjects = [event.subject for event in history(str(clone.root), key_of(path))]
    assert subjects == ["recorded"]


def test_a_merge_of_two_recordings(clone: Clone) -> None:
    clone.commit("base")
    clone.git("checkout", "-q", "-b", "branch")
    path = add(clone.root, make_entry(1, again=1, answer="Green."), OLD + 1)
    clone.commit("branch")
    clone.git("checkout", "-q", "main")
    add(clone.root, make_entry(1, answer="Blue."), OLD)
    clone.commit("main")
    clone.git("merge", "-q", "--no-edit", "branch")
    told = history(str(clone.root), key_of(path))
    assert sorted((event.subject, event.answer, event.in_force) for event in told) == [
        ("branch", "Green.", True),
        ("main", "Blue.", False),
    ]


def test_a_merge_that_did_something_itself(clone: Clone) -> None:
    first = add(clone.root, make_entry(1), OLD)
    clone.commit("base")
    clone.git("checkout", "-q", "-b", "branch")
    add(clone.root, make_entry(2), OLD)
    clone.commit("branch")
    clone.git("checkout", "-q", "main")
    add(clone.root, make_entry(3), OLD)
    clone.commit("main")
    clone.git("merge", "-q", "--no-commit", "--no-ff", "branch")
    first.unlink()
    second = add(clone.root, make_entry(1, again=1, answer="Green."), OLD + 1)
    clone.commit("merged")
    told = [
        (event.sign, event.name, event.subject) for event in history(str(clone.root), key_of(first))
    ]
    assert told == [
        ("+", second.stem, "merged"), ("-", first.stem, "merged"), ("+", first.stem, "base"),
    ]  # fmt: skip


def test_a_damaged_recording(clone: Clone) -> None:
    path = add(clone.root, make_entry(1), OLD)
    path.write_bytes(b"\0")
    assert history(str(clone.root), key_of(path))[0].answer == ""
    clone.commit()
    assert history(str(clone.root), key_of(path))[0].answer == ""


def test_it_refuses(clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> None:
    for key in ("ab", "*", "[a-f]bcd"):
        with pytest.raises(ConfigError, match="at least its first 4 digits"):
            history(str(clone.root), key)
    with pytest.raises(ConfigError, match="no history"):
        history(str(tmp_path_factory.mktemp("plain") / ".cachy"), "abcd")
