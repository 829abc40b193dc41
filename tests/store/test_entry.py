"""Entries: format 1 is pinned here, and nothing damaged passes for sound."""

from __future__ import annotations

import hashlib
import json
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from cachy.errors import Defect
from cachy.store.entry import BODY_LIMIT, FORMAT, HEAD_LIMIT, Entry, dictionary, dumps, loads, plain
from cachy.store.layout import shared_files
from cachy.store.names import NAME_LENGTH, is_name, key_in, name_of, seal, second_in, unseal

KEY = "bc241ecf5cac08ded2028c42efdfa8fd572f3f73e45bbb043d74acd33d5e4bfb"
SECOND = 0x6741F0A3
HEAD: dict[str, Any] = {
    "cachy": 1,
    "key": KEY,
    "status": 200,
    "headers": [["content-type", "text/plain"]],
    "ms": 1.5,
}
ENTRY = Entry(HEAD, "café\n".encode())

# A file made by hand from the words of the design; its frame holds one raw block.
PINNED_NAME = "bc241ecf5cac08ded2028c42efdfa8fd-6741f0a3a3e01a6969c00e5e"
PINNED_FILE = bytes.fromhex(
    "00a5b52ffdacb291057a7b22638a636879f23a312c0c6b6579403a2262f432343138636635b96163304a6465"
    "64eb303238933432657264666189666435d2326633d0373365af35626201303433b337346161643333653565"
    "3420666222e1227374c57475735f3a3230002c22689e616465c073223a055b2263a16e7465aa742d74f47065"
    "22a422746502742f708761696ef25d5d2c0c6d732258312e35ea0a7b223f6f6479f83a7b221f6f6465b5223a"
    "229d227d7d1e63616672a90a8d385c98"
)
PINNED = Entry(HEAD | {"request": {"body": {"model": "m"}}}, "café\n".encode())


def compress(text: bytes, **options: Any) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True, **options).compress(text)


def frame_of(head: object, body: bytes = b"", request: bytes = b"null") -> bytes:
    return compress(b"%b\n%b\n%b" % (json.dumps(head).encode(), request, body))


def test_format_1_is_pinned() -> None:
    assert FORMAT == 1
    assert loads(unseal(PINNED_NAME, PINNED_FILE), KEY[:32]) == PINNED


