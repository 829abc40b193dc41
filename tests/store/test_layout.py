"""Every path below `.cachy`, in one place."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cachy.store import layout


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (layout.manifest, "manifest.json"),
        (layout.gitignore, ".gitignore"),
        (layout.local, "local"),
        (layout.local_entries, "local/entries"),
        (layout.tmp, "local/tmp"),
        (layout.sessions, "local/sessions"),
        (layout.trash, "local/trash"),
        (layout.gc_lock, "local/gc.lock"),
    ],
)
def test_paths(path: object, expected: str) -> None:
    assert callable(path)
    assert Path(path("root")) == Path("root", *expected.split("/"))


def test_local_is_ignored_by_git_and_says_so(tmp_path: Path) -> None:
    root = str(tmp_path / ".cachy")
    assert not layout.is_local_ignored(root)
    layout.make_local(root)
    layout.make_local(root)
    assert layout.is_local_ignored(root)
    assert sorted(os.listdir(root)) == [".gitignore", "local"]


def test_the_manifest_is_json_that_describes_the_store() -> None:
    manifest = json.loads(layout.MANIFEST)
    assert (manifest["format"], manifest["version"]) == ("cachy", 1)


def test_no_store_above_a_repository_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stray one in the home folder would take the recordings of every project."""
    project = tmp_path / "project"
    inner = project / "notebooks"
    inner.mkdir(parents=True)
    (tmp_path / ".cachy").mkdir()
    monkeypatch.chdir(inner)
    assert layout.find_root() == str(tmp_path / ".cachy")
    (project / ".git").write_text("gitdir: elsewhere")  # a submodule or worktree has a file
    assert layout.find_root() == str(project / ".cachy")
    (inner / "pyproject.toml").touch()
    assert layout.find_root() == str(inner / ".cachy")
    (project / ".cachy").mkdir()
    assert layout.find_root() == str(project / ".cachy")


def test_a_path_is_shown_from_here_where_that_is_shorter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert layout.short_path(str(tmp_path / "a")) == "a"
    assert layout.short_path("<dict>") == "<dict>"
    assert layout.show_path("a\udcff") == "a\ufffd"
