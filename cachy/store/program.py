"""Which notebook or script runs here: what the journal files sessions under.

A script says so itself, and so do Jupyter's server, VS Code and marimo. Kernels that are run by
nbclient (`jupyter execute`, nbconvert) or papermill are not told: their notebook is the one whose
cells they have executed, of those on the command line of the process that started them and those
in the working directory.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from cachy.lazy import json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

INTERACTIVE = "(interactive)"
_NOTEBOOK = ".ipynb"
_MOST_NOTEBOOKS = 50
_MOST_BYTES = 20 * 2**20


def program(root: str) -> str:
    """Return the notebook or script that runs here, from the folder that holds the store; for a
    kernel that was not told its notebook the working directory, which ends with `/`."""
    main = sys.modules.get("__main__")
    names = vars(main) if main is not None else {}
    path = os.environ.get("JPY_SESSION_NAME") or names.get("__vsc_ipynb_file__")
    path = path or names.get("__file__")
    try:
        if not path and "ipykernel" in sys.modules:
            path = os.path.join(os.getcwd(), "")
        return seen_from(root, path or INTERACTIVE)
    except OSError:  # the working directory is gone
        return path or INTERACTIVE


def executed_notebook(root: str) -> str:
    """Return the notebook whose cells this kernel has executed, from the folder that holds the
    store; an empty string if none is found. Takes some milliseconds a notebook."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_ipython() if get_ipython is not None else None
    # As written: in `In`, magics have become calls.
    executed = getattr(getattr(shell, "history_manager", None), "input_hist_raw", ())
    try:
        path = whose_cells(executed, [*_on_command_line(), *_in_folder(os.getcwd())])
    except OSError:  # the working directory is gone
        return ""
    return seen_from(root, path) if path else ""


def seen_from(root: str, path: str) -> str:
    """Return a path from the folder that holds the store, with `/`; absolute if not below it."""
    if path == INTERACTIVE:
        return path
    home = os.path.join(os.path.dirname(os.path.realpath(root)), "")
    full = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    return full.removeprefix(home).replace(os.sep, "/") or "./"


def whose_cells(executed: Iterable[str], paths: Sequence[str]) -> str:
    """Return which of these notebooks has most of the executed cells, and at least half; an empty
    string for none. Of equals it is the first."""
    ran = {cell.strip() for cell in executed if cell.strip()}
    found, most = "", max(1, len(ran) // 2) - 1
    for path in dict.fromkeys(paths):
        if (number := len(ran & _code_of(path))) > most:
            found, most = path, number
    return found


def _on_command_line() -> list[str]:
    """The notebooks that the parent process was started with, where the system tells (Linux)."""
    parent = f"/proc/{os.getppid()}"
    try:
        with open(f"{parent}/cmdline", "rb") as file:
            arguments = os.fsdecode(file.read()).split("\0")
        folder = os.readlink(f"{parent}/cwd")
    except OSError:
        return []
    return [os.path.join(folder, each) for each in arguments if each.endswith(_NOTEBOOK)]


def _in_folder(folder: str) -> list[str]:
    """The notebooks in a folder, the oldest first: one that a run writes is not the one it runs."""
    with os.scandir(folder) as files:
        notebooks = [file for file in files if file.name.endswith(_NOTEBOOK) and file.is_file()]
    notebooks.sort(key=lambda file: file.stat().st_mtime)
    return [file.path for file in notebooks[:_MOST_NOTEBOOKS]]


def _code_of(path: str) -> set[str]:
    """The source of each code cell of a notebook; nothing for what is not a notebook."""
    try:
        if os.path.getsize(path) > _MOST_BYTES:
            return set()
        with open(path, encoding="utf-8") as file:
            cells = json.load(file)["cells"]
        return {"".join(cell["source"]).strip() for cell in cells if cell["cell_type"] == "code"}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()
