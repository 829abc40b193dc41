"""What looks like a credential, and where it stands.

    in_recording(entry, canonical, request)     before it is kept: what the request itself proves
                                                with, echoed; and all that has a credential's shape
    in_entry(entry)                             read from a store: shapes alone
    find(text, where)                           in any text

A recording in which something is found stays in `local/`. So a false alarm costs a team one shared
recording, and a miss costs it a key; still, placeholders in documentation (`sk-your-key-here`) are
not credentials, and an alarm that rings for them is switched off.

The shapes are those of gitleaks 8.30 and of the vendors' documentation for what sends LLM traffic,
in our own expressions. The one rule: a finding tells the kind and the field, never the value.
Nothing here does IO.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections import Counter
from functools import cache
from itertools import chain
from math import log2
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, unquote, unquote_to_bytes, urlsplit

import orjson

from cachy.rules import verdict as answers
from cachy.rules.key import is_secret_param
from cachy.store.entry import json_bytes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from cachy.rules.key import Request
    from cachy.store.entry import Entry


class Finding(NamedTuple):
    """`kind`: what it looks like (`an OpenAI API key`); `field`: where it stands
    (`request.messages[0].content`)."""

    kind: str
    field: str

    def __str__(self) -> str:
        return f"{self.kind}, in {self.field}"


class _Shape(NamedTuple):
    """`marks`: literal texts, one of which is in every match: cheap to look for. Group 1 of the
    pattern is what must look random, to `entropy` bits a character. `starts`: nothing of a word
    stands before it. `named`: a name tells that it is one, in any case; so it must have digits."""

    kind: str
    marks: tuple[str, ...]
    pattern: str
    entropy: float = 3.0
    starts: bool = False
    named: bool = False


_END = r"(?![\w-])"


def _token(kind: str, prefix: str, rest: str, *marks: str, entropy: float = 3.0) -> _Shape:
    return _Shape(kind, marks or (prefix,), f"{prefix}({rest})", entropy, starts=True)


_SHAPES = (
    # Those who sell answers
    _token("an Anthropic key", "sk-ant-", r"[\w-]{20,}"),
    _token("an OpenAI key", "sk-(?:proj|svcacct|admin|None)-", r"[\w-]{20,}", "sk-"),
    _token("an OpenRouter key", "sk-or-", r"[\w-]{32,}"),
    _token("a key of the form sk-…", "sk-(?!ant-|proj-|svcacct-|admin-|None-|or-)",
           r"[\w-]{20,}", "sk-"),
    _token("an ephemeral OpenAI key", "ek_", r"[0-9A-Za-z]{24,}"),
    _token("a Google API key", "AIza", rf"[\w-]{{35}}{_END}"),
    _token("a Google API key", r"AQ\.", r"[\w-]{40,}", "AQ."),
    _token("a Google OAuth token", r"ya29\.", r"[\w-]{20,}", "ya29."),
    _token("a Google OAuth secret", "GOCSPX-", r"[\w-]{24,}"),
    _token("a Hugging Face token", "(?:hf_|api_org_)", r"[A-Za-z0-9]{30,}", "hf_", "api_org_"),
    _token("a Groq key", "gsk_", r"[A-Za-z0-9]{40,}"),
    _token("an xAI key", "xai-", r"[A-Za-z0-9]{40,}"),
    _token("a Perplexity key", "pplx-", r"[A-Za-z0-9]{40,}"),
    _token("a Replicate token", "r8_", r"[A-Za-z0-9]{30,}"),
    _token("a Fireworks key", "fw_", rf"[A-Za-z0-9]{{20,28}}{_END}"),
    _token("an NVIDIA key", "nvapi-", r"[\w-]{40,}"),
    _token("a Together key", "tgp_v1_", r"[\w-]{40,}"),
    _token("a Cerebras key", "csk-", r"[a-z0-9]{40,}"),
    _token("a Voyage key", "(?:pa|al)-", rf"[\w-]{{43}}{_END}", "pa-", "al-", entropy=4.0),
    _token("a Jina key", "jina_", r"[\w-]{40,}"),
    _token("an ElevenLabs key", "sk_", rf"[0-9a-f]{{48}}{_END}"),
    _token("a Pinecone key", "pcsk_", r"\w{40,}"),
    _token("a Tavily key", "tvly-", r"[\w-]{20,}"),
    _token("a LangSmith key", "lsv2_(?:pt|sk)_", r"\w{32,}", "lsv2_"),
    _token("a Langfuse key", "sk-lf-", r"[0-9a-f-]{36}"),
    # Clouds
    _token("an AWS access key id", "(?:AKIA|ASIA|ABIA|ACCA)", rf"[A-Z0-9]{{16}}{_END}",
           "AKIA", "ASIA", "ABIA", "ACCA"),
    _token("a Bedrock API key", "(?:ABSK|bedrock-api-key-)", r"[\w+/-]{40,}",
           "ABSK", "bedrock-api-key-"),
    _Shape("an AWS signature", ("ignature=",), r"[sS]ignature=([0-9a-f]{64})(?![0-9a-f])"),
    _Shape("an AWS session token", ("Security-Token=",), r"Security-Token=([\w%/+=-]{100,})"),
    _Shape("a signed Azure link", ("sig=",), r"[?&]sig=([\w%/+-]{43,})"),
    _Shape("an Azure key", ("AccountKey=", "AccessKey="), r"Acc(?:ount|ess)Key=([\w+/]{42,})"),
    _Shape("an Azure client secret", ("Q~",), rf"([\w.~]{{3}}\dQ~[\w.~-]{{31,34}}){_END}"),
    _token("a DigitalOcean token", "do[opr]_v1_", r"[0-9a-f]{64}", "_v1_"),
    _token("a Databricks token", "dapi", r"[0-9a-f]{32}"),
    _token("a Vault token", r"hv[sbr]\.", r"[\w-]{24,}", "hvs.", "hvb.", "hvr."),
    _token("a Cloudflare key", r"v1\.0-", r"[0-9a-f]{24}-[0-9a-f]{146}", "v1.0-"),
    _token("a Supabase key", "(?:sbp_|sb_secret_)", r"\w{30,}", "sbp_", "sb_secret_"),
    _token("a PlanetScale token", "pscale_(?:tkn|pw|oauth)_", r"[\w.=-]{32,}", "pscale_"),
    _token("a Fly token", "(?:fo1_|fm[12]_)", r"[\w+/=-]{43,}", "fo1_", "fm1_", "fm2_"),
    _token("a Terraform token", r"[A-Za-z0-9]{14}\.atlasv1\.", r"[\w=-]{60,}", ".atlasv1."),
    _token("a Pulumi token", "pul-", r"[0-9a-f]{40}"),
    _token("a Doppler token", r"dp\.(?:pt|st|ct|sa|scim|audit)\.", r"[\w.-]{40,}", "dp."),
    # Where code and words are kept
    _token("a GitHub token", "gh[pousr]_", r"[A-Za-z0-9]{36,}",
           "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _token("a GitHub token", "github_pat_", r"\w{50,}"),
    _token("a GitLab token", "gl(?:pat|dt|rt|cbt|ptt|ft|oas|soat|imt|agent)-",
           r"[\w.-]{20,}", "gl"),
    _token("an npm token", "npm_", r"[A-Za-z0-9]{36}"),
    _token("a PyPI token", "pypi-", r"AgE[\w-]{50,}"),
    _token("a RubyGems key", "rubygems_", r"[0-9a-f]{48}"),
    _token("a Docker token", "dckr_(?:pat|oat)_", r"[\w-]{24,}", "dckr_"),
    _token("a Slack token", "xox[abceoprs]-", r"[\w.-]{20,}", "xox"),
    _token("a Slack token", r"xapp-\d-", r"[\w-]{20,}", "xapp-"),
    _Shape("a Slack webhook", ("hooks.slack.com/",),
           r"hooks\.slack\.com/(?:services|workflows|triggers)/([\w/]{30,})"),
    _Shape("a Discord webhook", ("/api/webhooks/",),
           r"discord(?:app)?\.com/api/webhooks/\d{15,}/([\w-]{60,})"),
    _token("a Telegram bot token", r"\d{6,16}:", rf"AA[\w-]{{33}}{_END}", ":AA"),
    _token("a Notion token", "ntn_", r"[A-Za-z0-9]{40,}"),
    _token("a Linear key", "lin_(?:api|oauth)_", r"[A-Za-z0-9]{40,}", "lin_"),
    _token("an Atlassian token", "ATATT3", r"[\w=-]{60,}"),
    _token("an Airtable token", r"pat[A-Za-z0-9]{14}\.", r"[0-9a-f]{64}", "pat"),
    _token("a Figma token", "fig[dopu]_", r"[\w-]{36,}", "fig"),
    _token("a 1Password token", "ops_", r"eyJ[\w-]{100,}"),
    # Those who bill and send
    _token("a Stripe key", "(?:[rs]k_(?:live|test|prod)_|whsec_)", r"[A-Za-z0-9+/]{16,}",
           "k_live_", "k_test_", "k_prod_", "whsec_"),
    _token("a SendGrid key", r"SG\.", r"[\w-]{20,24}\.[\w-]{39,50}", "SG."),
    _token("a Twilio key", "(?:SK|AC)", rf"[0-9a-f]{{32}}{_END}", "SK", "AC"),
    _token("a Mailgun key", "key-", rf"[0-9a-f]{{32}}{_END}"),
    _token("a Shopify token", "shp(?:at|ca|pa|ss)_", r"[0-9a-fA-F]{32}", "shp"),
    _token("a Square token", r"(?:EAAA|sq0[a-z]{3}-)", r"[\w-]{22,60}", "EAAA", "sq0"),
    # Those who watch
    _token("a Grafana token", "gl(?:sa|c)_", r"[\w+/=-]{32,}", "glsa_", "glc_"),
    _token("a New Relic key", "NRAK-", r"[A-Z0-9]{27}"),
    _token("a Sentry token", "sntry[su]_", r"[\w+/=-]{40,}", "sntry"),
    _token("a Postman key", "PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}"),
    # Of no vendor
    _token("a JSON web token", "eyJ", r"[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{16,}"),
    _Shape("a private key", ("PRIVATE KEY-----", "PRIVATE KEY BLOCK-----"),
           r"PRIVATE KEY(?: BLOCK)?-----[^-]{0,200}?([A-Za-z0-9+/]{40})"),
    _Shape("a private key", ("AGE-SECRET-KEY-",), r"AGE-SECRET-KEY-1([A-Z0-9]{58})"),
    _Shape("a password in a URL", ("://",),
           r"[a-z]://[^\s/:@\"'<>\\(){}$]{0,64}:([^\s/:@\"'<>\\(){}$]{6,128})@[\w\[]", 2.5),
    # Ids of accounts: no credentials, yet nobody else's business
    _token("an OpenAI organisation", "org-", rf"[A-Za-z0-9]{{20,28}}{_END}", entropy=3.5),
    _token("an OpenAI project", "proj_", rf"[A-Za-z0-9]{{20,28}}{_END}", entropy=3.5),
    _Shape("an AWS account", ("arn:aws", "arn%3Aaws"),
           r"arn(?::|%3A)aws[\w-]*(?::|%3A)[\w-]+(?::|%3A)[\w-]*(?::|%3A)(\d{12})(?!\d)", 1.5),
)  # fmt: skip

# `api_key = "…"`, `"password": "…"`, `X-Api-Key: …`: any name that says so, any value that may be.
_NAMED = (
    *(
        _Shape(
            kind,
            (mark.rpartition(")")[2],),
            rf"{mark}[\"'\\\]]{{0,4}}[ \t]{{0,4}}(?:=>|:=|[:=])[ \t]{{0,4}}[\"'\\]{{0,4}}"
            rf"(?:(?:bearer|basic|token|key)\s+)?({value})",
            entropy,
            named=True,
        )
        for kind, mark, value, entropy in (
            ("a value named as a key", "key", r"[\w+/=~.-]{20,512}", 3.7),
            ("a value named as a token", "(?<!page)(?<!page_)token", r"[\w+/=~.-]{20,2048}", 3.7),
            ("a value named as a secret", "secret", r"[\w+/=~.-]{16,512}", 3.5),
            ("a value named as a password", "password", r"[^\s\"'\\,;]{10,128}", 3.2),
            ("an authorisation header", "authorization", r"[\w+/=~.-]{12,2048}", 3.3),
            ("a cookie header", "cookie", r"[^\s\"'\\,;]{12,2048}", 3.3),
        )
    ),
    _Shape("a bearer token", ("bearer ",), r"bearer\s+([\w+/=~.-]{20,2048})", 3.5, named=True),
)

# What is put in the place of a credential.
_PLACEHOLDER = re.compile(
    r"example|your|xxxx|placeholder|dummy|fake|sample|redacted|scrubbed|secret|change_?me|insert"
    r"|replace|\*\*\*\*|\.\.\.\.|12345678|abcdefgh|deadbeef|not-?needed|_here|-here|password"
    r"|process\.env|os\.environ|getenv",
    re.IGNORECASE,
)
_EXAMPLE_ACCOUNTS = frozenset({"123456789012", "111122223333", "444455556666", "123456789123"})

_LONG_RUN = re.compile(rb"[A-Za-z0-9+/]{1000,}")
_WINDOW, _OVERLAP = 65536, 8192
_ESCAPE = re.compile(rb"\\+(?:u00([2-7][0-9a-fA-F])|/)")


def find(text: bytes | str, where: str, own: Collection[bytes] = ()) -> list[Finding]:
    """What looks like a credential in a text, and where: `where`, and the path in it if it is JSON.

    `own` are values that are credentials whatever they look like.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    hits = list(_hits(data, own))
    if not hits:
        return []
    try:
        leaves = list(_leaves(orjson.loads(data)))
    except ValueError:
        leaves = []
    findings = []
    for kind, value in hits:
        path = next((path for path, leaf in leaves if value in leaf or value in unquote(leaf)), "")
        finding = Finding(kind, f"{where}{path and '.' * (path[0] != '[')}{path}")
        if finding not in findings:
            findings.append(finding)
    return findings


