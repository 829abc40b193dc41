"""Content encodings: from the bytes on the wire to those that clients read (RFC 9110, 8.4).

decoder("gzip") ──▶ feed(piece) …  ──▶ finish()     a response, as clients read it
decoded(body, "gzip")                                a request, whole
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from importlib import import_module
from typing import Any, Protocol


class Decoder(Protocol):
    """Decodes a body piece by piece. Both methods raise ValueError for damaged data."""

    def feed(self, piece: bytes) -> bytes:
        """Return what a piece adds to the decoded body."""

    def finish(self) -> bytes:
        """Return what is left at the end of the body."""


class _Identity:
    def feed(self, piece: bytes) -> bytes:
        return piece

    def finish(self) -> bytes:
        return b""


IDENTITY = _Identity()
"""Changes nothing."""


class _Zlib:
    """gzip and deflate. Some servers send deflate without zlib's header (RFC 9110, 8.4.1.2)."""

    def __init__(self, bits: int) -> None:
        self._inner = zlib.decompressobj(bits)
        self._start = b""  # of deflate, until its two bytes of header can be looked at
        self._looked = bits != zlib.MAX_WBITS

    def feed(self, piece: bytes) -> bytes:
        if not self._looked:
            piece = self._start = self._start + piece
            if len(piece) < 2:
                return b""
            self._looked = True
            if piece[0] & 15 != 8 or int.from_bytes(piece[:2], "big") % 31:  # RFC 1950, 2.2
                self._inner = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            return self._inner.decompress(piece)
        except zlib.error as error:
            raise ValueError(str(error)) from None

    def finish(self) -> bytes:
        try:
            return self._inner.flush()
        except zlib.error as error:
            raise ValueError(str(error)) from None


class _Brotli:
    def __init__(self, brotli: Any) -> None:
        self._inner, self._error = brotli.Decompressor(), brotli.error
        self._decompress = getattr(self._inner, "decompress", None) or self._inner.process

    def feed(self, piece: bytes) -> bytes:
        try:
            return bytes(self._decompress(piece)) if piece else b""
        except self._error as error:
            raise ValueError(str(error)) from None

    def finish(self) -> bytes:
        return b""


class _Zstd:
    """One zstd frame after the other."""

    def __init__(self) -> None:
        import zstandard

        self._error = zstandard.ZstdError
        self._start = zstandard.ZstdDecompressor().decompressobj
        self._inner = self._start()

    def feed(self, piece: bytes) -> bytes:
        decoded = b""
        try:
            while piece:
                if self._inner.eof:
                    self._inner = self._start()
                decoded += self._inner.decompress(piece)
                piece = self._inner.unused_data
        except self._error as error:
            raise ValueError(str(error)) from None
        return decoded

    def finish(self) -> bytes:
        return b""


class _Chain:
    """Several encodings, the one that was applied last first."""

    def __init__(self, decoders: list[Decoder]) -> None:
        self._decoders = decoders

    def feed(self, piece: bytes) -> bytes:
        for each in self._decoders:
            piece = each.feed(piece)
        return piece

    def finish(self) -> bytes:
        rest = b""
        for each in self._decoders:
            rest = each.feed(rest) + each.finish()
        return rest


def decoder(encodings: str) -> Decoder | None:
    """Return a decoder for the value of a `content-encoding` header; None for an encoding that is
    unknown, or whose library is not installed."""
    decoders: list[Decoder] = []
    for name in reversed([token.strip().lower() for token in encodings.split(",")]):
        if name in ("gzip", "x-gzip"):
            decoders.append(_Zlib(zlib.MAX_WBITS | 16))
        elif name == "deflate":
            decoders.append(_Zlib(zlib.MAX_WBITS))
        elif name == "zstd":
            decoders.append(_Zstd())
        elif name == "br" and (brotli := _brotli()) is not None:
            decoders.append(_Brotli(brotli))
        elif name not in ("", "identity"):
            return None
    if not decoders:
        return IDENTITY
    return decoders[0] if len(decoders) == 1 else _Chain(decoders)


def decoded(body: bytes, encodings: str) -> bytes:
    """Return a whole body without its encodings; as it is, if one of them is not known or the body
    is not in it.

    Stricter than `decoder`, which reads what clients read: here a cut body is not half a one, and
    what follows the end of a gzip member counts.
    """
    original = body
    for name in reversed(encodings.lower().split(",")):
        try:
            body = _whole(body, name.strip())
        except Exception:  # noqa: BLE001 - each library has errors of its own
            return original
    return body


def _whole(body: bytes, encoding: str) -> bytes:
    if encoding in ("", "identity"):
        return body
    if encoding in ("gzip", "x-gzip"):
        import gzip

        return gzip.decompress(body)
    if encoding == "deflate":
        try:
            return zlib.decompress(body)
        except zlib.error:  # without its header
            return zlib.decompress(body, -zlib.MAX_WBITS)
    if encoding == "zstd":
        import zstandard

        with zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True) as reader:
            return reader.read()
    if encoding == "br" and (brotli := _brotli()) is not None:
        return bytes(brotli.decompress(body))
    raise ValueError(f"{encoding} is not a content encoding that cachy knows")


@lru_cache(maxsize=1)
def _brotli() -> Any:
    """Return the brotli module that HTTP libraries use, or None."""
    for name in ("brotli", "brotlicffi"):
        try:
            return import_module(name)
        except ImportError:
            continue
    return None
