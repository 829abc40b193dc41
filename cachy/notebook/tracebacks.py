"""What a notebook shows of a miss: the cell, where in it the call was made and why it missed, in
place of a hundred lines of the SDK's and the client's code."""

from __future__ import annotations

import linecache
from typing import TYPE_CHECKING, Any

from cachy.errors import CacheMiss
from cachy.frames import is_own
from cachy.store.layout import show_path

if TYPE_CHECKING:
    from types import TracebackType


def shorten(shell: Any) -> None:
    """Have a shell show misses in short, unless something else handles its exceptions."""
    if not shell.custom_exceptions:
        shell.set_custom_exc((Exception,), _show)


def restore(shell: Any) -> None:
    """Have it show them as before."""
    if shell.custom_exceptions == (Exception,):
        shell.set_custom_exc((), None)


def _show(shell: Any, kind: type, error: Exception, trace: Any, tb_offset: Any = None) -> None:
    """Show any exception as IPython does; of one with a miss behind it, that."""
    if (miss := CacheMiss.behind(error)) is not None:
        lines = _lines(shell, error, miss, trace)
        # What IPython asks an exception for before it formats one itself.
        error._render_traceback_ = lambda: lines  # type: ignore[attr-defined]
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset, running_compiled_code=True)


def _lines(shell: Any, error: Exception, miss: CacheMiss, trace: TracebackType | None) -> list[str]:
    """Return the lines that stand for the traceback of an exception with a miss behind it."""
    raised = type(error).__name__
    via = "" if error is miss else f", raised by the SDK as {raised}"
    return [f"CacheMiss{via}", *_called(shell, trace), *str(miss).splitlines()]


def _called(shell: Any, trace: TracebackType | None) -> list[str]:
    """The lines of the user's code, not of a library: the outermost, in the cell that was run, and
    the innermost, which made the call."""
    found: dict[str, None] = {}
    while trace is not None:
        path, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        if is_own(path):
            text = linecache.getline(path, line).strip()
            found[f"  {_place(shell, path)}, line {line}: {text}"] = None
        trace = trace.tb_next
    lines = list(found)
    return lines if len(lines) < 3 else [lines[0], lines[-1]]


def _place(shell: Any, path: str) -> str:
    """Return how IPython names a cell (`Cell In[3]`), or the path of a file."""
    label = shell.compile.format_code_name(path)
    return " ".join(label) if label else show_path(path)
