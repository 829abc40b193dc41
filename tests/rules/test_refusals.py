"""Who answered, how it ended, and whether it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from cachy.rules.refusals import endings, model_of_answer, refuses


@pytest.mark.parametrize(
    ("event", "ends"),
    [
        ({"choices": [{"finish_reason": "stop"}, {"finish_reason": "length"}]}, ["stop", "length"]),
        ({"stop_reason": "end_turn"}, ["end_turn"]),
        ({"type": "message_delta", "delta": {"stop_reason": "max_tokens"}}, ["max_tokens"]),
        ({"stopReason": "end_turn"}, ["end_turn"]),
        ({"candidates": [{"finishReason": "SAFETY"}]}, ["safety"]),
        ({"response": {"incomplete_details": {"reason": "content_filter"}}}, ["content_filter"]),
        ({"done_reason": "stop"}, ["stop"]),
        ({"choices": [{"finish_reason": None}]}, []),
        ("text", []),
    ],
)
def test_endings(event: Any, ends: list[str]) -> None:
    assert endings([event, event]) == ends


@pytest.mark.parametrize(
    ("event", "model"),
    [
        ({"model": "a"}, "a"),
        ({"message": {"model": "a"}}, "a"),
        ({"response": {"model": "a"}}, "a"),
        ({"modelVersion": "a"}, "a"),
        ({"model": 7, "message": "x"}, ""),
        (None, ""),
    ],
)
def test_models(event: Any, model: str) -> None:
    assert model_of_answer([event]) == model


@pytest.mark.parametrize(
    "event",
    [
        {"stop_reason": "refusal"},
        {"choices": [{"finish_reason": "content_filter"}]},
        {"choices": [{"delta": {"refusal": "No."}}]},
        {"candidates": [{"finishReason": "PROHIBITED_CONTENT"}]},
        {"promptFeedback": {"blockReason": "SAFETY"}},
        {"output": [{"content": [{"type": "refusal", "refusal": "No."}]}]},
        {"stopReason": "guardrail_intervened"},
    ],
)
def test_refusals_by_a_field(event: Any) -> None:
    assert refuses([event], "")
    assert not refuses([{"stop_reason": "end_turn"}], "Yes.")


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("I'm sorry, but I can't help with that.", True),
        ("I’m sorry, I cannot do that.", True),
        ("Sorry, I am unable to answer.", True),
        ("I can't assist with this request.", True),
        ("I'm unable to provide that.", True),
        ("I can help with that.", False),
        ("I'm sorry for your loss. Here is a poem.", False),
        ("The keeper said: I can't help you.", False),
        ("I can't believe how good it is.", False),
        ("", False),
    ],
)
def test_refusals_in_words(text: str, refusal: bool) -> None:
    assert refuses([], text) == refusal
