"""Commands that are run and noted."""

from __future__ import annotations

from pathlib import Path

import pytest
from many import add, make_entry
from stores import NOW, OLD, add_session

from cachy.errors import ConfigError
from cachy.store import journal
from cachy.upkeep.run import last_run


def test_last_run(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    with pytest.raises(ConfigError, match="cachy run"):
        last_run(str(root))
    for run, started, code in (("first", 500, 0), ("second", 160, 0), ("third", 50, 1)):
        add_session(root, path, ended=NOW - started + 9, run=run)
        own = journal.Note(run, "$", run, NOW - started, NOW - started, 0, 0, 0, 0.0, (), code)
        journal.write(str(root), own)
    add_session(root, path, run="killed")
    journal.compact(str(root))
    assert last_run(str(root)) == NOW - 160  # the last that succeeded