def in_recording(entry: Entry, canonical: bytes, request: Request) -> list[Finding]:
    """What must not be committed of a recording that is about to be kept.

    The whole request is searched, not its outline: what is cut short there is a secret all the
    same. A request that is not stored is not searched.
    """
    headers, _, body = canonical.partition(b"\n\n") if "request" in entry.head else (b"",) * 3
    own = _spellings(credentials(request))
    found = _in_parts(entry, headers.partition(b"\n")[2], body, own)
    return list(dict.fromkeys(found + _in_addresses(entry)))


def in_entry(entry: Entry) -> list[Finding]:
    """What should not have been committed of an entry."""
    return _in_parts(entry, b"", json_bytes(entry.head.get("request")), ())


def _in_parts(entry: Entry, headers: bytes, body: bytes, own: Collection[bytes]) -> list[Finding]:
    head = {name: value for name, value in entry.head.items() if name not in ("request", "key")}
    head["headers"] = dict(entry.head["headers"])
    about, told = json_bytes(head), _told(entry)
    parts = [about, headers, body, entry.body]
    parts += [text.encode("utf-8", "surrogatepass") for text in told.values()]
    # Nearly always there is nothing: one search tells.
    if not any(_hits(b"\n\0\n".join(parts), own)):
        return []
    found = find(about, "head", own) + find(headers, "request", own)
    found += find(body, "request", own) + find(entry.body, "answer", own)
    for path, text in told.items():
        found += [Finding(kind, f"answer.{path}") for kind, _ in find(text, "", own)]
    return list(dict.fromkeys(found))


