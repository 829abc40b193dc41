"""`%cachy` and `%%cachy`.

    %cachy              what cachy has done so far, as a small table
    %cachy cells        what each cell has asked for, and why it missed
    %cachy why          why the requests of the last cell missed
    %cachy replay       from now on; also auto, refresh and off
    %%cachy refresh     for this cell alone; also replay, auto and off
    %cachy show         what was asked and answered last, as a chat; %cachy show KEY another
    %cachy forget       drop what the last cell recorded, so that running it again records it anew

`%%cachy refresh` is turned into a statement in the cell's first line, and what it sets ends with
the cell. So the rest stays a cell like any other, with `await`, its result shown, and its lines
counted as they stand; IPython would run the body of a real cell magic without the first of these.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

from cachy.errors import CachyError, ConfigError
from cachy.notebook import tracebacks
from cachy.notebook.cells import Cells
from cachy.notebook.chat import Chat, find_chat
from cachy.notebook.tables import CellTable, Reasons, Status
from cachy.session import disable_cachy, enable_cachy, session_in_force
from cachy.settings import MODES
from cachy.store.names import key_of
from cachy.wording import count

if TYPE_CHECKING:
    from cachy.notebook.cells import Cell
    from cachy.session import Session
    from cachy.store.base import Store

_FIRST_LINE = re.compile(r"%%cachy(?:[ \t]+(\S.*?))?[ \t]*\n?")
_HELP = """\
%cachy              what cachy has done so far
%cachy cells        what each cell has asked for, and why it missed
%cachy why          why the requests of the last cell missed
%cachy show [KEY]   an entry as a chat: by default the last that was used
%cachy MODE         the mode from now on: auto, replay, refresh or off
%%cachy MODE        the mode for this cell alone
%cachy forget       drop what the last cell recorded"""
_HELP_WORDS = (["help"], ["--help"], ["-h"], ["?"])


class Magic:
    """`%cachy` and `%%cachy` in one shell, with what they must know of its cells."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._cells = Cells()
        # What `%%cachy` found and must restore: the session, its mode, and the one in force since.
        self._before: tuple[Session | None, str, Session | None] | None = None

    def register(self) -> None:
        """Add the magics to the shell, and watch its cells."""
        shell = self._shell
        shell.register_magic_function(self.cachy, "line_cell", "cachy")
        shell.input_transformers_cleanup.append(_as_statement)
        shell.events.register("pre_run_cell", self._begin_cell)
        shell.events.register("post_execute", self._end_cell)
        tracebacks.shorten(shell)

    def unregister(self) -> None:
        """Take the magics off the shell."""
        shell = self._shell
        for magics in shell.magics_manager.magics.values():
            magics.pop("cachy", None)
        shell.input_transformers_cleanup.remove(_as_statement)
        shell.events.unregister("pre_run_cell", self._begin_cell)
        shell.events.unregister("post_execute", self._end_cell)
        tracebacks.restore(shell)

    def cachy(self, line: str, cell: str | None = None) -> Any:
        """Show what cachy does, or change its mode.

        %cachy              what it has done so far
        %cachy cells        what each cell has asked for, and why it missed
        %cachy why          why the requests of the last cell missed
        %cachy show [KEY]   an entry as a chat
        %cachy replay       from now on; also auto, refresh and off
        %%cachy refresh     for this cell alone
        %cachy forget       drop what the last cell recorded
        """
        words = line.split()
        if cell is not None:  # from within another magic, which the first line does not tell
            self._set_mode_for_cell(self._mode(words, "%%cachy"))
            self._shell.run_cell(cell)
            return None
        if words[:1] == ["--cell"]:
            self._set_mode_for_cell(self._mode(words[1:], "%%cachy"))
            return None
        if words in _HELP_WORDS:
            print(_HELP)
            return None
        if not words:
            return Status(session_in_force())
        if (show := {"cells": self._show_cells, "why": self._why}.get(line.strip())) is not None:
            return show()
        if words[:1] == ["show"] and len(words) <= 2:
            return self._show(*words[1:])
        if words == ["forget"]:
            self._forget()
        else:
            self._set_mode(self._mode(words, "%cachy"))
            print(f"cachy: {Status(session_in_force()).mode}")
        return None

    def _mode(self, words: list[str], magic: str) -> str:
        if len(words) == 1 and words[0] in MODES:
            return words[0]
        modes = ", ".join(MODES)
        if not words:
            self._refuse(f"{magic} needs a mode for this cell, one of {modes}")
        others = "" if magic == "%%cachy" else ", or cells, why, show, forget, --help"
        unknown = f"unknown argument {' '.join(words)!r} of {magic}"
        return self._refuse(f"{unknown}: use one of {modes}{others}")

    def _refuse(self, why: str) -> NoReturn:
        from IPython.core.error import UsageError

        raise UsageError(why)

    def _set_mode(self, mode: str) -> None:
        try:
            if (session := session_in_force()) is None:
                enable_cachy(mode=mode)
            else:
                session.mode = mode
        except ConfigError as error:
            self._refuse(str(error))

    def _set_mode_for_cell(self, mode: str) -> None:
        session = session_in_force()
        before = self._before or (session, "" if session is None else session.mode, None)
        self._set_mode(mode)
        self._before = (*before[:2], session_in_force())

    # Cells

    def _begin_cell(self, info: Any) -> None:
        source = (info.raw_cell or "").strip().partition("\n")[0]
        number, cell_id = self._shell.execution_count, getattr(info, "cell_id", None)
        self._cells.begin(session_in_force(), number, source, cell_id or "")

    def _end_cell(self) -> None:
        cell = self._cells.end(session_in_force())
        if self._before is None:
            return
        session, mode, made = self._before
        self._before = None
        if made is not None and made.mode == "refresh" and cell is not None and cell.made:
            _say_that_it_paid(cell)
        if session is not None:
            session.mode = mode
        elif session_in_force() is made:  # the cell itself may have enabled another
            disable_cachy()

    def _show_cells(self) -> CellTable | None:
        if not self._cells.done:
            print("cachy: no cell has made calls yet")
            return None
        return CellTable(self._cells.done)

    def _why(self) -> Reasons | None:
        cell = self._cells.last
        if cell is None or not (cell.made or cell.missed):
            print("cachy: the last cell that made calls missed nothing")
            return None
        return Reasons(cell)

    def _show(self, key: str = "") -> Chat | None:
        """Return the entry whose key starts so, by default that of the last call."""
        session = session_in_force()
        if not key and (cell := self._cells.running(session) or self._cells.last) is not None:
            key = cell.newest
        if session is None or not key:
            print("cachy: no cell has made calls yet; `%cachy show KEY` shows an entry")
            return None
        try:
            return find_chat(session.store, key)
        except CachyError as error:
            self._refuse(str(error))

    def _forget(self) -> None:
        cell = self._cells.running(session_in_force()) or self._cells.last
        if cell is None or not cell.made:
            print("cachy: the last cell recorded nothing; if it replayed what you do not like,")
            print("       put %%cachy refresh at its top, once")
            return
        try:
            cell.store.drop(cell.made)
        except (CachyError, OSError) as error:
            self._refuse(f"nothing is forgotten: {error}")
        self._cells.forget(cell, session_in_force())
        print(_forgotten(cell))


