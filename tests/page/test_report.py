"""A report: the page and its data in one file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
import shown
from many import add
from stores import NOW

from cachy.errors import ConfigError
from cachy.page import report
from cachy.page.report import Report


def data_of(found: Report) -> Any:
    """The data in a report."""
    block = re.search(r'<script type="application/json" id="data">(.*?)</script>', found.html, re.S)
    assert block is not None
    return orjson.loads(block[1])


def test_of_changes(tmp_path: Path) -> None:
    found = report.of_changes(str(shown.repository(tmp_path)), "HEAD")
    data = data_of(found)
    assert (found.entries, found.left_out, data["start"]) == (2, 0, "branch")
    assert data["branch"]["changes"][0]["changed"] == "tool calls"
    assert {row["prompt"] for row in data["rows"]} == {
        "What is new?",
        "Clean up the build folder, please.",
    }
    assert "rm -rf /" in found.html


def test_of_a_notebook_and_of_what_was_used_since(root: Path) -> None:
    shown.fill(root)
    data = data_of(report.of_notebook(str(root), "agents/tidy.ipynb"))
    assert [row["model"] for row in data["rows"]] == ["claude-sonnet-4-6", "gpt-4o-mini", "gpt-4o"]
    name = data["rows"][0]["name"]
    assert data["entries"][name]["_events"]["total"] > 10
    assert data["costs"]["total"]["entries"] == 3
    assert data["tabs"] == ["list", "costs"]
    assert len(data_of(report.since(str(root), NOW - 1800))["rows"]) == 3
    assert len(data_of(report.since(str(root), NOW + 60))["rows"]) == 0
    with pytest.raises(ConfigError, match="no session of"):
        report.of_notebook(str(root), "none.ipynb")


def test_images_are_in_it_and_credentials_are_not(root: Path) -> None:
    token = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7" * 2
    picture = add(root, shown.picture(), NOW)
    secret = add(root, shown.entry(shown.ask("gpt-4o", token), shown.completion(token)), NOW)
    shown._note(root, "a.ipynb", [picture, secret], NOW)
    found = report.of_notebook(str(root), "a.ipynb")
    assert token not in found.html
    assert "data:image/png;base64,iVBOR" in found.html


def test_what_does_not_fit_is_listed_without_its_text(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown.fill(root)
    monkeypatch.setattr(report, "_MOST_BYTES", 3000)
    found = report.of_notebook(str(root), "report.ipynb")
    assert found.entries == 6
    assert 0 < found.left_out < 6
