"""What a notebook shows of a miss: where the call was made and why it missed, in place of a hundred
lines of the SDK's and the client's code."""

from __future__ import annotations

import linecache
import sys
from typing import TYPE_CHECKING, Any

from cachy.errors import CacheMiss

if TYPE_CHECKING:
    from types import TracebackType

_NOT_MINE = ("site-packages", "dist-packages", f"{sys.base_prefix}/lib/python")


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
        lines = lines_of(error, miss, trace)
        # What IPython asks an exception for before it formats one itself.
        error._render_traceback_ = lambda: lines  # type: ignore[attr-defined]
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset, running_compiled_code=True)


def lines_of(error: Exception, miss: CacheMiss, trace: TracebackType | None) -> list[str]:
    """Return the lines that stand for the traceback of an exception with a miss behind it."""
    raised = type(error).__name__
    via = "" if error is miss else f", raised by the SDK as {raised}"
    return [f"CacheMiss{via}", *_called(trace), *str(miss).splitlines()]


def _called(trace: TracebackType | None) -> list[str]:
    """The line of the user's code that made the call: the innermost that is no library's."""
    found = []
    while trace is not None:
        path, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        if not any(part in path for part in _NOT_MINE) and not _is_own(trace):
            found = [f"  line {line}: {linecache.getline(path, line).strip()}"]
        trace = trace.tb_next
    return found


def _is_own(trace: TracebackType) -> bool:
    return str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == "cachy"
