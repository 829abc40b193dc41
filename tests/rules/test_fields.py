"""Two requests that differ in anything that changes the answer never share a key.

The pairs come from the SDKs' own schemas of what may be asked: each field of each, at each depth,
changed alone. `python tests/rules/test_fields.py` tells of each whether it is in the key, and why
not.
"""

from __future__ import annotations

import enum
import json
import types
import typing
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import httpx
import pytest
from typing_extensions import NotRequired, ReadOnly, Required, is_typeddict

from cachy.rules.key import IGNORED_FIELDS, Request, canonical, digest

WHY = dict(IGNORED_FIELDS)
# An id that links nothing to anything, since it stands alone; test_tables.py has those that do.
LINKS = {
    "messages[].tool_calls[].id",
    "messages[].tool_call_id",
    "messages[].content[].id",
    "messages[].content[].tool_use_id",
}
CACHE_MARKS = (
    "cache_control."  # ignored wherever it stands, unless it is neither null nor an object
)
DEPTH = 3
OPENAI, ANTHROPIC = "https://api.openai.com/v1", "https://api.anthropic.com/v1"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/models"


def key(
    url: str = f"{OPENAI}/chat/completions",
    body: bytes | str = b"{}",
    method: str = "POST",
    **headers: str,
) -> str:
    """The key of a request; `anthropic_beta="…"` becomes a header."""
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    data = body if isinstance(body, bytes) else body.encode()
    return digest(canonical(Request(method, url, pairs, data)))


# ---- From a schema to two values that differ in one field ----


class Pair(NamedTuple):
    """Two JSON bodies, and the path of the field that they differ in."""

    path: str
    one: Any
    other: Any


def pairs(hint: Any, path: str = "", depth: int = DEPTH) -> Iterator[Pair]:
    """For each field of a type, at any depth: two values of it that differ there alone."""
    hint = bare(hint)
    if get_origin(hint) in (Union, types.UnionType):
        for member in get_args(hint):
            yield from pairs(member, path, depth)
    elif fields := fields_of(hint):
        base = {name: example(inner) for name, (inner, needed) in fields.items() if needed}
        for name, (inner, _) in fields.items():
            where = f"{path}.{name}" if path else name
            if depth:
                for _, one, other in pairs(inner, where, depth - 1):
                    yield Pair(_, base | {name: one}, base | {name: other})
    elif get_origin(hint) in (list, tuple, typing.Iterable, typing.Sequence) or is_iterable(hint):
        for where, one, other in pairs(get_args(hint)[0], f"{path}[]", depth):
            yield Pair(where, [one], [other])
    else:
        one, *others = values(hint)
        yield from (Pair(path, one, other) for other in others)


def bare(hint: Any) -> Any:
    """A type without what only says whether it must be there."""
    while get_origin(hint) in (Required, NotRequired, ReadOnly, typing.Annotated):
        hint = get_args(hint)[0]
    return hint


def is_iterable(hint: Any) -> bool:
    import collections.abc

    return get_origin(hint) in (collections.abc.Iterable, collections.abc.Sequence)


@cache
def _fields(hint: Any) -> dict[str, tuple[Any, bool]]:
    if is_typeddict(hint):
        hints = get_type_hints(hint, include_extras=True)
        return {name: (inner, name in hint.__required_keys__) for name, inner in hints.items()}
    if isinstance(hint, type) and hasattr(hint, "model_fields"):
        return {
            field.alias or name: (field.annotation, field.is_required())
            for name, field in hint.model_fields.items()
        }
    return {}


def fields_of(hint: Any) -> dict[str, tuple[Any, bool]]:
    """The fields of a TypedDict or a pydantic model, and whether each must be there."""
    try:
        return _fields(hint)
    except TypeError:
        return {}


def example(hint: Any, depth: int = 4) -> Any:
    """Some value of a type."""
    hint = bare(hint)
    if get_origin(hint) in (Union, types.UnionType):
        return example(next(arg for arg in get_args(hint) if arg is not type(None)), depth)
    if fields := fields_of(hint):
        needed = {name: inner for name, (inner, needed) in fields.items() if needed and depth}
        return {name: example(inner, depth - 1) for name, inner in needed.items()}
    if get_origin(hint) is list or is_iterable(hint):
        return [example(get_args(hint)[0], depth - 1)] if depth else []
    return values(hint)[0]


def values(hint: Any) -> list[Any]:
    """All values of a type, or some that are easily taken for one another."""
    if get_origin(hint) is Literal:
        return list(get_args(hint)) if len(get_args(hint)) > 1 else [get_args(hint)[0], None]
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return [member.value for member in hint]
    if hint is bool:
        return [False, True, None]
    if hint is int:
        return [1, 2, 0, -1, 2**53, 2**53 + 1, 2**64, 2**64 + 1]
    if hint is float:
        return [0.7, 0.70000001, 0, 1, -0.7, 1e300]
    if hint is str:
        return ["a", "A", "a ", "", "á", "a\u0301", "1", "null", "a\n"]
    if get_origin(hint) is dict or hint is dict:
        return [{"a": "b"}, {"a": "c"}, {"b": "b"}, {}]
    return ["x", "y"]  # bytes in base64, files, and whatever the SDK itself calls an object


