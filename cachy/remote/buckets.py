"""Buckets as remotes: S3 and what speaks as it does, Google Cloud Storage, Azure Blob Storage; all
through the library obstore, whose work is done outside of Python."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cachy.remote import credentials
from cachy.remote.complaints import said_of
from cachy.remote.engine import (
    PATIENCE,
    Denied,
    Engine,
    Found,
    Listed,
    Misconfigured,
    RemoteError,
    TooLarge,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cachy.remote.address import Address

_used_by = 0  # the process that used obstore first
_SIGNED_FOR = timedelta(minutes=1)


class BucketEngine(Engine):
    """A bucket. The tag of an object is its ETag, which is opaque."""

    survives_fork = False  # the threads of obstore's runtime are not in a child, which would hang

    def __init__(self, address: Address) -> None:
        """Raises Misconfigured without the library, or without credentials."""
        try:
            import obstore
            import obstore.exceptions
        except ImportError:
            extra = {"gs": "gcs", "az": "azure"}.get(address.scheme, "s3")
            raise Misconfigured(
                f"the library `obstore` is not installed: pip install 'cachy-store[{extra}]'"
            ) from None
        global _used_by
        _used_by = _used_by or os.getpid()
        self._obstore: Any = obstore
        self._scheme = address.scheme
        try:
            self._store = _open(address)
        except (ValueError, TypeError, OSError, obstore.exceptions.BaseError) as error:
            raise Misconfigured(said_of(str(error))) from None

    @property
    def is_in_child(self) -> bool:
        """Whether this process was forked from one that had the library at work."""
        return _used_by != os.getpid()

    def get(self, path: str, limit: int) -> Found | None:
        try:
            with self._translated():
                got = self._obstore.get(self._store, path)
                size = got.meta["size"]
                if size <= limit:  # or else the body is left where it is
                    return Found(bytes(got.bytes()), got.meta["e_tag"] or "")
        except _Absent:
            return None
        raise TooLarge(f"has {size:,} bytes, more than any object of cachy")

    def create(self, path: str, data: bytes) -> bool:
        return self._put(path, data, "create")

    def replace(self, path: str, data: bytes, tag: str) -> bool:
        return self._put(path, data, {"e_tag": tag})

    def _put(self, path: str, data: bytes, mode: Any) -> bool:
        errors = self._obstore.exceptions
        try:
            with self._translated():
                self._obstore.put(self._store, path, data, mode=mode, use_multipart=False)
        except (errors.AlreadyExistsError, errors.PreconditionError):
            return False
        except _Absent:
            if mode == "create":
                raise Misconfigured("the bucket is not there") from None
            return False
        return True

    def listing(self, under: str) -> Iterator[Listed]:
        front, _, start = under.rpartition("/")
        with self._translated():
            for some in self._obstore.list(self._store, front or None, chunk_size=1000):
                for each in some:
                    if start and not each["path"].startswith(under):
                        continue
                    changed = each["last_modified"].timestamp()
                    yield Listed(each["path"], each["size"], changed)

    def delete(self, paths: Sequence[str]) -> None:
        try:
            with self._translated():
                self._obstore.delete(self._store, list(paths))
        except _Absent:
            return

    def after_fork(self) -> Engine:
        from cachy.remote.signed import SignedEngine

        return SignedEngine(self._sign)

    def _sign(self, method: str, path: str) -> str:
        """Return a URL by which one request can be made without the library."""
        with self._translated():
            return str(self._obstore.sign(self._store, method, path, _SIGNED_FOR))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        errors = self._obstore.exceptions
        try:
            yield
        except (errors.AlreadyExistsError, errors.PreconditionError):
            raise
        except FileNotFoundError as error:
            text = str(error)
            if "NoSuchBucket" in text or "ContainerNotFound" in text:
                raise Misconfigured(said_of(text)) from None
            raise _Absent from None
        except (errors.PermissionDeniedError, errors.UnauthenticatedError) as error:
            raise Denied(said_of(str(error))) from None
        except (errors.BaseError, OSError, ValueError) as error:
            text = str(error)
            if any(f"status code: {code}" in text for code in (401, 403)):
                raise Denied(said_of(text)) from None
            raise RemoteError(said_of(text)) from None


class _Absent(Exception):
    """There is no such object."""


def _open(address: Address) -> Any:
    from obstore import store

    found = {
        "s3": credentials.for_s3,
        "gs": credentials.for_gs,
        "az": credentials.for_az,
    }[address.scheme](address, os.environ)
    options: Any = {
        "timeout": timedelta(seconds=PATIENCE),
        "connect_timeout": timedelta(seconds=PATIENCE / 2),
        # Of an endpoint that the user named; clouds have https.
        "allow_http": found.get("endpoint", "").startswith("http://"),
    }
    kind: Any = {"s3": store.S3Store, "gs": store.GCSStore, "az": store.AzureStore}[address.scheme]
    return kind(
        address.place,
        prefix=address.prefix or None,
        config=found,
        client_options=options,
        retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=PATIENCE)},
    )
