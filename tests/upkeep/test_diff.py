"""Two revisions of a store compared, in real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest
from clones import Clone
from many import add, make_entry
from pull_request import twelve_changes
from stores import OLD, key_of

from cachy.errors import ConfigError
from cachy.upkeep.diff import Diff, diff
from cachy.upkeep.index import scan


def kinds(diff: Diff) -> list[tuple[str, str]]:
    return [(change.kind, change.row.key) for change in diff.changes]


def test_diff_against_the_work_tree(clone: Clone) -> None:
    kept = add(clone.root, make_entry(1), OLD)
    gone = add(clone.root, make_entry(2, prompt="Gone?"), OLD)
    old = add(clone.root, make_entry(3), OLD)
    same = add(clone.root, make_entry(4), OLD)
    clone.commit()
    gone.unlink()
    old.unlink()
    new = add(clone.root, make_entry(3, again=1, answer="Seven."), OLD + 5)
    twin = make_entry(4)
    twin.head["nonce"] = "other"
    add(clone.root, twin, OLD + 5)
    added = add(clone.root, make_entry(5), OLD)
    add(clone.root, make_entry(6), OLD, private=True)
    report = diff(str(clone.root))
    assert sorted(kinds(report)) == sorted(
        [
            ("added", key_of(added)),
            ("removed", key_of(gone)),
            ("re-recorded", key_of(new)),
            ("re-recorded", key_of(same)),
        ]
    )
    by_key = {change.row.key: change for change in report.changes}
    assert by_key[key_of(gone)].row.prompt == "Gone?"
    assert by_key[key_of(new)].answer == "Seven."
    assert not by_key[key_of(new)].same_answer
    assert by_key[key_of(same)].same_answer
    assert report.summary() == "1 added, 1 removed, 2 re-recorded, 1 unchanged"
    assert kept.exists()


def test_diff_between_revisions(clone: Clone) -> None:
    add(clone.root, make_entry(1), OLD)
    start = clone.commit()
    clone.git("checkout", "-q", "-b", "topic")
    topic = add(clone.root, make_entry(2), OLD)
    clone.commit()
    clone.git("checkout", "-q", "main")
    meanwhile = add(clone.root, make_entry(3), OLD)
    clone.commit()
    root = str(clone.root)
    assert kinds(diff(root, "main...topic")) == [("added", key_of(topic))]
    assert kinds(diff(root, "main..topic")) == [
        ("added", key_of(topic)),
        ("removed", key_of(meanwhile)),
    ]
    assert kinds(diff(root, f"{start}..")) == [("added", key_of(meanwhile))]
    assert kinds(diff(root, f"..{start}")) == [("removed", key_of(meanwhile))]
    assert kinds(diff(root, "topic")) == kinds(diff(root, "topic..main"))
    assert diff(root).changes == []


def test_diff_of_tidied_and_merged_recordings(clone: Clone) -> None:
    older = add(clone.root, make_entry(1), OLD)
    newer = add(clone.root, make_entry(1, again=1), OLD + 1)
    clone.commit()
    older.unlink()
    assert diff(str(clone.root)).summary() == "1 unchanged, 1 older files removed"
    newer.unlink()
    older.write_bytes(b"damaged")
    report = diff(str(clone.root))
    assert [flaw.path for flaw in report.flaws] == [str(older)]
    assert [change.kind for change in report.changes] == ["re-recorded"]


def test_diff_before_the_first_commit(clone: Clone) -> None:
    path = add(clone.root, make_entry(1), OLD)
    assert kinds(diff(str(clone.root))) == [("added", key_of(path))]


def test_diff_refuses(clone: Clone, tmp_path: Path) -> None:
    clone.commit()
    for revision in ("nowhere", "main..nowhere", "--all", "-x..main", "HEAD:.cachy"):
        with pytest.raises(ConfigError, match="git does not know the revision"):
            diff(str(clone.root), revision)
    with pytest.raises(ConfigError, match="not in a git repository"):
        diff(str(tmp_path / ".cachy"))
    clone.git("checkout", "-q", "--orphan", "other")
    clone.commit("another beginning")
    with pytest.raises(ConfigError, match="no commit in common"):
        diff(str(clone.root), "main...other")


def test_diff_in_a_sparse_checkout(clone: Clone) -> None:
    """What is not checked out has not been removed."""
    path = add(clone.root, make_entry(1), OLD)
    clone.write("src/a.py", "")
    clone.commit()
    clone.git("sparse-checkout", "set", "src")
    assert not path.exists()
    report = diff(str(clone.root))
    assert (report.changes, report.same) == ([], 1)
    assert scan(str(clone.root)).rows == []


def test_what_may_do_harm_comes_first(clone: Clone) -> None:
    twelve_changes(clone)
    report = diff(str(clone.root))
    risks = [change.compared.risk or change.kind for change in report.changes]
    assert risks == [
        *("tool calls", "refusal", "answer", "answer", "answer", "answer", "answer"),
        *("re-recorded", "added", "added", "added", "removed"),
    ]
    first, refusal = report.changes[:2]
    assert first.row.prompt == "Clean up my folder."
    assert first.compared.notes == ["other arguments for bash"]
    assert "{+rm -rf /+}" in str(first.compared.excerpt)
    assert refusal.compared.notes[0] == "now refuses"
    assert report.changes[7].same_text
    assert report.changes[8].compared.notes == ["calls bash"]


def test_full_holds_the_texts_word_by_word(clone: Clone) -> None:
    twelve_changes(clone)
    assert not any(change.compared.parts for change in diff(str(clone.root)).changes)
    report = diff(str(clone.root), full=True)
    first = report.as_dict(full=True)["changes"][0]
    assert first["difference"] == 'bash({"command":"[-ls -la /tmp/build-]{+rm -rf /+}"})'
    assert first["changed"] == "tool calls"
    (part,) = first["parts"]
    assert part["role"] == "tool call"
    assert ("+", "rm -rf /") in part["pieces"]
    assert "parts" not in report.as_dict()["changes"][0]
