"""The state of a store at a glance."""

from __future__ import annotations

from pathlib import Path

from clones import Clone
from many import add, make_entry
from stores import OLD, add_session

from cachy.upkeep.status import status


def test_outside_a_repository(root: Path) -> None:
    add(root, make_entry(1), OLD).write_bytes(b"not read")
    add(root, make_entry(1, again=1), OLD + 1)
    report = status(str(root))
    assert (report.entries, report.keys, report.superseded) == (2, 1, 1)
    assert (report.uncommitted, report.unused) == (None, None)


def test_what_is_in_no_commit(clone: Clone) -> None:
    add(clone.root, make_entry(1), OLD)
    assert status(str(clone.root)).uncommitted == 1
    clone.git("add", "-A")
    assert status(str(clone.root)).uncommitted == 1
    clone.commit()
    assert status(str(clone.root)).uncommitted == 0
    used = add(clone.root, make_entry(2), OLD)
    add_session(clone.root, used)
    report = status(str(clone.root))
    assert (report.uncommitted, report.unused) == (1, 1)
