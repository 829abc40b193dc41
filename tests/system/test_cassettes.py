"""Real cassettes of public projects, where there are some: `CACHY_CASSETTES` names their folder.

They are other projects' data and not part of this repository. All are understood, or refused for
the right reason.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cachy.formats import files
from cachy.formats.interaction import Interaction, Unclear
from cachy.formats.pycachy import Answers
from cachy.settings import Settings, check
from cachy.store.folder import entry_files, read_entry
from cachy.upkeep.exports import export
from cachy.upkeep.imports import take

FOLDER = os.environ.get("CACHY_CASSETTES", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="CACHY_CASSETTES names no folder of cassettes")

REFUSED = {"it holds an answer without its request"}
NOT_KEPT = ("not one of the hosts", "this endpoint keeps state on the server", "it is empty")
TABLE = {  # what the files hold, by the project that their names begin with
    "lisette": 60,
    "llm": 8,
    "llm-anthropic": 10,
    "llm-gemini": 8,
    "magentic": 7,
    "mirascope": 25,
    "openinference": 11,
    "opentelemetry-python-contrib": 11,
    "ruby_llm": 9,
}


def found() -> Iterator[tuple[str, int, list[str]]]:
    """Project, interactions, and what was not understood, of each file."""
    for path in files.find([FOLDER]).paths:
        content = files.read(path)
        project = Path(path).name.partition("--")[0]
        if isinstance(content, Answers):
            yield project, len(content), []
            continue
        each = list(content)
        yield (
            project,
            sum(isinstance(one, Interaction) for one in each),
            [one.what for one in each if isinstance(one, Unclear)],
        )


def test_all_are_understood_or_refused_for_the_right_reason() -> None:
    counts: Counter[str] = Counter()
    for project, number, refused in found():
        counts[project] += number
        assert REFUSED.issuperset(refused), (project, refused)
    assert dict(counts) == TABLE


def test_all_that_is_worth_keeping_is_kept_and_comes_out_again(tmp_path: Path) -> None:
    settings = check({"requests": "full", "repeats": "distinct", "errors": True}, Settings())
    root = str(tmp_path / ".cachy")
    report = take(root, [FOLDER], settings)
    assert {problem.what for problem in report.problems} <= REFUSED
    assert all(reason.startswith(NOT_KEPT) for reason in report.skipped), report.skipped
    assert report.taken + report.present + sum(report.skipped.values()) == (
        sum(TABLE.values()) - TABLE["lisette"]
    )
    for kind, name in (("vcr", "a.yaml"), ("har", "a.har"), ("jsonl", "a.jsonl")):
        done = export(root, str(tmp_path / name), kind, private=True)
        assert (done.recordings, done.outlined) == (report.taken, 0)
        other = str(tmp_path / kind / ".cachy")
        again = take(other, [str(tmp_path / name)], settings)
        assert (again.taken, again.problems) == (report.taken, [])
        assert bodies(other) == bodies(root)


def bodies(root: str) -> dict[str, tuple[int, list[list[str]], bytes]]:
    entries = [read_entry(file.path) for file in entry_files(root)]
    return {
        each.head["key"]: (each.head["status"], each.head["headers"], each.body) for each in entries
    }
