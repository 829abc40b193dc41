"""The key: the same whatever cannot change the answer, another whenever something could."""

from __future__ import annotations

import json
import os
import random
import re
import tempfile
from collections.abc import Callable
from typing import Any

import pytest
from canned import BODY, CHAT, HOST, multipart
from hypothesis import given
from hypothesis import strategies as st

from cachy.rules.key import (
    IGNORED_FIELDS,
    KEY_HEADERS,
    NOISE,
    Noise,
    Request,
    canonical,
    canonical_url,
    digest,
    is_credential_param,
    parse_json,
)
from cachy.rules.noise import Quiet
from cachy.rules.outline import outline

SECRET = "AIzaSyB-4f0eQ7xW"

Headers = tuple[tuple[str, str], ...]


def key(
    body: bytes = BODY,
    url: str = CHAT,
    *headers: tuple[str, str],
    method: str = "POST",
    scope: str = "",
    noise: tuple[Noise, ...] = NOISE,
) -> str:
    return digest(canonical(Request(method, url, headers, body), scope=scope, noise=noise))


def says(text: str) -> bytes:
    return json.dumps({"model": "m", "messages": [{"content": text}]}).encode()


def test_canonical_request_is_pinned() -> None:
    """Committed stores depend on these bytes: a change here is a new format."""
    request = Request(
        "POST",
        "https://me:secret@API.example.com:443/v1/chat/completions?b=2&api_key=sk&a=1#top",
        (("accept", "application/json"), ("openai-beta", "b, a"), ("authorization", "Bearer x")),
        b'{"user": "me", "model": "gpt-4o", "n": 1.0, "caf\\u00e9": [1, null]}',
    )
    assert canonical(request, scope="s").decode() == (
        "POST https://api.example.com/v1/chat/completions?a=1&b=2\n"
        "openai-beta: a, b\n"
        'cachy-scope: "s"\n'
        "\n"
        '{"café":[1,null],"model":"gpt-4o","n":1.0}'
    )
    assert digest(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


# ---- The same key ----


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(CHAT, "https://user:pass@api.example.com/v1/chat/completions", id="user-info"),
        pytest.param(CHAT, "https://API.Example.COM/v1/chat/completions", id="host-case"),
        pytest.param(CHAT, "HTTPS://api.example.com/v1/chat/completions", id="scheme-case"),
        pytest.param(CHAT, "https://api.example.com:443/v1/chat/completions", id="https-port"),
        pytest.param("http://a.b/c", "http://a.b:80/c", id="http-port"),
        pytest.param(CHAT, CHAT + "#part", id="fragment"),
        pytest.param(HOST, HOST + "/", id="no-path"),
        pytest.param(HOST + "/m/a%3Ab", HOST + "/m/a:b", id="percent-colon"),
        pytest.param(HOST + "/m/%7Ea", HOST + "/m/~a", id="percent-tilde"),
        pytest.param(HOST + "/caf%c3%a9", HOST + "/caf%C3%A9", id="percent-case"),
        pytest.param(HOST + "/café", HOST + "/caf%C3%A9", id="percent-unicode"),
        pytest.param(HOST + "/?a=1&b=2", HOST + "/?b=2&a=1", id="query-order"),
        pytest.param(HOST + "/?a=x%20y", HOST + "/?a=x+y", id="query-space"),
        pytest.param("http://[::1]:80/", "http://[::1]/", id="ipv6"),
        *(
            pytest.param(HOST + "/?alt=sse", f"{HOST}/?{name}={SECRET}&alt=sse", id=name)
            for name in (
                "api_key",
                "api-key",
                "apikey",
                "API_KEY",
                "access_token",
                "subscription-key",
                "X-Amz-Signature",
                "X-Amz-Credential",
                "X-Goog-Signature",
                "x-api-key",
            )
        ),
    ],
)
def test_same_url(one: str, other: str) -> None:
    assert key(url=one) == key(url=other)
    assert canonical_url(canonical_url(other)) == canonical_url(other)


@pytest.mark.parametrize(
    "name",
    [
        "api_key",
        "access_token",
        "x-amz-date",
        "api_token",
        "private_token",
        "hapikey",
        "app_key",
        "secret_key",
        "oauth_token",
        "subscription_key",
        "jwt_token",
        "ApiToken",
        "privateKey",
        "AWSAccessKeyId",
        "password",
        "client_secret",
        "X-Goog-Credential",
    ],
)
def test_what_can_only_be_a_credential_is_left_out(name: str) -> None:
    assert canonical_url(f"{HOST}/?{name}=a&b=1") == f"{HOST}/?b=1"


