"""Whose code a file holds: what is shown to users is where in their own code a call was made."""

from __future__ import annotations

import os

_INSTALLED = ("site-packages", "dist-packages")
_STANDARD = os.path.dirname(os.__file__)
_CACHY = os.path.dirname(os.path.abspath(__file__))


def is_installed(file: str) -> bool:
    """Return whether a file is of an installed package."""
    return any(folder in file for folder in _INSTALLED)


def is_own(file: str) -> bool:
    """Return whether a file is the user's: of no package, of Python itself or of cachy."""
    return not is_installed(file) and not file.startswith((_CACHY, _STANDARD, "<frozen"))
