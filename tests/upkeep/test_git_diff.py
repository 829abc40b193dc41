"""What git itself shows of entries, after `cachy init --git`."""

from __future__ import annotations

from pathlib import Path

import pytest
from clones import Clone
from many import add, make_entry
from pull_request import calls, chat, twelve_changes
from stores import OLD

from cachy.errors import CachyError
from cachy.store.entry import Entry
from cachy.upkeep.git_diff import changes, describe, predecessor
from cachy.upkeep.init import init
from cachy.upkeep.transcript import readable


@pytest.fixture
def clone(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> Clone:
    monkeypatch.chdir(clone.top)
    return clone


def again(clone: Clone, *, keep: bool = False) -> Path:
    """Commit a recording, and record it again; the path of the new one."""
    old = add(clone.root, chat(1, "I clean.", tool_calls=calls("ls")), OLD)
    clone.commit()
    if not keep:
        old.unlink()
    return add(clone.root, chat(1, "I clean.", again=1, tool_calls=calls("rm -rf /")), OLD + 1)


def test_git_diff_shows_both_sides(clone: Clone) -> None:
    init(str(clone.root), git=True)
    clone.commit()
    new = again(clone)
    both = 'bash({"command":"[-ls-]{+rm -rf /+}"})'
    assert both in clone.git("diff")  # though git does not have the new one yet
    clone.git("add", "-A")
    for shown in (clone.git("diff", "--cached"), clone.git("diff", "HEAD")):
        assert f"cachy: .cachy/{new.parent.name}/{new.name}" in shown
        assert "~ re-recorded" in shown
        assert "other arguments for bash" in shown
        assert both in shown
        assert f"replaced by the recording {new.stem}" in shown
        assert "new file" not in shown
    clone.commit()
    assert both in clone.git("diff", "HEAD~1..HEAD")
    assert f"+    {both}" in clone.git("show")  # as text, which git keeps
    assert both in clone.git("show", "--ext-diff")


def test_where_the_older_recording_stays(clone: Clone) -> None:
    new = again(clone, keep=True)
    clone.git("add", "-A")
    shown = describe(f".cachy/{new.parent.name}/{new.name}", "/dev/null", str(new))
    assert shown.op == "~"
    assert shown.compared is not None
    assert shown.compared.risk == "tool calls"


def test_added_and_removed(clone: Clone) -> None:
    init(str(clone.root), git=True)
    gone = add(clone.root, make_entry(1, answer="Gone."), OLD)
    clone.commit()
    gone.unlink()
    add(clone.root, make_entry(2, answer="New."), OLD)
    clone.git("add", "-A")
    shown = clone.git("diff", "--cached")
    assert "- removed" in shown
    assert "\n-  Gone.\n" in shown
    assert "+ added" in shown
    assert "\n+  New.\n" in shown


def test_other_files_and_broken_entries(clone: Clone) -> None:
    init(str(clone.root), git=True)
    path = add(clone.root, make_entry(1), OLD)
    clone.write(".cachy/manifest.json", "{}\n")
    clone.commit()
    clone.write(".cachy/manifest.json", "[]\n")
    path.write_bytes(b"damaged")
    shown = clone.git("diff")
    assert "\n-{}\n+[]\n" in shown
    assert "is not a sound entry" in shown
    with pytest.raises(CachyError):
        describe("no entry", "/dev/null", str(path))


def test_a_pull_request(clone: Clone) -> None:
    init(str(clone.root), git=True)
    twelve_changes(clone)
    shown = clone.git("diff")
    assert 'bash({"command":"[-ls -la /tmp/build-]{+rm -rf /+}"})' in shown
    assert "Then I will run [-ls-]{+rm -rf /+}" in shown


def test_predecessor(clone: Clone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The newest that is older and sound, in the index or in the history."""
    new = again(clone)
    assert changes(str(new), chat(1, "x")).startswith("~ re-recorded")
    clone.git("rm", "-q", "-r", "--cached", "--ignore-unmatch", ".cachy")
    assert isinstance(predecessor(new.stem), Entry)  # from the history
    second = add(clone.root, chat(1, "x"), OLD - 5)
    assert predecessor(second.stem) is None
    monkeypatch.chdir(tmp_path)
    assert predecessor(new.stem) is None
    assert changes(str(new), chat(1, "x")) == ""
    assert changes("no entry", chat(1, "x")) == ""


def test_headers_that_nobody_reviews() -> None:
    entry = make_entry(1)
    entry.head["headers"] += [
        ["x-ratelimit-remaining-tokens", "149"],
        ["anthropic-ratelimit-requests-reset", "1s"],
        ["date", "Thu"],
        ["cf-ray", "x"],
        ["openai-processing-ms", "12"],
        ["x-request-id", "x"],
        ["openai-version", "2020-10-01"],
    ]
    headers = readable(entry).partition("\nheaders\n")[2].splitlines()
    assert headers == ["content-type: application/json", "openai-version: 2020-10-01"]