def schemas() -> dict[str, tuple[str, Any]]:
    """What may be asked, by name: where, and in which type."""
    from anthropic.types import message_create_params, messages
    from google.genai import types as google
    from openai.types import (
        completion_create_params,
        embedding_create_params,
        image_generate_params,
        moderation_create_params,
    )
    from openai.types.audio import speech_create_params
    from openai.types.chat import completion_create_params as chat_params
    from openai.types.responses import response_create_params

    assert messages
    return {
        "openai chat": (
            f"{OPENAI}/chat/completions",
            chat_params.CompletionCreateParamsNonStreaming,
        ),
        "openai responses": (
            f"{OPENAI}/responses",
            response_create_params.ResponseCreateParamsNonStreaming,
        ),
        "openai completions": (
            f"{OPENAI}/completions",
            completion_create_params.CompletionCreateParamsNonStreaming,
        ),
        "openai embeddings": (
            f"{OPENAI}/embeddings",
            embedding_create_params.EmbeddingCreateParams,
        ),
        "openai images": (
            f"{OPENAI}/images/generations",
            image_generate_params.ImageGenerateParamsNonStreaming,
        ),
        "openai speech": (f"{OPENAI}/audio/speech", speech_create_params.SpeechCreateParams),
        "openai moderations": (
            f"{OPENAI}/moderations",
            moderation_create_params.ModerationCreateParams,
        ),
        "anthropic messages": (
            f"{ANTHROPIC}/messages",
            message_create_params.MessageCreateParamsNonStreaming,
        ),
        "gemini config": (
            f"{GEMINI}/gemini-2.5-flash:generateContent",
            google.GenerateContentConfig,
        ),
        "gemini contents": (f"{GEMINI}/gemini-2.5-flash:generateContent", google.Content),
    }


SCHEMAS = ("openai chat", "openai responses", "openai completions", "openai embeddings",
           "openai images", "openai speech", "openai moderations", "anthropic messages",
           "gemini config", "gemini contents")  # fmt: skip


def verdicts(schema: str) -> dict[str, tuple[int, int]]:
    """For each path: how many pairs there are, and how many of them share a key."""
    url, hint = schemas()[schema]
    found: dict[str, tuple[int, int]] = {}
    for path, one, other in pairs(hint):
        if one == other and type(one) is type(other):
            continue
        count, same = found.get(path, (0, 0))
        named = [json.dumps({"model": "m"} | body) for body in (one, other)]
        shared = key(url, named[0]) == key(url, named[1])
        found[path] = (count + 1, same + shared)
    return found


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_field_is_in_the_key_or_says_why_not(
    schema: str, record_property: Callable[[str, object], None]
) -> None:
    found = verdicts(schema)
    ignored = {path for path in found if path in WHY}
    for path, (count, same) in found.items():
        if CACHE_MARKS in path:
            assert same == count, path
        elif path in LINKS:  # one without an id, or an object of no known type, is another
            assert 0 < same < count, path
        else:
            assert same == (count if path in ignored else 0), path
    for path in ignored:
        record_property(f"{schema}: {path}", WHY[path])
    assert len(found) >= 4


def test_schemas_are_those_of_the_sdks() -> None:
    """That the pairs go deep, and hold the fields that everybody sets."""
    assert set(SCHEMAS) == set(schemas())
    chat, claude = verdicts("openai chat"), verdicts("anthropic messages")
    assert {"model", "temperature", "seed", "messages[].content", "tools[].function.name",
            "tool_choice", "user", "response_format.type"} <= chat.keys()  # fmt: skip
    assert {"model", "max_tokens", "system", "metadata.user_id", "tools[].input_schema.type",
            "thinking.budget_tokens", "messages[].role"} <= claude.keys()  # fmt: skip
    assert {"responseSchema.type", "thinkingConfig.thinkingBudget"} <= verdicts(
        "gemini config"
    ).keys()
    assert len(chat) > 50


def test_all_that_is_ignored_says_why_and_is_known_to_a_schema() -> None:
    known = {path for schema in SCHEMAS for path in verdicts(schema)}
    assert all(why for why in WHY.values())
    assert WHY.keys() <= known


def test_ignored_only_at_its_place() -> None:
    url = f"{OPENAI}/chat/completions"
    nested = json.dumps({"messages": [{"user": "a", "metadata": {"user_id": "a"}}]})
    assert key(url, nested) != key(url, nested.replace('"a"', '"b"', 1))
    assert key(url, nested) != key(url, nested.replace('"user_id": "a"', '"user_id": "b"'))
    other = "https://llm.example.com/v1/lookup"
    assert key(other, '{"user":"a"}') != key(other, '{"user":"b"}')


# ---- What is not in the body ----

