"""What cachy asks of git, in real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest
from clones import Clone
from many import add, make_entry
from stores import OLD

from cachy.errors import CachyError, ConfigError
from cachy.upkeep import git
from cachy.upkeep.check import check
from cachy.upkeep.git import Repo, Staged


@pytest.fixture
def repo(clone: Clone) -> Repo:
    return around(clone.root)


def around(root: Path) -> Repo:
    repo = Repo.around(str(root))
    assert repo is not None
    return repo


def test_the_repository_of_a_store(clone: Clone, repo: Repo, tmp_path: Path) -> None:
    assert (repo.top, repo.prefix) == (str(clone.top.resolve()), ".cachy")
    (clone.top / "ü").mkdir()
    assert around(clone.top / "ü" / ".cachy").prefix == "ü/.cachy"
    assert repo.path_of("ü/a") == str(clone.top.resolve() / "ü" / "a")
    assert Repo.around(str(tmp_path / ".cachy")) is None
    assert Repo.around(str(tmp_path / "absent" / ".cachy")) is None


def test_no_repository_without_git(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(git, "_run", absent)
    assert Repo.around(str(clone.root)) is None


def test_revisions(clone: Clone, repo: Repo) -> None:
    assert not repo.has_commits()
    first = clone.commit()
    assert repo.has_commits()
    second = clone.commit()
    assert repo.commit("HEAD") == second
    assert repo.commit("HEAD~1") == repo.merge_base(first, second) == first
    for revision in ("nowhere", "--all", ""):
        with pytest.raises(ConfigError, match="git does not know the revision"):
            repo.commit(revision)
    clone.git("checkout", "-q", "--orphan", "other")
    with pytest.raises(ConfigError, match="no commit in common"):
        repo.merge_base(first, clone.commit("another beginning"))


def test_files_of_a_commit_and_of_the_index(clone: Clone, repo: Repo) -> None:
    """Whatever their names; and only those of the store."""
    clone.write("other.txt", "")
    clone.write(".cachy/a b\n\tü", "one")
    tree = repo.tree(clone.commit())
    clone.write(".cachy/new", "two")
    assert repo.staged() == [Staged(path, blob) for path, blob in tree.items()]
    assert list(tree) == [".cachy/a b\n\tü"]
    assert repo.staged(changed=True) == []
    clone.git("add", "-A")
    (added,) = repo.staged(changed=True)
    assert added.path == ".cachy/new"
    assert len(repo.staged()) == 2
    assert list(repo.blobs([added.blob, *tree.values()])) == [b"two", b"one"]
    assert list(repo.blobs([])) == []


def test_all_stores_with_staged_files(clone: Clone, repo: Repo) -> None:
    for name in ("a/.cachy/x", "b/ü/.cachy/x", "c/x"):
        clone.write(name, "")
    clone.git("add", "-A")
    top = clone.top.resolve()
    stores = [str(top / "a" / ".cachy"), str(top / "b" / "ü" / ".cachy")]
    assert repo.stores_staged() == stores  # before the first commit
    clone.commit()
    assert repo.stores_staged() == []


def test_a_missing_object(repo: Repo) -> None:
    with pytest.raises(CachyError, match=r"git object 0{40} is missing"):
        list(repo.blobs(["0" * 40]))


def test_a_sparse_checkout(clone: Clone, repo: Repo) -> None:
    path = add(clone.root, make_entry(1), OLD)
    clone.write("src/a.py", "")
    clone.commit()
    assert repo.not_checked_out() == set()
    clone.git("sparse-checkout", "set", "src")
    assert repo.not_checked_out() == {path.relative_to(clone.top).as_posix()}


def test_settings_attributes_and_hooks(clone: Clone, repo: Repo) -> None:
    assert repo.config("diff.cachy.textconv") == ""
    repo.configure("diff.cachy.textconv", "cat 'x'")
    assert repo.config("diff.cachy.textconv") == "cat 'x'"
    clone.write(".gitattributes", ".cachy/** -text diff=cachy\n")
    assert repo.attributes(".cachy/x") == {"text": "unset", "diff": "cachy"}
    assert Path(repo.hook("pre-commit")) == clone.top.resolve() / ".git/hooks/pre-commit"


def test_a_failure_of_git_says_which_command_and_why(repo: Repo) -> None:
    with pytest.raises(CachyError, match=r"`git ls-tree` failed in .*: .*no-such-commit"):
        repo.tree("no-such-commit")


def test_git_started_from_a_hook(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook's environment names the repository relative to where git started it."""
    root = clone.top / "sub" / ".cachy"
    path = add(root, make_entry(1), OLD)
    clone.git("add", "-A")
    monkeypatch.chdir(clone.top)
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    repo = around(root)
    (staged,) = repo.staged(changed=True)
    assert list(repo.blobs([staged.blob])) == [path.read_bytes()]
    assert check(str(root), staged=True, secrets=lambda entry: []) == (1, [])
