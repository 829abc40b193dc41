"""The IPython extension: `%load_ext cachy`.

    %cachy              show what cachy has done so far
    %cachy replay       set the mode from now on: auto, replay, refresh or off
    %%cachy refresh     set the mode for this cell alone
    %cachy forget       drop what the last cell recorded; run again, it is recorded again

Loading it does not enable cachy: `enable_cachy()` does, or `%cachy auto`.

`%%cachy refresh` is turned into a statement on the first line of the cell, and ends with the cell.
The rest stays a normal cell: `await` works, its result is shown, and line numbers are right.
In the body of a real cell magic IPython would not accept `await`.
"""

from __future__ import annotations

import os
import re
from html import escape
from typing import TYPE_CHECKING, Any

from cachy.engine.cache import MODES
from cachy.errors import CachyError, ConfigError
from cachy.rules.key import KEY_LENGTH
from cachy.session import disable_cachy, enable_cachy, session_in_force
from cachy.store.entry import key_in
from cachy.store.folder import shown_path

if TYPE_CHECKING:
    from cachy.session import Session
    from cachy.store.folder import Store

_FIRST_LINE = re.compile(r"%%cachy[ \t]+(\w+)[ \t]*\n?")
_USAGE = f"%cachy, %cachy {'|'.join(MODES)}, %cachy forget, or %%cachy {'|'.join(MODES)}"


def load_ipython_extension(shell: Any) -> None:
    """Register the magics: `%load_ext cachy` calls it. Idempotent."""
    if shell.find_line_magic("cachy") is None:
        _Magic(shell).register()


def unload_ipython_extension(shell: Any) -> None:
    """Unregister the magics: `%unload_ext cachy` calls it."""
    if (magic := shell.find_line_magic("cachy")) is not None:
        magic.__self__.unregister()


