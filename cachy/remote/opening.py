"""Open the engine of an address. Its library is imported with it, and never before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachy.remote.address import BUCKETS

if TYPE_CHECKING:
    from cachy.remote.address import Address
    from cachy.remote.engine import Engine


def open_engine(address: Address) -> Engine:
    """Return the engine of an address. Makes no connection. Raises Misconfigured where a library,
    credentials or the folder are missing."""
    if address.scheme in BUCKETS:
        from cachy.remote.buckets import BucketEngine

        engine = BucketEngine(address)
        return engine.after_fork() if engine.is_in_child else engine
    if address.scheme.startswith("redis"):
        from cachy.remote.redis import RedisEngine

        return RedisEngine(address)
    if address.scheme == "file":
        from cachy.remote.folder import FolderEngine

        return FolderEngine(address)
    from cachy.remote.web import WebEngine

    return WebEngine(address)
