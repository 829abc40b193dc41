"""The response headers that a recording keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachy.lazy import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEPT = lazy_pattern(
    r"content-(type|language|disposition|length)|date|location|operation-location|link|retry-after"
    r"|(x-)?request-id|x-amzn-requestid|apim-request-id|x-ms-request-id|mistral-correlation-id"
    r"|x-amzn-bedrock-[a-z-]+|openai-(model|version|processing-ms)|x-model-id"
    r"|(x|anthropic)-ratelimit-[a-z0-9-]+|x-compute-[a-z-]+|x-generation-id"
)
"""Nothing here identifies an account, and nothing is secret."""

_NEVER_KEPT = lazy_pattern(
    r".*(cookie|authorization|authenticate|api-?key|(^|-)key$|secret|token$|signature|credential"
    r"|organi[sz]ation|project|account|workspace|tenant).*"
    r"|(content|transfer)-encoding"  # bodies are stored decoded
)
"""Not even where the user names them."""


def kept_headers(
    headers: Sequence[tuple[str, str]], extra: frozenset[str] = frozenset(), encoded: bool = False
) -> list[tuple[str, str]]:
    """Return the response headers that a client gets, on a miss and on every hit after it, with
    their names in lower case.

    `extra` are names, in lower case, that the user wants to keep too. `encoded`: the body came with
    a content encoding, so the length in its headers is not that of the decoded body.

    >>> kept_headers([("Content-Type", "text/plain"), ("Set-Cookie", "a=b")])
    [('content-type', 'text/plain')]
    """
    kept = []
    for name, value in headers:
        lower = name.lower()
        if _KEPT.fullmatch(lower) or lower in extra:
            if _NEVER_KEPT.fullmatch(lower) or (encoded and lower == "content-length"):
                continue
            kept.append((lower, value))
    return kept
