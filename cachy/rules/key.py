"""From a request to its key.

    Request ──canonical()──▶ canonical request ──digest()──▶ 64 hex digits, the first 32 the key

The canonical request is the part of a request that decides the answer, in one fixed byte form: an
HTTP-like message with one line for method and URL, one for each header that matters, a blank line,
and the body.

    POST https://api.openai.com/v1/chat/completions
    openai-beta: assistants=v2

    {"messages":[{"content":"hi","role":"user"}],"model":"gpt-4o"}

The one rule: what cannot change the answer is left out, and whatever can is in. Credentials are
never in. Nothing here does any IO.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from cachy.lazy import hashlib, json, lazy_pattern, orjson, urls
from cachy.rules.message import Request as Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

KEY_LENGTH = 32
"""Hex digits of the digest that name an entry."""


class Noise(NamedTuple):
    """Text that differs from run to run and means nothing.

    `marker` is a literal part of every match. Looking for it first costs a hit a tenth of a
    microsecond; only where it stands does the pattern run. `numbered`: what matches are names of
    things, so that different ones in a request stay different: the replacement is followed by #1
    for the first of them, wherever it stands again, #2 for the next.
    """

    marker: bytes
    pattern: re.Pattern[bytes]
    replacement: bytes
    numbered: bool = False


# What tempfile makes of 37 characters, and nobody chose: 8 of them that are not words and numbers
# (`report_1`, `v2_final`). A word has no four consonants in a row. 94 % of tempfile's names are no
# such words; the others are a needless miss, which is better than to take two names for one.
_WORDS = rb"(?:(?![b-df-hj-np-tv-xz]{4})[a-z])*\d*"
_RANDOM = rb"(?!%b(?:_%b)*(?![a-z0-9_]))[a-z0-9_]{8}(?![a-z0-9_])" % (_WORDS, _WORDS)

NOISE: tuple[Noise, ...] = (
    # Tracebacks and reprs that a notebook puts into a prompt. Addresses only where Python prints
    # them: an address that somebody asks about must stay what it is.
    Noise(
        b"ipy",
        re.compile(rb"(ipython-input)-\d+-[0-9a-f]{6,}|(ipykernel)_\d+(?:/\d+\.py)?"),
        rb"\1\2",
    ),
    Noise(b" at 0x", re.compile(rb"(?<= at )0x[0-9a-fA-F]{6,16}(?=>)"), b"0x", numbered=True),
    # Names that tempfile and pytest make.
    Noise(
        b"tmp",
        re.compile(rb'((?:/(?:var/folders/\w+/\w+/T|tmp)/|Temp(?:\\+|/)|filename=")tmp)' + _RANDOM),
        rb"\1",
        numbered=True,
    ),
    Noise(b"/pytest-of-", re.compile(rb"(/pytest-of-[^/\"]+/pytest-)\d+"), rb"\1"),
)
"""What is normalised in JSON bodies, and in the file names of uploads. Extend it
(`noise=NOISE + (…,)`), or turn it off (`()`)."""

IGNORED_FIELDS: tuple[tuple[str, str], ...] = (
    ("user", "names the end user, for abuse reports"),
    ("safety_identifier", "names the end user, for abuse reports"),
    ("metadata.user_id", "names the end user, for abuse reports"),
    ("prompt_cache_key", "routes to a prompt cache; saves money, changes no answer"),
    ("prompt_cache_retention", "how long a prompt cache lives"),
)
"""JSON fields of a model call that never change its answer, with the reason. Only where the path
is that of a model call and body or path name a model: elsewhere `user` may well decide the answer.
"""

_Fields = tuple[tuple[str, str], ...]  # the name of a field, and that of one in it, or ""


class _Ignored(NamedTuple):
    """What is ignored in a body; if not `always`, only if the body names a model."""

    fields: _Fields
    always: bool


_IGNORED: _Fields = tuple(
    (parent, child) for field, _ in IGNORED_FIELDS for parent, _, child in [field.partition(".")]
)

_IGNORED_PARENTS = frozenset(parent for parent, _ in _IGNORED)

_MODEL_CALL = lazy_pattern(
    r"/(completions|responses|embeddings|messages|messages/count_tokens|complete|moderations"
    r"|images/generations)$|:(stream)?[rR]awPredict$"
)
_MODEL_IN_PATH = lazy_pattern(r"/(deployments|models)/[^/]")

KEY_HEADERS = frozenset(
    {
        "accept",
        "anthropic-beta",
        "anthropic-version",
        "azureml-model-deployment",
        "extra-parameters",  # Azure: whether the model gets those that are not known
        "groq-model-version",
        "openai-beta",
        "range",
        "x-amz-target",
        "x-amzn-bedrock-accept",
        "x-amzn-bedrock-guardrailidentifier",
        "x-amzn-bedrock-guardrailversion",
        "x-amzn-bedrock-performanceconfig-latency",
        "x-amzn-bedrock-trace",
        "x-dashscope-async",
        "x-dashscope-sse",
        "x-goog-fieldmask",
        "x-portkey-config",
        "x-portkey-provider",
    }
)
"""The request headers that change the answer."""

SEEN_HEADERS = KEY_HEADERS | {"content-type"}
"""The request headers that a key may depend on: the content type tells the boundary of a multipart
body, and what bytes that are neither that nor JSON mean (`audio/l16;rate=16000`)."""

_LISTS = frozenset({"accept", "anthropic-beta", "openai-beta", "x-goog-fieldmask"})
_NEUTRAL_ACCEPT = frozenset({"", "*/*", "application/json"})
# What such bodies are is plain from themselves; aiohttp calls all bytes the last of these.
_PLAIN_TYPE = lazy_pattern(
    r"application/(.*\+)?json|multipart/.*|application/(x-www-form-urlencoded|octet-stream)"
)

# Names of credentials, in lower case, words apart. Those in doubt are told by their values.
_CREDENTIAL = lazy_pattern(
    r"((.*[^a-z\d])?|aws)("
    r"(access|auth|id|session|refresh|security|sas|bearer|api|private|oauth2?|user|jwt|client"
    r"|personal|secret|service|deploy|bot)[-_]?token"
    r"|(api|app|application|access|secret|private|subscription|account|auth|client|service"
    r"|functions|consumer|license|master|admin|virtual|signing|encryption)[-_]?key([-_]?id)?"
    r"|(client|api|app|consumer|shared|oauth)[-_]?secret|password|passwd)"
    r"|.*api[-_]?key|secret|pwd|jwt|authorization|credentials?|x-(amz|goog)-(?!target|field).*"
)
_MAY_BE_CREDENTIAL = lazy_pattern(r"(.*[^a-z\d])?(key|token|auth|sig|signature|secret|pass)")
_NO_CREDENTIAL = lazy_pattern(
    r"(.*[^a-z\d])?(page|paging|pagination|next|prev|previous|continuation|continue|cursor|sync"
    r"|resume|skip|start|stop|end|pad|max|min|last|sort|order|partition|row|range|group|foreign"
    r"|primary|object|cache|map|idempotency|public|[-_.])+(key|token)"
)
_CREDENTIAL_VALUE = lazy_pattern(r"(?!0x)(?=.*(\d|[a-z][A-Z]|[A-Z][a-z]))[\w+/=~.:|-]{16,}")
_HUMP = lazy_pattern(r"(?<=[a-z\d])(?=[A-Z])")

_DEFAULT_PORTS = {"http": 80, "https": 443}
# RFC 3986: what may stand in a path segment as it is, beyond what quote() leaves alone.
_SEGMENT_SAFE = ":@!$&'()*+,;=~"
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
_TOO_LONG_FOR_64_BITS = b"0" * 19
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FILE_NAME = lazy_pattern(rb'filename="tmp[^"\r\n]*"')
_BOUNDARY = lazy_pattern(r'boundary="?([^";]+)"?', re.IGNORECASE)


def is_credential_param(name: str, value: str | None = None, host: str = "") -> bool:
    """Whether a query parameter carries a credential; without a value, whether one might.

    Names that mean other things, too (`key`, `token`, `sig`), count where the value is long enough
    and no word. A name that says what it is for (`page_token`, `sort_key`) never does.
    """
    lower = _HUMP.sub("_", name).lower()
    if _NO_CREDENTIAL.fullmatch(lower):
        return False
    if _CREDENTIAL.fullmatch(lower):
        return True
    if not _MAY_BE_CREDENTIAL.fullmatch(lower):
        return False
    if value is None or (lower == "key" and f".{host}".endswith(".googleapis.com")):
        return True
    return _CREDENTIAL_VALUE.fullmatch(value) is not None


@lru_cache(maxsize=4096)
def canonical_url(url: str) -> str:
    """The URL without user info, credentials, default port or fragment; its query sorted by name.

    Two spellings of one URL (`%3A` and `:` in a path, upper-case host) become one.
    """
    parts = urls.urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    if parts.port is not None and parts.port != _DEFAULT_PORTS.get(parts.scheme):
        host = f"{host}:{parts.port}"
    # Segment by segment, so that an encoded slash stays one; as bytes, which need not be UTF-8.
    segments = parts.path.split("/")
    path = "/".join(
        urls.quote(urls.unquote_to_bytes(part), safe=_SEGMENT_SAFE) for part in segments
    )
    query = [
        (name, value)
        for name, value in urls.parse_qsl(parts.query, True, errors="surrogateescape")
        if not is_credential_param(name, value, parts.hostname or "")
    ]
    query.sort(key=lambda pair: pair[0])
    search = f"?{urls.urlencode(query, errors='surrogateescape')}" if query else ""
    return f"{parts.scheme}://{host}{path or '/'}{search}"


def canonical(request: Request, *, scope: str = "", noise: Iterable[Noise] = NOISE) -> bytes:
    """The canonical request. `scope` keeps requests apart that would otherwise be the same."""
    method, url, headers, body = request
    if body.startswith((b"{", b"[")):
        head, ignored = _canonical_head(method, url, tuple(headers), scope)
        return head + _canonical_json(body, ignored, noise)
    content_type = request.header("content-type") if body else ""
    # That of a multipart body is never the same.
    others = tuple([pair for pair in headers if pair[0] != "content-type"])
    head, ignored = _canonical_head(method, url, others, scope, _raw_type(content_type))
    return head + _canonical_other(body, content_type, ignored, noise)


@lru_cache(maxsize=4096)
def _canonical_head(
    method: str, url: str, headers: tuple[tuple[str, str], ...], scope: str, raw_type: str = ""
) -> tuple[bytes, _Ignored]:
    """What comes before the body, the same for most requests of a client; and the fields that are
    ignored in the body."""
    url = canonical_url(url)
    values: dict[str, str] = {}
    for name, value in headers:
        if name in KEY_HEADERS:  # on two lines or on one
            values[name] = f"{values[name]}, {value}" if name in values else value
    lines = [_header_line(*pair) for pair in values.items()]
    if raw_type:
        lines.append(f"content-type: {raw_type}")
    lines = [f"{method} {url}", *sorted(filter(None, lines))]
    if scope:
        lines.append(f"cachy-scope: {json.dumps(scope)}")
    path = url.partition("?")[0]
    ignored = _IGNORED if _MODEL_CALL.search(path) else ()
    named = _MODEL_IN_PATH.search(path) is not None
    return "\n".join(lines).encode() + b"\n\n", _Ignored(ignored, named)


def _header_line(name: str, value: str) -> str:
    """A header in the canonical request, or an empty string if it says nothing there.

    The order of what is listed means nothing. A configuration in JSON may hold credentials.
    """
    if name not in _LISTS:
        try:
            data = parse_json(value) if value.startswith("{") else None
        except (ValueError, RecursionError):
            data = None
        if data is not None:
            value = json.dumps(_without_credentials(data), sort_keys=True)
        return f"{name}: {value.strip()}"
    tokens = {token.strip() for token in value.split(",")}
    if name == "accept":
        tokens = {token.partition(";")[0].strip().lower() for token in tokens} - _NEUTRAL_ACCEPT
    return f"{name}: {', '.join(sorted(tokens))}" if tokens else ""


def _without_credentials(data: Any) -> Any:
    if isinstance(data, list):
        return [_without_credentials(item) for item in data]
    if not isinstance(data, dict):
        return data
    return {
        name: _without_credentials(value)
        for name, value in data.items()
        if not is_credential_param(name, str(value))
    }


@lru_cache(maxsize=256)
def _raw_type(content_type: str) -> str:
    """The content type of a body that means nothing without it; an empty string for others."""
    kind, *parameters = [part.strip().lower() for part in content_type.split(";")]
    if not kind or _PLAIN_TYPE.fullmatch(kind):
        return ""
    return ";".join([kind, *sorted(filter(None, parameters))])


def numbered(canonical_request: bytes, number: int) -> bytes:
    """The canonical request of a repeat: the same one asked for the second time is number 1."""
    head, blank, body = canonical_request.partition(b"\n\n")
    return b"%b\ncachy-repeat: %d%b%b" % (head, number, blank, body)


def digest(canonical_request: bytes) -> str:
    """The full key: 64 hex digits. The first `KEY_LENGTH` of them are the key."""
    return hashlib.sha256(canonical_request).hexdigest()


def parse_json(text: bytes | str) -> Any:
    """JSON with its integers exact: orjson alone turns those past 64 bits into floats.

    Raises ValueError.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if _TOO_LONG_FOR_64_BITS in data.translate(_DIGITS_TO_ZERO):
        return json.loads(data, parse_float=_finite, parse_constant=_finite)
    return orjson.loads(data)


