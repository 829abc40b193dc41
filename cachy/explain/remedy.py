"""What to do about a miss: how to record what is missing, from where the program stands."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from typing import TYPE_CHECKING

from cachy.settings import MODE_VARIABLE
from cachy.store.layout import short_path

if TYPE_CHECKING:
    from cachy.store.base import Store


def remedy(store: Store) -> str:
    """Return how to record what is missing: in a notebook what to run, elsewhere the command of
    this very run, in another mode."""
    where = "where the API can be reached"
    if store.root is not None:
        where += f", then commit what is new in {store.root}"
    return f"{_in_notebook() or _again()}, {where}"


def of_broken(store: Store) -> str:
    """Return what to do about a recording that is damaged: git may have it."""
    if store.root is None:
        return remedy(store)
    fsck = shlex.join(["cachy", "fsck", "-C", short_path(os.path.dirname(store.root) or ".")])
    return f"`{fsck}` says whether git has a sound copy; else {remedy(store)}"


def _in_notebook() -> str:
    """What to run in this notebook, or any IPython; an empty string elsewhere."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_ipython() if get_ipython is not None else None
    if shell is None:
        return ""
    magics = ["%cachy auto"]
    if os.environ.get(MODE_VARIABLE):  # it would win
        magics.insert(0, f"%env {MODE_VARIABLE}=auto")
    if shell.find_line_magic("cachy") is None:
        magics.insert(0, "%load_ext cachy")
    return f"run {', '.join(magics)}, then this cell again"


def _again() -> str:
    """The command that runs this program again, and records what is missing."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    if not test:
        return _with_variable(_command())
    test = shlex.quote(_from_here(test))
    if "cachy.pytest_plugin" in sys.modules:
        return f"pytest --cachy=auto {test}"
    return _with_variable(f"pytest {test}")


def _from_here(test: str) -> str:
    """Return a test's id, which begins with a path from pytest's root, as it is written here."""
    file, colons, name = test.partition("::")
    try:
        folder = here = os.getcwd()
    except OSError:  # it was deleted
        return test
    while not os.path.exists(os.path.join(folder, file)):
        if folder == (folder := os.path.dirname(folder)):
            return test
    return os.path.relpath(os.path.join(folder, file), here).replace(os.sep, "/") + colons + name


def _command() -> str:
    """The command of this program. Its arguments may hold anything, also secrets, so `…` stands
    for them."""
    more = " …" if sys.argv[1:] else ""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None and spec.name:
        return f"python -m {spec.name.removesuffix('.__main__')}{more}"
    script = sys.argv[0] if sys.argv else ""
    if script == "-c":
        return "python -c …"
    if not script or script == "-":
        return "python …"
    if _is_command(script):
        return f"{os.path.splitext(os.path.basename(script))[0]}{more}"
    return f"python {shlex.quote(short_path(script))}{more}"


def _is_command(script: str) -> bool:
    """Tell whether this is what an entry point of a package is called by: its name alone."""
    name = os.path.basename(script)
    return not name.endswith(".py") and shutil.which(os.path.splitext(name)[0]) is not None


def _with_variable(command: str) -> str:
    if os.name == "nt":
        return f'$env:{MODE_VARIABLE}="auto"; {command}'
    return f"{MODE_VARIABLE}=auto {command}"
