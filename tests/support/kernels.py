"""Runs notebooks in real kernels: against the stand-in, or with no network at all.

`python tests/support/kernels.py` records the entries of scripts/quickstart.ipynb anew, in the
repository's own store, and puts the outputs of a replay into the notebook.
"""

from __future__ import annotations

import os
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from standin import Behaviour, Standin
from standin.certificates import authority

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "scripts" / "quickstart.ipynb"

# A kernel's first act is to run the scripts in its profile.
NO_NETWORK = """
import socket

def connect(self, address):
    raise OSError(f"a notebook without network tried to reach {address}")

socket.socket.connect = socket.socket.connect_ex = connect
del connect, socket
"""

# What is committed must not depend on which prices are installed.
WITHOUT_PRICES = "import sys; sys.modules['genai_prices'] = None\n"


def reaching(standin: Standin) -> str:
    """What leads a kernel to the stand-in."""
    return f"""
import sys

sys.path.insert(0, {str(Path(__file__).parent)!r})
from standin.reach import reach

_reached = reach({standin._secure}, {standin._plain}, {authority().file!r})
_reached.__enter__()
sys.path.pop(0)
del reach, sys
"""


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def execute(notebook: Any, folder: Path, startup: str) -> Any:
    """A copy of a notebook with the outputs of a run in a new kernel, started in `folder`."""
    executed = deepcopy(notebook)
    for cell in executed.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    drop = ("CACHY_MODE", "CACHY_LOG", "OPENAI_API_KEY")
    environment = {name: value for name, value in os.environ.items() if name not in drop}
    with tempfile.TemporaryDirectory() as profile:
        scripts = Path(profile, "profile_default", "startup")
        scripts.mkdir(parents=True)
        (scripts / "network.py").write_text(startup)
        client = NotebookClient(
            executed,
            timeout=60,
            record_timing=False,
            coalesce_streams=True,  # in how many pieces text arrives is chance
            resources={"metadata": {"path": str(folder)}},
        )
        client.execute(env={**environment, "IPYTHONDIR": profile, "JUPYTER_PLATFORM_DIRS": "1"})
    return executed


def outputs(notebook: Any) -> dict[str, list[Any]]:
    """What each cell has put out, by its id, without the cells that say what cachy did."""
    return {
        cell.id: cell.outputs
        for cell in notebook.cells
        if cell.cell_type == "code" and "cachy-status" not in cell.metadata.get("tags", ())
    }


def record() -> None:
    notebook = read(QUICKSTART)
    with Standin() as standin:
        standin.behave(Behaviour(delay=0.4, pause=0.02))  # as a fast model would answer
        execute(notebook, QUICKSTART.parent, reaching(standin))
    executed = execute(notebook, QUICKSTART.parent, WITHOUT_PRICES + NO_NETWORK)
    # No versions: they would change with each machine that records.
    executed.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    nbformat.write(executed, QUICKSTART)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    record()
