"""The committed store, replayed by the SDKs that it was recorded with. It pins the format."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
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
        answers = [call() for _, _, call in demo.calls()]
    assert all(demo.PROMPT in answer for answer in answers)
    assert len(set(answers)) == len(answers) == session.stats.hits
    assert git(team_repository, "status", "--porcelain", "--ignored") == ""


def test_committed_entries_are_sound_and_from_the_stand_in() -> None:
    assert len(ENTRIES) >= 6
    for path in ENTRIES:
        entry = read_entry(str(path))
        assert entry.head["cachy"] == 1
        assert entry.head["key"].startswith(path.name[:32])
        assert entry.body


def test_committed_manifest_is_the_one_of_format_1() -> None:
    assert (ROOT / FOLDER / "manifest.json").read_bytes() == MANIFEST
