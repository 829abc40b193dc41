"""HTTP archives, as browsers and proxies write them."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from cassettes import URL, answered, asked, only, unclear

from cachy.formats import har
from cachy.formats.interaction import Interaction


def entry(**more: Any) -> dict[str, Any]:
    return {
        "startedDateTime": "2026-03-01T12:00:00.5+02:00",
        "time": 812.34,
        "request": {
            "method": "POST",
            "url": URL,
            "httpVersion": "h2",
            "headers": [
                {"name": ":authority", "value": "api.openai.com"},
                {"name": "Content-Type", "value": "application/json"},
            ],
            "postData": {"mimeType": "application/json", "text": asked()},
            **more.pop("request", {}),
        },
        "response": {
            "status": 200,
            "statusText": "",
            "httpVersion": "h2",
            "headers": [
                {"name": "content-type", "value": "application/json"},
                {"name": "content-encoding", "value": "br"},
                {"name": "content-length", "value": "7"},
            ],
            "content": {"size": 9, "mimeType": "application/json", "text": answered()},
            **more.pop("response", {}),
        },
        **more,
    }


def archive(*entries: Any) -> str:
    return json.dumps({"log": {"version": "1.2", "pages": [{"id": 1}], "entries": list(entries)}})


def test_reads_an_entry() -> None:
    each = only(har.read(archive(entry())))
    assert each.request.headers == [("content-type", "application/json")]
    assert each.request.body == asked().encode()
    assert each.response.headers == [("content-type", "application/json")]
    assert (each.response.http, each.response.reason) == ("HTTP/2", None)
    assert (each.recorded, each.ms) == ("2026-03-01T10:00:00.500000Z", 812.3)


def test_reads_base64_and_forms() -> None:
    content = {"size": 2, "text": "AP8=", "encoding": "base64"}
    form = {
        "mimeType": "application/x-www-form-urlencoded",
        "params": [{"name": "a", "value": "1 2"}],
    }
    each = only(har.read(archive(entry(response={"content": content}, request={"postData": form}))))
    assert each.body == b"\x00\xff"
    assert each.request.body == b"a=1+2"


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        (entry(response={"status": 0}), "an entry without a response"),
        ({"request": {}}, "an entry without a response"),
        ({}, "an entry without a request"),
        (7, "an entry without a request"),
        (entry(response={"content": {"size": 12}}), "a response whose body is not in the file"),
    ],
)
def test_what_is_no_interaction_is_named_and_the_rest_taken(broken: Any, what: str) -> None:
    found = list(har.read(archive(entry(), broken, entry())))
    assert unclear(found) == [("entry 2", what)]
    assert len(found) == 3


def test_an_archive_cut_in_the_middle_gives_what_is_whole() -> None:
    text = archive(entry(), entry(), entry())
    found = list(har.read(text[: len(text) - 200]))
    assert [isinstance(each, Interaction) for each in found] == [True, True, False]
    assert "not JSON from here on" in unclear(found)[0][1]


def test_writes_what_it_reads() -> None:
    given = only(har.read(archive(entry())))._replace(scope="a", repeat=2)
    stream = io.StringIO()
    har.write([given], stream)
    assert only(har.read(stream.getvalue())) == given
    assert json.loads(stream.getvalue())["log"]["version"] == "1.2"


def test_writes_an_archive_without_entries() -> None:
    stream = io.StringIO()
    har.write([], stream)
    assert list(har.read(stream.getvalue())) == []
