"""Agents of real frameworks: recorded in one process, replayed in two more with the network gone.

Each framework is tested where it is installed: `scripts/test` runs this in three environments.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from frameworks import FRAMEWORKS, LOOPS
from frameworks.loop import CALLS
from standin import Standin
from standin.certificates import authority

SUPPORT = Path(__file__).parent.parent / "support"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_agent_is_replayed_in_other_processes(
    framework: str, standin: Standin, tmp_path: Path
) -> None:
    loops = [loop for loop in LOOPS if loop.sdk == framework]
    if not loops[0].available():
        pytest.skip(f"{framework} is not installed in this environment")

    recorded = run(framework, standin, tmp_path, seed=1, mode="auto")
    assert list(recorded["answers"]) == [str(loop) for loop in loops]
    for answers in recorded["answers"].values():
        assert "error" not in answers, answers
        assert len(list(filter(None, answers.values()))) == 2, answers
    assert recorded["recorded"] == recorded["misses"] == len(standin.calls)
    assert recorded["bypassed"] == 0
    models = [call for call in standin.calls if call.path != "/api/show"]  # litellm, with Ollama
    assert len(models) == CALLS * len(loops)

    standin.reset()
    standin.refuse = True
    with ThreadPoolExecutor() as pool:
        replay = partial(run, framework, standin, tmp_path, mode="replay")
        for replayed in pool.map(lambda seed: replay(seed=seed), (2, 3)):
            assert replayed["answers"] == recorded["answers"]
            assert replayed["hits"] >= len(models)
            assert replayed["misses"] == replayed["bypassed"] == 0
    assert standin.calls == []


def run(framework: str, standin: Standin, folder: Path, *, seed: int, mode: str) -> Any:
    """What `python -m frameworks` prints."""
    reaching = [str(standin._secure), str(standin._plain), authority().file]
    done = subprocess.run(
        [sys.executable, "-m", "frameworks", framework, str(folder), *reaching],
        cwd=SUPPORT,
        env=os.environ | {"CACHY_MODE": mode, "PYTHONHASHSEED": str(seed)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])  # litellm prints things of its own
