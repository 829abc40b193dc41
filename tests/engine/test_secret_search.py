"""How often the search finds a credential that only its name shows, and what it must not find."""

from __future__ import annotations

import base64
import json
import random
import string
import uuid
from collections.abc import Callable

import pytest

from cachy.engine.secret_search import find, masked, masked_data, matches

SAMPLE = 2000
HEX = "0123456789abcdef"
DJANGO = "abcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*(-_=+)"
ALNUM = string.ascii_letters + string.digits
WORDS = ("summer", "winter", "dragon", "monkey", "shadow", "football", "silver", "coffee")


def chars(alphabet: str, count: int) -> Callable[[random.Random], str]:
    return lambda source: "".join(source.choices(alphabet, k=count))


def coded(size: int) -> Callable[[random.Random], str]:
    return lambda source: base64.b64encode(source.randbytes(size)).decode()


def word(source: random.Random) -> str:
    return f"{source.choice(WORDS).title()}{source.randrange(1000, 9999)}{source.choice('!#?$')}"


def unique(source: random.Random) -> str:
    return str(uuid.UUID(int=source.getrandbits(128), version=4))


SYNTAXES = {
    "environment": "{name}={value}",
    "shell": 'export {name}="{value}"',
    "YAML": "  {name}: {value}\n",
    "YAML, quoted": "{name}: '{value}'",
    "JSON": '{{"{name}": "{value}", "x": 1}}',
    "JSON in JSON": '{{"text": "{{\\"{name}\\": \\"{value}\\"}}"}}',
    "JSON in JSON in JSON": '"{{\\\\\\"{name}\\\\\\":\\\\\\"{value}\\\\\\"}}"',
    "a line in JSON": '{{"text": "first\\n{name}={value}\\nlast"}}',
    "Python": "{name} = '{value}'",
    "Python, typed": '{name}: str = "{value}"',
    "Python, a mapping": 'os.environ["{name}"] = "{value}"',
    "ini": "{name} = {value}\n",
    "XML": "<{name}>{value}</{name}>",
    "header": "{name}: {value}\r\nx: y",
}
IN_URLS = {"query": "https://a.example/v1?x=1&{name}={value}&y=2"}
OPTIONS = {"option": "tool run --{name} {value} --verbose"}

KEYS = ["AZURE_OPENAI_API_KEY", "api_key", "api-key", "apiKey", "X-Api-Key", "OPENAI_KEY"]
TOKENS = ["TWILIO_AUTH_TOKEN", "access_token", "auth-token", "botToken", "token"]
SECRETS = ["client_secret", "JWT_SECRET", "webhook-secret", "appSecret"]
PASSES = ["DB_PASS", "PASS", "PASSWD", "pwd", "password", "smtp_pass", "dbPass", "passphrase"]

Kind = tuple[list[str], Callable[[random.Random], str], dict[str, str]]
NAMED: dict[str, Kind] = {
    "32 hex digits as a key": (KEYS, chars(HEX, 32), SYNTAXES | IN_URLS),
    "40 hex digits as a key": (KEYS, chars(HEX, 40), SYNTAXES | IN_URLS),
    "64 hex digits as a key": (KEYS, chars(HEX, 64), SYNTAXES | IN_URLS),
    "a UUID as a key": (KEYS, unique, SYNTAXES | IN_URLS),
    "32 letters and digits as a key": (KEYS, chars(ALNUM, 32), SYNTAXES | IN_URLS),
    "20 letters and digits as a key": (KEYS, chars(ALNUM, 20), SYNTAXES | IN_URLS),
    "a key with a prefix": (KEYS, lambda source: "fc-" + chars(HEX, 32)(source), SYNTAXES),
    "a key in an option": (["api-key", "auth-token"], chars(HEX, 32), OPTIONS),
    "32 hex digits as a token": (TOKENS, chars(HEX, 32), SYNTAXES | IN_URLS),
    "40 hex digits as a token": (TOKENS, chars(HEX, 40), SYNTAXES | IN_URLS),
    "32 hex digits as a secret": (SECRETS, chars(HEX, 32), SYNTAXES | IN_URLS),
    "a UUID as a secret": (SECRETS, unique, SYNTAXES | IN_URLS),
    "AWS's secret key": (["aws_secret_access_key"], coded(30), SYNTAXES),
    "Django's SECRET_KEY": (
        ["SECRET_KEY", "DJANGO_SECRET_KEY"],
        chars(DJANGO, 50),
        {name: SYNTAXES[name] for name in ("environment", "shell", "YAML", "JSON", "Python")},
    ),
    "Django's SECRET_KEY as it is made": (
        ["SECRET_KEY"],
        lambda source: "django-insecure-" + chars(DJANGO, 50)(source),
        {"Python": SYNTAXES["Python"]},
    ),
    "a random password": (PASSES, chars(ALNUM + "!#%*+", 16), SYNTAXES),
    "a word, four digits, a sign": (PASSES, word, SYNTAXES),
    "a key of a cluster": (["client-key-data"], coded(600), SYNTAXES),
    "a short bearer token": (
        ["Authorization", "authorization"],
        lambda source: "Bearer " + chars(HEX, 16)(source),
        {name: SYNTAXES[name] for name in ("header", "JSON", "JSON in JSON", "Python")},
    ),
}


