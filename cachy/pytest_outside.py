"""What calls outside of tests get in a run of pytest that replays or records all calls.

They are made while `conftest.py` and test modules are imported, while tests are collected and
parametrized, at the start and end of the run, between tests, by threads that outlive a test, and by
what runs when the interpreter exits. A session of the run answers them as it would in a test: with
the settings of the ini file, from the store in its place. A miss says where the call came from.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from cachy.session import keep_notes, new_session, put_in_force, session_in_force

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any

_PYTEST = "_pytest.config"


class Outside:
    """The session of a run, in force wherever there is no other. `is_own` tells the files of the
    project from those of libraries."""

    def __init__(
        self, settings: dict[str, Any], root: Path, is_own: Callable[[Path], bool]
    ) -> None:
        self._root, self._is_own = root, is_own
        self._before = session_in_force()
        self.session = new_session(**settings)
        self.session.cache.whence = self._whence
        keep_notes(self.session)
        put_in_force(self.session)

    def put_back(self) -> None:
        """Put it in force again where a test has switched cachy off."""
        if session_in_force() is None:
            put_in_force(self.session)

    def end(self) -> None:
        """Leave in force what was in force before the run."""
        keep_notes(self.session, on=False)
        if session_in_force() is self.session:
            put_in_force(self._before)

    def _whence(self) -> str:
        """Return where the call comes from that is made now."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and not self._is_own(Path(frame.f_code.co_filename)):
            frame = frame.f_back
        place = "a library"
        if frame is not None:
            path = os.path.relpath(frame.f_code.co_filename, self._root)
            place = f"{path}:{frame.f_lineno}"
        thread = threading.current_thread()
        by = f", in {thread.name}" if thread is not threading.main_thread() else ""
        return f"{place}{by}, outside of the tests"


def is_program() -> bool:
    """Tell whether the process ends with this run of pytest: it is the command `pytest`, or
    `python -m pytest`, and not a call of `pytest.main`."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not _is_main(frame):
        frame = frame.f_back
    while frame is not None and frame.f_globals.get("__name__") == _PYTEST:
        if frame.f_code.co_name.endswith("console_main"):
            return True
        frame = frame.f_back
    return False


def _is_main(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__") == _PYTEST and frame.f_code.co_name in ("main", "_main")