_ADDRESSES = frozenset({"location", "content-location", "operation-location", "link"})
_URL_END = re.compile(r"[\s<>\"]+")


def _in_addresses(entry: Entry) -> list[Finding]:
    """The headers whose URLs prove who may follow them: clients need them as they are."""
    return [
        Finding("a credential in a URL", f"head.headers.{name}")
        for name, value in entry.head["headers"]
        if name in _ADDRESSES and any(map(_of_url, _URL_END.split(value)))
    ]


def _of_url(url: str) -> list[str]:
    """The user, the password and the credentials in the query of a URL, or what may be some."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return []
    values = [value for name, value in parse_qsl(parts.query) if is_secret_param(name)]
    return values + [unquote(part) for part in (parts.username, parts.password) if part]


# ---- What a request proves itself with ----

_PROVES = re.compile(
    r"auth|cookie|token|secret|signature|credential|passw|organi[sz]ation|project|account|key$"
    r"|(^|[-_])(api-?key|pass|pwd|pw|jwt|sig|sas|bearer|session|sid|tenant|workspace)([-_]|$)"
)


def credentials(request: Request) -> frozenset[bytes]:
    """The values in a request that prove who sends it, or tell: nothing may echo them."""
    values = [value for name, value in request.headers if _PROVES.search(name)]
    values += _of_url(request.url)
    pieces = chain.from_iterable(_pieces(value) for value in values)
    return frozenset(
        piece.encode("utf-8", "surrogatepass") for piece in pieces if _is_telling(piece)
    )


def _pieces(value: str) -> Iterator[str]:
    """A header's value, and what it is made of: scheme and token, cookies, a signature's parts."""
    yield value
    for piece in re.split(r"[\s;,]+(?:[\w-]+=)?|^[\w-]+=", value):
        yield piece
        yield piece.partition("/")[0]  # an AWS access key id, before its scope
    scheme, _, coded = value.partition(" ")
    if scheme.lower() == "basic":
        try:
            yield from b64decode(coded).decode().split(":", 1)
        except ValueError:
            pass  # not what it says; the value itself was yielded


def _is_telling(value: str) -> bool:
    """Whether to find this text elsewhere means anything: `ollama` and `any` are keys, too."""
    if value.startswith(("AWS4-", "aws4_")):
        return False
    return len(value) >= 20 or (len(value) >= 8 and any(char.isdigit() for char in value))


def _spellings(values: Collection[bytes]) -> frozenset[bytes]:
    """Values as they are, and as they stand in base64, wherever in a longer text they start."""
    found = set(values)
    for value in values:
        for before in range(3):
            data = bytes(before) + value
            whole = len(data) // 3 * 4  # what follows depends on what comes after
            coded = b64encode(data)[(0, 2, 3)[before] : whole]
            found |= {coded, coded.translate(_URL_SAFE)}
    return frozenset(found)


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


# ---- The search ----


def _hits(data: bytes, own: Collection[bytes]) -> Iterator[tuple[str, str]]:
    """Kind and value of all that is found."""
    texts = [data]
    if own and b"\\" in data:
        texts.append(_unescaped(data))
    if own and b"%" in data:
        texts += [unquote_to_bytes(text) for text in texts]
    for value in own:
        if any(value in text for text in texts):
            yield "a credential that the request was sent with", value.decode("utf-8", "replace")
    # By windows: one search of a large body would hold up all other threads, and event loops.
    for at in range(0, max(1, len(data) - _OVERLAP), _WINDOW):
        piece = data[at : at + _WINDOW + _OVERLAP]
        if len(data) > _WINDOW:
            piece = _LONG_RUN.sub(b"", piece)  # images, sound and vectors in base64
        if b"\\u00" in piece or b"\\/" in piece:
            piece = _unescaped(piece)
        yield from _shaped(piece, piece, _SHAPES)
        yield from _shaped(piece, piece.lower(), _NAMED)


def _unescaped(text: bytes) -> bytes:
    """What JSON need not escape, but may."""
    return _ESCAPE.sub(lambda at: bytes((int(at[1], 16),)) if at[1] else b"/", text)


def _shaped(data: bytes, seen: bytes, shapes: tuple[_Shape, ...]) -> Iterator[tuple[str, str]]:
    """`seen` is the data as the patterns see it."""
    marked = [shape for mark, shape in _marked(shapes) if mark in seen]
    for shape in dict.fromkeys(marked):
        for found in _compiled(shape).finditer(seen):
            if shape.starts and not _may_start(data, found.start()):
                continue
            value = data[found.start(1) : found.end(1)].decode("utf-8", "replace")
            if _is_random(value, shape):
                yield shape.kind, value


_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_AFTER_ESCAPE = re.compile(rb"\\(?:[nrtbf]|u[0-9a-fA-F]{4})$")


def _may_start(data: bytes, at: int) -> bool:
    """Whether a token may start here: not in a word, but after an escape of JSON (`\\nsk-…`)."""
    if at == 0 or data[at - 1] not in _WORD:
        return True
    return _AFTER_ESCAPE.search(data[max(0, at - 6) : at]) is not None


@cache
def _marked(shapes: tuple[_Shape, ...]) -> tuple[tuple[bytes, _Shape], ...]:
    """Each mark with its shape, in one list: they are looked for in everything that is recorded."""
    return tuple((mark.encode(), shape) for shape in shapes for mark in shape.marks)


@cache
def _compiled(shape: _Shape) -> re.Pattern[bytes]:
    """Compiled when first needed: to compile them all takes longer than `import cachy` may."""
    return re.compile(shape.pattern.encode())


def _is_random(value: str, shape: _Shape) -> bool:
    """Whether a value may be a credential: no placeholder, no word, no run of one letter."""
    if value in _EXAMPLE_ACCOUNTS or _PLACEHOLDER.search(value):
        return False
    mixed = not shape.named and value != value.lower() and value != value.upper()
    if not mixed and not any(char.isdigit() for char in value):
        return False
    size = len(value)
    bits = -sum(count / size * log2(count / size) for count in Counter(value).values())
    return bits >= shape.entropy


# ---- Where it stands ----


def _leaves(data: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The path and text of every string in decoded JSON, and of every number; keys are their own
    fields."""
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict):
        for name, value in data.items():
            inner = f"{path}.{name}" if path else str(name)
            yield inner, str(name)
            yield from _leaves(value, inner)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _leaves(value, f"{path}[{index}]")


