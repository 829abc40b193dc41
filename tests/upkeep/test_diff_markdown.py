"""A comparison as Markdown: the report of a pull request, and what hostile entries make of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import orjson
import pytest
from clones import Clone
from many import add, make_entry
from pull_request import calls, chat, twelve_changes
from stores import OLD

from cachy.upkeep.diff import diff
from cachy.upkeep.diff_markdown import COMMENT, markdown


def test_markdown(clone: Clone) -> None:
    add(clone.root, make_entry(1, prompt="a | b `c` <d>", answer="*e*"), OLD)
    report = diff(str(clone.root))
    lines = markdown(report).splitlines()
    assert lines[0] == "**cachy** · HEAD → the work tree: 1 added"
    cells = lines[4].split("|")
    assert len(cells) == 8
    assert cells[1].strip() == "added"
    assert cells[5].strip() == "a &#124; b &#96;c&#96; &#60;d&#62;"
    assert cells[6].strip() == "&#42;e&#42;"
    assert lines[3].count("|") == 7
    assert "\n… and 100 more\n" in markdown(report._replace(changes=report.changes * 300))


def test_the_report_of_a_pull_request(clone: Clone) -> None:
    """What runs something else is in the first row, and opens the details."""
    twelve_changes(clone)
    report = diff(str(clone.root), full=True)
    text = markdown(report, full=True)
    rows = [line for line in text.splitlines() if line.startswith("| re-")]
    assert "other arguments for bash" in rows[0]
    assert "<del>ls -la /tmp/build</del><ins>rm -rf /</ins>" in rows[0]
    assert [row for row in rows if "I will run <del>ls</del><ins>rm -rf /</ins>" in row]
    details = text.partition("<details>")[2]
    assert details.startswith("\n<summary>re-recorded <code>2d116436</code> gpt-4o: <b>other argum")
    assert text.count("<details>") == text.count("</details>") == 11
    assert "<details>" not in markdown(report)
    assert "(the same text)" in text


ATTACKS = (
    "<script>alert(1)</script>",
    "</pre></details>\n\n# Approved\n\n![x](https://evil.example/x.png)",
    "@everyone [click](javascript:alert(1)) | a | b |",
    "``` \n</code> <img src=x onerror=alert(1)>",
    "safe \u202egnp.exe\u202c \u2066hidden\u2069 \u200b \x1b[31m \x00",
    "--> <!-- <![CDATA[ <?php ",
)


class Tags(HTMLParser):
    """The tags in a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not attrs


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_entries(clone: Clone, attack: str) -> None:
    """In every field that is shown: prompt, answer, tool call, model, ending."""
    for again, more in ((0, "one"), (1, f"two {attack}")):
        called = calls(more)
        called[0]["function"]["name"] = f"tool {more}"
        entry = chat(
            1, f"{more} {attack}", again=again, prompt=attack, tool_calls=called,
            model=f"m {more}", finish=more,
        )  # fmt: skip
        entry.head["model"] = attack
        for old in clone.root.rglob("*.entry"):
            old.unlink()
        add(clone.root, entry, OLD + again)
        if not again:
            clone.commit()
    text = markdown(diff(str(clone.root), full=True), full=True)
    allowed = {"b", "br", "code", "del", "details", "i", "ins", "pre", "summary"}
    assert Tags(text).tags <= allowed
    assert text.isprintable() or set(re.findall(r"[^\n]", text)) == {
        char for char in text if char.isprintable()
    }
    outside = re.sub(r"<pre>.*?</pre>", "", text, flags=re.DOTALL)
    assert "\n# " not in outside
    assert "![" not in outside
    assert "](" not in outside
    assert "@everyone" not in outside
    assert "&#64;everyone" not in outside
    for line in text.splitlines():
        if line.startswith("| re-"):
            assert line.count("|") == 7


def test_a_comment_has_a_limit(clone: Clone) -> None:
    for number in range(60):
        add(clone.root, make_entry(number, answer="word " * 1000), OLD)
    text = markdown(diff(str(clone.root), full=True), full=True)
    assert len(text) <= COMMENT
    assert re.search(r"and \d+ more: `cachy diff --full` shows them", text)
    assert text.count("<details>") == text.count("</details>")


def test_very_long_and_very_deep_answers(clone: Clone) -> None:
    deep = orjson.loads(b"[" * 190 + b"]" * 190)
    for again in (0, 1):
        called = calls(f"{again}")
        called[0]["function"]["arguments"] = orjson.dumps({"a": deep, "b": again}).decode()
        for old in clone.root.rglob("*.entry"):
            old.unlink()
        add(
            clone.root,
            chat(1, f"x{again}" * 2_000_000, again=again, tool_calls=called),
            OLD + again,
        )
        if not again:
            clone.commit()
    text = markdown(diff(str(clone.root), full=True), full=True)
    assert len(text) < 20_000
    assert "&#34;" not in text
