"""Loading the extension."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cachy
from cachy import Session

Shell = Any


def test_unload_and_reload(shell: Shell, session: Session) -> None:
    shell("%reload_ext cachy")
    shell("%load_ext cachy")
    shell("ask()\n%cachy forget")
    assert len(shell.ip.input_transformers_cleanup) == len(set(shell.ip.input_transformers_cleanup))
    shell("%unload_ext cachy")
    assert shell.ip.find_line_magic("cachy") is None
    assert shell.ip.find_cell_magic("cachy") is None
    shell("%unload_ext cachy")


def test_only_these_are_found_lazily() -> None:
    assert callable(cachy.load_ipython_extension)
    with pytest.raises(AttributeError, match="no attribute 'load_extension'"):
        cachy.load_extension  # noqa: B018


def test_loading_says_that_it_does_not_enable(shell: Shell, tmp_path: Path, capsys: Any) -> None:
    shell("%unload_ext cachy")
    capsys.readouterr()
    shell("%load_ext cachy")
    assert "enable_cachy() or %cachy auto switches it on" in capsys.readouterr().out
    shell("%unload_ext cachy")
    cachy.enable_cachy(cache_dir=tmp_path)
    shell("%load_ext cachy")
    assert capsys.readouterr().out == ""
