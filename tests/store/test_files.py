"""Files are read and written whole, and never through a link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cachy.errors import Defect
from cachy.store.files import make_folder, read_file, refuse_links, try_remove, write_whole

posix = pytest.mark.skipif(os.name == "nt", reason="there are no pipes, and links need a right")


@pytest.mark.parametrize("size", [0, 1, 8191, 8192, 8193, 100_000])
def test_what_is_written_is_read(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    path = tmp_path / "file"
    write_whole(str(path), data, str(tmp_path))
    assert read_file(str(path)) == data
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_file(str(tmp_path / "nothing"))
    try_remove(str(tmp_path / "nothing"))


@posix
@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_not_a_regular_file_is_a_defect(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "path"
    (tmp_path / "target").write_bytes(b"secret")
    if kind == "link":
        path.symlink_to(tmp_path / "target")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(Defect):
        read_file(str(path))


@posix
def test_a_folder_behind_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "local").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="it is a link"):
        refuse_links(str(tmp_path / "root"), str(tmp_path / "root" / "local" / "tmp"))


def test_folders_are_made_with_their_parents(tmp_path: Path) -> None:
    make_folder(str(tmp_path / "a" / "b" / "c"))
    make_folder(str(tmp_path / "a" / "b" / "c"))
    assert (tmp_path / "a" / "b" / "c").is_dir()


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        write_whole(str(tmp_path / "no" / "such" / "folder"), b"data", str(tmp_path))
    assert list(tmp_path.iterdir()) == []
