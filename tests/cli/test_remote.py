"""push, pull, sync, remote check, gc --remote, run --prefetch."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from commands import call, data, python, refused
from many import add, make_entry
from stores import OLD, add_session

from cachy.remote.signatures import public_key
from cachy.trust import check_trust


@pytest.fixture
def share(folder: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A remote that is empty, and a store with two entries."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    (folder / "share").mkdir()
    monkeypatch.setenv("CACHY_REMOTE", str(folder / "share" / ".cachy"))
    paths = [add(root, make_entry(number), OLD) for number in range(2)]
    add_session(root, *paths, by="a.py")
    return folder / "share" / ".cachy"


def test_push_and_pull(share: Path, folder: Path) -> None:
    said = call("push", "--dry-run").stdout
    assert said.startswith("would push 2 recordings (")
    assert said.endswith(f"): {share}\n")
    assert call("push").stdout.startswith("pushed 2 recordings (")
    assert "; 2 already there" in call("push").stdout
    empty = folder / "empty"
    empty.mkdir()
    assert data("pull", "-C", str(empty), "--dry-run")["done"] == 2
    report = data("pull", "-C", str(empty))
    assert report["done"] == 2
    assert report["failed"] == []
    assert "; 2 already here" in call("pull", "-C", str(empty)).stdout
    assert len(list((empty / ".cachy" / "local" / "fetched").rglob("*.entry"))) == 2


def test_sync(share: Path) -> None:
    report = data("sync")
    assert (report["push"]["done"], report["pull"]["there"]) == (2, 2)
    lines = call("sync").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["pushed", "fetched"]


def test_one_notebook(share: Path, folder: Path) -> None:
    call("push")
    assert data("pull", "-C", str(folder / "x"), "--notebook", str(folder / "x" / "a.py"))["done"]
    assert "does not know what" in refused("pull", "--notebook", "b.py", code=1)
    assert "does not have" in refused("push", "--notebook", "b.py")


def test_remote_check(share: Path) -> None:
    said = call("remote", "check").stdout
    assert said.startswith(f"{share}: a look-up takes ")
    assert "  write            ok\n" in said
    assert data("remote", "check")["findings"][0] == {"what": "read", "state": "ok", "said": ""}
    assert "is it mounted" in refused("remote", "check", "--remote", "/absent/x/.cachy", code=1)


def test_no_remote(root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    for command in (["push"], ["pull"], ["sync"], ["remote", "check"]):
        assert "no remote is set: give --remote URL" in refused(*command)
    assert "is no remote: give s3://" in refused("pull", "--remote", "bucket/prefix")


def test_gc_of_the_remote(share: Path) -> None:
    call("push")
    assert "takes --older-than AGE" in refused("gc", "--remote")
    assert "takes --older-than AGE" in refused("gc", "--remote", "--older-than", "1d", "--unused")
    assert data("gc", "--remote", "--older-than", "1d", "--yes")["done"] == 0
    said = call("gc", "--remote", "--older-than", "0", "--dry-run").stdout
    assert said.startswith("would remove ")
    call("gc", "--remote", "--older-than", "0", answer="n\n", code=1)
    assert list(share.rglob("??/*.entry"))
    call("gc", "--remote", "--older-than", "0", answer="y\n")
    assert not list(share.rglob("??/*.entry"))


RUN = """
import httpx
from cachy import enable_cachy
def answer(request): return httpx.Response(200, json={})
session = enable_cachy(fakes=True)
with httpx.Client(transport=httpx.MockTransport(answer)) as client:
    for number in range(3):
        client.post("https://api.openai.com/v1/chat/completions", json={"n": number})
"""


def test_a_run_fetches_beforehand_what_another_machine_used(
    share: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("run", "--prefetch", "--", sys.executable, "-c", RUN)
    for name in ("one", "two"):
        (folder / name / ".git").mkdir(parents=True)
    monkeypatch.setenv("CACHY_PUSH", "1")
    first = python(*command, cwd=folder / "one")
    assert first.returncode == 0, first.stderr
    assert "nothing is fetched beforehand: the remote does not know" in first.stderr
    monkeypatch.delenv("CACHY_PUSH")
    monkeypatch.setenv("CACHY_MODE", "replay")
    second = python(*command, cwd=folder / "two")
    assert second.returncode == 0, second.stderr
    assert "cachy: fetched 3 recordings, 0 were here" in second.stderr
    assert "3 hits, 0 misses" in second.stderr
    local = folder / "two" / ".cachy" / "local"
    assert len(list((local / "fetched").rglob("*.entry"))) == 3


def test_keygen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = call("remote", "keygen", "team.pem").stdout.strip()
    assert check_trust([key]) == (key,)
    assert public_key("team.pem") == key
    assert "is there already" in refused("remote", "keygen", "team.pem")


def test_signed_push_and_pull(
    share: Path, root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHY_TRUST", call("remote", "keygen", "team.pem").stdout)
    call("push")
    assert "keeps no signatures" in refused("pull", code=1)
    monkeypatch.setenv("CACHY_SIGN", "nothing.pem")
    assert "CACHY_SIGN=nothing.pem cannot be read" in refused("push", code=1)
    monkeypatch.setenv("CACHY_TRUST", "ed25519:x")
    assert "CACHY_TRUST holds 'ed25519:x'" in refused("pull")
