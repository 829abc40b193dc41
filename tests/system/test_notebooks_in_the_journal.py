"""Which notebook the journal names, for real kernels that are not told theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from kernels import execute, reaching
from standin import Standin

from cachy.store import journal

LOAD = "%load_ext cachy"
ENABLE = """
import httpx2
from cachy import enable_cachy

enable_cachy()

def ask(text):
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
    url = "https://api.openai.com/v1/chat/completions"
    return httpx2.post(url, json=body, verify=False).json()["id"][:8]
"""


@pytest.mark.parametrize(
    "cells",
    [
        (LOAD + ENABLE, "%%time\nask('a')"),
        (LOAD + ENABLE, "n = 1", "%%cachy refresh\nask('a')", "%%cachy refresh\nask('b')"),
    ],
)
def test_the_notebook_is_known_by_cells_with_magics(
    cells: tuple[str, ...], standin: Standin, tmp_path: Path
) -> None:
    new: Any = nbformat.v4
    notebook = new.new_notebook(cells=[new.new_code_cell(source) for source in cells])
    nbformat.write(notebook, tmp_path / "n.ipynb")  # type: ignore[no-untyped-call]
    (tmp_path / ".git").mkdir()  # where the store goes
    execute(notebook, tmp_path, reaching(standin))
    notes = journal.read(str(tmp_path / ".cachy"))
    assert {note.by for note in notes} == {"n.ipynb"}
    assert {key for note in notes for key in note.keys}
