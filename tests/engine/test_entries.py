"""Entries are built by pure functions."""

from __future__ import annotations

from typing import Any

import pytest
from canned import BODY, CHAT
from hypothesis import given
from hypothesis import strategies as st

from cachy.engine.entries import MOST_TIMES, make_entry, make_head, pieces
from cachy.rules.key import canonical, digest
from cachy.rules.message import Request, ResponseHead
from cachy.rules.verdict import Answer

REQUEST = Request("POST", f"{CHAT}?code=s3cret", [("content-type", "application/json")], BODY)
CANONICAL = canonical(REQUEST)
ANSWER = b'{"choices":[{"message":{"content":"Hi!"}}],"usage":{"prompt_tokens":9}}'


def head(**more: Any) -> dict[str, Any]:
    response = ResponseHead(
        200, [("Content-Type", "application/json"), ("Set-Cookie", "a=b")], client="x/1", **more
    )
    return make_head(REQUEST, response, digest(CANONICAL), nonce="5eed", known=False)


def entry(times: Any = (), requests: str = "outline") -> Any:
    answer = Answer(200, "application/json", ANSWER, True)
    return make_entry(
        head(), REQUEST, CANONICAL, answer,
        recorded="2026-11-25T12:00:00Z", ms=12.5, times=times, requests=requests,
    )  # fmt: skip


def test_a_head_has_what_may_be_stored() -> None:
    made = head()
    assert made["headers"] == [("content-type", "application/json")]
    assert "s3cret" not in made["url"]
    assert not {"http", "reason", "redirects"} & made.keys()
    assert head(http="HTTP/2")["http"] == "HTTP/2"
    assert head(reason="Fine")["reason"] == "Fine"


def test_equal_arguments_make_equal_entries() -> None:
    assert entry() == entry()
    assert entry().head["model"] == "gpt-4o"
    assert entry().head["usage"] == {"input": 9}
    assert entry().body == ANSWER


def test_where_a_request_names_no_model_the_answer_does() -> None:
    """If it reports tokens, which somebody pays for: a poll of a job in the background."""
    poll = Request("GET", "https://api.openai.com/v1/responses/resp_1", [], b"")
    for usage, model in ('{"input_tokens":9}', "gpt-5"), ("null", None):
        body = f'{{"object":"response","model":"gpt-5","usage":{usage}}}'.encode()
        answer = Answer(200, "application/json", body, True)
        made = make_entry(head(), poll, canonical(poll), answer, recorded="", ms=1)
        assert made.head["model"] == model


def test_what_of_the_request_is_kept() -> None:
    assert "request" not in entry(requests="none").head
    assert entry(requests="full").head["request"]["body"]["model"] == "gpt-4o"


@given(st.lists(st.binary(min_size=1, max_size=9), min_size=2, max_size=200))
def test_a_body_comes_back_in_its_pieces(parts: list[bytes]) -> None:
    times, length = [], 0
    for number, part in enumerate(parts):
        length += len(part)
        times.append((length, number * 10))
    made = entry(times)
    assert len(made.head["times"]) == min(len(parts), MOST_TIMES)
    cut = pieces(made.head, b"".join(parts))
    assert b"".join(cut) == b"".join(parts)
    assert len(cut) == min(len(parts), MOST_TIMES)
    if len(parts) <= MOST_TIMES:
        assert cut == parts


@pytest.mark.parametrize("times", [[[9, 1]], [[-1, 1]], [["a", 1]], [[1]], 7, None, [[1, 2, 3]]])
def test_times_that_do_not_fit_are_ignored(times: Any) -> None:
    assert pieces({"times": times}, b"body") == [b"body"]
