"""Whose code a file holds."""

from __future__ import annotations

import json
import os

import httpx
import pytest

import cachy
from cachy.frames import is_installed, is_own


@pytest.mark.parametrize("file", [__file__, "/tmp/ipykernel_7/1.py", "<stdin>", "notebook.py"])
def test_the_users_own(file: str) -> None:
    assert is_own(file)
    assert not is_installed(file)


@pytest.mark.parametrize("file", [cachy.__file__, json.__file__, os.__file__, "<frozen runpy>"])
def test_of_cachy_or_of_python(file: str) -> None:
    assert not is_own(file)
    assert not is_installed(file)


def test_of_a_package() -> None:
    assert is_installed(httpx.__file__)
    assert not is_own(httpx.__file__)
