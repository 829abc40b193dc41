"""Push, pull and clear: many entries at a time, on a real server."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from chaos import Chaos
from many import add, make_entry
from servers import Web
from stores import NOW, OLD, add_session, key_of

from cachy import CachyError, ConfigError
from cachy.remote.address import Address, parse
from cachy.remote.fetched import files
from cachy.remote.objects import place_of
from cachy.store.folder import DirStore
from cachy.upkeep.remote import Wanted, clear, pull, push, target, tell_run, used


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("CACHY_REMOTE", "CACHY_PUSH"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "one" / ".cachy").mkdir(parents=True)
    return tmp_path / "one" / ".cachy"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    (tmp_path / "two").mkdir()
    return tmp_path / "two" / ".cachy"


@pytest.fixture
def share(tmp_path: Path) -> Address:
    (tmp_path / "share").mkdir()
    return parse(tmp_path / "share" / ".cachy")


def got(root: Path, path: Path) -> Any:
    return DirStore(root).get(key_of(path), lambda *_: None)


def test_there_and_back(root: Path, other: Path, share: Address) -> None:
    paths = [add(root, make_entry(number), OLD) for number in range(20)]
    assert push(str(root), share, dry_run=True).done == 20
    assert not Path(share.place).exists()
    seen: list[tuple[int, int]] = []
    done = push(str(root), share, progress=lambda *each: seen.append(each))
    assert (done.done, done.there, done.code) == (20, 0, 0)
    assert done.bytes == sum(path.stat().st_size for path in paths)
    assert seen[-1] == (20, 20)
    again = push(str(root), share)
    assert (again.done, again.there) == (0, 20)
    assert pull(str(other), share, dry_run=True).done == 20
    assert not other.exists()
    done = pull(str(other), share)
    assert (done.done, done.there, done.code) == (20, 0, 0)
    assert all(got(other, path) for path in paths)
    assert DirStore(other).names() == []
    assert pull(str(other), share).there == 20
    assert pull(str(root), share).there == 20


def test_what_stays_on_this_machine_stays(root: Path, share: Address) -> None:
    path = add(root, make_entry(1), OLD)
    private = root / "local" / "entries" / path.parent.name / path.name
    private.parent.mkdir(parents=True)
    path.rename(private)
    add_session(root, private, by="a.py")
    done = push(str(root), share)
    assert (done.done, done.there) == (0, 0)
    for stored in Path(share.place).rglob("*"):
        assert key_of(private) not in stored.name
        assert stored.is_dir() or key_of(private).encode() not in stored.read_bytes()


def test_the_newest_of_a_key_is_sent_and_replaces_when_asked(root: Path, share: Address) -> None:
    add(root, make_entry(1), OLD)
    push(str(root), share)
    newer = add(root, make_entry(1, again=1), NOW)
    assert push(str(root), share).there == 1
    assert push(str(root), share, replace=True).done == 1
    assert push(str(root), share, replace=True).there == 1
    assert (Path(share.place) / newer.parent.name / newer.name).exists()


def test_what_is_broken_is_not_sent(root: Path, share: Address) -> None:
    good, bad = add(root, make_entry(1), OLD), add(root, make_entry(2), OLD)
    bad.write_bytes(bad.read_bytes()[:-3])
    done = push(str(root), share)
    assert (done.done, done.code) == (1, 1)
    (said,) = done.broken
    assert said.startswith(key_of(bad)[:8])
    assert not (Path(share.place) / bad.parent.name / bad.name).exists()
    assert (Path(share.place) / good.parent.name / good.name).exists()


def test_what_is_broken_there_is_not_kept(root: Path, other: Path, web: Web) -> None:
    path = add(root, make_entry(1), OLD)
    add_session(root, path, by="a.py")
    push(str(root), parse(web.url))
    web.files["/team/" + place_of(key_of(path))] += b"x"
    done = pull(str(other), parse(web.url), Wanted(notebook=str(other.parent / "a.py")))
    assert (done.done, done.code, len(done.broken)) == (0, 1, 1)
    assert got(other, path) is None


@pytest.fixture
def web() -> Any:
    with Web() as server:
        yield server


def test_a_notebook_on_an_empty_machine(
    root: Path, other: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = parse(web.url)
    mine, others = add(root, make_entry(1), OLD), add(root, make_entry(2), OLD)
    add_session(root, mine, by="notebooks/a.ipynb")
    add_session(root, others, by="b.py")
    assert push(str(root), address).runs == 2
    assert push(str(root), address).runs == 0  # nothing new
    monkeypatch.chdir(other.parent)
    done = pull(str(other), address, Wanted(notebook="notebooks/a.ipynb"))
    assert (done.done, done.absent) == (1, 0)
    assert [file.key for file in files(str(other))] == [key_of(mine)]
    with pytest.raises(CachyError, match=r"does not know what 'c\.py' uses: `cachy push` tells"):
        pull(str(other), address, Wanted(notebook="c.py"))
    with pytest.raises(CachyError, match="cannot be listed: name what is wanted, with --notebook"):
        pull(str(other), address)


def test_only_what_a_notebook_used_is_pushed(
    root: Path, share: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, _ = add(root, make_entry(1), OLD), add(root, make_entry(2), OLD)
    add_session(root, mine, by="a.py")
    monkeypatch.chdir(root.parent)
    assert push(str(root), share, Wanted(notebook="a.py")).done == 1
    with pytest.raises(ConfigError, match=r"does not have 'c\.py', only a\.py: run it once"):
        push(str(root), share, Wanted(notebook="c.py"))


def test_what_a_run_used(root: Path, share: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = add(root, make_entry(1), OLD), add(root, make_entry(2), OLD)
    add_session(root, first, by="a.py", run="r1")
    add_session(root, second, by="b.py", run="r1")
    from cachy.store import journal

    own = journal.Note("r1", "$ pytest -q", "r1", NOW, NOW + 1, 0, 0, 0, 0.0, (), 0)
    journal.write(str(root), own)
    (run,) = used(str(root), Wanted(run="pytest -q"))
    assert set(run.keys) == {key_of(first), key_of(second)}
    assert tell_run(str(root), "pytest -q") == ""  # nobody pushes
    monkeypatch.setenv("CACHY_REMOTE", share.place)
    monkeypatch.setenv("CACHY_PUSH", "1")
    assert tell_run(str(root), "pytest -q") == ""
    push(str(root), share)
    fresh = root.parent.parent / "three" / ".cachy"
    assert pull(str(fresh), share, Wanted(run="pytest -q")).done == 2


def test_which_remote(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="no remote is set: give --remote URL, or set CACHY_REM"):
        target(str(root))
    (root.parent / "pyproject.toml").write_text('[tool.cachy]\nremote = "redis://host"\n')
    assert target(str(root)).label == "redis://host"
    with pytest.raises(ConfigError, match="is named by a file of the repository alone"):
        target(str(root), pushes=True)
    assert target(str(root), "redis://other", pushes=True).label == "redis://other"
    monkeypatch.setenv("CACHY_REMOTE", "redis://mine")
    assert target(str(root), pushes=True).label == "redis://mine"


@pytest.mark.parametrize("illness", ["refuse", "503", "reset"])
def test_a_remote_that_is_ill_is_given_up(root: Path, web: Web, illness: str) -> None:
    for number in range(40):
        add(root, make_entry(number), OLD)
    with Chaos(web.port) as chaos:
        chaos.illness = illness
        with pytest.raises(CachyError, match="is given up: "):
            push(str(root), parse(web.at(chaos.port)))


def test_a_remote_that_takes_nothing(root: Path, web: Web) -> None:
    add(root, make_entry(1), OLD)
    web.writes = False
    with pytest.raises(CachyError, match="refuses: the server answers 405"):
        push(str(root), parse(web.url))


def test_clear(root: Path, share: Address) -> None:
    for number in range(4):
        add(root, make_entry(number), OLD)
    push(str(root), share)
    stored = sorted(Path(share.place).glob("??/*.entry"))
    old = time.time() - 100 * 86400
    os.utime(stored[0], (old, old))
    dry = clear(share, 90 * 86400, dry_run=True)
    assert (dry.done, dry.there) == (1, 3)
    assert stored[0].exists()
    assert clear(share, 90 * 86400).done == 1
    assert sorted(Path(share.place).glob("??/*.entry")) == stored[1:]
