"""What a real kernel shows of a session, its cells and an entry: HTML, Markdown and plain text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from kernels import execute, reaching
from standin import Standin

from cachy import prices

ASK = """
import httpx2

def ask(text):
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
    url = "https://api.openai.com/v1/chat/completions"
    return httpx2.post(url, json=body, verify=False).json()["id"][:8]
"""
CELLS = (
    "%load_ext cachy\nfrom cachy import enable_cachy\nsession = enable_cachy()",
    ASK,
    "ask('What is <script>alert(1)</script>?')",
    "ask('What is <script>alert(1)</script>?'), ask('And now?')",
    "session",
    "%cachy",
    "%cachy cells",
    "%cachy show",
    "session.store.get(session.stats.made[0][:32], print)",
)


@pytest.fixture
def shown(standin: Standin, tmp_path: Path) -> dict[str, Any]:
    """What the cells put out, by their source."""
    new: Any = nbformat.v4
    notebook = new.new_notebook(cells=[new.new_code_cell(source) for source in CELLS])
    executed = execute(notebook, tmp_path, reaching(standin))
    return {cell.source: cell.outputs[0].data for cell in executed.cells[4:]}


def test_shown_in_a_kernel(shown: dict[str, Any]) -> None:
    for data in shown.values():
        assert data.keys() == {"text/html", "text/markdown", "text/plain"}
        assert "<script" not in data["text/html"] + data["text/markdown"].partition("```")[0]
        assert "style=" in data["text/html"]
    assert shown["session"]["text/plain"].startswith("<cachy auto: 1 hit, 2 misses, 2 recorded")
    assert "recorded  2" in shown["%cachy"]["text/plain"]
    first, second = shown["%cachy cells"]["text/plain"].splitlines()[1:]
    assert "  ask('What is <script>" in first
    assert " nothing was recorded before it" in first
    assert " no prompt like this was recorded" in second
    assert "And now?" in shown["%cachy show"]["text/plain"]
    assert "What is " in shown[CELLS[-1]]["text/html"] + shown["%cachy show"]["text/html"]
    if prices.installed():
        assert "$0.0" in shown["session"]["text/plain"]
        assert "$0.0" in shown["%cachy cells"]["text/html"]