def _finite(text: str) -> float:
    """A number as orjson takes it: neither NaN nor infinity is JSON."""
    if not isfinite(number := float(text)):
        raise ValueError(f"{text} is no JSON number")
    return number


def _canonical_json(body: bytes, ignored: _Ignored, noise: Iterable[Noise]) -> bytes:
    """Keys sorted, white space gone, ignored fields dropped, noise normalised.

    What does not parse, or cannot be written again without loss, stays as it came.
    """
    try:
        data = parse_json(body)
        if data.__class__ is dict and not _IGNORED_PARENTS.isdisjoint(data):
            _drop_ignored(data, ignored)
        try:
            text = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
        except TypeError:  # an integer past 64 bits
            text = json.dumps(
                data, sort_keys=True, separators=(",", ":"), ensure_ascii=False
            ).encode()
    except (ValueError, TypeError, RecursionError):
        return body
    return _quiet(text, noise)


def _quiet(text: bytes, noise: Iterable[Noise]) -> bytes:
    """A text without its noise."""
    for marker, pattern, replacement, numbered in noise:
        if marker in text:
            text = pattern.sub(_numbering(replacement) if numbered else replacement, text)
    return text


def _numbering(replacement: bytes) -> Callable[[re.Match[bytes]], bytes]:
    """What replaces a name: the replacement, and the name's place in the order of appearance."""
    numbers: dict[bytes, int] = {}

    def replace(found: re.Match[bytes]) -> bytes:
        number = numbers.setdefault(found[0], len(numbers) + 1)
        return b"%b#%d" % (found.expand(replacement), number)

    return replace


