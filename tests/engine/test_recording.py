"""A recording's states, and what its listener hears."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Sequence
from typing import Any

import pytest
from canned import BODY, CHAT

from cachy.engine.recording import Question, Recording
from cachy.engine.repeats import Numbers
from cachy.rules.hosts import Route
from cachy.rules.key import digest, identify
from cachy.rules.message import Request, ResponseHead
from cachy.settings import Settings
from cachy.store.entry import Entry

JSON = ("content-type", "application/json")
SSE = ("content-type", "text/event-stream")
ANSWER = b'{"choices":[{"message":{"content":"Hi!"},"finish_reason":"stop"}]}'


class Heard:
    """A listener that writes down what it is told."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.reasons: list[str] = []
        self.warnings: list[str] = []

    def keep(self, entry: Entry, findings: Sequence[Any]) -> None:
        self.entries.append(entry)

    def not_kept(self, method: str, url: str, reason: str) -> None:
        self.reasons.append(reason)

    def warn(self, message: str, error: BaseException | None = None) -> None:
        self.warnings.append(message)


@pytest.fixture
def heard() -> Heard:
    return Heard()


def recording(heard: Heard, number: Any = None, body: bytes = BODY) -> Recording:
    request = Request("POST", CHAT, [JSON], body)
    canon, _, texts = identify(request)
    route = Route(True, True, known=True)
    question = Question(request, route, canon, digest(canon), number, texts)
    return Recording(question, None, heard, Settings())


def begin(made: Recording, *headers: tuple[str, str], status: int = 200) -> bool:
    return made.begin(ResponseHead(status, headers, client="x/1"), sent=[])


def test_a_whole_answer_is_kept(heard: Heard) -> None:
    made = recording(heard)
    assert begin(made, JSON)
    assert made.feed(ANSWER) == ANSWER
    assert made.ended() == b""
    made.commit()
    made.commit()
    (entry,) = heard.entries
    assert entry.body == ANSWER
    assert heard.reasons == heard.warnings == []


def test_an_encoded_answer_passes_as_it_is_and_is_kept_decoded(heard: Heard) -> None:
    made, packed = recording(heard), gzip.compress(ANSWER)
    assert begin(made, JSON, ("Content-Encoding", "gzip"))
    assert made.feed(packed[:9]) + made.feed(packed[9:]) == packed
    made.ended()
    made.commit()
    assert heard.entries[0].body == ANSWER


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ([JSON], 500, "its status is 500"),
        ([JSON, ("content-encoding", "x-snappy")], 200, "'x-snappy' cannot be decoded here"),
    ],
)
def test_a_response_that_is_not_recorded(
    heard: Heard, headers: list[tuple[str, str]], status: int, reason: str
) -> None:
    made = recording(heard)
    assert not begin(made, *headers, status=status)
    assert made.feed(ANSWER) == ANSWER
    made.commit()
    assert heard.entries == []
    (heard_reason,) = heard.reasons
    assert reason in heard_reason


def test_abandoning_is_idempotent_and_gives_the_number_back(heard: Heard) -> None:
    numbers = Numbers()
    made = recording(heard, numbers.take("key"))
    begin(made, JSON)
    for _ in range(2):
        made.abandon("the call failed")
    assert heard.reasons == ["the call failed"]
    assert numbers.take("key").value == 0


def test_a_body_that_is_not_in_its_encoding(heard: Heard) -> None:
    made = recording(heard)
    begin(made, SSE, ("content-encoding", "gzip"))
    assert made.feed(b"not gzip") == b"not gzip"
    made.commit()
    assert heard.entries == []
    assert "cannot be decoded" in heard.reasons[0]


def test_a_stream_is_kept_when_its_last_event_has_passed(heard: Heard) -> None:
    made = recording(heard)
    begin(made, SSE)
    event = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'
    made.feed(event)
    assert not made.may_be_whole
    made.feed(b"data: [DONE]\n\n")
    assert made.may_be_whole
    made.commit(closing=False)
    made.commit()
    (entry,) = heard.entries
    assert entry.head["stream"] == "sse"
    assert [size for size, _ in entry.head["times"]] == [len(event), 14]


@pytest.mark.parametrize("split", [False, True], ids=["whole", "stream"])
def test_an_answer_that_repeats_a_temporary_file_of_this_run(heard: Heard, split: bool) -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"edit /tmp/tmpk3x_9q2v/a.py"}]}'
    made = recording(heard, body=body)
    if split:
        begin(made, SSE)
        for text in ("I edited /tmp/tmpk3", "x_9q2v/a.py"):
            made.feed(
                b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % text.encode()
            )
        made.feed(b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n')
        made.feed(b"data: [DONE]\n\n")
    else:
        begin(made, JSON)
        made.feed(ANSWER.replace(b"Hi!", b"I edited /tmp/tmpk3x_9q2v/a.py"))
    made.ended()
    made.commit()
    assert heard.entries == []
    assert "a name of this run" in heard.reasons[0]


def test_slots_of_any_kind_are_put_together(heard: Heard) -> None:
    """A server's index of a choice need not be a number."""
    body = b'{"model":"m","messages":[{"role":"user","content":"edit /tmp/tmpk3x_9q2v/a.py"}]}'
    made = recording(heard, body=body)
    begin(made, SSE)
    made.feed(b'data: {"choices":[{"index":[1],"delta":{"content":"Hi"}}]}\n\n')
    made.feed(b'data: {"choices":[{"index":[1],"delta":{},"finish_reason":"stop"}]}\n\n')
    made.feed(b"data: [DONE]\n\n")
    made.ended()
    made.commit()
    assert (len(heard.entries), heard.warnings) == (1, [])


def held_by(made: Recording) -> int:
    """How many bytes of a body a recording holds."""
    return 0 if made._body is None else len(made._body._held.getbuffer())


@pytest.mark.parametrize("announced", [True, False])
def test_what_will_not_be_kept_is_not_held(
    heard: Heard, monkeypatch: pytest.MonkeyPatch, announced: bool
) -> None:
    monkeypatch.setattr("cachy.engine.recording.BODY_LIMIT", 1000)
    made = recording(heard)
    length = [("content-length", "2000")] if announced else []
    assert begin(made, ("content-type", "audio/mpeg"), *length) is not announced
    for _ in range(20):
        made.feed(b"x" * 100)
        assert held_by(made) <= (0 if announced else 1000)
    made.ended()
    made.commit()
    assert heard.reasons == ["it is longer than 1,000 bytes"]


def test_a_recording_that_is_over_holds_nothing(heard: Heard) -> None:
    made = recording(heard)
    begin(made, JSON)
    made.feed(ANSWER)
    made.ended()
    made.commit()
    assert held_by(made) == 0
    assert heard.entries[0].body == ANSWER


def test_a_body_that_expands_too_far_is_not_expanded(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cachy.engine.recording.BODY_LIMIT", 2**20)
    made = recording(heard)
    begin(made, ("content-type", "text/plain"), ("content-encoding", "gzip"))
    made.feed(gzip.compress(bytes(100 * 2**20), 1))
    made.ended()
    tracemalloc.start()
    made.commit()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert heard.reasons == ["it is longer than 1,048,576 bytes"]
    assert peak < 60 * 2**20