@pytest.mark.parametrize("value", ["test", "AIzaSyB", SECRET])
def test_key_of_google(value: str) -> None:
    url = "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent"
    assert canonical_url(f"{url}?key={value}") == url
    for host in ("googleapis.com.evil.example", "notgoogleapis.com", "llm.example.com"):
        assert canonical_url(f"https://{host}/?key={value}").endswith(f"/?key={value}")


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param((("authorization", "Bearer a"),), id="api-key"),
        pytest.param((("x-api-key", "sk-1"), ("x-goog-api-key", "AIza")), id="other-api-keys"),
        pytest.param((("user-agent", "python-httpx2/2.0"),), id="user-agent"),
        pytest.param((("x-stainless-package-version", "3.54"),), id="sdk-version"),
        pytest.param((("x-stainless-read-timeout", "600"),), id="timeout"),
        pytest.param((("x-stainless-retry-count", "1"),), id="retry"),
        pytest.param((("idempotency-key", "e3b0"),), id="idempotency"),
        pytest.param((("accept-encoding", "gzip"), ("connection", "keep-alive")), id="transport"),
        pytest.param((("content-length", "60"), ("host", "api.example.com")), id="framing"),
        pytest.param((("cookie", "a=b"), ("openai-organization", "org")), id="account"),
        pytest.param((("accept", "*/*"),), id="accept-any"),
        pytest.param((("accept", "application/json"),), id="accept-json"),
        pytest.param((("accept", "application/json; q=0.9, */*"),), id="accept-both"),
    ],
)
def test_same_whatever_these_headers(headers: Headers) -> None:
    assert key(BODY, CHAT, *headers) == key()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"anthropic-beta": "a,b"}, {"anthropic-beta": "b, a"}, id="order"),
        pytest.param({"anthropic-beta": "a,a"}, {"anthropic-beta": "a"}, id="twice"),
        pytest.param(
            {"openai-beta": "x", "anthropic-beta": "y"},
            {"anthropic-beta": "y", "openai-beta": "x"},
            id="order-of-headers",
        ),
        pytest.param({"accept": "Audio/MPEG;q=1"}, {"accept": "audio/mpeg"}, id="accept-case"),
        pytest.param(
            {"x-portkey-config": '{"api_key": "sk-1", "retry": {"n": 1}}'},
            {"x-portkey-config": '{"retry":{"n":1},"virtual_key":"v","api_key":"sk-2"}'},
            id="credentials-in-a-configuration",
        ),
    ],
)
def test_same_header_spelt_otherwise(one: dict[str, str], other: dict[str, str]) -> None:
    assert key(BODY, CHAT, *one.items()) == key(BODY, CHAT, *other.items())


def test_same_header_on_two_lines() -> None:
    lines = (("anthropic-beta", "a"), ("accept", "*/*"), ("anthropic-beta", "b"))
    assert key(BODY, CHAT, *lines) == key(BODY, CHAT, ("anthropic-beta", "b, a"))


@pytest.mark.parametrize("before", [b" ", b"\n\t ", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n"])
def test_same_after_white_space(before: bytes) -> None:
    kind = ("content-type", "application/json; charset=utf-8")
    user = BODY[:-1] + b',"user":"me"}'
    assert key(before + user, CHAT, kind) == key(BODY, CHAT, kind) == key()
    assert key(before + b"{", CHAT, kind) != key(b"{", CHAT, kind)


RAW = b"\x00\x01sound"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("audio/l16;rate=16000;channels=1", "Audio/L16; channels=1; rate=16000"),
        ("application/octet-stream", ""),
        ("application/json", "application/vnd.api+json; charset=utf-8"),
    ],
)
def test_same_type_of_raw_bytes(one: str, other: str) -> None:
    assert key(RAW, CHAT, ("content-type", one)) == key(RAW, CHAT, ("content-type", other))


def test_another_type_of_raw_bytes() -> None:
    kinds = ("", "audio/l16;rate=16000", "audio/l16;rate=8000", "audio/wav", "text/plain")
    assert len({key(RAW, CHAT, ("content-type", kind)) for kind in kinds}) == len(kinds)
    assert len({key(BODY, CHAT, ("content-type", kind)) for kind in kinds}) == 1
    assert len({key(b"", CHAT, ("content-type", kind)) for kind in kinds}) == 1


