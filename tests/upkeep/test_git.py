"""init, check and diff: in real repositories."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from many import add, make_entry

from cachy.errors import CachyError, ConfigError
from cachy.store.entry import Entry
from cachy.store.folder import FILE_LIMIT
from cachy.store.layout import MANIFEST
from cachy.store.names import key_in
from cachy.upkeep import check, index
from cachy.upkeep import diff as compare
from cachy.upkeep import gc as collect
from cachy.upkeep.git import Repo
from cachy.upkeep.init import HOOK, init

LINE = ".cachy/** -text -merge -filter diff=cachy linguist-generated"
OLD = 1_750_000_000


class Clone:
    """A work tree, and git in it."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.root = top / ".cachy"

    def git(self, *arguments: str) -> str:
        found = subprocess.run(
            ["git", "-C", self.top, *arguments], capture_output=True, text=True, check=True
        )
        return found.stdout

    def commit(self, message: str = "change") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--no-verify", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def write(self, name: str, text: str) -> Path:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, newline="")
        return path


@pytest.fixture(autouse=True)
def personal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's own settings."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.com")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    made = Clone(tmp_path / "a räpo [1]")
    subprocess.run(["git", "init", "-q", "-b", "main", made.top], check=True)
    return made


def clean(entry: Entry) -> list[str]:
    return []


def kinds(diff: compare.Diff) -> list[tuple[str, str]]:
    return [(change.kind, change.row.key) for change in diff.changes]


def key_of(path: Path) -> str:
    return key_in(path.name)


# ---- init ----


def test_init_once(clone: Clone) -> None:
    attributes = clone.write(".gitattributes", "*.png binary")
    done = init(str(clone.root))
    assert (clone.root / "manifest.json").read_bytes() == MANIFEST
    assert attributes.read_text() == f"*.png binary\n{LINE}\n"
    assert len(done.made) == 2
    assert "cachy init --git" in done.offers[0]
    again = init(str(clone.root))
    assert (again.made, len(again.kept), again.warnings) == ([], 2, [])
    assert attributes.read_text().count(LINE) == 1
    assert sorted(clone.git("status", "--porcelain", "-uall").split()[1::2]) == [
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
    assert len(init(str(root)).made) == 1
    for option in ("git", "hook"):
        with pytest.raises(ConfigError, match="git init"):
            init(str(root), **{option: True})


def test_a_rule_that_would_damage_entries(clone: Clone) -> None:
    add(clone.root, make_entry(1), OLD)
    clone.write(".gitattributes", f"{LINE}\n* text\n")
    assert "'text'" in init(str(clone.root)).warnings[0]
    assert check.fsck(str(clone.root)).rule == "text"
    clone.write(".gitattributes", f"* text\n*.entry filter=lfs\n{LINE}\n")
    assert check.fsck(str(clone.root)).sound
    clone.write(".gitattributes", "*.entry filter=lfs diff=lfs -text\n")
    assert check.fsck(str(clone.root)).rule == "filter=lfs"


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("eol=crlf", "eol=crlf"),
        ("crlf", "crlf"),
        ("crlf=input", "crlf=input"),
        ("-text eol=lf", ""),
        ("-crlf eol=lf", ""),
        ("text=auto eol=crlf", ""),
        ("-text ident", "ident"),
        ("working-tree-encoding=UTF-16", "working-tree-encoding=UTF-16"),
    ],
)
def test_rules_by_other_names(clone: Clone, line: str, rule: str) -> None:
    add(clone.root, make_entry(1), OLD)
    clone.write(".gitattributes", f"* {line}\n")
    assert check.attribute_rule(str(clone.root)) == rule


def test_what_git_has_sound_is_not_moved(clone: Clone) -> None:
    path = add(clone.root, make_entry(1), OLD)
    clone.git("add", "-A")
    clone.git("commit", "-qm", "1")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + b"!")
    os.utime(path, (OLD, OLD))
    assert collect.plan(str(clone.root), collect.Policy()).doomed == []
    report = check.fsck(str(clone.root), repair=True)
    assert f"git checkout -- {shlex.quote(str(path))}" in report.flaws[0].what
    assert report.moved == []
    clone.git("checkout", "--", str(path))
    assert check.fsck(str(clone.root)).sound


def test_git_diff_reads_as_text(clone: Clone) -> None:
    path = add(clone.root, make_entry(1, answer="Scattering"), OLD)
    done = init(str(clone.root), git=True)
    assert done.offers == []
    assert "cachy cat --text" in clone.git("config", "diff.cachy.textconv")
    assert init(str(clone.root), git=True).kept[-1].startswith("git diff")
    assert clone.git("check-attr", "diff", path.relative_to(clone.top).as_posix())