def sample(kind: str) -> list[tuple[str, str]]:
    """The syntax and the text of each, the same in every run."""
    names, make, syntaxes = NAMED[kind]
    source = random.Random(kind)
    made = []
    for number in range(SAMPLE):
        syntax = list(syntaxes)[number % len(syntaxes)]
        text = syntaxes[syntax].format(name=source.choice(names), value=make(source))
        made.append((syntax, f"x = 1\n{text}\nmore"))
    return made


@pytest.mark.parametrize("kind", NAMED)
def test_finds_99_of_100(kind: str) -> None:
    missed = [(syntax, text) for syntax, text in sample(kind) if not any(matches(text.encode()))]
    assert len(missed) <= SAMPLE // 100, missed[:5]


@pytest.mark.parametrize("kind", NAMED)
def test_shows_none_of_them(kind: str) -> None:
    for _, text in sample(kind)[:100]:
        if any(matches(text.encode())):
            shown = masked(text)
            assert "<" in shown
            assert shown != text


UUID = "6fa459ea-ee8a-4ca4-894e-db77e160355e"
DIGEST = "9e107d9d372bb6826bd81d3542a419d6"
NOTHING = [
    # Placeholders
    "OPENAI_API_KEY=sk-your-key-here",
    "AZURE_OPENAI_API_KEY=<your-32-digit-key>",
    "API_KEY=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "api_key: 00000000000000000000000000000000",
    "API_KEY=0123456789abcdef0123456789abcdef",
    'api_key = os.environ["AZURE_OPENAI_API_KEY"]',
    "api_key=settings.AZURE_OPENAI_KEY_2",
    "api_key: 123e4567-e89b-12d3-a456-426614174000",
    "SECRET_KEY = config('SECRET_KEY', default='change-me-in-production-2024')",
    "SECRET_KEY=get_random_secret_key()",
    "password=${DB_PASSWORD_2024}",
    "DB_PASS=$(cat /run/database_1)",
    # Digests, ids and versions
    f"commit {DIGEST}a419d6aa",
    f"sha256: {DIGEST}{DIGEST}",
    f'"etag": "{DIGEST}", "id": "{UUID}"',
    f'"key": "{UUID}"',
    f'"key": "{DIGEST}"',
    f'"request_id": "{UUID}", "trace_id": "{DIGEST}"',
    f'"cache_key": "{DIGEST}"',
    f'"prompt_cache_key": "{DIGEST}"',
    f'"promptCacheKey": "{UUID}"',
    f'"primary_key": "{UUID}", "sort_key": "{DIGEST}"',
    f"idempotency-key: {UUID}",
    f"object_key: uploads/{UUID}.png",
    f"?last_evaluated_key={DIGEST}",
    f'"next_page_token": "{DIGEST}"',
    f'"continuationToken": "{DIGEST}"',
    f"PUBLIC_KEY={DIGEST}",
    "api_key_version: gpt-4o-mini-2024-07-18",
    "tokenizer: cl100k_base_2024_07_18_final",
    # Words
    "password: must be 8 characters",
    "password: at_least_12_characters_long",
    "The password: it has 10 characters or more, the token: one of 2048",
    "api_key: the-key-of-your-account-2024",
    "Authorization: see section 4.2 of the manual",
    "secret: whatever-happens-in-room-101-stays-there",
    "the encompass: a1b2c3d4e5f6g7h8, the bypass: 8h7g6f5e4d3c2b1a",
    "pwd: /home/user/projects/demo2024/build7",
    "PWD=/srv/app2/releases/20240101120000",
    "pass: results/2024-01-01/run_17",
    "def login(password: Optional[str] = None, api_key: SSHPrivateKeyTypes = None)",
    "password=hashlib.sha256(value1).hexdigest()",
    "--key report-2024-01-01-final --password must-be-8-characters",
    "press the key 3f2a9c1b7d4e8f60a5b4c3d2e1f09876 times",
]


