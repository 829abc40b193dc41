"""Cassettes of vcrpy and of Ruby's VCR, in all the ways in which recorders keep a body."""

from __future__ import annotations

import base64
import gzip
import io
import json
from typing import Any

import pytest
from cassettes import URL, answered, as_json, as_yaml, asked, item, only, unclear

from cachy.formats import vcr
from cachy.formats.interaction import Interaction


def read(text: str | bytes) -> list[Any]:
    data = text.encode() if isinstance(text, str) else text
    return list(vcr.read_yaml(io.BytesIO(data)))


@pytest.mark.parametrize("write", [as_yaml, as_json])
def test_reads_what_vcrpy_writes(write: Any) -> None:
    text = write(item())
    each = only(read(text) if write is as_yaml else vcr.read_json(text))
    assert (each.request.method, each.request.url) == ("POST", URL)
    assert each.request.header("content-type") == "application/json"
    assert json.loads(each.request.body) == json.loads(asked())
    assert (each.response.status, each.response.reason) == (200, None)
    assert each.body == answered().encode()
    assert each.recorded == "2025-02-11T14:10:40Z"


BYTES = b"\x00\xff audio"


@pytest.mark.parametrize(
    "body",
    [
        {"string": BYTES},
        {"base64_string": base64.encodebytes(BYTES).decode()},
        {"string": BYTES, "encoding": "ASCII-8BIT"},
    ],
    ids=["binary", "base64", "ruby"],
)
def test_reads_a_binary_body(body: dict[str, Any]) -> None:
    assert only(read(as_yaml(item(response={"body": body})))).body == BYTES


def test_reads_a_response_that_vcrpy_kept_for_httpx_before_version_6() -> None:
    old = {
        "status_code": 200,
        "http_version": "HTTP/2",
        "headers": {"content-type": "application/json", "content-encoding": "gzip"},
        "content": answered(),
    }
    each = only(read(as_yaml({**item(), "response": old})))
    assert each.response.http == "HTTP/2"
    assert each.response.headers == [("content-type", "application/json")]  # it was decoded
    assert each.body == answered().encode()


def test_reads_bodies_that_were_parsed() -> None:
    parsed = {"model": "gpt-4o", "n": 2, "temperature": 0.5, "stop": None, "store": False}
    made = item(request={"body": "", "parsed_body": parsed})
    text = as_yaml(made)
    assert "n: 2" in text
    assert json.loads(only(read(text)).request.body) == parsed


@pytest.mark.parametrize("write", [as_yaml, as_json])
def test_reads_a_request_of_aiohttp_which_is_kept_as_what_it_sends(write: Any) -> None:
    sent = {"model": "gpt-4o", "stream": True, "n": 2, "stop": None, "messages": [{"content": ""}]}
    text = write(item(request={"body": sent}))
    each = only(read(text) if write is as_yaml else vcr.read_json(text))
    assert json.loads(each.request.body) == sent


def test_reads_cassettes_of_ruby() -> None:
    text = """\
---
http_interactions:
- request:
    method: post
    uri: https://api.mistral.ai/v1/chat/completions
    body:
      encoding: UTF-8
      string: '{"model":"m"}'
    headers:
      Authorization:
      - Bearer <KEY>
  response:
    status:
      code: 200
      message: OK
    headers:
      Content-Type:
      - application/json
    body:
      encoding: ASCII-8BIT
      string: !binary |-
        eyJhIjogMX0=
  recorded_at: Wed, 19 Aug 2026 14:35:17 GMT
recorded_with: VCR 6.3.1
"""
    each = only(read(text))
    assert (each.request.method, each.request.body) == ("POST", b'{"model":"m"}')
    assert (each.body, each.recorded) == (b'{"a": 1}', "2026-08-19T14:35:17Z")


def test_an_encoding_stays_where_the_body_has_it() -> None:
    headers = {"Content-Encoding": ["gzip"], "Content-Length": ["3"]}
    packed = gzip.compress(b"{}")
    each = only(read(as_yaml(item(response={"headers": headers, "body": {"string": packed}}))))
    assert ("Content-Encoding", "gzip") in each.response.headers
    plain = only(read(as_yaml(item(response={"headers": headers, "body": {"string": "{}"}}))))
    assert plain.response.headers == []


def test_an_alias_is_what_it_names() -> None:
    headers = {"Content-Type": ["application/json"]}
    first, second = item("a", request={"headers": headers}), item("b", request={"headers": headers})
    text = as_yaml(first, second)
    assert "*id001" in text
    requests = [each.request for each in read(text)]
    assert [request.header("content-type") for request in requests] == ["application/json"] * 2


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        ({"request": item()["request"]}, "an interaction without a response"),
        ({"response": item()["response"]}, "an interaction without a request"),
        (item(response={"status": None}), "a response without a status"),
        (item(request={"uri": "nowhere"}), "a request without a URL"),
        (item(response={"body": {"base64_string": "%"}}), "a body that should be base64"),
        (item(response={"body": {"file": "x"}}), "a body of an unknown form (file)"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_what_is_no_interaction_is_named_and_the_rest_taken(
    broken: dict[str, Any], what: str
) -> None:
    for found in (
        read(as_yaml(item("a"), broken, item("b"))),
        list(vcr.read_json(as_json(item("a"), broken, item("b")))),
    ):
        assert [isinstance(each, Interaction) for each in found] == [True, False, True]
        ((place, reason),) = unclear(found)
        assert reason.startswith(what)
        assert place.startswith(("line ", "interaction 2"))


def test_old_cassettes_are_refused() -> None:
    assert unclear(read("- request: {}\n  response: {}\n")) == [
        ("line 1", "it is not a cassette of version 1 or later")
    ]


def test_writes_what_it_reads() -> None:
    stream = io.StringIO()
    given = [
        only(read(as_yaml(item("ä \u2028", answer=BYTES)))),
        only(read(as_yaml(item("b")))),
    ]
    given = [each._replace(scope="a/b", repeat=1, ms=12.5) for each in given]
    vcr.write(given, stream)
    found = read(stream.getvalue())
    assert [each._replace(place="") for each in found] == [
        each._replace(place="") for each in given
    ]


def test_writes_no_interaction() -> None:
    stream = io.StringIO()
    vcr.write([], stream)
    assert read(stream.getvalue()) == []