def test_hook(clone: Clone) -> None:
    init(str(clone.root), hook=True)
    hook = clone.top / ".git" / "hooks" / "pre-commit"
    assert hook.read_text() == f"#!/bin/sh\n{HOOK}\n"
    assert os.access(hook, os.X_OK)
    hook.write_text("#!/usr/bin/env bash\nset -e\nexec lint\n")
    for _ in range(2):
        init(str(clone.root), hook=True)
        assert hook.read_text() == f"#!/usr/bin/env bash\n{HOOK}\nset -e\nexec lint\n"
    hook.write_text("#!/usr/bin/env python3\n")
    with pytest.raises(CachyError, match="call `cachy check"):
        init(str(clone.root), hook=True)


# ---- check ----


def test_check_of_the_index(clone: Clone) -> None:
    """What is staged counts, not what lies in the work tree."""
    init(str(clone.root))
    sound = add(clone.root, make_entry(1), OLD)
    clone.git("add", "-A")
    sound.write_bytes(b"damaged later")
    add(clone.root, make_entry(2), OLD).write_bytes(b"not staged")
    report = check.check(str(clone.root), secrets=clean)
    assert (report.checked, report.flaws) == (2, [])


def test_check_finds(clone: Clone) -> None:
    broken = add(clone.root, make_entry(1), OLD)
    broken.write_bytes(b"\0")
    large = add(clone.root, make_entry(2), OLD)
    large.write_bytes(bytes(FILE_LIMIT + 1))
    secret = add(clone.root, make_entry(3, prompt="key"), OLD)
    add(clone.root, make_entry(4), OLD)
    stray = clone.write(".cachy/notes.txt", "mine")
    manifest = clone.write(".cachy/manifest.json", "{}")
    local = clone.write(".cachy/local/sessions/1.jsonl", "")
    clone.git("add", "-f", "-A")

    def finder(entry: Entry) -> list[str]:
        prompt = entry.head["request"]["body"]["messages"][1]["content"]
        return ["an OpenAI key", "an OpenAI key"] * (prompt == "key")

    report = check.check(str(clone.root), secrets=finder)
    flaws = {flaw.path: flaw.what for flaw in report.flaws}
    assert flaws.keys() == {str(p) for p in (broken, large, secret, stray, manifest, local)}
    assert "over the limit" in flaws[str(large)]
    assert flaws[str(secret)] == "it holds what looks like an OpenAI key"
    assert report.checked == 7


def test_check_of_what_is_staged(clone: Clone) -> None:
    broken = add(clone.root, make_entry(1), OLD)
    broken.write_bytes(b"\0")
    clone.git("add", "-A")
    staged = check.check(str(clone.root), staged=True, secrets=clean)  # no commit yet
    assert [flaw.path for flaw in staged.flaws] == [str(broken)]
    clone.commit()
    add(clone.root, make_entry(2), OLD)
    clone.git("add", "-A")
    assert check.check(str(clone.root), staged=True, secrets=clean) == (1, [])
    broken.unlink()
    clone.git("add", "-A")
    assert check.check(str(clone.root), staged=True, secrets=clean) == (1, [])