def _drop_ignored(data: dict[str, Any], ignored: _Ignored) -> None:
    if ignored.always or isinstance(data.get("model"), str):
        for parent, child in ignored.fields:
            if parent in data:
                _drop(data, parent, child)


def _drop(data: dict[str, Any], parent: str, child: str) -> None:
    """Remove `parent`, or the `child` in it; a parent that is left empty goes too."""
    if not child:
        del data[parent]
    elif isinstance(inner := data.get(parent), dict) and child in inner:
        del inner[child]
        if not inner:
            del data[parent]


def _canonical_other(
    body: bytes, content_type: str, ignored: _Ignored, noise: Iterable[Noise]
) -> bytes:
    """A multipart body with the random boundary of this one request replaced; JSON after white
    space or a byte order mark; anything else as it is."""
    if body.startswith(b"--") and (found := _BOUNDARY.search(content_type)):
        body = body.replace(found[1].encode(), b"cachy-boundary")
        if b'filename="tmp' in body:
            body = _FILE_NAME.sub(lambda name: _quiet(name[0], noise), body)
        return body
    text = body.removeprefix(_BYTE_ORDER_MARK).lstrip(b" \t\r\n")
    if text.startswith((b"{", b"[")):
        made = _canonical_json(text, ignored, noise)
        return body if made is text else made
    return body
