"""Placeholders for missing API keys: most SDKs refuse to make a client without one, even to replay.

A session that replays sets those that are missing, and takes them back when it ends.

A placeholder is not a secret. API keys are not part of a request's key, so it finds recordings made
with any of them. In other modes nothing is set: the call would be sent with it and refused, where
without it the SDK says plainly what is missing.

Left alone are variables that more than model calls depend on: HF_TOKEN (with a wrong one the Hub
refuses even what is public), GITHUB_TOKEN, those of AWS and of Google Cloud, which would shadow the
profile that other tools use.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cachy.frames import is_installed
from cachy.lazy import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACEHOLDER = "cachy-placeholder"

# What the SDKs and litellm read, by provider. The first is set if none of a line is: some take
# several names, some take a token instead of a key, and some complain of two.
_VARIABLES = (
    ("OPENAI_API_KEY",),
    ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"),
    ("AZURE_API_KEY", "AZURE_AD_TOKEN"),
    ("AZURE_AI_API_KEY",),
    ("MISTRAL_API_KEY",),
    ("CODESTRAL_API_KEY",),
    ("GROQ_API_KEY",),
    ("CO_API_KEY", "COHERE_API_KEY"),
    ("COHERE_API_KEY", "CO_API_KEY"),
    ("DEEPSEEK_API_KEY",),
    ("XAI_API_KEY",),
    ("OPENROUTER_API_KEY", "OR_API_KEY"),
    ("TOGETHER_API_KEY", "TOGETHERAI_API_KEY"),
    ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY"),
    ("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"),
    ("PERPLEXITY_API_KEY", "PERPLEXITYAI_API_KEY"),
    ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
    ("MOONSHOT_API_KEY",),
    ("ZAI_API_KEY",),
    ("MINIMAX_API_KEY",),
    ("DASHSCOPE_API_KEY",),
    ("CEREBRAS_API_KEY",),
    ("SAMBANOVA_API_KEY",),
    ("NVIDIA_API_KEY",),
    ("NVIDIA_NIM_API_KEY",),
    ("DEEPINFRA_API_KEY",),
    ("HYPERBOLIC_API_KEY",),
    ("NOVITA_API_KEY",),
    ("NEBIUS_API_KEY",),
    ("AI21_API_KEY",),
    ("VOYAGE_API_KEY",),
    ("JINA_API_KEY", "JINA_AI_API_KEY"),
    ("DEEPGRAM_API_KEY",),
    ("WRITER_API_KEY",),
    ("REKA_API_KEY",),
    ("AI_GATEWAY_API_KEY", "VERCEL_AI_GATEWAY_API_KEY"),
)


def missing(environ: Mapping[str, str]) -> dict[str, str]:
    """Return placeholders for the keys that an environment lacks. An empty key counts as missing:
    CI passes on a secret that it does not have as one."""
    return {
        names[0]: PLACEHOLDER
        for names in _VARIABLES
        if not any(environ.get(name) for name in names)
    }


class Placeholders:
    """The placeholders that were set; `take_back`, or the end of the `with`, removes them."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._before = {name: os.environ.get(name) for name in values}
        os.environ.update(values)

    @property
    def names(self) -> list[str]:
        """The variables that hold a placeholder."""
        return sorted(self._before)

    def take_back(self) -> None:
        """Restore what was there before, except for keys set since. Idempotent."""
        while self._before:
            name, value = self._before.popitem()
            if os.environ.get(name) != PLACEHOLDER:
                continue
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

    def __enter__(self) -> Placeholders:
        return self

    def __exit__(self, *raised: object) -> None:
        self.take_back()


class WhileReplaying:
    """The placeholders that are there while anything replays: a session, a block."""

    def __init__(self) -> None:
        self._replaying: set[object] = set()
        self._given: list[Placeholders] = []

    def follow(self, it: object, *, replays: bool) -> None:
        """Set placeholders if this replays, and take them back once nothing does. Idempotent."""
        if replays:
            self._replaying.add(it)
            self._given.append(Placeholders(missing(os.environ)))
            return
        self._replaying.discard(it)
        while self._given and not self._replaying:
            self._given.pop().take_back()


# ---- Where one is missing ----

_ASKS_FOR_KEY = lazy_pattern(r"(?i)\bapi[ _-]?key|_API_KEY|credentials|authentication method")


def wants_key(error: BaseException | None) -> bool:
    """Return whether a library raised this for want of an API key, before anything was sent."""
    if error is None or not _ASKS_FOR_KEY.search(str(error)):
        return False
    if any(getattr(error, name, None) is not None for name in ("status_code", "response")):
        return False  # the server's answer to a key
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and is_installed(trace.tb_frame.f_code.co_filename)
