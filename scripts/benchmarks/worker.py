"""Fresh processes: each repetition of a measurement has one of its own, and returns JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parents[1]
TESTS = SCRIPTS.parent / "tests" / "support"  # the stand-in for the providers lives with the tests


def run(module: str, python: str = sys.executable, timeout: float = 300, **task: Any) -> Any:
    """What `work(**task)` of one of these modules returns, called in a process of its own.

    Not in the repository's own folder: there, any Python would take this cachy for upstream's.
    """
    command = [python, "-m", f"benchmarks.{module}", json.dumps(task)]
    done = subprocess.run(
        command, cwd=SCRIPTS, env=environment(), capture_output=True, text=True, timeout=timeout
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def environment() -> dict[str, str]:
    """The environment of a worker: this one, without what would steer cachy or a client."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CACHY_")}
    return kept | {"PYTHONPATH": os.pathsep.join(map(str, (SCRIPTS, TESTS)))}


def serve(work: Callable[..., Any]) -> None:
    """The main of a worker."""
    print(json.dumps(work(**json.loads(sys.argv[1]))))


def peak_memory() -> int:
    """Bytes that this process held at most, since it was started."""
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError):
        import resource  # counts, on some systems, what the parent held before the exec

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