def test_same_whatever_the_boundary() -> None:
    one, kind = multipart("d41d8cd98f00b204e9800998ecf8427e")
    other, other_kind = multipart("0cc175b9c0f1b6a831c399e269772661", quote='"')
    assert key(one, CHAT, kind) == key(other, CHAT, other_kind)
    temporary = one.replace(b"a.mp3", b"tmpk3x_9q2v.mp3")
    again = temporary.replace(b"k3x_9q2v", b"0p5wd_zz")
    assert key(temporary, CHAT, kind) == key(again, CHAT, kind) != key(one, CHAT, kind)
    assert key(temporary, CHAT, kind, noise=()) != key(again, CHAT, kind, noise=())
    changed, _ = multipart("d41d8cd98f00b204e9800998ecf8427e", "music")
    assert key(changed, CHAT, kind) != key(one, CHAT, kind)


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
objects = st.dictionaries(
    names,
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


def turned(data: Any) -> Any:
    """The same data with the fields of every object in the other order."""
    if isinstance(data, dict):
        return {name: turned(data[name]) for name in reversed(data)}
    return [turned(item) for item in data] if isinstance(data, list) else data


@given(objects)
def test_same_however_the_json_is_written(data: dict[str, Any]) -> None:
    spellings = (
        json.dumps(data),
        json.dumps(data, ensure_ascii=False),
        json.dumps(data, indent=2),
        json.dumps(turned(data), separators=(",", ":")),
    )
    assert len({key(text.encode()) for text in spellings}) == 1


@given(objects, objects)
def test_same_only_if_the_data_is_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    # Python holds 1, 1.0 and True for equal; a provider may not.
    exactly = [repr(json.loads(json.dumps(data, sort_keys=True))) for data in (one, other)]
    keys = [key(json.dumps(data).encode(), HOST, noise=()) for data in (one, other)]
    assert (keys[0] == keys[1]) == (exactly[0] == exactly[1])


@given(st.binary(max_size=60))
def test_any_bytes_have_a_key(body: bytes) -> None:
    text = canonical(Request("POST", CHAT, (), body))
    assert text == canonical(Request("POST", CHAT, (), body))
    json.dumps(outline(text))


# ---- Another key ----


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda: key(method="GET"), id="method"),
        pytest.param(lambda: key(url=HOST + "/v2/chat/completions"), id="path"),
        pytest.param(lambda: key(url="http://api.example.com/v1/chat/completions"), id="scheme"),
        pytest.param(lambda: key(url="https://api.example.org/v1/chat/completions"), id="host"),
        pytest.param(lambda: key(url=CHAT.replace(".com", ".com:8443")), id="port"),
        pytest.param(lambda: key(url=CHAT + "?alt=sse"), id="query"),
        pytest.param(lambda: key(url=CHAT + "?keys=1"), id="no-credential"),
        pytest.param(lambda: key(url=CHAT + "/"), id="trailing-slash"),
        pytest.param(lambda: key(scope="sample 2"), id="scope"),
        pytest.param(lambda: key(b""), id="no-body"),
        pytest.param(lambda: key(BODY.replace(b"4o", b"5")), id="model"),
        pytest.param(lambda: key(BODY.replace(b"hi", b"Hi")), id="prompt"),
        pytest.param(lambda: key(BODY.replace(b"user", b"system")), id="role"),
        pytest.param(lambda: key(BODY[:-1] + b',"temperature":0}'), id="temperature"),
        pytest.param(lambda: key(BODY[:-1] + b',"stream":true}'), id="stream-in-body"),
        pytest.param(lambda: key(BODY[:-1] + b',"seed":null}'), id="null"),
        pytest.param(lambda: key(BODY[:-1] + b',"metadata":{"user":"me"}}'), id="metadata"),
        *(
            pytest.param(lambda name=name: key(BODY, CHAT, (name, "2024-10-22")), id=name)
            for name in sorted(KEY_HEADERS - {"accept"})
        ),
        pytest.param(lambda: key(BODY, CHAT, ("accept", "text/event-stream")), id="accept-sse"),
        pytest.param(lambda: key(BODY, CHAT, ("accept", "audio/mpeg")), id="accept-audio"),
    ],
)
def test_another_key(changed: Callable[[], str]) -> None:
    assert changed() != key()


