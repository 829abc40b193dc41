"""URLs: what of them is in the key, and what of them is stored.

    canonical_url(url)   two spellings of one URL become one; no credentials
    redacted_url(url)    the same, without what merely looks like a credential

They differ because a hash gives nothing away: in the key, a parameter that may be data counts; on
disk, one that may be a secret does not stand.
"""

from __future__ import annotations

from functools import lru_cache

from cachy.lazy import lazy_pattern, urls
from cachy.rules.tables import (
    CREDENTIAL_PARAMS,
    CREDENTIAL_PARAMS_OF_HOSTS,
    PAGE_PARAM,
    SECRET_PARAM_PARTS,
    SECRET_PARAMS,
)

REDACTED = "REDACTED"
"""What stands in the place of a secret in a stored URL."""

DEFAULT_PORTS = {"http": 80, "https": 443}
# RFC 3986: what may stand in a path segment as it is, beyond what quote() leaves alone.
_SEGMENT_SAFE = ":@!$&'()*+,;=~"
_QUERY_SAFE = "/:@!$'()*,;~?"  # noise is looked for in the query: paths stay paths there
_PAGE = lazy_pattern(PAGE_PARAM)
_BOT = lazy_pattern(r"(bot)?\d{5,}:[\w-]{20,}")  # Telegram
_HEX = lazy_pattern(r"[0-9a-fA-F]{32,}")
_PREFIXED = lazy_pattern(
    r"(sk|pk|rk|key|tok|hf|gsk|xai|r8|glpat|gh[pousr]|github_pat|xox[abprs]|pat|AIza|AKIA|ya29)"
    r"[-_.]?[\w.-]{12,}"
)
_WORDS = lazy_pattern(  # meta-llama/Llama-3.3-70B-Instruct
    r"(?:(?:[A-Za-z]+(?:\d{1,3}[A-Za-z]?)?|\d{1,8}[A-Za-z]{0,2})(?:[-_./=+~]+|$)){2,}"
)
_CHUNK = lazy_pattern(r"[A-Za-z0-9]{10,}")
_LOWER_TOKEN = lazy_pattern(r"(?=(?:\d*[a-z]+\d){3})[a-z0-9]{28,}")
_DIGITS = lazy_pattern(r"\d+")
_PART = lazy_pattern(r"[;=,&]")
_USER = lazy_pattern(r"[^:@]+:[^:@]+@")
_SECRET_VALUE = lazy_pattern(r"(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9_+/=~.-]{24,}")


def is_credential_param(name: str, host: str = "") -> bool:
    """Whether a query or form parameter is a credential, and so not in the key.

    >>> is_credential_param("api-key"), is_credential_param("page_token")
    (True, False)
    """
    plain = _squeezed(name)
    if plain in CREDENTIAL_PARAMS:
        return True
    return any(
        plain == param and f".{host}".endswith(f".{owner}")
        for param, owner in CREDENTIAL_PARAMS_OF_HOSTS
    )


def is_secret_param(name: str) -> bool:
    """Whether the value of a query parameter may be a secret, and so is never stored.

    >>> is_secret_param("appid"), is_secret_param("page")
    (True, False)
    """
    plain = _squeezed(name)
    if plain in CREDENTIAL_PARAMS or plain in SECRET_PARAMS:
        return True
    if _PAGE.fullmatch(plain):
        return False
    return any(part in plain for part in SECRET_PARAM_PARTS) or plain.endswith("key")


