"""Patches are put on when their library is loaded, and taken off whole."""

from __future__ import annotations

import sys

import httpx
import httpx2
import pytest

from cachy.patch import FAMILIES, Patches

METHODS = [
    (client, name)
    for library in (httpx, httpx2)
    for client in (library.Client, library.AsyncClient)
    for name in ("send", "_send_single_request")
]


def methods() -> list[object]:
    return [getattr(client, name) for client, name in METHODS]


def test_what_is_installed_can_be_removed_whole() -> None:
    before, finders = methods(), list(sys.meta_path)
    patches = Patches(lambda: None)
    for _ in range(2):
        patches.install()
        patches.install()
        assert all(now is not then for now, then in zip(methods(), before, strict=True))
        patches.remove()
        patches.remove()
        assert methods() == before
        assert sys.meta_path == finders


def test_every_family_is_a_module_here() -> None:
    assert set(FAMILIES) == {"httpx", "httpx2"}
    assert set(FAMILIES.values()) == {"cachy.patch.httpx"}


@pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)
def test_a_version_that_cannot_be_patched_is_said(
    library: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = library.Client  # type: ignore[attr-defined]
    monkeypatch.delattr(client, "_send_single_request")
    patches = Patches(lambda: None)
    try:
        with pytest.warns(UserWarning, match="cannot be patched, so its calls go live"):
            patches.install()
    finally:
        patches.remove()