def _say_that_it_paid(cell: Cell) -> None:
    print(
        f"cachy: %%cachy refresh asked again and recorded {count(len(cell.made), 'answer')} anew "
        f"({cell.tokens_spent:,} tokens, {cell.seconds_spent:,.1f} s); remove it to keep them"
    )


def _forgotten(cell: Cell) -> str:
    """What `%cachy forget` says, after it has dropped what this cell recorded."""
    keys = {key_of(name) for name in cell.made}
    back = sum(_has(cell.store, key) for key in keys)
    if not back:
        then = "run it again, and it is recorded anew"
    elif back == len(keys) == 1:
        then = "the earlier answer is in force again"
    else:
        then = f"for {back} of them the earlier answer is in force again"
    undo = "; `cachy gc --undo` brings back what was forgotten" if cell.store.root else ""
    return f"cachy: forgot {count(len(cell.made), 'recording')} of the last cell; {then}{undo}"


def _has(store: Store, key: str) -> bool:
    try:
        return store.get(key, lambda where, what: None) is not None
    except Exception:  # noqa: BLE001 - any mapping may be a store, and raise anything
        return False


def _as_statement(lines: list[str]) -> list[str]:
    """The lines of a cell, with a `%%cachy` at their top as a statement."""
    if lines and (found := _FIRST_LINE.fullmatch(lines[0])):
        line = f"--cell {found[1] or ''}".strip()
        return [f"get_ipython().run_line_magic('cachy', {line!r})\n", *lines[1:]]
    return lines
