"""The statistics of a store."""

from __future__ import annotations

from pathlib import Path

from many import DAY, add, make_entry
from stores import NOW, OLD, add_session

from cachy.upkeep.stats import stats


def test_stats(root: Path) -> None:
    first = add(root, make_entry(1), OLD)
    add(root, make_entry(1, again=1), OLD + 1)
    add(root, make_entry(2, model="other"), OLD, private=True)
    broken = add(root, make_entry(3), OLD)
    broken.write_bytes(b"")
    add_session(root, first)
    add_session(root, first, ended=NOW - 40 * DAY)
    report = stats(str(root))
    assert (report.total.entries, report.keys, report.older, report.private) == (3, 2, 1, 1)
    assert report.models["gpt-4o"].entries == 2
    assert report.hosts["api.openai.com"].input == 60
    recent = report.recent
    assert (recent.sessions, recent.hits, recent.seconds_saved) == (1, 1, 3.5)
    assert (recent.input, recent.output) == (20, 5)
    assert [flaw.path for flaw in report.flaws] == [str(broken)]