@pytest.mark.parametrize("text", NOTHING)
def test_finds_nothing_in(text: str) -> None:
    for each in (text, json.dumps({"content": f"so:\n{text}\n"})):
        assert find(each, "text") == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: UUID,
        lambda: DIGEST,
        lambda: DIGEST * 2,
        lambda: f"conversation-{UUID}",
        lambda: "x7Kd93mQpL2vR8sTn4Wz6YbNcHe3XaJt",
    ],
)
def test_an_echoed_prompt_cache_key_is_none(make: Callable[[], str]) -> None:
    answer: dict[str, object] = {
        "id": "resp_1",
        "prompt_cache_key": make(),
        "output": [],
        "user": None,
    }
    assert find(json.dumps(answer), "answer") == []
    event = {"type": "response.completed", "response": answer}
    assert find(f"data: {json.dumps(event)}\n\n", "answer") == []


def test_a_key_under_a_harmless_name_is_found_by_its_shape() -> None:
    key = "sk-proj-" + "x7Kd93mQpL2vR8sTn4Wz" * 3
    found = find(json.dumps({"prompt_cache_key": key}), "answer")
    assert found == [("an OpenAI key", "answer.prompt_cache_key")]


def test_a_private_key_in_base64_whatever_stands_before_it() -> None:
    body = "".join(random.Random(3).choices(ALNUM, k=300))
    for before in ("", "-", "--", "---"):
        pem = f"{before}-----BEGIN RSA PRIVATE KEY-----\n{body}"
        text = f"data: {base64.b64encode(pem.encode()).decode()}"
        assert find(text, "text") == [("a private key", "text")]


def test_a_long_key_in_a_long_text() -> None:
    key = coded(1800)(random.Random(5))
    text = f"{'lorem ipsum ' * 8000}\nclient-key-data: {key}\n"
    assert find(text, "text") == [("a value named as a key", "text")]


# ---- What is shown ----

KEY = "sk-proj-" + "".join(random.Random(7).choices(ALNUM, k=120))
PASSWORD = "Xy7Kd93mQpL2"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nothing to hide", "nothing to hide"),
        (f"my key is {KEY}.", "my key is <OpenAI key>."),
        (f"{KEY}\n{KEY}", "<OpenAI key>\n<OpenAI key>"),
        (f"über {KEY} …", "über <OpenAI key> …"),
        (f"DB_PASSWORD={PASSWORD} x", "DB_PASSWORD=<password> x"),
        (f'"api_key": "{DIGEST}"', '"api_key": "<key>"'),
        (f"postgres://app:{PASSWORD}@db/x", "postgres://app:<password in a URL>@db/x"),
        (f"{KEY[:19]}…", "<cut credential>…"),
        (f"key … {KEY[-40:]}", "key … <cut credential>"),
        ("a report-2024-final… and … unremarkable", "a report-2024-final… and … unremarkable"),
    ],
)
def test_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert masked(shown) == shown


def test_all_of_a_private_key_is_masked() -> None:
    rows = "\n".join("".join(random.Random(n).choices(ALNUM, k=64)) for n in range(20))
    pem = f"-----BEGIN PRIVATE KEY-----\n{rows}\n-----END PRIVATE KEY-----"
    for text in (pem, json.dumps(pem)):
        shown = masked(text)
        assert not any(row in shown for row in rows.split("\n"))
        assert "<private key>" in shown
        assert "END PRIVATE KEY" in shown


def test_what_a_longer_text_shows_to_be_one() -> None:
    prompt = f"DB_PASSWORD={PASSWORD}"
    assert masked(f'"…{PASSWORD[:9]}" → "{PASSWORD[2:]}"', of=prompt) == (
        '"…<password>" → "<password>"'
    )
    assert masked("Xy7", of=prompt) == "Xy7"


def test_in_a_window_beyond_the_first() -> None:
    text = "lorem ipsum " * 20_000 + KEY + " dolor" * 20_000
    assert masked(text) == text.replace(KEY, "<OpenAI key>")


def test_data() -> None:
    outlined = {"…": [400, "0" * 16, f"use {KEY[:30]}", KEY[-60:], "ab" * 40]}
    shown = masked_data({"messages": [{"content": outlined}, KEY, 7], "x": None})
    assert shown == {
        "messages": [
            {"content": {"…": [400, "0" * 16, "use <OpenAI key>", "<cut credential>", "ab" * 40]}},
            "<OpenAI key>",
            7,
        ],
        "x": None,
    }
    assert masked_data({"api_key": DIGEST, "key": DIGEST, "x": [DIGEST]}) == {
        "api_key": "<key>",
        "key": DIGEST,
        "x": [DIGEST],
    }
    deep: object = 1
    for _ in range(5000):
        deep = [deep]
    assert masked_data(deep) == "(nested too deep to be shown)"
