"""The laws of the store, proven on real git. `tests/support/storm.py` says how."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from storm import EPOCH, LAWS, Prompt, Provider, Repo, recording, scratch, storm

from cachy.store import entry as codec
from cachy.store.names import name_of, seal


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch() as folder:
        yield folder


@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm_finds_no_fault(folder: Path, seed: int) -> None:
    assert storm(folder, seed, 10).details == []


@pytest.mark.storm
@pytest.mark.parametrize("seed", range(5))
def test_a_long_storm_finds_no_fault(folder: Path, seed: int) -> None:
    assert storm(folder, seed, 200).details == []


def test_merging_brings_nothing_back_that_was_collected(folder: Path) -> None:
    report = storm(folder, 0, 10, kinds=("merge", "update", "octopus"))
    assert report.details == []
    assert report.actions["gc"] > 0
    assert report.resurrected == 0


@pytest.mark.parametrize("law", LAWS)
def test_without_one_law_there_are_conflicts(folder: Path, law: str) -> None:
    integrations = 15 if law == "mask" else 1  # the others may fail on the first day
    for seed in range(30):
        report = storm(folder, seed, integrations, law)
        if report.faults:
            break
    assert report.faults.keys() == {"conflicts"}
    assert "CONFLICT" in report.details[0] or "overwritten by merge" in report.details[0]


@pytest.mark.parametrize("size", [0, 300, 3_000, 5_000, 20_000, 60_000])
def test_git_does_not_pair_two_recordings_of_one_body(folder: Path, size: int) -> None:
    """Incompressible bodies are the hardest case: their bytes are stored as they are.

    Git pairs more of larger files, whatever they hold; see FILE_LIMIT.
    """
    random = Random(size)
    body = random.randbytes(size)
    repo = Repo(folder, "alice")
    repo.git("init", "-q")
    file = folder / "none"
    for second in (EPOCH, EPOCH + 1):
        entry = recording(Prompt("tiny", "?"), second, Provider(random), random)
        frame = codec.dumps(entry._replace(body=body))
        name = name_of(entry.head["key"], second, frame)
        file.unlink(missing_ok=True)
        file = folder / name
        file.write_bytes(seal(name, frame))
        repo.git("add", "-A")
        repo.git("commit", "-q", "-m", "recorded anew")
    changes = repo.git("diff", "--name-status", "--find-renames=2%", "HEAD^", "HEAD")
    assert sorted(line[0] for line in changes.splitlines()) == ["A", "D"]
