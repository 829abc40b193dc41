"""An address opens the engine of its kind, and imports no other's library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cachy.remote.address import parse
from cachy.remote.engine import Misconfigured
from cachy.remote.opening import open_engine


def test_each_kind(tmp_path: Path) -> None:
    for url, kind in ((str(tmp_path), "FolderEngine"), ("https://host/p", "WebEngine")):
        assert type(open_engine(parse(url))).__name__ == kind
    pytest.importorskip("redis")
    assert type(open_engine(parse("redis://host"))).__name__ == "RedisEngine"


def test_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(Misconfigured, match=r"pip install 'cachy-store\[redis\]'"):
        open_engine(parse("redis://host"))


def test_nothing_is_imported_that_is_not_needed(tmp_path: Path) -> None:
    code = (
        "import sys; from cachy.remote.address import parse\n"
        "from cachy.remote.opening import open_engine\n"
        f"open_engine(parse({str(tmp_path)!r}))\n"
        "assert not {'obstore', 'redis', 'http.client'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
