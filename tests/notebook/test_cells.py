"""What each cell has asked for."""

from __future__ import annotations

import re
from typing import Any

import pytest

import cachy
from cachy import Session, prices

Shell = Any


def test_cells(shell: Shell, session: Session) -> None:
    shell("1 + 1")
    shell("# the first question\nask()")
    shell("ask(), ask('more')")
    table = shell("%cachy cells")
    heading, first, second = table.rows
    titles = ("cell", "", "asked", "hits", "misses", "recorded", "saved", "spent", "why it missed")
    assert heading == titles
    assert first[1:6] == ("# the first question", "hi", "0", "1", "1")
    assert first[-1].startswith("nothing was recorded before it")
    assert second[1:6] == ("ask(), ask('more')", "more (and 1 more)", "1", "1", "1")
    assert second[-1].startswith("no prompt like this was recorded; the closest of 1 recording")
    assert first[6] == "-"  # nothing was there to be saved
    spent = first[7]
    assert re.match(r"\d+ tokens, 0\.\d s(, \$0\.0\d*)?$", spent)
    assert second[6].partition(" s")[0] == spent.partition(" s")[0]  # its replayed call
    assert second[7] != "-"
    assert ("$" in spent) == prices.installed()
    assert repr(table).splitlines()[0].startswith("cell")
    assert "<th" in table._repr_html_()


def test_a_cell_that_runs_again_has_one_row(shell: Shell, session: Session) -> None:
    for _ in range(2):
        shell.ip.run_cell("ask()", cell_id="abc")
    [_, row] = shell("%cachy cells").rows
    assert row[2:6] == ("hi", "1", "0", "0")


def test_no_cell_has_made_calls(shell: Shell, capsys: Any) -> None:
    assert shell("%cachy cells") is None
    assert shell("%cachy why") is None
    out = capsys.readouterr().out
    assert "no cell has made calls yet" in out
    assert "missed nothing" in out


def test_why_a_cell_missed(shell: Shell, session: Session) -> None:
    shell("ask()")
    shell("ask('hello')")
    assert repr(shell("%cachy why")).splitlines()[1] == '  messages[0].content: "hi" → "hello"'


def test_why_a_cell_missed_in_replay_mode(shell: Shell, session: Session) -> None:
    shell("ask()")
    shell("%cachy replay")
    with pytest.raises(cachy.CacheMiss):
        shell("ask('hello')")
    why = repr(shell("%cachy why"))
    assert why.startswith("the prompt changed")
    assert '  messages[0].content: "hi" → "hello"' in why
    [*_, row] = shell("%cachy cells").rows
    assert row[3:6] == ("0", "1", "0")
    assert row[-1].startswith("the prompt changed")


def test_a_refreshed_cell_asked_again(shell: Shell, session: Session) -> None:
    shell("ask('another')")
    shell("ask()")
    shell("%%cachy refresh\nask()")
    assert repr(shell("%cachy why")) == "asked again by `%%cachy refresh`"
    [*_, row] = shell("%cachy cells").rows
    assert row[3:6] == ("0", "0", "1 again")
    assert row[-1] == "asked again by `%%cachy refresh`"
