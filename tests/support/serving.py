"""The page of a store, served from a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cachy.page.server import PageServer

Serve = Callable[..., "PageServer"]


@contextmanager
def serving(root: Path, **options: str) -> Iterator[PageServer]:
    """Serve the page of a store from a thread, until the end of the block."""
    pytest.importorskip("starlette", reason="the extra `ui` is not installed here")
    from cachy.page.server import PageServer, listen

    page = PageServer(str(root), listen(0), **options)
    thread = threading.Thread(target=page.run)
    thread.start()
    try:
        yield page
    finally:
        page.stop()
        thread.join(10)