@pytest.mark.parametrize("size", [0, 1, 100, 5_000, 70_000, 300_000])
def test_reads_like_the_manifest_says(size: int) -> None:
    """A reader of ten lines, written from the words of `manifest.json` alone."""
    outlined = HEAD | {"request": {"body": {"model": "m"}}}
    entry = Entry(outlined, random.Random(size).randbytes(size))
    frame = dumps(entry)
    name = name_of(KEY, SECOND, frame)
    data = bytearray(seal(name, frame))
    pad, step = hashlib.sha256(name.encode()).digest(), min(16, 4 + len(data) // 512)
    assert data.pop(0) == 0
    for turn, at in enumerate(range(0, len(data), step)):
        data[at] ^= pad[turn % 32]
    assert hashlib.sha256(data).hexdigest()[:16] == name[-16:]
    shared = zstandard.ZstdCompressionDict(shared_files()["dictionary"])
    text = zstandard.ZstdDecompressor(dict_data=shared).decompress(bytes(data))
    head, request, body = text.split(b"\n", 2)
    assert Entry(json.loads(head) | {"request": json.loads(request)}, body) == entry


def test_the_dictionary_is_pinned() -> None:
    """Committed entries can be read with these bytes alone."""
    assert hashlib.sha256(dictionary()).hexdigest() == (
        "b4542ad27e6328ea0e5a69a01bb520688fdb0efdc8607a1f67cc6dfaa53cdc92"
    )
    assert zstandard.ZstdCompressionDict(dictionary()).dict_id() == 51906
    assert zstandard.get_frame_parameters(dumps(ENTRY)).dict_id == 51906


def test_reads_frames_without_a_dictionary() -> None:
    outlined = Entry(HEAD | {"request": {"body": {"model": "m"}}}, b"body" * 1000)
    assert zstandard.get_frame_parameters(compress(plain(outlined))).dict_id == 0
    assert loads(compress(plain(outlined))) == outlined


def test_threads_share_the_dictionary() -> None:
    """In a process of its own, where eight threads make and read their first entry at once."""
    program = f"""
from threading import Barrier, Thread
from cachy.store.entry import Entry, dumps, loads
head, done, together = {HEAD!r}, [], Barrier(8)
def work(number):
    together.wait()
    for turn in range(200):
        entry = Entry(head, b"%d/%d" % (number, turn))
        assert loads(dumps(entry)) == entry
    done.append(number)
threads = [Thread(target=work, args=(number,)) for number in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert len(done) == 8
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_frames_carry_a_checksum_and_their_size() -> None:
    parameters = zstandard.get_frame_parameters(dumps(ENTRY))
    assert parameters.has_checksum
    assert (
        parameters.content_size
        == len(json.dumps(HEAD, separators=(",", ":"))) + len("\nnull\n") + 6
    )


# ---- Names ----


def test_names() -> None:
    name = name_of(KEY, SECOND, b"frame")
    assert name == f"{KEY[:32]}-6741f0a3{hashlib.sha256(b'frame').hexdigest()[:16]}"
    assert (len(name), key_in(name), second_in(name)) == (NAME_LENGTH, KEY[:32], SECOND)
    assert is_name(name)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_newer_names_sort_after_older(one: int, other: int) -> None:
    names = [name_of(KEY, second, b"") for second in (one, other)]
    assert (names[0] < names[1]) == (one < other)
    assert second_in(names[0]) == one


@pytest.mark.parametrize(
    "name",
    ["", "x", "manifest.json", PINNED_NAME + ".entry", PINNED_NAME.upper(), PINNED_NAME[:-1]],
)
def test_no_names(name: str) -> None:
    assert not is_name(name)


# ---- Round trips ----

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc…"), inner, max_size=3),
    max_leaves=6,
)
bodies = st.binary(max_size=400) | st.integers(0, 90_000).map(
    lambda n: random.Random(n).randbytes(n)
)


@given(json_values, bodies)
def test_round_trip(request: Any, body: bytes) -> None:
    entry = Entry(HEAD | ({} if request is None else {"request": request}), body)
    frame = dumps(entry)
    name = name_of(KEY, SECOND, frame)
    assert loads(unseal(name, seal(name, frame)), KEY) == entry
    assert loads(frame, replay=True)[:2] == (HEAD, body)


def test_a_null_request_is_no_request() -> None:
    assert dumps(Entry(HEAD | {"request": None}, b"x")) == dumps(Entry(HEAD, b"x"))
    assert "request" not in loads(dumps(Entry(HEAD, b"x"))).head


@pytest.mark.parametrize(
    ("size", "kept"), [(HEAD_LIMIT - 200, True), (HEAD_LIMIT, False), (3 * HEAD_LIMIT, False)]
)
def test_a_request_that_is_too_long_is_left_out(size: int, kept: bool) -> None:
    entry = Entry(HEAD | {"request": "x" * size}, b"body")
    assert loads(dumps(entry)) == (entry if kept else Entry(HEAD, b"body"))


def test_a_hit_does_not_read_the_request() -> None:
    frame = frame_of(HEAD, b"body", b"{not JSON")
    assert loads(frame, replay=True).body == b"body"
    with pytest.raises(Defect, match="request is not JSON"):
        loads(frame)
    deep = frame_of(HEAD, b"body", b"[" * 300 + b"]" * 300)
    assert "request" not in loads(deep).head


def test_round_trip_of_what_orjson_refuses() -> None:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    for request in (2**70, "\ud800", deep):
        assert loads(dumps(Entry(HEAD | {"request": {"body": request}}, b"x"))).body == b"x"
    assert loads(dumps(Entry(HEAD | {"seed": 2**70}, b""))).head["seed"] == 2**70


def test_a_file_is_binary_to_git() -> None:
    assert b"\0" in seal(PINNED_NAME, dumps(ENTRY))[:1]


# ---- Damage ----

SOUND = dumps(Entry(HEAD, b"a body, " * 20))
NAME = name_of(KEY, SECOND, SOUND)
FILE = seal(NAME, SOUND)
LARGE = dumps(Entry(HEAD, random.Random(1).randbytes(40_000)))


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_any_wrong_byte_is_noticed(at: int, change: int) -> None:
    with pytest.raises(Defect):
        unseal(NAME, FILE[:at] + bytes([FILE[at] ^ change]) + FILE[at + 1 :])


@given(st.integers(0, len(LARGE)), st.integers(1, 255))
def test_any_wrong_byte_of_a_large_file_is_noticed(at: int, change: int) -> None:
    name = name_of(KEY, SECOND, LARGE)
    file = seal(name, LARGE)
    with pytest.raises(Defect):
        unseal(name, file[:at] + bytes([file[at] ^ change]) + file[at + 1 :])


@given(st.integers(0, len(FILE) - 1))
def test_a_file_cut_short_is_noticed(length: int) -> None:
    with pytest.raises(Defect):
        unseal(NAME, FILE[:length])


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param(NAME, b"", id="empty"),
        pytest.param(NAME, FILE + b"\0", id="longer"),
        pytest.param(NAME, FILE[1:], id="no-nul"),
        pytest.param(NAME, b"\0" + SOUND, id="not-masked"),
        pytest.param(NAME, FILE.replace(b"\n", b"\r\n") + b"\r\n", id="line-ends"),
        pytest.param(name_of(KEY, SECOND + 1, SOUND), FILE, id="other-second"),
        pytest.param(name_of("0" * 32, SECOND, SOUND), FILE, id="other-key"),
        pytest.param(NAME, b"version https://git-lfs.github.com/spec/v1\n", id="lfs-pointer"),
        pytest.param(NAME, b"<<<<<<< HEAD\n", id="conflict-marks"),
    ],
)
def test_what_is_no_file_of_this_name(name: str, data: bytes) -> None:
    with pytest.raises(Defect):
        unseal(name, data)


@given(st.integers(0, len(SOUND) - 1), st.integers(1, 255))
def test_a_damaged_frame_is_noticed_or_harmless(at: int, change: int) -> None:
    frame = SOUND[:at] + bytes([SOUND[at] ^ change]) + SOUND[at + 1 :]
    try:
        assert loads(frame) == loads(SOUND)  # zstd has a bit that means nothing
    except Defect:
        pass


@given(st.binary(max_size=100), st.sampled_from([b"", b"\x28\xb5\x2f\xfd", SOUND[:9], SOUND]))
def test_no_bytes_raise_anything_else(data: bytes, start: bytes) -> None:
    for frame in (start + data, compress(data), compress(start + data)):
        try:
            loads(frame)
        except Defect:
            pass


FIELDS = (
    "cachy",
    "key",
    "status",
    "headers",
    "ms",
    "http",
    "reason",
    "redirects",
    "request",
    "url",
)
HOP = {"status": 307, "location": "https://a.b/", "method": "POST", "url": "https://a.b/"}


@given(st.sampled_from(FIELDS), json_values)
def test_no_head_raises_anything_else(field: str, value: Any) -> None:
    check_head(HEAD | {field: value})


@given(st.sampled_from(sorted(HOP)), json_values)
def test_no_redirect_raises_anything_else(field: str, value: Any) -> None:
    check_head(HEAD | {"redirects": [HOP | {field: value}]})


def check_head(head: dict[str, Any]) -> None:
    """Either a Defect, or a head that an adapter can build a response from."""
    try:
        sound = loads(frame_of(head)).head
    except Defect:
        return
    timedelta(milliseconds=sound["ms"])
    assert 100 <= sound["status"] <= 599
    for name, value in sound["headers"]:
        assert name + value is not None
    assert sound.get("http", "") + sound.get("reason", "") is not None
    for hop in sound.get("redirects", ()):
        assert hop["location"] + hop["method"] + hop["url"] is not None
        assert 100 <= hop["status"] <= 599


def test_what_a_head_may_have() -> None:
    head = HEAD | {"http": "HTTP/2", "reason": "Fine", "redirects": [HOP], "new": {"field": 1}}
    assert loads(frame_of(head, b"x"), KEY[:32]) == Entry(head, b"x")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"cachy": 2}, "format 2.*update cachy-store", id="newer-version"),
        pytest.param({"cachy": None}, "not that of an entry", id="no-version"),
        pytest.param({"cachy": "1"}, "not that of an entry", id="version-text"),
        pytest.param({"key": "0" * 64}, "another key", id="other-key"),
        pytest.param({"key": None}, "another key", id="no-key"),
        pytest.param({"status": 0}, "status", id="status"),
        pytest.param({"status": "200"}, "status", id="status-text"),
        pytest.param({"headers": None}, "headers", id="no-headers"),
        pytest.param({"headers": [["a"]]}, "headers", id="half-a-header"),
        pytest.param({"headers": [["a", 1]]}, "headers", id="header-number"),
        pytest.param({"ms": None}, "how long", id="no-ms"),
        pytest.param({"ms": 1e300}, "how long", id="ms-for-ever"),
        pytest.param({"http": 2}, "http", id="http"),
        pytest.param({"reason": []}, "reason", id="reason"),
        pytest.param({"redirects": 1}, "redirects", id="redirects-number"),
        pytest.param({"redirects": None}, "redirects", id="redirects-null"),
        pytest.param({"redirects": [{}]}, "redirects", id="redirects-empty"),
        pytest.param({"redirects": [HOP | {"url": 1}]}, "redirects", id="redirects-url"),
    ],
)
def test_what_a_head_may_not_have(change: dict[str, Any], says: str) -> None:
    with pytest.raises(Defect, match=says):
        loads(frame_of(HEAD | change), KEY[:32])


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        pytest.param(b"", "zstd", id="empty"),
        pytest.param(b"{}", "zstd", id="json"),
        pytest.param(compress(b""), "no head", id="nothing"),
        pytest.param(compress(b"{}"), "no head", id="no-newline"),
        pytest.param(compress(b"{}\nnull"), "no request", id="one-newline"),
        pytest.param(compress(b"\nnull\nbody"), "not JSON", id="empty-head"),
        pytest.param(compress(b"[]\nnull\nbody"), "not that of an entry", id="list"),
        pytest.param(compress(b"\xff\nnull\n"), "not JSON", id="not-utf-8"),
        pytest.param(compress(b"[" * 100_000 + b"\nnull\n"), "not JSON", id="deep"),
        pytest.param(compress(b"[" * 100_000 + b"1\nnull\n"), "not JSON", id="deep-and-long"),
        pytest.param(SOUND + b"x", "damaged", id="more-after-it"),
        pytest.param(SOUND + SOUND, "damaged", id="two-frames"),
        pytest.param(SOUND[:-1], "damaged", id="cut"),
        pytest.param(compress(b"{}\n", write_content_size=False), "size", id="no-size"),
    ],
)
def test_what_is_no_frame(frame: bytes, says: str) -> None:
    with pytest.raises(Defect, match=says):
        loads(frame)


def claiming(size: int, block: bytes) -> bytes:
    """A frame of one block that claims to hold `size` bytes."""
    header = bytes([0b11100000]) + size.to_bytes(8, "little")
    return b"\x28\xb5\x2f\xfd" + header + block


def rle(size: int) -> bytes:
    """A block of four bytes that expands to `size` of them."""
    return (size << 3 | 0b011).to_bytes(3, "little") + b"x"


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(claiming(2**40, rle(1)), id="claims-a-terabyte"),
        pytest.param(claiming(2**63, rle(1)), id="claims-the-most"),
        pytest.param(claiming(2**64 - 3, rle(1)), id="claims-nonsense"),
        pytest.param(claiming(BODY_LIMIT + HEAD_LIMIT + 1, rle(1)), id="claims-one-too-many"),
        pytest.param(claiming(10, rle(100_000)), id="claims-too-little"),
        pytest.param(claiming(100_000, rle(10)), id="claims-too-much"),
        pytest.param(compress(bytes(BODY_LIMIT + HEAD_LIMIT + 1)), id="a-real-bomb"),
    ],
)
def test_bombs(frame: bytes) -> None:
    with pytest.raises(Defect):
        loads(frame)


# ---- Likeness ----


def chunks(data: bytes) -> Counter[bytes]:
    """What git counts: runs that end at a newline or after 64 bytes."""
    return Counter(re.findall(rb"[^\n]{0,63}\n|[^\n]{64}|[^\n]+$", data))


def likeness(one: bytes, other: bytes) -> float:
    """Git's measure: the share of bytes in equal chunks."""
    same = chunks(one) & chunks(other)
    return sum(len(chunk) * count for chunk, count in same.items()) / max(len(one), len(other))


def sse() -> Iterator[bytes]:
    dice = random.Random(7)
    for number in range(3000):
        word = dice.choice(("naïve", "café", "the", "of", "and")) + str(dice.random())
        yield b"data: " + json.dumps({"id": number, "delta": {"content": word}}).encode() + b"\n\n"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="tiny"),
        pytest.param(b"a" * 1_000_000, id="a-run"),
        pytest.param(random.Random(1).randbytes(5_000), id="5-KB-random"),
        pytest.param(random.Random(2).randbytes(20_000), id="20-KB-random"),
        pytest.param(random.Random(3).randbytes(300_000), id="300-KB-random"),
        pytest.param(b"".join(sse()), id="event-stream"),
        pytest.param(json.dumps([random.Random(4).random()] * 20_000).encode(), id="vector"),
    ],
)
@pytest.mark.parametrize("nonce", [("a", "a"), ("a", "b")], ids=["same-frame", "same-body"])
def test_recordings_of_one_body_are_unlike(body: bytes, nonce: tuple[str, str]) -> None:
    files = []
    for turn, value in enumerate(nonce):
        frame = dumps(Entry(HEAD | {"nonce": value}, body))
        files.append(seal(name_of(KEY, SECOND + turn, frame), frame))
    assert len(files[0]) == pytest.approx(len(files[1]), rel=0.1)
    assert likeness(*files) < 0.02


def test_the_measure_measures() -> None:
    data = random.Random(5).randbytes(10_000)
    assert likeness(data, data) == 1
    assert 0.4 < likeness(data, data[:5_000] + random.Random(6).randbytes(5_000)) < 0.6
