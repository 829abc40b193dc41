"""An IPython shell with the extension loaded, and functions that call the stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from standin import Standin

from cachy import Session, disable_cachy, enable_cachy

BODY: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def ask(text: str = "hi") -> str:
    body = BODY | {"messages": [{"role": "user", "content": text}]}
    answer = httpx2.post("https://api.openai.com/v1/chat/completions", json=body, verify=False)
    return str(answer.raise_for_status().json()["id"])


async def aask() -> str:
    return await asyncio.to_thread(ask)


class Shell:
    """An IPython shell with the extension loaded."""

    def __init__(self) -> None:
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        make: Any = InteractiveShell.instance
        self.ip = make(config=Config({"HistoryManager": {"enabled": False}}))
        self.ip.push({"ask": ask, "aask": aask, "enable_cachy": enable_cachy})
        self.ip.run_line_magic("load_ext", "cachy")

    def __call__(self, cell: str) -> Any:
        """Run a cell; its result."""
        done = self.ip.run_cell(cell)
        done.raise_error()
        return done.result


@pytest.fixture
def shell(standin: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CACHY_MODE", raising=False)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shell = Shell()
    yield shell
    shell.ip.restore_sys_module_state()
    InteractiveShell.clear_instance()
    disable_cachy()


@pytest.fixture
def session(shell: Shell, tmp_path: Path) -> Session:
    return enable_cachy(cache_dir=tmp_path)
