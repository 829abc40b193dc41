"""Images and sound are told by their first bytes."""

from __future__ import annotations

import base64

import pytest
import shown
from many import make_entry

from cachy.page.media import media_of, sniff

PNG = shown.png(8, 8)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"GIF89a....", "image/gif"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
        (b"RIFF....WAVEfmt ", "audio/wav"),
        (b"ID3\x04....", "audio/mpeg"),
        (b"\xff\xfb\x90....", "audio/mpeg"),
        (b"OggS....", "audio/ogg"),
        (b"....ftypM4A ....", "audio/mp4"),
        (b"....ftypavif....", "image/avif"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", ""),
        (b"<?xml version='1.0'?><svg>", ""),
        (b"<html><script>", ""),
        (b"%PDF-1.7", ""),
        (b"RIFF....AVI ", ""),
        (b"", ""),
    ],
)
def test_magic(start: bytes, kind: str) -> None:
    assert sniff(start[:24]) == kind


def test_an_image_in_an_answer_a_data_url_and_a_body() -> None:
    data = base64.b64encode(PNG).decode()
    (made,) = media_of(shown.picture())
    assert (made.kind, made.where) == ("image/png", "answer")
    assert made.content().startswith(PNG[:8])
    entry = shown.entry({"image": f"data:text/html;base64,{data}"}, {"data": ["text " * 50]})
    (sent,) = media_of(entry)
    assert (sent.kind, sent.where, sent.content()) == ("image/png", "request", PNG)
    (spoken,) = media_of(shown.sound())
    assert (spoken.kind, spoken.where) == ("audio/wav", "body")


def test_a_large_answer_is_searched_without_being_decoded() -> None:
    data = base64.b64encode(PNG + bytes(5_000_000)).decode()
    (image,) = media_of(shown.entry({}, {"data": [{"b64_json": data}]}))
    assert (image.kind, image.size) == ("image/png", len(data) * 3 // 4)
    numbers = shown.entry({}, b"[" + b"1," * 10_000_000 + b"1]")
    assert media_of(numbers) == []


def test_what_only_claims_to_be_an_image_is_none() -> None:
    svg = base64.b64encode(b"<svg onload='alert(1)'>" * 9).decode()
    answer = {"mimeType": "image/png", "data": svg, "url": f"data:image/svg+xml;base64,{svg}"}
    assert media_of(shown.entry({}, {"inlineData": answer})) == []
    html = b"<html><script>alert(1)</script>" + b" " * 100
    assert media_of(shown.entry({}, html, headers=[["content-type", "image/png"]])) == []


def test_deep_and_broken_json_is_searched_within_bounds() -> None:
    assert media_of(make_entry(1)._replace(body=b"[" * 5000)) == []
    assert media_of(make_entry(1)._replace(body=b"[" * 150 + b"]" * 150)) == []
    many = shown.entry({}, [base64.b64encode(PNG).decode()] * 90)
    assert len(media_of(many)) == 24
