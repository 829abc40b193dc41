"""The quickstart notebook, in real kernels."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from kernels import NO_NETWORK, QUICKSTART, ROOT, WITHOUT_PRICES, execute, outputs, reaching, read
from standin import Standin

from cachy.store import journal


def status_of(notebook: Any) -> str:
    [cell] = [c for c in notebook.cells if "cachy-status" in c.metadata.get("tags", ())]
    return str(cell.outputs[0]["data"]["text/plain"])


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    command = ["git", *who, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_quickstart_recorded_and_replayed(standin: Standin, tmp_path: Path) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    shutil.copy(QUICKSTART, folder)
    git(tmp_path, "init", "--quiet")
    notebook = read(QUICKSTART)

    recorded = execute(notebook, folder, reaching(standin))
    calls = len(standin.calls)
    assert calls > 10
    assert f"recorded  {calls}\n" in status_of(recorded)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Record")
    assert len(git(tmp_path, "ls-files", "*.entry").splitlines()) == calls

    replayed = execute(notebook, folder, NO_NETWORK)
    assert outputs(replayed) == outputs(recorded)
    assert f"hits      {calls}\nmisses    0\nrecorded  0\n" in status_of(replayed)
    assert len(standin.calls) == calls
    assert git(tmp_path, "status", "--porcelain") == ""
    # nbclient tells a kernel nothing of its notebook.
    notes = journal.read(str(tmp_path / ".cachy"))
    assert {note.by for note in notes} == {"scripts/quickstart.ipynb"}


def test_quickstart_as_committed() -> None:
    before = git(ROOT, "status", "--porcelain", ".cachy", "scripts")
    notebook = read(QUICKSTART)
    replayed = execute(notebook, QUICKSTART.parent, WITHOUT_PRICES + NO_NETWORK)
    assert outputs(replayed) == outputs(notebook)
    assert status_of(replayed) == status_of(notebook)
    assert git(ROOT, "status", "--porcelain", ".cachy", "scripts") == before
