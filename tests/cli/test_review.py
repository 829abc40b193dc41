"""diff and check."""

from __future__ import annotations

import subprocess
from pathlib import Path

from commands import call, data, refused
from many import add, make_entry
from pull_request import make
from stores import OLD, key_of


def test_init_check_and_diff(root: Path, folder: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "main"], check=True)
    said = call("init")
    assert "created " in said.stdout
    assert "`cachy init --git`" in said.stdout
    path = add(root, make_entry(1, answer="Blue."), OLD)
    assert call("check").stdout.startswith("0 files of")
    subprocess.run(["git", "add", "-A"], check=True)
    assert call("check").stdout.startswith("3 files of")
    assert call("check", "--staged").stdout == ""
    assert f"+  {key_of(path)[:10]}  gpt-4o" in call("diff").stdout
    assert call("diff", "--markdown").stdout.startswith("**cachy** · HEAD → the work tree: 1 added")
    assert data("diff")["changes"][0]["answer"] == "Blue."
    assert "git does not know the revision" in refused("diff", "nowhere")
    path.write_bytes(b"\0")
    subprocess.run(["git", "add", "-A"], check=True)
    assert str(path) in call("check", "--staged", code=1).stdout
    assert data("check", code=1)["checked"] == 3


def test_diff_shows_where_answers_differ(folder: Path) -> None:
    """What runs something else comes first, in every form, and the text that does so is found, too,
    though it stands at the end of a long answer."""
    make(folder)
    plain = call("diff").stdout.splitlines()
    assert "other arguments for bash" in plain[0]
    assert "[-ls -la /tmp/build-]{+rm -rf /+}" in plain[1]
    assert [line for line in plain if "I will run [-ls-]{+rm -rf /+}" in line]
    assert "now refuses" in plain[2]
    full = call("diff", "--full").stdout
    assert full.index("{+rm -rf /+}") < 200
    assert "which she kept under her bed. Then I will run [-ls-]{+rm -rf /+}" in full
    assert "Ada walked to the lighthouse" not in full  # what is the same is folded
    assert call("diff", "--full", "--markdown").stdout.count("<ins>rm -rf /</ins>") == 4
    assert data("diff", "--full")["changes"][0]["parts"][0]["role"] == "tool call"
    assert "parts" not in data("diff")["changes"][0]


def test_check_finds_secrets(root: Path) -> None:
    token = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7" * 2
    path = add(root, make_entry(1, prompt=f"my key is {token}"), OLD)
    said = call("check", code=1).stdout
    assert str(path) in said
    assert "key" in said
    assert token not in said
    assert "`git rm --cached FILE`" in said


def test_check_says_that_there_is_no_store(folder: Path) -> None:
    assert "there is no store" in refused("check")
    subprocess.run(["git", "init", "-q"], check=True)
    assert "there is no store" in refused("check")
    assert call("check", "--staged").output == ""


def test_the_hook_guards_a_store_in_a_subfolder(folder: Path) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    root = folder / "nb" / ".cachy"
    call("init", "--cache-dir", str(folder / "nb"))
    add(root, make_entry(1), OLD).write_bytes(b"\0")
    subprocess.run(["git", "add", "-A"], check=True)
    said = call("check", "--staged", code=1).stdout
    assert said.endswith("3 files staged: 1 problem\n") or "2 files staged: 1 problem" in said
