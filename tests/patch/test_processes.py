"""Starting a process of multiprocessing leaves it as it was; tests/test_child.py has the rest."""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from cachy import cachy


def test_nothing_is_left(tmp_path: Path) -> None:
    before = BaseProcess.start
    with cachy(cache_dir=tmp_path):
        assert BaseProcess.start is not before
        if sys.platform != "win32":
            process = multiprocessing.get_context("fork").Process(target=int)
            config = dict(process._config)  # type: ignore[attr-defined]
            process.start()
            process.join()
            assert process._config == config  # type: ignore[attr-defined]
            with pytest.raises(AssertionError, match="cannot start a process twice"):
                process.start()
            assert process._config == config  # type: ignore[attr-defined]
    assert BaseProcess.start is before