def _told(entry: Entry) -> dict[str, str]:
    """What a stream says in pieces, put together: the changing strings of its events, by path.

    A key that a model repeats comes a few letters at a time, and no event holds it whole.
    """
    texts: dict[str, list[str]] = {}
    for event in _events(entry):
        if isinstance(event, dict):
            _add_texts(texts, event, str(event.get("type", "")))
    return {
        path: "".join(parts)
        for path, parts in texts.items()
        if any(part != parts[0] for part in parts)
    }


def _events(entry: Entry) -> Iterator[Any]:
    kind = entry.head.get("stream")
    pieces: Iterable[bytes] = ()
    if kind == "sse":
        pieces = answers.sse_data(entry.body)
    elif kind == "ndjson":
        pieces = entry.body.splitlines()
    elif kind == "json-array":
        pieces = (entry.body,)
    elif kind == "aws-eventstream":
        pieces = _aws_payloads(entry.body)
    for piece in pieces:
        try:
            event = orjson.loads(piece)
        except ValueError:
            continue
        yield from event if isinstance(event, list) else (event,)


def _aws_payloads(body: bytes) -> Iterator[bytes]:
    """The payloads of Amazon's frames; those that wrap another are unwrapped."""
    at = 0
    while at + 16 <= len(body):
        length, head = (int.from_bytes(body[at + i : at + i + 4], "big") for i in (0, 4))
        if length < 16:
            return
        payload = body[at + 12 + head : at + length - 4]
        if payload.startswith(b'{"bytes":"'):
            payload = b64decode(orjson.loads(payload)["bytes"])
        yield payload
        at += length


def _add_texts(texts: dict[str, list[str]], data: Any, path: str) -> None:
    """Add the strings of an event under their paths."""
    if isinstance(data, str):
        texts.setdefault(path, []).append(data)
    elif isinstance(data, dict):
        for index in map(data.get, ("output_index", "content_index", "summary_index", "index")):
            if index is not None:
                path = f"{path}#{index}"  # one of several choices, content blocks or calls
        for name, value in data.items():
            if isinstance(value, str | dict | list):
                _add_texts(texts, value, f"{path}.{name}" if path else name)
    elif isinstance(data, list):
        for position, value in enumerate(data):
            _add_texts(texts, value, f"{path}[{position}]")