@lru_cache(maxsize=1024)
def _squeezed(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


@lru_cache(maxsize=4096)
def canonical_url(url: str) -> str:
    """Return the URL without user info, credentials, default port and fragment, its query sorted.

    Two spellings of one URL (`%3A` and `:` in a path, a host in upper case) become one. Raises
    ValueError for a URL that cannot be taken apart.

    >>> canonical_url("https://me:pw@API.example.com:443/v1?b=2&api_key=sk&a=1#top")
    'https://api.example.com/v1?a=1&b=2'
    """
    parts = urls.urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    if parts.port is not None and parts.port != DEFAULT_PORTS.get(parts.scheme):
        host = f"{host}:{parts.port}"
    # Segment by segment, so that an encoded slash stays one; as bytes, which need not be UTF-8.
    segments = parts.path.split("/")
    path = "/".join(
        urls.quote(urls.unquote_to_bytes(part), safe=_SEGMENT_SAFE) for part in segments
    )
    query = query_pairs(parts.query, parts.hostname or "")
    search = f"?{_encoded(query)}" if query else ""
    return f"{parts.scheme}://{host}{path or '/'}{search}"


def query_pairs(query: str, host: str) -> list[tuple[str, str]]:
    """Return the parameters of a query or form that are in the key, sorted by name. Those of one
    name keep their order; bytes that are not UTF-8 become surrogates."""
    pairs = [
        pair
        for pair in urls.parse_qsl(query, True, errors="surrogateescape")
        if not is_credential_param(pair[0], host)
    ]
    return sorted(pairs, key=lambda pair: pair[0])


def _encoded(query: list[tuple[str, str]]) -> str:
    return urls.urlencode(query, safe=_QUERY_SAFE, errors="surrogateescape")


@lru_cache(maxsize=1024)
def redacted_url(url: str, *, known: bool = False) -> str:
    """Return the canonical URL as it may be stored: `REDACTED` for what may be a secret.

    On `known` hosts the path holds names of models and never a credential, and stays as it is.
    Raises ValueError for a URL that cannot be taken apart.

    >>> redacted_url("https://api.telegram.org/bot12345:AAH7n2hkxyzzyDYfwYQn8eVb/sendMessage?k=v")
    'https://api.telegram.org/REDACTED/sendMessage?k=REDACTED'
    """
    base, mark, query = canonical_url(url).partition("?")
    if not known:
        scheme, _, rest = base.partition("://")
        host, *segments = rest.split("/")
        base = f"{scheme}://{'/'.join([host, *map(_redacted_segment, segments)])}"
    if not mark:
        return base
    pairs = [
        (name, _redacted_value(name, value)) if value else (_without_tokens(name), "")
        for name, value in urls.parse_qsl(query, True, errors="surrogateescape")
    ]
    return f"{base}?{_encoded(pairs)}"


def _redacted_value(name: str, value: str) -> str:
    if _PAGE.fullmatch(_squeezed(name)):
        return value
    if is_secret_param(name) or _is_token(value):
        return REDACTED
    if _SECRET_VALUE.fullmatch(value) and not _WORDS.fullmatch(value):
        return REDACTED
    if "://" in value:
        try:
            return redacted_url(value)
        except ValueError:
            return REDACTED
    return _without_tokens(value)


def _without_tokens(text: str) -> str:
    """A text without what looks like a token in it: JSON, a header, a path."""
    return _CHUNK.sub(lambda at: REDACTED if _is_mixed(at[0], 20) else at[0], text)


def _redacted_segment(segment: str) -> str:
    """A segment of a path; `REDACTED` if it looks like a token, or has one in it."""
    text = urls.unquote(segment)
    parts = _PART.split(text)  # `;jsessionid=…`
    chunks = _CHUNK.findall(text)
    found = (
        _USER.match(text) is not None
        or any(map(_is_token, parts))
        or any(_is_mixed(chunk, 16) or _LOWER_TOKEN.fullmatch(chunk) for chunk in chunks)
        or (len(text) >= 24 and any(_is_mixed(chunk, 10, runs=2) for chunk in chunks))
    )
    return REDACTED if found else segment


def _is_token(text: str) -> bool:
    return any(pattern.fullmatch(text) for pattern in (_BOT, _HEX, _PREFIXED))


def _is_mixed(chunk: str, length: int, runs: int = 1) -> bool:
    """Whether letters of both cases and `runs` runs of digits stand together, as in no word."""
    both = chunk.lower() != chunk != chunk.upper()
    return len(chunk) >= length and both and len(_DIGITS.findall(chunk)) >= runs