def test_another_key_for_each() -> None:
    assert len({key(scope=scope) for scope in ("", "a", "b", "a\n\n", '"')}) == 5
    betas = ("a", "b", "a,b", "a b")
    assert len({key(BODY, CHAT, ("anthropic-beta", beta)) for beta in betas}) == 4
    kinds = ("audio/mpeg", "audio/wav", "text/event-stream", "audio/mpeg, audio/wav")
    assert len({key(BODY, CHAT, ("accept", kind)) for kind in kinds}) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("/models/a:generateContent", "/models/b:generateContent", id="model-in-path"),
        pytest.param("/model/a%3A0/converse", "/model/a%3A1/converse", id="model-version"),
        pytest.param("/a%2Fb", "/a/b", id="encoded-slash"),
        pytest.param("/a%3Fb", "/a?b", id="encoded-question-mark"),
        pytest.param("/%25%33%41", "/%3A", id="encoded-percent"),
        pytest.param("/a%FF", "/a%FE", id="not-utf-8"),
        pytest.param("/?a=%FF", "/?a=%FE", id="query-not-utf-8"),
        pytest.param("/?a=1&a=2", "/?a=2&a=1", id="order-of-one-name"),
        pytest.param("/?a=1", "/?a=1&a=1", id="repeated-name"),
        pytest.param("/?a=%26b%3D1", "/?a=&b=1", id="encoded-ampersand"),
        pytest.param("/A", "/a", id="case"),
        *(
            pytest.param(f"/?{name}={one}", f"/?{name}={other}", id=f"{name}-{one}")
            for name in ("token", "key", "auth", "sig", "signature", "pass", "my_token")
            for one, other in (
                ("BTC", "ETH"),
                ("a-word-that-is-long", "a-word-that-is-too"),
                (f"{SECRET}1", f"{SECRET}2"),
            )
        ),
        *(
            pytest.param(f"/?{name}={SECRET}1", f"/?{name}={SECRET}2", id=name)
            for name in (
                "page_token",
                "nextPageToken",
                "pagetoken",
                "continuation_token",
                "sort_key",
                "sortKey",
                "partition_key",
                "$skiptoken",
                "x-goog-fieldmask",
                "max_token",
            )
        ),
        pytest.param(
            "/?token=0xdac17f958d2ee523a2206206994597c13d831ec7",
            "/?token=0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",
            id="token-on-a-chain",
        ),
    ],
)
def test_another_url(one: str, other: str) -> None:
    assert key(url=HOST + one) != key(url=HOST + other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(str(2**64), str(2**64 + 1), id="past-64-bits"),
        pytest.param(str(2**53), str(2**53 + 1), id="past-53-bits"),
        pytest.param(str(-(2**63) - 1), str(-(2**63) - 2), id="negative"),
        pytest.param("1" * 40, "1" * 39 + "2", id="40-digits"),
        pytest.param("1", "1.0", id="integer-or-float"),
        pytest.param("0.1", "0.10000000000000002", id="last-bit-of-a-float"),
        pytest.param("1", "true", id="boolean"),
        pytest.param('"1"', "1", id="string"),
        pytest.param("NaN", "null", id="nan"),
        pytest.param("Infinity", "null", id="infinity"),
        pytest.param('[NaN,"1234567890123456789"]', '[null,"1234567890123456789"]', id="nan-long"),
        pytest.param('[1e999,"1234567890123456789"]', '[null,"1234567890123456789"]', id="1e999"),
        pytest.param("[1,2]", "[2,1]", id="order-of-a-list"),
        pytest.param('"\\ud800"', '"\\ud801"', id="lone-surrogates"),
        pytest.param("[" * 300 + "1" + "]" * 300, "[" * 300 + "2" + "]" * 300, id="deep"),
        pytest.param("[" * 3000 + "1" + "]" * 3000, "[" * 3000 + "2" + "]" * 3000, id="abyss"),
    ],
)
def test_another_value(one: str, other: str) -> None:
    keys = [key(b'{"seed":%b}' % value.encode()) for value in (one, other)]
    assert keys[0] != keys[1]


def test_floats_are_compared_by_value() -> None:
    assert key(b'{"t":0.10}') == key(b'{"t":1e-1}') == key(b'{"t":0.1}')


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_exact(number: float) -> None:
    assert repr(parse_json(json.dumps([number]))[0]) == repr(number)


