"""The events of a stream come with the piece that has their last byte."""

from __future__ import annotations

import orjson
import pytest
import shown
from many import make_entry

from cachy.page.timeline import MOST, timeline
from cachy.store.entry import Entry


def sse(*texts: str) -> list[bytes]:
    return [
        b"data: %s\n\n" % orjson.dumps({"choices": [{"index": 0, "delta": {"content": text}}]})
        for text in texts
    ]


def streamed(pieces: list[bytes], times: object, kind: str = "sse") -> Entry:
    return shown.entry({}, b"".join(pieces), stream=kind, times=times, ms=900.0)


def test_each_event_has_its_time() -> None:
    pieces = sse("one", "two", "three")
    first, second, third = map(len, pieces)
    # The second piece brings the end of the first event, and all of the second.
    times = [[first - 5, 100], [5 + second, 40], [third, 60]]
    found = timeline(streamed(pieces, times))
    assert [(event["ms"], event["text"]) for event in found["events"]] == [
        (140.0, "one"),
        (140.0, "two"),
        (200.0, "three"),
    ]
    assert (found["total"], found["ms"]) == (3, 900.0)


def test_json_lines_have_times_too() -> None:
    lines = [b'{"response": "a", "done": false}\n', b'{"response": "b", "done": true}\n']
    times = [[len(lines[0]), 10], [len(lines[1]), 15]]
    found = timeline(streamed(lines, times, "ndjson"))
    assert [event["ms"] for event in found["events"]] == [10.0, 25.0]


@pytest.mark.parametrize(
    "times", [None, [], [["x", 1]], [[1]], "text", [[None, None]], [[9**99, 1]]]
)
def test_without_times_or_with_broken_ones_events_are_listed(times: object) -> None:
    found = timeline(streamed(sse("a", "b"), times))
    assert [event["text"] for event in found["events"]] == ["a", "b"]


def test_long_streams_are_cut_and_what_is_no_stream_has_none() -> None:
    found = timeline(streamed(sse(*["x"] * (MOST + 7)), None))
    assert (len(found["events"]), found["total"]) == (MOST, MOST + 7)
    assert timeline(make_entry(1))["events"] == []
    longer = timeline(streamed([b"data: {}\n\n" * 900_000], None))
    assert (longer["large"], longer["events"]) == (True, [])


@pytest.mark.parametrize("kind", ["sse", "ndjson", "json-array", "aws-eventstream", "other"])
@pytest.mark.parametrize("body", [b"", b"\0" * 40, b"data: {\n\n" * 3, b"[" * 999, b"\xff\xfe"])
def test_nothing_raises(kind: str, body: bytes) -> None:
    timeline(streamed([body], [[3, 1]], kind))


def test_a_credential_in_pieces_is_masked() -> None:
    token = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7" * 2
    pieces = sse("my key is ", *(token[at : at + 12] for at in range(0, len(token), 12)), " ok")
    found = timeline(streamed(pieces, None))["events"]
    assert [event["text"] for event in found][:: len(found) - 1] == ["my key is ", " ok"]
    for at in range(12, len(token) - 12, 12):  # the first has hardly more than the prefix
        assert token[at : at + 12] not in str(found)
