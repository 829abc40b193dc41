"""The workflow of docs/ci.md, run as it stands in a shallow clone of a bare repository."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx2
import pytest
from clones import Clone
from pages import ROOT, blocks
from standin import Standin

import cachy
from cachy import enable_cachy

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the steps are for bash")

TEST = """
import httpx2
import pytest
from cachy import enable_cachy

enable_cachy()

@pytest.mark.parametrize("number", {numbers})
def test_answer(number):
    messages = [{{"role": "user", "content": f"Question {{number}}?"}}]
    body = {{"model": "gpt-4o", "messages": messages}}
    answer = httpx2.post("https://api.openai.com/v1/chat/completions", json=body)
    assert "Question" in answer.json()["choices"][0]["message"]["content"]
"""


def steps() -> dict[str, str]:
    """The commands of the workflow, by the name of their step."""
    (recipe,) = [
        block.code
        for block in blocks(ROOT / "docs" / "ci.md")
        if block.language == "yaml" and "jobs:" in block.code
    ]
    workflow: Any = import_module("yaml").safe_load(recipe)
    job = workflow["jobs"]["replay"]
    assert job["env"] == {"CACHY_MODE": "replay"}
    return {step["name"]: step["run"] for step in job["steps"] if "name" in step}


@pytest.fixture
def shallow(tmp_path: Path, standin: Standin, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """A shallow clone of the merge of a pull request, as the host makes it."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.com")
    host, work = tmp_path / "host.git", Clone(tmp_path / "work")
    subprocess.run(["git", "init", "-q", "--bare", host], check=True)
    subprocess.run(["git", "init", "-q", "-b", "main", work.top], check=True)
    record(work, 1)
    work.commit("main")
    work.git("checkout", "-q", "-b", "branch")
    record(work, 1, 2)
    work.commit("branch")
    work.git("checkout", "-q", "main")
    work.write("other.txt", "meanwhile")
    work.commit("meanwhile")
    work.git("push", "-q", str(host), "main")
    work.git("merge", "-q", "--no-edit", "branch")
    work.git("push", "-q", str(host), "HEAD:refs/pull/1/merge")
    clone = Clone(tmp_path / "runner")
    subprocess.run(["git", "init", "-q", clone.top], check=True)
    clone.git("remote", "add", "origin", f"file://{host}")
    clone.git("fetch", "-q", "--depth=1", "origin", "refs/pull/1/merge")
    clone.git("checkout", "-q", "FETCH_HEAD")
    assert clone.git("rev-list", "--count", "HEAD") == "1\n"
    return clone


def record(work: Clone, *numbers: int) -> None:
    work.write("test_report.py", TEST.format(numbers=list(numbers)))
    enable_cachy(cache_dir=work.top)
    for number in numbers:
        body = {
            "model": "gpt-4o",
            "messages": [{"role": "user", "content": f"Question {number}?"}],
        }
        httpx2.post("https://api.openai.com/v1/chat/completions", json=body).raise_for_status()
    cachy.disable_cachy()


def run(clone: Clone, step: str, summary: Path) -> subprocess.CompletedProcess[str]:
    bin_folder = clone.top.parent / "bin"
    bin_folder.mkdir(exist_ok=True)
    for name in ("cachy", "pytest"):
        script = bin_folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {name} "$@"\n')
        script.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(cachy.__file__).parent.parent),
        "CACHY_MODE": "replay",
        "GITHUB_BASE_REF": "main",
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    return subprocess.run(
        ["bash", "-e", "-c", steps()[step]],
        cwd=clone.top, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_it_checks_replays_and_sums_up(shallow: Clone, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    assert list(steps()) == ["Check the recordings", "Replay", "Summarize what changed"]
    for step in steps():
        done = run(shallow, step, summary)
        assert done.returncode == 0, done.stdout + done.stderr
    title, _, _, _, *rest = summary.read_text().splitlines()
    assert title == "**cachy** · FETCH\\_HEAD → HEAD: 1 added, 1 unchanged".replace("\\_", "&#95;")
    rows = [line for line in rest if line.startswith("| ")]
    assert len(rows) == 1
    assert "Question 2?" in rows[0]
    assert shallow.git("status", "--porcelain", "--", ".cachy") == ""


def test_it_fails_where_a_recording_is_missing_or_damaged(shallow: Clone, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    entry = next((shallow.top / ".cachy").glob("??/*.entry"))
    entry.write_bytes(b"\0")
    shallow.git("add", "-A")
    assert run(shallow, "Check the recordings", summary).returncode == 1
    replayed = run(shallow, "Replay", summary)
    assert replayed.returncode == 1
    assert "1 request had no recording" in replayed.stderr
    assert "1 unsound" in summary_of(shallow, summary)


def summary_of(clone: Clone, summary: Path) -> str:
    clone.git("commit", "-q", "--no-verify", "-m", "damaged")
    assert run(clone, "Summarize what changed", summary).returncode == 0
    return summary.read_text()
