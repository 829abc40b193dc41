"""The file system behind what a test has put in its place."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from cachy.errors import Defect
from cachy.store.disk import exists, is_dir, is_link, lexists
from cachy.store.files import make_folder
from cachy.store.folder import DirStore, read_entry
from cachy.store.layout import FOLDER, find_root

KEY, FRAME = "ab" * 16, b"frame"


def pyfakefs() -> AbstractContextManager[Any]:
    module = pytest.importorskip(
        "pyfakefs.fake_filesystem_unittest", reason="needs pyfakefs, of the dev group"
    )
    return module.Patcher()  # type: ignore[no-any-return]


FAKES: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "open": lambda: mock.patch("builtins.open", mock.mock_open()),
    "os.listdir": lambda: mock.patch("os.listdir", return_value=["a.txt"]),
    "os.open": lambda: mock.patch("os.open", side_effect=PermissionError),
    "os.stat": lambda: mock.patch("os.stat", side_effect=PermissionError),
    "os.path.isdir": lambda: mock.patch("os.path.isdir", mock.Mock(return_value=False)),
    "os.path.exists": lambda: mock.patch("os.path.exists", return_value=True),
    "os.getcwd": lambda: mock.patch("os.getcwd", side_effect=FileNotFoundError),
    "pyfakefs": pyfakefs,
}


@pytest.mark.parametrize("fake", FAKES)
def test_what_is_put_while_it_is_faked_is_there_afterwards(fake: str, tmp_path: Path) -> None:
    root = tmp_path / FOLDER
    with FAKES[fake]():
        name = DirStore(str(root)).put(KEY, FRAME, 1).name
        assert DirStore(str(root)).names() == [name]
    assert DirStore(root).names() == [name]
    with pytest.raises(Defect):  # which is no zstd frame, but whole
        read_entry(DirStore(root).locate(name))


@pytest.mark.parametrize("fake", FAKES)
def test_a_store_is_found_while_it_is_faked(
    fake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    with FAKES[fake]():
        assert find_root() == str(tmp_path / FOLDER)
        assert find_root("elsewhere") == str(tmp_path / "below" / "elsewhere" / FOLDER)


def test_where_there_is_no_root_a_folder_is_not_looked_for_for_ever() -> None:
    """As on a drive of Windows that is not there."""
    with (
        mock.patch("cachy.store.files.is_dir", return_value=False),
        mock.patch("cachy.store.files.Disk.mkdir", side_effect=FileExistsError),
        pytest.raises(FileExistsError),
    ):
        make_folder(os.path.abspath(FOLDER))


def test_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nothing")
    seen = {
        name: (is_dir(path), is_link(path), exists(path), lexists(path))
        for name in (".", "file", "link", "nothing", "a\0b")
        if (path := f"{tmp_path}{os.sep}{name}")
    }
    assert seen == {
        ".": (True, False, True, True),
        "file": (False, False, True, True),
        "link": (False, True, False, True),
        "nothing": (False, False, False, False),
        "a\0b": (False, False, False, False),
    }