@pytest.mark.parametrize("shift", range(20))
def test_numbers_in_a_long_text_are_exact(shift: int) -> None:
    text = f'["{"x" * (70_000 + shift)}", 18446744073709551617, {2**63 - 1}, 0.1]'
    assert repr(parse_json(text)[1:]) == repr(json.loads(text)[1:])


# ---- Ignored fields ----


def with_field(path: str) -> bytes:
    data: dict[str, Any] = json.loads(BODY)
    parent, _, child = path.partition(".")
    data[parent] = {child: "x"} if child else "x"
    return json.dumps(data).encode()


@pytest.mark.parametrize("path", [path for path, _ in IGNORED_FIELDS])
@pytest.mark.parametrize(
    "where",
    [
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/responses",
        "/v1/embeddings",
        "/v1/messages",
        "/openai/deployments/d/chat/completions?api-version=1",
        "/v1/projects/p/models/claude:rawPredict",
        "/v1/projects/p/models/claude:streamRawPredict",
    ],
)
def test_ignored_fields_of_a_model_call(path: str, where: str) -> None:
    assert key(with_field(path), HOST + where) == key(url=HOST + where)


@pytest.mark.parametrize("path", [path for path, _ in IGNORED_FIELDS])
@pytest.mark.parametrize("where", ["/v1/things", "/users", "/v1/messages/1", "/?x=/v1/messages"])
def test_fields_count_elsewhere(path: str, where: str) -> None:
    assert key(with_field(path), HOST + where) != key(url=HOST + where)


@pytest.mark.parametrize("path", [path for path, _ in IGNORED_FIELDS])
def test_fields_count_where_no_model_is_named(path: str) -> None:
    """A messenger that the user caches has a path such as /messages, too."""
    body = json.loads(with_field(path))
    for model in (None, {"id": 1}):
        body["model"] = model
        one = json.dumps(body).encode()
        other = one.replace(b'"x"', b'"y"')
        assert key(one, f"{HOST}/v1/messages") != key(other, f"{HOST}/v1/messages")
        azure = f"{HOST}/openai/deployments/d/completions"
        assert key(one, azure) == key(other, azure)


def test_only_the_ignored_part_of_metadata_goes() -> None:
    mixed = BODY[:-1] + b',"metadata":{"user_id":"me","team":"a"}}'
    alone = BODY[:-1] + b',"metadata":{"team":"a"}}'
    assert key(mixed) == key(alone) != key()


def test_nested_user_is_no_ignored_field() -> None:
    assert key(BODY.replace(b'"role"', b'"user":"a","role"')) != key()


# ---- Noise ----


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("<ipython-input-3-ab12cd>", "<ipython-input-14-0f9e8d>", id="ipython-input"),
        pytest.param("/tmp/ipykernel_1/2.py", "/tmp/ipykernel_77/88.py", id="ipykernel"),
        pytest.param("ipykernel_1234", "ipykernel_5", id="ipykernel-alone"),
        pytest.param("<A object at 0x7f00deadbeef>", "<A object at 0x10abc1230>", id="address"),
        pytest.param("/tmp/tmpk3x_9q2v/f", "/tmp/tmpqwrtzxcv/f", id="tempfile"),
        pytest.param(
            "/var/folders/zz/abc_1/T/tmp4b12cxyz", "/var/folders/zz/abc_1/T/tmpqqqqqqqq", id="mac"
        ),
        *(
            pytest.param(f"{temp}tmpk3x_9q2v.wav", f"{temp}tmpp0d3_x1y.wav", id=f"windows-{i}")
            for i, temp in enumerate(
                (
                    "C:\\Users\\me\\AppData\\Local\\Temp\\",
                    repr("C:\\Users\\me\\AppData\\Local\\Temp\\")[1:-1],
                    "C:/Users/me/AppData/Local/Temp/",
                )
            )
        ),
        pytest.param("/tmp/pytest-of-me/pytest-3/t", "/tmp/pytest-of-me/pytest-9/t", id="pytest"),
    ],
)
def test_noise(one: str, other: str) -> None:
    assert key(says(one)) == key(says(other))
    assert key(says(one), noise=()) != key(says(other), noise=())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("what is 0x7ffe1234?", "what is 0x7ffe1235?", id="an-address-asked-about"),
        pytest.param("0x7ffe1234", "0x7ffe1235", id="an-address-alone"),
        pytest.param("/tmp/tmpfile_a", "/tmp/tmpfile_b", id="a-name-somebody-chose"),
        pytest.param("/tmp/tmpk3x_9q2v9", "/tmp/tmpk3x_9q2v8", id="a-longer-name"),
        pytest.param(
            "<A at 0x7f00dead00> is not <A at 0x7f00dead11>",
            "<A at 0x7f00dead00> is not <A at 0x7f00dead00>",
            id="two-addresses-or-one",
        ),
        pytest.param(
            "cp /tmp/tmpk3x_9q2v /tmp/tmp4b12cxyz",
            "cp /tmp/tmpk3x_9q2v /tmp/tmpk3x_9q2v",
            id="two-files-or-one",
        ),
        *(
            pytest.param(f"/tmp/tmp{one}", f"/tmp/tmp{other}", id=one)
            for one, other in (
                ("report_1", "report_2"),
                ("file0001", "file0002"),
                ("v1_final", "v2_final"),
                ("2024_jan", "2025_jan"),
                ("20240101", "20250101"),
                ("run1_out", "run2_out"),
                ("document", "download"),
            )
        ),
        pytest.param("kernel_1234", "kernel_1235", id="another-kernel"),
    ],
)
def test_no_noise(one: str, other: str) -> None:
    assert key(says(one)) != key(says(other))