def test_check_of_every_store_with_staged_files(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("a", "b/ü"):
        add(clone.top / folder / ".cachy", make_entry(1), OLD)
    clone.commit()
    bad = clone.write("b/ü/.cachy/notes.txt", "x")
    add(clone.top / "new" / ".cachy", make_entry(2), OLD)
    clone.git("add", "-A")
    (clone.top / "a" / "deep").mkdir()
    for place in ("", "a/deep", "b/ü"):
        monkeypatch.chdir(clone.top / place)
        report = check.check_staged(secrets=clean)
        assert (report.checked, [flaw.path for flaw in report.flaws]) == (2, [str(bad)])
    clone.git("rm", "-rq", "--cached", "a")
    clone.git("reset", "-q", "--", "b", "new")
    assert check.check_staged(secrets=clean) == check.Checked(0, [])


def test_init_writes_through_no_link(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "rc").write_text("mine")
    (clone.top / ".gitattributes").symlink_to(tmp_path / "rc")
    with pytest.raises(CachyError, match="gitattributes"):
        init(str(clone.root))
    assert (tmp_path / "rc").read_text() == "mine"


def test_check_without_git(tmp_path: Path) -> None:
    root = tmp_path / ".cachy"
    add(root, make_entry(1), OLD)
    add(root, make_entry(2), OLD).write_bytes(b"")
    report = check.check(str(root), secrets=clean)
    assert (report.checked, len(report.flaws)) == (2, 1)
    with pytest.raises(CachyError, match="no git repository"):
        check.check(str(root), staged=True, secrets=clean)


def test_git_started_from_a_hook(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook's environment names the repository relative to where git started it."""
    root = clone.top / "sub" / ".cachy"
    add(root, make_entry(1), OLD)
    clone.git("add", "-A")
    monkeypatch.chdir(clone.top)
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    assert check.check(str(root), staged=True, secrets=clean) == (1, [])


# ---- diff ----


def test_diff_against_the_work_tree(clone: Clone) -> None:
    kept = add(clone.root, make_entry(1), OLD)
    gone = add(clone.root, make_entry(2, prompt="Gone?"), OLD)
    old = add(clone.root, make_entry(3), OLD)
    same = add(clone.root, make_entry(4), OLD)
    clone.commit()
    gone.unlink()
    old.unlink()
    new = add(clone.root, make_entry(3, again=1, answer="Seven."), OLD + 5)
    twin = make_entry(4)
    twin.head["nonce"] = "other"
    add(clone.root, twin, OLD + 5)
    added = add(clone.root, make_entry(5), OLD)
    add(clone.root, make_entry(6), OLD, private=True)
    report = compare.diff(str(clone.root))
    assert sorted(kinds(report)) == sorted(
        [
            ("added", key_of(added)),
            ("removed", key_of(gone)),
            ("re-recorded", key_of(new)),
            ("re-recorded", key_of(same)),
        ]
    )
    by_key = {change.row.key: change for change in report.changes}
    assert by_key[key_of(gone)].row.prompt == "Gone?"
    assert by_key[key_of(new)].answer == "Seven."
    assert not by_key[key_of(new)].same_answer
    assert by_key[key_of(same)].same_answer
    assert report.summary() == "1 added, 1 removed, 2 re-recorded, 1 the same"
    assert kept.exists()


def test_diff_between_revisions(clone: Clone) -> None:
    add(clone.root, make_entry(1), OLD)
    start = clone.commit()
    clone.git("checkout", "-q", "-b", "topic")
    topic = add(clone.root, make_entry(2), OLD)
    clone.commit()
    clone.git("checkout", "-q", "main")
    meanwhile = add(clone.root, make_entry(3), OLD)
    clone.commit()
    root = str(clone.root)
    assert kinds(compare.diff(root, "main...topic")) == [("added", key_of(topic))]
    assert kinds(compare.diff(root, "main..topic")) == [
        ("added", key_of(topic)),
        ("removed", key_of(meanwhile)),
    ]
    assert kinds(compare.diff(root, f"{start}..")) == [("added", key_of(meanwhile))]
    assert kinds(compare.diff(root, f"..{start}")) == [("removed", key_of(meanwhile))]
    assert kinds(compare.diff(root, "topic")) == kinds(compare.diff(root, "topic..main"))
    assert compare.diff(root).changes == []


def test_diff_of_tidied_and_merged_recordings(clone: Clone) -> None:
    older = add(clone.root, make_entry(1), OLD)
    newer = add(clone.root, make_entry(1, again=1), OLD + 1)
    clone.commit()
    older.unlink()
    assert compare.diff(str(clone.root)).summary() == "1 the same, 1 older files gone"
    newer.unlink()
    older.write_bytes(b"damaged")
    report = compare.diff(str(clone.root))
    assert [flaw.path for flaw in report.flaws] == [str(older)]
    assert [change.kind for change in report.changes] == ["re-recorded"]


def test_diff_before_the_first_commit(clone: Clone) -> None:
    path = add(clone.root, make_entry(1), OLD)
    assert kinds(compare.diff(str(clone.root))) == [("added", key_of(path))]


def test_diff_refuses(clone: Clone, tmp_path: Path) -> None:
    clone.commit()
    for revision in ("nowhere", "main..nowhere", "--all", "-x..main", "HEAD:.cachy"):
        with pytest.raises(ConfigError, match="git knows no revision"):
            compare.diff(str(clone.root), revision)
    with pytest.raises(ConfigError, match="in no git repository"):
        compare.diff(str(tmp_path / ".cachy"))
    clone.git("checkout", "-q", "--orphan", "other")
    clone.commit("another beginning")
    with pytest.raises(ConfigError, match="no commit in common"):
        compare.diff(str(clone.root), "main...other")


def test_diff_in_a_sparse_checkout(clone: Clone) -> None:
    """What is not checked out has not been removed."""
    path = add(clone.root, make_entry(1), OLD)
    clone.write("src/a.py", "")
    clone.commit()
    clone.git("sparse-checkout", "set", "src")
    assert not path.exists()
    report = compare.diff(str(clone.root))
    assert (report.changes, report.same) == ([], 1)
    assert index.scan(str(clone.root)).rows == []


def test_markdown(clone: Clone) -> None:
    add(clone.root, make_entry(1, prompt="a | b `c` <d>", answer="*e*"), OLD)
    report = compare.diff(str(clone.root))
    lines = compare.markdown(report).splitlines()
    assert lines[0] == "**cachy** · HEAD → the work tree: 1 added"
    cells = lines[-1].split("|")
    assert len(cells) == 8
    assert cells[1].strip() == "added"
    assert cells[5].strip() == "a &#124; b &#96;c&#96; &#60;d&#62;"
    assert cells[6].strip() == "&#42;e&#42;"
    assert lines[3].count("|") == 7
    assert compare.markdown(report._replace(changes=report.changes * 300)).endswith("100 more\n")
