"""The IPython extension: `%load_ext cachy`.

    magics.py        %cachy and %%cachy
    cells.py         what each cell has asked for
    tables.py        what the magics show: text, and HTML where the front end shows it
    tracebacks.py    what a cell shows of a miss

Loading it does not enable cachy: `enable_cachy()` does, or `%cachy auto`.
"""

from __future__ import annotations

from typing import Any

from cachy.notebook.magics import Magic
from cachy.session import session_in_force


def load_ipython_extension(shell: Any) -> None:
    """Register the magics: what `%load_ext cachy` calls. Idempotent."""
    if shell.find_line_magic("cachy") is None:
        Magic(shell).register()
        if session_in_force() is None:
            print("cachy: the magics are loaded; enable_cachy() or %cachy auto switches it on")


def unload_ipython_extension(shell: Any) -> None:
    """Remove the magics: what `%unload_ext cachy` calls."""
    if (magic := shell.find_line_magic("cachy")) is not None:
        magic.__self__.unregister()