def test_addresses_are_numbered_as_they_appear() -> None:
    text = "<A at 0x7f00dead11> <B at 0x7f00dead00> <A at 0x7f00dead11> /tmp/tmpk3x_9q2v/a"
    body = canonical(Request("POST", CHAT, (), says(text))).decode()
    assert "<A at 0x#1> <B at 0x#2> <A at 0x#1> /tmp/tmp#1/a" in body


@pytest.mark.parametrize(
    "path", ["/tmp/tmp{}", "/var/folders/ab/x_1/T/tmp{}.csv", "C:/Users/a/AppData/Local/Temp/tmp{}"]
)
def test_two_runs_agree_on_the_names_that_tempfile_makes(path: str) -> None:
    made: Any = tempfile._RandomNameSequence()  # type: ignore[attr-defined]
    made._rng_pid, made._rng = os.getpid(), random.Random(4)
    quiet = Quiet(NOISE)
    count = 20_000
    agreed = sum(bool(quiet(path.format(next(made)).encode()).count(b"#")) for _ in range(count))
    assert agreed / count > 0.9995  # so that two agree in 99.9 %


def test_noise_can_be_added() -> None:
    mine = Noise(b"run-", re.compile(rb"run-\d+"), b"run")
    assert key(says("run-1"), noise=(mine,)) == key(says("run-2"), noise=(mine,))
    assert key(says("run-1")) != key(says("run-2"))


def test_a_pattern_without_a_marker_is_always_looked_for() -> None:
    mine = Noise(b"", re.compile(rb"run-\d+"), b"run")
    assert key(says("run-1"), noise=(mine,)) == key(says("run-2"), noise=(mine,))
    assert key(says("run-1"), noise=(mine,)) != key(says("rut-2"), noise=(mine,))


def test_noise_may_come_from_an_iterator() -> None:
    mine = Noise(b"run-", re.compile(rb"run-\d+"), b"run")
    keys = [
        digest(canonical(Request("POST", CHAT, (), says(f"run-{n}")), noise=iter([mine])))
        for n in (1, 2)
    ]
    assert keys[0] == keys[1]


def test_markers_are_part_of_what_their_patterns_match() -> None:
    samples = (
        b"ipython-input-3-ab12cd ipykernel_12 <A at 0x7f00dead> Cell In[3], line 1 "
        b"/tmp/tmpk3x_9q2v /pytest-of-me/pytest-1 /var/folders/zz/ab_1/T/ "
        b'C:\\Users\\me\\AppData\\Local\\Temp\\ filename="tmpk3x_9q2v"'
    )
    for noise in NOISE:
        found = noise.pattern.search(samples)
        assert found, noise.marker
        assert noise.marker in samples[max(0, found.start() - 10) : found.end()]


def test_credential_names() -> None:
    assert all(map(is_credential_param, ("Api-Key", "X-Amz-Date", "id_token", "password")))
    assert not any(map(is_credential_param, ("alt", "keys", "monkey", "max_tokens", "api-version")))
    assert not any(map(is_credential_param, ("page_token", "nextPageToken", "sort_key", "author")))
    assert not any(map(is_credential_param, ("key", "token", "sig", "my_token", "auth", "pass")))
    assert is_credential_param("key", "generativelanguage.googleapis.com")
