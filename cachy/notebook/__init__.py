"""The IPython extension: `%load_ext cachy`.

    magics.py        %cachy and %%cachy
    cells.py         what each cell has asked for
    tables.py        what the magics show: text, and HTML where the front end shows it
    chat.py          an entry as a chat
    tracebacks.py    what a cell shows of a miss

Loading it does not enable cachy: `enable_cachy()` does, or `%cachy auto`.
"""

from __future__ import annotations

from typing import Any

from cachy.notebook.chat import Chat
from cachy.notebook.magics import Magic
from cachy.session import session_in_force
from cachy.store.entry import Entry


def load_ipython_extension(shell: Any) -> None:
    """Register the magics: what `%load_ext cachy` calls. Idempotent."""
    if shell.find_line_magic("cachy") is None:
        Magic(shell).register()
        _show_entries(shell)
        if session_in_force() is None:
            print("cachy: the magics are loaded; enable_cachy() or %cachy auto switches it on")


_FORMATS = {"text/html": Chat._repr_html_, "text/markdown": Chat._repr_markdown_}


def _show_entries(shell: Any) -> None:
    """Have entries shown as chats."""
    formatters = shell.display_formatter.formatters
    for media, form in _FORMATS.items():
        formatters[media].for_type(Entry, lambda entry, form=form: form(Chat(entry)))
    formatters["text/plain"].for_type(Entry, lambda entry, p, _: p.text(repr(Chat(entry))))


def _show_entries_as_before(shell: Any) -> None:
    for media in (*_FORMATS, "text/plain"):
        shell.display_formatter.formatters[media].pop(Entry, None)


def unload_ipython_extension(shell: Any) -> None:
    """Remove the magics: what `%unload_ext cachy` calls."""
    if (magic := shell.find_line_magic("cachy")) is not None:
        magic.__self__.unregister()
        _show_entries_as_before(shell)
