"""The committed store, replayed by the SDKs that it was recorded with. It pins the format."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from cachy import disable_cachy, enable_cachy
from cachy.store.folder import read_entry
from cachy.store.layout import FOLDER, MANIFEST

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = sorted((ROOT / FOLDER).glob("??/*.entry"))


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo", ROOT / "scripts" / "demo.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def team_repository(tmp_path: Path) -> Iterator[Path]:
    """A repository that a colleague has just cloned, with the store committed."""
    shutil.copytree(
        ROOT / FOLDER, tmp_path / FOLDER, ignore=shutil.ignore_patterns("local", ".git*")
    )
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "record"]):
        git(tmp_path, *command)
    yield tmp_path
    disable_cachy()


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_every_demo_call_replays_and_git_sees_nothing(
    demo: ModuleType, team_repository: Path
) -> None:
    session = enable_cachy(cache_dir=team_repository, mode="replay")
    with demo.no_network():
        answers = [call.ask() for call in demo.calls()]
    assert answers == [question.answer for question in demo.QUESTIONS.values()]
    assert len(answers) == session.stats.hits == 6
    assert git(team_repository, "status", "--porcelain") == ""


def test_committed_entries_are_sound_and_from_the_stand_in() -> None:
    assert len(ENTRIES) >= 6
    for path in ENTRIES:
        entry = read_entry(str(path))
        assert entry.head["cachy"] == 1
        assert entry.head["key"].startswith(path.name[:32])
        assert entry.body


def test_committed_manifest_is_the_one_of_format_1() -> None:
    assert (ROOT / FOLDER / "manifest.json").read_bytes() == MANIFEST


VARIABLES = {
    "OPENAI_API_KEY": "mine",
    "OPENAI_BASE_URL": "http://127.0.0.1:1",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:1",
    "GOOGLE_GENAI_USE_VERTEXAI": "true",
    "CACHY_MODE": "off",
    "CACHY_LOG": "1",
    "HTTPS_PROXY": "http://127.0.0.1:1",
}


def test_all_of_it_whatever_the_environment_holds(tmp_path: Path) -> None:
    environment = {**os.environ, **VARIABLES, "COLUMNS": "80", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "demo.py")],
        env=environment, capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == ["… and 6 older: `cachy ls --limit 0` lists all"]
    said = done.stdout
    parts = [line[3:5] for line in said.splitlines() if line.startswith("── ")]
    assert parts == ["1.", "2.", "3.", "4.", "5.", "6."]
    words = " ".join(said.split())
    for whole in ("the next lookup will find it.", "learns what the code promises."):
        assert whole in words
    assert '"…lain caching in three words." → "…lain caching in five words."' in said
    assert "+ temperature: 0.2" in said
    assert "Merge made by" in said
    assert "6 calls answered from .cachy" in words
    assert "pip install cachy-store" in said
    of_the_demo = [line for line in said.split("── 3.")[0].splitlines() if "http" not in line]
    assert max(map(len, of_the_demo)) <= 80
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="it is a script for bash")
def test_help_sets_nothing_up() -> None:
    for option in ("--help", "-h"):
        done = subprocess.run(
            ["bash", ROOT / "scripts" / "demo", option],
            env={"PATH": os.defpath, "PYTHON": "/no/python"},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "usage: scripts/demo" in done.stdout
        assert "#" not in done.stdout
