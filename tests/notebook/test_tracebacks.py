"""What a cell shows of a miss."""

from __future__ import annotations

from typing import Any

import pytest

from cachy import Session

Shell = Any

OPENAI = """
from openai import OpenAI
client = OpenAI(api_key="none")
def ask_openai():
    messages = [{"role": "user", "content": "?"}]
    return client.chat.completions.create(model="gpt-4o", messages=messages)
"""


@pytest.mark.parametrize(
    ("call", "kind"),
    [("ask_openai()", "CacheMiss, raised by the SDK as APIStatusError"), ("ask('?')", "CacheMiss")],
)
def test_a_miss_is_shown_in_short(
    call: str, kind: str, shell: Shell, session: Session, capsys: Any
) -> None:
    shell(OPENAI)
    shell("%cachy replay")
    capsys.readouterr()
    done = shell.ip.run_cell(f"answer = 1\nanswer = {call}")
    assert done.error_in_exec is not None
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].strip() == kind
    number = shell.ip.execution_count
    assert lines[1] == f"  Cell In[{number}], line 2: answer = {call}"
    assert "line " in lines[2]  # the function that made the call
    assert call.startswith("ask(") or lines[2].startswith("  Cell In[")
    assert lines[3].startswith("cachy: no recording: ")
    assert lines[-1].strip().startswith("remedy:")
    assert len(lines) < 12


def test_other_errors_are_shown_as_ever(shell: Shell, session: Session, capsys: Any) -> None:
    shell.ip.run_cell("1 / 0")
    out = capsys.readouterr().out
    assert "ZeroDivisionError" in out
    assert "division by zero" in out
    assert "CacheMiss" not in out


def test_a_handler_of_the_user_stays(shell: Shell, capsys: Any) -> None:
    shell("%unload_ext cachy")
    seen = []
    shell.ip.set_custom_exc((ValueError,), lambda *arguments, **more: seen.append(arguments))
    shell("%load_ext cachy")
    shell.ip.run_cell("raise ValueError")
    assert len(seen) == 1
    shell("%unload_ext cachy")
    assert shell.ip.custom_exceptions == (ValueError,)
    shell.ip.set_custom_exc((), None)


def test_unloading_takes_the_handler_off(shell: Shell) -> None:
    assert shell.ip.custom_exceptions == (Exception,)
    shell("%unload_ext cachy")
    assert shell.ip.custom_exceptions == ()
