"""Two entries compared, and what a branch changes."""

from __future__ import annotations

from pathlib import Path

import pytest
import shown
from many import add
from stores import NOW

from cachy.errors import ConfigError
from cachy.page import changes
from cachy.page.reading import read
from cachy.store.folder import File
from cachy.upkeep.index import Flaw


def side(path: Path) -> changes.Side:
    found = read(File(str(path), path.stem, False))
    assert found is not None
    assert not isinstance(found, Flaw)
    return found


def test_a_changed_command_is_seen_word_by_word(root: Path) -> None:
    old, new = add(root, shown.shell("ls"), NOW), add(root, shown.shell("rm -rf /", 1), NOW + 5)
    found = changes.compare(side(old), side(new))
    assert (found["risk"], found["asked"]) == ("tool calls", [])
    (part,) = found["parts"]
    assert part["role"] == "tool call"
    assert ("-", "ls") in part["pieces"]
    assert ("+", "rm -rf /") in part["pieces"]


def test_any_two_entries_are_compared_in_what_was_asked_too(root: Path) -> None:
    old, new = add(root, shown.weather(), NOW), add(root, shown.shell("ls"), NOW)
    found = changes.compare(side(old), side(new))
    assert [part["role"] for part in found["asked"]][:2] == ["system", "user"]
    assert found["old"]["model"] == "gpt-4o-mini"


def test_a_branch_shows_the_greatest_risk_first(tmp_path: Path) -> None:
    root = shown.repository(tmp_path)
    found = changes.branch(str(root), "HEAD")
    assert found["summary"].startswith("1 added, 1 re-recorded")
    first, second = found["changes"]
    assert (first["kind"], first["changed"], first["open"]) == ("re-recorded", "tool calls", True)
    assert ("+", "rm -rf /") in first["parts"][0]["pieces"]
    assert (second["kind"], second["here"]) == ("added", True)
    with pytest.raises(ConfigError, match="does not know the revision"):
        changes.branch(str(root), "nowhere")