BODY = '{"contents":[{"parts":[{"text":"hi"}]}]}'
MODEL = f"{GEMINI}/gemini-2.5-flash:generateContent"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"method": "GET"}),
        ({}, {"url": f"{GEMINI}/gemini-2.5-pro:generateContent"}),
        ({}, {"url": f"{GEMINI}/gemini-2.5-flash:streamGenerateContent"}),
        ({}, {"url": f"{GEMINI}/gemini-2.5-flash:countTokens"}),
        ({}, {"url": f"{MODEL}?alt=sse"}),
        ({}, {"url": MODEL.replace("v1beta", "v1")}),
        ({}, {"url": MODEL.replace("https", "http")}),
        ({}, {"url": MODEL.replace(".com", ".com:8443")}),
        ({}, {"url": MODEL.replace("generativelanguage", "us-generativelanguage")}),
        ({"url": f"{MODEL}?api-version=1"}, {"url": f"{MODEL}?api-version=2"}),
        ({"url": f"{MODEL}/a%2Fb"}, {"url": f"{MODEL}/a/b"}),
        ({}, {"anthropic_beta": "computer-use-2025-01-24"}),
        ({"anthropic_beta": "a"}, {"anthropic_beta": "a,b"}),
        ({"anthropic_version": "2023-06-01"}, {"anthropic_version": "2023-01-01"}),
        ({}, {"openai_beta": "assistants=v2"}),
        ({}, {"accept": "text/event-stream"}),
        ({"x_amz_target": "A"}, {"x_amz_target": "B"}),
        ({"range": "bytes=0-9"}, {"range": "bytes=10-19"}),
        ({"x_portkey_provider": "openai"}, {"x_portkey_provider": "anthropic"}),
        ({"url": "https://a.example/price?token=BTC"}, {"url": "https://a.example/price?token=ETH"}),
        ({}, {"body": BODY.replace("hi", "hi ")}),
        ({"body": '{"seed":9007199254740993}'}, {"body": '{"seed":9007199254740992}'}),
        ({"body": '{"seed":18446744073709551617}'}, {"body": '{"seed":18446744073709551616}'}),
        ({"body": '{"a":[1,2]}'}, {"body": '{"a":[2,1]}'}),
        ({"body": '{"a":1}'}, {"body": '{"a":"1"}'}),
        ({"body": '{"a":1}'}, {"body": '{"a":true}'}),
        ({"body": '{"a":null}'}, {"body": "{}"}),
        ({"body": '{"a":{"b":1}}'}, {"body": '{"a":{},"b":1}'}),
        ({"body": "plain"}, {"body": "plain "}),
        ({"body": b"\x00\xff"}, {"body": b"\x00\xfe"}),
        ({"body": b"{\xff}"}, {"body": b"{\xfe}"}),
        ({"body": '{"a":"0x7f2eaba24740"}'}, {"body": '{"a":"0x7f2eaba24741"}'}),
        ({"body": '{"a":"/tmp/report1"}'}, {"body": '{"a":"/tmp/report2"}'}),
    ],
)  # fmt: skip
def test_differ(one: dict[str, Any], other: dict[str, Any]) -> None:
    base: dict[str, Any] = {"url": MODEL, "body": BODY}
    assert key(**base | one) != key(**base | other)


@pytest.mark.parametrize(
    "other",
    [
        {"authorization": "Bearer x"},
        {"x_goog_api_key": "x"},
        {"url": f"{MODEL}?key=x"},
        {"url": f"{MODEL}?api_token=x&private_token=y"},
        {"url": MODEL.replace("https://", "https://me:secret@")},
        {"url": MODEL.replace(".com", ".com:443")},
        {"url": MODEL.replace("generative", "GENERATIVE")},
        {"user_agent": "x", "x_stainless_timeout": "1", "accept_encoding": "br", "cookie": "x"},
        {"accept": "application/json"},
        {"body": '{ "contents": [ {"parts": [ {"text": "\\u0068i"} ] } ] }'},
    ],
)
def test_same(other: dict[str, Any]) -> None:
    base: dict[str, Any] = {"url": MODEL, "body": BODY}
    assert key(**base) == key(**base | other)


def transcription(
    audio: bytes = b"RIFF1", name: str = "a.wav", kind: str = "audio/wav", **fields: str
) -> str:
    """The key of an upload; each has a boundary of its own."""
    url = f"{OPENAI}/audio/transcriptions"
    data = {"model": "whisper-1", "language": "en"} | fields
    request = httpx.Request("POST", url, data=data, files={"file": (name, audio, kind)})
    return key(url, request.read(), content_type=request.headers["content-type"])


def test_multipart_uploads() -> None:
    assert transcription() == transcription()
    others = [
        transcription(b"RIFF2"),
        transcription(b"RIFF1\r\n"),
        transcription(b""),
        transcription(name="a.mp3"),
        transcription(kind="audio/mp3"),
        transcription(language="de"),
        transcription(model="gpt-4o-transcribe"),
        transcription(temperature="0.2"),
        transcription(prompt="x"),
    ]
    assert len({transcription(), *others}) == len(others) + 1


def main() -> None:
    """Each field of each schema, and why it is not in the key if it is not."""
    for schema in SCHEMAS:
        for path, (count, _) in sorted(verdicts(schema).items()):
            print(f"{schema:20} {path:60} {WHY.get(path, f'in the key ({count} pairs)')}")


if __name__ == "__main__":
    main()
