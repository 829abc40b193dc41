"""The pages that users and contributors read: README.md, docs/ and their companions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
README = ROOT / "README.md"
GUIDE = (README, *sorted((ROOT / "docs").glob("*.md")))
"""What users read. Its examples are executed."""
PAGES = (*GUIDE, *(ROOT / f"{name}.md" for name in ("CONTRIBUTING", "SECURITY", "CHANGELOG")))
"""All pages."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


class Block(NamedTuple):
    """A fenced block of code, and the page that it is in."""

    page: str
    language: str
    code: str


def text(name: str) -> str:
    """The text of a page of docs/, named without its ending."""
    return (ROOT / "docs" / f"{name}.md").read_text("utf-8")


def between(start: str, end: str) -> str:
    """The text between two marks, on the one page of the guide that has them."""
    pattern = re.compile(f"{re.escape(start)}(.*?){re.escape(end)}", re.S)
    found = [match[1] for page in GUIDE if (match := pattern.search(page.read_text("utf-8")))]
    assert len(found) == 1, f"{start!r} … {end!r} stands on {len(found)} pages, not on one"
    return found[0]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of code of a page."""
    return [Block(page.name, *match) for match in _FENCE.findall(page.read_text("utf-8"))]


def lines(start: str) -> list[str]:
    """The lines of shell examples in the guide that begin so, each once."""
    found = (
        line
        for page in GUIDE
        for block in blocks(page)
        if block.language == "sh"
        for line in block.code.splitlines()
        if line.startswith(start)
    )
    return list(dict.fromkeys(found))


def links(page: Path) -> list[str]:
    """The targets of the links and pictures of a page, those to other sites left out."""
    prose = _FENCE.sub("", page.read_text("utf-8"))
    return [target for target in _LINK.findall(prose) if "://" not in target]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    prose = _FENCE.sub("", page.read_text("utf-8"))
    titles = re.findall(r"^#+ (.+)$", prose, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def paths(page: Path) -> set[str]:
    """The paths of this repository that a page names in code, such as `cachy/rules/key.py`."""
    spans = re.findall(r"`((?:cachy|tests|scripts|docs)/[\w./-]*)`", page.read_text("utf-8"))
    return set(spans)
