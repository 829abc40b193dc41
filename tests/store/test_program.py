"""Which notebook or script a session is noted for."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from cachy.store.program import program, whose_cells


@pytest.fixture
def root(tmp_path: Path) -> str:
    (tmp_path / ".cachy").mkdir()
    return str(tmp_path / ".cachy")


def test_a_kernel_without_a_name_tells_its_folder(
    root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__file__", "/elsewhere/run.py", raising=False)
    assert program(root) == "/elsewhere/run.py"
    monkeypatch.delattr(main, "__file__")
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert program(root) == "(interactive)"
    monkeypatch.setitem(sys.modules, "ipykernel", main)
    assert program(root) == "work/"
    monkeypatch.chdir(tmp_path)
    assert program(root) == "./"


@pytest.mark.skipif(os.name == "nt", reason="Windows does not delete a folder that is in use")
@pytest.mark.parametrize("name", ["", "book.ipynb"])
def test_a_kernel_whose_folder_is_gone(
    name: str, root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", name)
    main = sys.modules["__main__"]
    monkeypatch.delattr(main, "__file__", raising=False)
    monkeypatch.setitem(sys.modules, "ipykernel", main)
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert program(root) == (name or "(interactive)")


def notebook(path: Path, *cells: str) -> str:
    sources = [cell.splitlines(keepends=True) for cell in cells]
    code = [{"cell_type": "code", "source": source} for source in sources]
    path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": "x"}, *code]}))
    return str(path)


def test_the_notebook_with_most_of_the_cells(tmp_path: Path) -> None:
    first = notebook(tmp_path / "a.ipynb", "import cachy", "x = 1\ny = 2", "ask(1)")
    second = notebook(tmp_path / "b.ipynb", "import cachy", "ask(2)")
    copy = notebook(tmp_path / "c.ipynb", "import cachy", "ask(2)")
    paths = [first, second, copy]
    assert whose_cells(["", "import cachy", "x = 1\ny = 2"], paths) == first
    assert whose_cells(["", "import cachy", "ask(2)", "# injected by papermill"], paths) == second
    assert whose_cells(["import cachy", "something", "else", "entirely"], paths) == ""
    assert whose_cells([], paths) == ""


@pytest.mark.parametrize("text", ["", "[]", '{"cells": [1]}', '{"cells": [{"source": []}]}', "{}"])
def test_what_is_not_a_notebook(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(text)
    assert whose_cells(["x"], [str(path), str(tmp_path / "gone.ipynb")]) == ""