class _Magic:
    """The magics `%cachy` and `%%cachy` of one shell, and the state of its cells."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        # The session at the start of this cell, and its hits and recordings until then.
        self._start: tuple[Session | None, int, int] = None, 0, 0
        # Where the last cell that made calls recorded, and the keys.
        self._last: tuple[Store, list[str]] | None = None
        # What `%%cachy` restores: the session before it, its mode, and the session in force since.
        self._before: tuple[Session | None, str, Session | None] | None = None

    def register(self) -> None:
        shell = self._shell
        shell.register_magic_function(self.cachy, "line_cell", "cachy")
        shell.input_transformers_cleanup.append(_as_statement)
        shell.events.register("pre_execute", self._begin_cell)
        shell.events.register("post_execute", self._end_cell)

    def unregister(self) -> None:
        shell = self._shell
        for magics in shell.magics_manager.magics.values():
            magics.pop("cachy", None)
        shell.input_transformers_cleanup.remove(_as_statement)
        shell.events.unregister("pre_execute", self._begin_cell)
        shell.events.unregister("post_execute", self._end_cell)

    def cachy(self, line: str, cell: str | None = None) -> Status | None:
        """Show what cachy has done, or change its mode.

        %cachy              show what cachy has done so far
        %cachy replay       set the mode from now on: auto, replay, refresh or off
        %%cachy refresh     set the mode for this cell alone
        %cachy forget       drop what the last cell recorded
        """
        words = line.split()
        if cell is not None:  # within another magic, `_as_statement` does not see it
            self._set_mode_for_cell(self._mode(words))
            self._shell.run_cell(cell)
        elif not words:
            return Status(session_in_force())
        elif words == ["forget"]:
            self._forget()
        elif words[0] == "--cell":
            self._set_mode_for_cell(self._mode(words[1:]))
        else:
            self._set_mode(self._mode(words))
            print(f"cachy: {Status(session_in_force()).mode}")
        return None

    def _mode(self, words: list[str]) -> str:
        if len(words) != 1 or words[0] not in MODES:
            self._refuse(f"invalid arguments {' '.join(words)!r}: use {_USAGE}")
        return words[0]

    def _refuse(self, why: str) -> None:
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

    def _begin_cell(self) -> None:
        session = session_in_force()
        stats = session.stats if session is not None else None
        self._start = session, stats.hits if stats else 0, len(stats.made) if stats else 0

    def _end_cell(self) -> None:
        self._last = self._calls() or self._last
        if self._before is not None:
            session, mode, made = self._before
            self._before = None
            if session is not None:
                session.cache.mode = mode
            elif session_in_force() is made:  # the cell itself may have enabled another
                disable_cachy()

    def _calls(self) -> tuple[Store, list[str]] | None:
        """Return where this cell recorded, and the keys; None if it made no calls."""
        if (session := session_in_force()) is None:
            return None
        _, hits, made = self._start if session is self._start[0] else (None, 0, 0)
        recorded = session.stats.made[made:]
        return (session.store, recorded) if recorded or session.stats.hits > hits else None

    def _forget(self) -> None:
        store, recorded = self._calls() or self._last or (None, [])
        if store is None or not recorded:
            print("cachy: the last cell recorded nothing; to replace answers that it replayed,")
            print("       put %%cachy refresh at its top, once")
            return
        keys = {key[:KEY_LENGTH] for key in recorded}
        try:
            _drop(store, keys)
        except (CachyError, OSError) as error:
            self._refuse(f"nothing is forgotten: {error}")
        self._begin_cell()
        self._last = None
        count = "1 recording" if len(keys) == 1 else f"{len(keys)} recordings"
        print(f"cachy: forgot {count} of the last cell; run it again to record it again")


def _as_statement(lines: list[str]) -> list[str]:
    """Return the lines of a cell, with a `%%cachy` on the first as a statement."""
    if lines and (match := _FIRST_LINE.fullmatch(lines[0])):
        return [f"get_ipython().run_line_magic('cachy', '--cell {match[1]}')\n", *lines[1:]]
    return lines


def _drop(store: Store, keys: set[str]) -> None:
    """Take all recordings of these keys out of a store. Files go to its trash.

    Raises CachyError, OSError.
    """
    if (root := getattr(store, "root", None)) is not None:
        from cachy.upkeep import index, trash

        shards = {key[:2] for key in keys}
        files = [file for shard in shards for file in index.files(root, shard)]
        with trash.lock(root):
            trash.to_trash(
                root, [file.path for file in files if key_in(file.name) in keys], "forget"
            )
    elif (mapping := getattr(store, "mapping", None)) is not None:
        for key in keys:
            mapping.pop(key, None)
    else:
        raise CachyError(f"{store!r} has no way to forget")


class Status:
    """What `%cachy` shows: the counters of a session at that moment."""

    def __init__(self, session: Session | None) -> None:
        if session is None:
            self.mode = "not enabled: enable_cachy(), or %cachy auto"
            self.rows = [("mode", self.mode)]
            return
        stats = session.stats
        self.mode = session.mode
        if os.environ.get("CACHY_MODE"):
            self.mode += " (set by CACHY_MODE, which wins)"
        self.rows = [
            ("mode", self.mode),
            ("store", shown_path(repr(session.store))),
            ("hits", f"{stats.hits:,}"),
            ("misses", f"{stats.misses:,}"),
            ("recorded", f"{stats.recorded:,}"),
            ("saved", f"{stats.tokens_saved:,} tokens, {stats.seconds_saved:,.1f} s"),
        ]
        self.rows += [("not kept", f"{n:,}: {why}") for why, n in stats.skipped.most_common()]

    def __repr__(self) -> str:
        width = max(len(name) for name, _ in self.rows)
        return "\n".join(f"{name:<{width}}  {value}" for name, value in self.rows)

    def _repr_html_(self) -> str:
        rows = (
            f'<tr><th style="text-align:left">{escape(name)}</th>'
            f'<td style="text-align:left">{escape(value)}</td></tr>'
            for name, value in self.rows
        )
        return f"<table>{''.join(rows)}</table>"
