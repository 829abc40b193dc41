"""init, in real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest
from clones import LINE, Clone
from many import add, make_entry
from stores import OLD

from cachy.errors import CachyError, ConfigError
from cachy.store.layout import MANIFEST
from cachy.upkeep.git import Repo
from cachy.upkeep.init import init


def test_init_once(clone: Clone) -> None:
    attributes = clone.write(".gitattributes", "*.png binary")
    done = init(str(clone.root))
    assert (clone.root / "manifest.json").read_bytes() == MANIFEST
    assert attributes.read_text() == f"*.png binary\n{LINE}\n"
    assert len(done.created) == 3
    assert "cachy init --git" in done.suggestions[0]
    again = init(str(clone.root))
    assert (again.created, len(again.unchanged), again.warnings) == ([], 3, [])
    assert attributes.read_text().count(LINE) == 1
    assert sorted(clone.git("status", "--porcelain", "-uall").split()[1::2]) == [
        ".cachy/dictionary",
        ".cachy/manifest.json",
        ".gitattributes",
    ]


def test_init_keeps_line_ends(clone: Clone) -> None:
    attributes = clone.write(".gitattributes", "*.png binary\r\n")
    init(str(clone.root))
    assert attributes.read_bytes() == f"*.png binary\r\n{LINE}\r\n".encode()


@pytest.mark.parametrize("folder", ["sub", "my notes/x", "[a]*", "ünï", '"q"', "#1", "!not"])
def test_init_anywhere_in_a_repository(clone: Clone, folder: str) -> None:
    """The line means the store, whatever its folder is called."""
    root = clone.top / folder / ".cachy"
    init(str(root))
    init(str(root))
    repo = Repo.around(str(root))
    assert repo is not None
    assert repo.prefix == f"{folder}/.cachy"
    path = f"{folder}/.cachy/ab/x.entry"
    assert repo.attributes(path) == {
        "text": "unset", "merge": "unset", "filter": "unset", "diff": "cachy",
        "linguist-generated": "set",
    }  # fmt: skip
    assert len((clone.top / ".gitattributes").read_bytes().splitlines()) == 1


def test_init_restores_a_manifest(clone: Clone) -> None:
    clone.root.mkdir()
    manifest = clone.root / "manifest.json"
    for text in ("<<<<<<<", "[]", ""):
        manifest.write_text(text)
        init(str(clone.root))
        assert manifest.read_bytes() == MANIFEST
    manifest.write_text('{"format": "cachy", "version": 2}')
    with pytest.raises(ConfigError, match="format 2"):
        init(str(clone.root))


def test_init_without_git(tmp_path: Path) -> None:
    root = tmp_path / ".cachy"
    assert len(init(str(root)).created) == 2
    for option in ("git", "hook"):
        with pytest.raises(ConfigError, match="git init"):
            init(str(root), **{option: True})


def test_init_writes_through_no_link(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "rc").write_text("mine")
    (clone.top / ".gitattributes").symlink_to(tmp_path / "rc")
    with pytest.raises(CachyError, match="gitattributes"):
        init(str(clone.root))
    assert (tmp_path / "rc").read_text() == "mine"


def test_git_diff_reads_as_text(clone: Clone) -> None:
    path = add(clone.root, make_entry(1, answer="Scattering"), OLD)
    done = init(str(clone.root), git=True)
    assert done.suggestions == []
    assert "git diff" in done.created[-1]
    assert "cat --text" in clone.git("config", "diff.cachy.textconv")
    assert clone.git("config", "diff.cachy.cachetextconv").strip() == "true"
    assert init(str(clone.root), git=True).unchanged[-1].startswith("git diff")
    assert init(str(clone.root)).suggestions == []
    assert clone.git("check-attr", "diff", path.relative_to(clone.top).as_posix())


def test_an_older_clone_gets_the_cache_of_texts(clone: Clone) -> None:
    clone.git("config", "diff.cachy.textconv", "cachy cat --text")
    assert "git diff" in init(str(clone.root), git=True).created[-1]
    assert clone.git("config", "diff.cachy.cachetextconv").strip() == "true"


def test_the_second_diff_calls_cachy_for_nothing(clone: Clone) -> None:
    """git keeps the texts, until `cachy init --git` makes it forget them."""
    init(str(clone.root), git=True)
    add(clone.root, make_entry(1, answer="Scattering"), OLD)
    clone.commit()
    calls = clone.top / "calls"
    count = f'sh -c \'echo >> "{calls}"; cat "$1" | wc -c\' -'
    clone.git("config", "diff.cachy.textconv", count)
    clone.git("show")
    first = calls.read_text()
    clone.git("show")
    assert calls.read_text() == first != ""
    assert clone.git("for-each-ref", "refs/notes/textconv")
    init(str(clone.root), git=True)
    assert clone.git("for-each-ref", "refs/notes/textconv") == ""
    assert "Scattering" in clone.git("show")
