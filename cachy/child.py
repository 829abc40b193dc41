"""What a Python process does at its start if the one that started it has cachy.

`cachy_process.pth`, which lies beside the package, imports this where CACHY_PROCESS is set. Nothing
more is loaded before an HTTP library is: most of these processes never make a call.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cachy.patch import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class _Waiting:
    """A finder that finds nothing itself, and has cachy loaded before an HTTP library is."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in FAMILIES:
            return None
        if self in sys.meta_path:
            sys.meta_path.remove(self)
            _load()
        for finder in sys.meta_path:  # anew, for cachy may have put one of its own in front
            find = getattr(finder, "find_spec", None)
            if find is not None and (spec := find(name, path, target)) is not None:
                return spec  # type: ignore[no-any-return]
        return None


def _load() -> None:
    """Load the session, which then puts in force what this process inherits. Raise nothing."""
    try:
        import cachy.session  # noqa: F401
    except Exception:  # noqa: BLE001, S110 - the user's import must not fail for cachy
        pass


if FAMILIES.keys() & sys.modules.keys():
    _load()
else:
    sys.meta_path.insert(0, _Waiting())
