"""A protocol is one file: what it says is used wherever a protocol's facts matter."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachy.engine import secrets
from cachy.engine.secret_search import Finding
from cachy.rules import protocols
from cachy.rules.key import Request, canonical
from cachy.rules.outline import outline
from cachy.rules.protocols import Known, Protocol
from cachy.rules.streams import Watch
from cachy.rules.usage import model_of, usage_of
from cachy.rules.verdict import Answer, flaw
from cachy.store.entry import Entry
from cachy.upkeep.transcript import Turn, answered, asked

MADE_UP = """
from cachy.rules.content import Piece
from cachy.rules.protocols import Protocol


def pieces(data):
    yield Piece(data.get("voice"), "assistant", str(data.get("murmur", "")))


PROTOCOL = Protocol(
    last_events=frozenset({"oracle.silent"}),
    event_prefixes=("oracle.",),
    failure_events=frozenset({"oracle.angry"}),
    index_fields=("voice",),
    failed=lambda data: data.get("mood") == "fury",
    usage=lambda data: (data.get("heard"), data.get("spoken")),
    pieces=pieces,
    model_fields=("oracle",),
    system_fields=("rite",),
    turn_fields=("plea",),
    prompt_fields=("whisper",),
)
"""
SSE = "text/event-stream"


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A protocol that no API has, added as one file."""
    (tmp_path / "made_up_oracle.py").write_text(MADE_UP)
    monkeypatch.setattr(protocols, "__path__", [*protocols.__path__, str(tmp_path)])
    yield
    sys.modules.pop("cachy.rules.protocols.made_up_oracle", None)


def stream(*events: dict[str, Any]) -> Answer:
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    return Answer(200, SSE, body, ended=True)


def murmur(text: str, voice: int = 0) -> dict[str, Any]:
    return {"type": "oracle.murmurs", "voice": voice, "murmur": text}


SILENT = {"type": "oracle.silent", "heard": 3, "spoken": 5}


def entry(answer: Answer) -> Entry:
    head = {"status": 200, "ms": 1, "stream": "sse", "headers": [["content-type", SSE]]}
    return Entry(head, answer.body)


@pytest.mark.usefixtures("made_up")
def test_verdicts_on_a_made_up_protocol() -> None:
    assert flaw(stream(murmur("Be"), SILENT)) is None
    assert "incomplete" in str(flaw(stream(murmur("Be"))))
    assert "error" in str(flaw(stream(murmur("Be"), {"type": "oracle.angry"}, SILENT)))
    assert "error" in str(flaw(stream(murmur("Be"), {"mood": "fury"}, SILENT)))
    assert "error" in str(flaw(Answer(200, "application/json", b'{"mood":"fury"}', ended=True)))
    assert Watch().see(stream(SILENT).body) == "last"


@pytest.mark.usefixtures("made_up")
def test_usage_and_model_of_a_made_up_protocol() -> None:
    assert usage_of(stream(murmur("Be"), SILENT)) == {"input": 3, "output": 5}
    assert model_of("https://oracle.example.com/ask", {"oracle": "pythia-2"}) == "pythia-2"


@pytest.mark.usefixtures("made_up")
def test_the_chat_of_a_made_up_protocol() -> None:
    answer = stream(murmur("Be "), murmur("No", 1), murmur("bold."), SILENT)
    assert answered(entry(answer)) == [Turn("assistant", "Be bold."), Turn("assistant", "No")]
    plea = [{"role": "seeker", "content": "Shall I?"}]
    assert asked({"request": {"body": {"rite": "Incense", "plea": plea}}}) == [
        Turn("system", "Incense"),
        Turn("seeker", "Shall I?"),
    ]
    assert asked({"request": {"body": {"whisper": "Shall I?"}}}) == [Turn("user", "Shall I?")]


@pytest.mark.usefixtures("made_up")
def test_secrets_in_a_made_up_protocol() -> None:
    """In pieces, between those of another voice, which only the protocol can tell apart."""
    secret = "glpat-x7Kd93mQpL2vR8sTn4Wz"
    cut = [secret[at : at + 3] for at in range(0, len(secret), 3)]
    recording = entry(stream(*(murmur(t, v) for c in cut for v, t in ((0, c), (1, "so "))), SILENT))
    findings = [Finding("a GitLab token", "answer.oracle.murmurs#0.murmur")]
    assert secrets.in_entry(recording) == findings
    request = Request("POST", "https://oracle.example.com/ask", (), b"{}")
    asked_for = canonical(request)
    recording.head["request"] = outline(asked_for)
    assert secrets.in_recording(recording, asked_for, request) == findings


def test_without_its_file_it_is_not_known() -> None:
    assert "oracle." not in protocols.known().event_prefixes
    assert flaw(stream(murmur("Be"))) is None
    assert usage_of(stream(murmur("Be"), SILENT)) is None


# ---- All protocols ----

NAMES = sorted(module.name for module in iter_modules(protocols.__path__))


@pytest.mark.parametrize("name", NAMES)
def test_each_file_has_a_protocol(name: str) -> None:
    module = __import__(f"cachy.rules.protocols.{name}", fromlist=["PROTOCOL"])
    assert isinstance(module.PROTOCOL, Protocol)
    assert Protocol() != module.PROTOCOL
    assert module.__doc__


def test_the_last_events_of_a_protocol_are_its_own() -> None:
    """Or else a stream that was cut would not be known to lack them."""
    known = protocols.known()
    elsewhere = {"stream-end", "messageStop"}  # their streams start with other events
    for event in known.last_events - elsewhere:
        assert event.startswith(known.event_prefixes), event


def test_finding_them_takes_no_hit() -> None:
    """Importing cachy, and what answers a hit, imports no protocol."""
    code = (
        "import sys, cachy.engine.cache, cachy.rules.verdict, cachy.rules.streams as streams\n"
        "before = [name for name in sys.modules if name.startswith('cachy.rules.protocols.')]\n"
        "streams.Watch()\n"
        "print(before, 'cachy.rules.protocols.chat' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] True"


def test_the_first_protocol_that_has_a_count_wins() -> None:
    first = Protocol(usage=lambda data: (data.get("a"), None))
    second = Protocol(usage=lambda data: (data.get("b"), data.get("c")))
    data = {"a": 1, "b": 2, "c": 3}
    assert Known([first, second]).usage(data) == {"input": 1, "output": 3}
    assert Known([second, first]).usage(data) == {"input": 2, "output": 3}
    assert Known([]).usage(data) == {}


FIELDS = re.findall(
    r"\w+",
    "choices candidates delta message content text type parts usage tokens response output done "
    "is_finished finish_reason finishReason tool_calls function name arguments input toolUse start "
    "contentBlockIndex data embedding embeddings object base_resp success usageMetadata event_type "
    "generation_id content_block index error status_code item",
)
KINDS = [
    *protocols.known().last_events,
    *(
        "content_block_delta",
        "content-delta",
        "tool-call-start",
        "transcript.text.delta",
        "response",
    ),
]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(KINDS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5)
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(FIELDS), ANY_JSON, max_size=6))
def test_nothing_in_an_answer_raises(data: dict[str, Any]) -> None:
    known = protocols.known()
    known.failed(data)
    assert known.over(data) in (True, False, None)
    assert known.pending(data) in (True, False, None)
    assert all(isinstance(count, int) for count in known.usage(data).values())
    assert all(isinstance(end.reason, str) for end in known.finishes(data))
    assert all(isinstance(piece.text, str) for piece in known.pieces(data))
