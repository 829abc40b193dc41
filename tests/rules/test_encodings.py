"""Content encodings, decoded piece by piece."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from cachy.rules.encodings import decoded, decoder

TEXT = b"What is cached need not be asked again. " * 50


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def decode(body: bytes, encodings: str) -> bytes | None:
    made = decoder(encodings)
    return None if made is None else made.feed(body) + made.finish()


PACKERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "none": ("", bytes),
    "identity": ("identity", bytes),
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZIP", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "deflate without a header": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
    "two": ("gzip, br", lambda data: brotli.compress(gzip.compress(data))),
}


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_decodes_in_pieces_of_any_size(name: str, size: int) -> None:
    encoding, pack = PACKERS[name]
    packed = pack(TEXT)
    made = decoder(encoding)
    assert made is not None
    pieces = [made.feed(packed[at : at + size]) for at in range(0, len(packed), size)]
    assert b"".join(pieces) + made.finish() == TEXT
    assert decode(packed, encoding) == TEXT
    assert decoded(packed, encoding) == TEXT


def test_an_encoding_that_is_unknown() -> None:
    assert decoder("x-snappy") is None
    assert decoder("gzip, x-snappy") is None
    assert decode(b"data", "x-snappy") is None


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
@given(st.binary(min_size=1, max_size=40))
def test_damaged_data_is_a_value_error(encoding: str, data: bytes) -> None:
    try:
        decode(data, encoding)
    except ValueError:
        pass


def test_what_is_not_wholly_in_its_encoding_stays_as_it_is() -> None:
    packed = gzip.compress(TEXT)
    assert decoded(packed[:-9], "gzip") == packed[:-9]
    assert decoded(packed, "gzip, x-snappy") == packed
    assert decoded(packed + gzip.compress(b"more"), "gzip") == TEXT + b"more"
