"""fsck of damaged stores, and check in real repositories."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import zstandard
from clones import LINE, Clone
from many import add, make_entry
from stores import NOW, OLD, collected, key_of, keys

from cachy.errors import CachyError
from cachy.store.entry import FILE_LIMIT, Entry, dumps, plain
from cachy.store.folder import DirStore
from cachy.store.layout import MANIFEST, shared_files
from cachy.store.names import name_of, seal
from cachy.upkeep import gc
from cachy.upkeep.check import CheckReport, check, check_staged, fsck
from cachy.upkeep.gc import Policy
from cachy.upkeep.git import attribute_rule
from cachy.upkeep.index import scan
from cachy.upkeep.init import init

# ---- fsck ----


def test_fsck_of_a_sound_store(root: Path) -> None:
    add(root, make_entry(1), OLD)
    add(root, make_entry(2), OLD, private=True)
    (root / "manifest.json").write_bytes(MANIFEST)
    scan(str(root))
    report = fsck(str(root))
    assert report.sound
    assert (report.checked, report.strays) == (2, [])


def test_fsck_of_the_files_that_init_writes(root: Path) -> None:
    """They may be missing, and what is changed is named and left alone."""
    add(root, make_entry(1), OLD)
    for name, data in shared_files().items():
        (root / name).write_bytes(data)
    assert fsck(str(root)).sound
    for name in shared_files():
        (root / name).write_bytes(b"changed")
    report = fsck(str(root), repair=True)
    assert {flaw.path for flaw in report.flaws} == {str(root / name) for name in shared_files()}
    assert all("cachy init" in flaw.what for flaw in report.flaws)
    assert not report.moved
    for name in shared_files():
        (root / name).unlink()
    assert fsck(str(root)).sound


def test_fsck_leaves_what_a_newer_cachy_made(root: Path) -> None:
    """An entry with a dictionary that is not known here, also where it states no size."""
    entry = make_entry(1)
    samples: list[Any] = [b"%d words that come again " % number * 9 for number in range(300)]
    other = zstandard.train_dictionary(4096, samples, dict_id=51_000)
    paths = []
    for sized in (True, False):
        compressor = zstandard.ZstdCompressor(dict_data=other, write_content_size=sized)
        frame = compressor.compress(plain(entry))
        name = name_of(entry.head["key"], OLD, frame)
        paths.append(root / name[:2] / f"{name}.entry")
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        paths[-1].write_bytes(seal(name, frame))
    report = fsck(str(root), repair=True)
    assert {flaw.path for flaw in report.flaws} == set(map(str, paths))
    assert all("update cachy-store" in flaw.what for flaw in report.flaws)
    assert not report.moved
    assert all(path.exists() for path in paths)


def test_fsck_finds_damage_that_the_index_does_not_know(root: Path) -> None:
    """Every kind, and repair moves what its own bytes prove broken; nothing else."""
    sound = add(root, make_entry(0), OLD)
    flipped, cut, empty, link, folder = (add(root, make_entry(n), OLD) for n in range(1, 6))
    scan(str(root))
    data = bytearray(flipped.read_bytes())
    data[60] ^= 1
    flipped.write_bytes(data)
    cut.write_bytes(cut.read_bytes()[:-1])
    empty.write_bytes(b"")
    link.unlink()
    link.symlink_to(sound)
    folder.unlink()
    folder.mkdir()
    newer = make_entry(7)
    newer.head["cachy"] = 2
    future = add(root, newer, OLD)
    misplaced = root / "00" / sound.name
    misplaced.parent.mkdir(exist_ok=True)
    misplaced.write_bytes(sound.read_bytes())
    odd = sound.with_name("odd.entry")
    odd.write_bytes(b"")
    (root / "manifest.json").write_text("{}")
    stray = sound.with_name("notes.txt")
    stray.write_text("mine")

    broken = {str(path) for path in (flipped, cut, empty, link, folder, odd)}
    staying = {str(path) for path in (future, misplaced, root / "manifest.json")}
    report = fsck(str(root))
    assert {flaw.path for flaw in report.flaws} == broken | staying
    assert {flaw.path for flaw in report.flaws if flaw.broken} == broken
    assert report.strays == [str(stray)]
    assert not report.moved

    assert set(fsck(str(root), repair=True).moved) == broken
    assert {flaw.path for flaw in fsck(str(root)).flaws} == staying
    assert keys(scan(str(root)).rows) == [key_of(sound)]


def test_fsck_names_lfs_pointers(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    os.utime(path, (OLD, OLD))
    report = fsck(str(root), repair=True)
    assert "git lfs pull" in report.flaws[0].what
    assert report.moved == collected(root, Policy(grace=0)) == []


def test_fsck_beside_writers(root: Path) -> None:
    store = DirStore(root)
    stop = False

    def write() -> None:
        number = 0
        while not stop:
            number += 1
            entry = make_entry(number)
            store.put(entry.head["key"][:32], dumps(entry), NOW)

    writer = Thread(target=write)
    writer.start()
    try:
        reports = [fsck(str(root)) for _ in range(5)]
    finally:
        stop = True
        writer.join()
    assert all(report.sound for report in reports)


def test_what_git_has_sound_is_not_moved(clone: Clone) -> None:
    path = add(clone.root, make_entry(1), OLD)
    clone.git("add", "-A")
    clone.git("commit", "-qm", "1")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + b"!")
    os.utime(path, (OLD, OLD))
    assert gc.plan(str(clone.root), Policy()).removals == []
    report = fsck(str(clone.root), repair=True)
    assert f"git checkout -- {shlex.quote(str(path))}" in report.flaws[0].what
    assert report.moved == []
    clone.git("checkout", "--", str(path))
    assert fsck(str(clone.root)).sound


# ---- Git attributes ----


def test_a_rule_that_would_damage_entries(clone: Clone) -> None:
    add(clone.root, make_entry(1), OLD)
    clone.write(".gitattributes", f"{LINE}\n* text\n")
    assert "'text'" in init(str(clone.root)).warnings[0]
    assert fsck(str(clone.root)).rule == "text"
    clone.write(".gitattributes", f"* text\n*.entry filter=lfs\n{LINE}\n")
    assert fsck(str(clone.root)).sound
    clone.write(".gitattributes", "*.entry filter=lfs diff=lfs -text\n")
    assert fsck(str(clone.root)).rule == "filter=lfs"


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
    assert attribute_rule(str(clone.root)) == rule


# ---- check ----


def clean(entry: Entry) -> list[str]:
    return []


def test_check_of_the_index(clone: Clone) -> None:
    """What is staged counts, not what lies in the work tree."""
    init(str(clone.root))
    sound = add(clone.root, make_entry(1), OLD)
    clone.git("add", "-A")
    sound.write_bytes(b"damaged later")
    add(clone.root, make_entry(2), OLD).write_bytes(b"not staged")
    report = check(str(clone.root), secrets=clean)
    assert (report.checked, report.flaws) == (3, [])  # the entry, the manifest, the dictionary


def test_check_finds(clone: Clone) -> None:
    broken = add(clone.root, make_entry(1), OLD)
    broken.write_bytes(b"\0")
    large = add(clone.root, make_entry(2), OLD)
    large.write_bytes(bytes(FILE_LIMIT + 1))
    secret = add(clone.root, make_entry(3, prompt="key"), OLD)
    add(clone.root, make_entry(4), OLD)
    stray = clone.write(".cachy/notes.txt", "mine")
    manifest = clone.write(".cachy/manifest.json", "{}")
    changed = clone.write(".cachy/dictionary", "{}")
    local = clone.write(".cachy/local/calls.jsonl", "")
    clone.git("add", "-f", "-A")

    def finder(entry: Entry) -> list[str]:
        prompt = entry.head["request"]["body"]["messages"][1]["content"]
        return ["an OpenAI key", "an OpenAI key"] * (prompt == "key")

    report = check(str(clone.root), secrets=finder)
    flaws = {flaw.path: flaw.what for flaw in report.flaws}
    wrong = (broken, large, secret, stray, manifest, changed, local)
    assert flaws.keys() == {str(path) for path in wrong}
    assert "over the limit" in flaws[str(large)]
    assert flaws[str(secret)] == "it contains what looks like an OpenAI key"
    assert report.checked == 8


def test_check_of_what_is_staged(clone: Clone) -> None:
    broken = add(clone.root, make_entry(1), OLD)
    broken.write_bytes(b"\0")
    clone.git("add", "-A")
    staged = check(str(clone.root), staged=True, secrets=clean)  # no commit yet
    assert [flaw.path for flaw in staged.flaws] == [str(broken)]
    clone.commit()
    add(clone.root, make_entry(2), OLD)
    clone.git("add", "-A")
    assert check(str(clone.root), staged=True, secrets=clean) == (1, [])
    broken.unlink()
    clone.git("add", "-A")
    assert check(str(clone.root), staged=True, secrets=clean) == (1, [])


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
        report = check_staged(secrets=clean)
        assert (report.checked, [flaw.path for flaw in report.flaws]) == (2, [str(bad)])
    clone.git("rm", "-rq", "--cached", "a")
    clone.git("reset", "-q", "--", "b", "new")
    assert check_staged(secrets=clean) == CheckReport(0, [])


def test_check_without_git(tmp_path: Path) -> None:
    root = tmp_path / ".cachy"
    add(root, make_entry(1), OLD)
    add(root, make_entry(2), OLD).write_bytes(b"")
    report = check(str(root), secrets=clean)
    assert (report.checked, len(report.flaws)) == (2, 1)
    with pytest.raises(CachyError, match="not in a git repository"):
        check(str(root), staged=True, secrets=clean)
