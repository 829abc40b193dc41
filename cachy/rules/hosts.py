"""Which requests are cached.

    Hosts(doms).route(method, url)      may this request be answered from a store, and recorded?

The one rule: in doubt a call goes live. Nothing here does any IO.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from cachy.errors import ConfigError
from cachy.lazy import lazy_pattern, urls
from cachy.rules import jobs
from cachy.rules.model_calls import may_ask_model
from cachy.rules.url import DEFAULT_PORTS

if TYPE_CHECKING:
    from collections.abc import Sequence

doms: tuple[str, ...] = (
    "api.openai.com",
    "*.api.openai.com",
    "api.anthropic.com",
    "generativelanguage.googleapis.com",
    "api.deepseek.com",
    # Clouds
    "*.openai.azure.com",
    "*.services.ai.azure.com",
    "*.cognitiveservices.azure.com",
    "*.inference.ai.azure.com",
    "aiplatform.googleapis.com",
    "*-aiplatform.googleapis.com",
    "bedrock-runtime.*.amazonaws.com",
    "bedrock-agent-runtime.*.amazonaws.com",
    "bedrock-mantle.*.api.aws",
    # Vendors
    "api.mistral.ai",
    "codestral.mistral.ai",
    "api.groq.com",
    "api.cohere.com",
    "api.cohere.ai",
    "api.x.ai",
    "api.perplexity.ai",
    "api.moonshot.ai",
    "api.moonshot.cn",
    "api.z.ai",
    "open.bigmodel.cn",
    "api.minimax.io",
    "dashscope.aliyuncs.com",
    "dashscope-intl.aliyuncs.com",
    "dashscope-us.aliyuncs.com",
    "*.maas.aliyuncs.com",
    "api.ai21.com",
    "api.voyageai.com",
    "ai.mongodb.com",  # Voyage AI, for keys of MongoDB's
    "api.jina.ai",
    "api.deepgram.com",
    "api.writer.com",
    "api.reka.ai",
    "api.elevenlabs.io/v1/text-to-speech/*",
    "api.elevenlabs.io/v1/text-to-dialogue*",
    "api.elevenlabs.io/v1/sound-generation",
    "api.elevenlabs.io/v1/speech-to-text",
    "llm-gateway.assemblyai.com",
    # Those who host others' models
    "openrouter.ai",
    "api.together.xyz",
    "api.together.ai",
    "api.fireworks.ai",
    "router.huggingface.co",
    "api-inference.huggingface.co",
    "*.endpoints.huggingface.cloud",
    "api.cerebras.ai",
    "api.sambanova.ai",
    "integrate.api.nvidia.com",
    "api.deepinfra.com",
    "api.hyperbolic.xyz",
    "api.novita.ai",
    "api.studio.nebius.com",
    "models.github.ai",
    "ai-gateway.vercel.sh",
    "gateway.ai.cloudflare.com",
    "api.portkey.ai",
    "*.snowflakecomputing.com/api/v2/cortex/*",
    "*.ml.cloud.ibm.com/ml/v1/*",
    "api.replicate.com/v1/predictions*",
    "api.replicate.com/v1/models/*",
    "api.replicate.com/v1/deployments/*/predictions*",
    # Ollama
    "ollama.com",
    "localhost:11434",
    "127.0.0.1:11434",
)
"""The hosts whose calls are cached. Add yours: `enable_cachy(doms=doms + ("llm.example.com",))`.

A pattern is a host, with `*` as a wildcard, then an optional port, then an optional path glob:
`api.example.com`, `*.example.com`, `localhost:8000`, `api.example.com/v2/*`.

Of the hosts that you add every GET and POST is cached, and the `methods` that you name. These here
stay what they are under any pattern, so `*.openai.com` does not cache uploads;
`api.openai.com/v1/files/*` asks for it by name.
"""

# Endpoints of known hosts that keep something on the server: replaying them would pretend.
_STATEFUL = lazy_pattern(
    r"/(files|uploads|upload|batch|batches|batchPredictionJobs|batchInference|async-invoke"
    r"|fine_tuning|fine-tuning|fine-tunes|finetuning|tunedModels|tuningJobs|trainings|jobs|datasets|evals"
    r"|assistants|threads|conversations|sessions|containers|skills|vector_stores|libraries"
    r"|cachedContents|fileSearchStores|corpora|realtime|live|webhooks|organization|api_keys"
    r"|pull|push|create|copy|delete|blobs)(/|$|:)"
    r"|/auth_tokens$|/auth/grant$|/connectors(/|$)|/keys(/|$)|/credits/coinbase$"
    r"|^/v1/agents(/(?!completions$)[^/]+)?$"
    r"|(?<!/async)/chat/completions/[^/]+$"  # a stored completion, changed
    r"|/cancel$|:cancel$|:batchGenerateContent$|:asyncBatch\w+$"
)
# What a GET returns for good: lists of models, and what Ollama calls one; what an answer was made
# from, or took.
_LASTING = lazy_pattern(
    r"/(models(/((?!/operations/)[^:])+)?|api/tags|api/ps|api/version|responses/[^/]+/input_items"
    r"|chat/completions/[^/]+/messages|api/v1/generation)$"
)
# Files that a job or a model has made. Those in a container may change.
_MADE = lazy_pattern(
    r"/videos/[^/]+/content$|^(?!.*/containers/).*/files/[^/]+(:download|/content)$"
)
# What agents report of themselves. Elsewhere than at an LLM API only what can be nothing else.
_TELEMETRY = lazy_pattern(
    r"/traces/ingest$|/api/public/(ingestion|otel/v1/traces)$|/runs/(batch|multipart)$"
    r"|/api/telemetry(/|$)|/api/event_logging(/|$)"
)
_TELEMETRY_OF_KNOWN = lazy_pattern(r"/v1/(traces|metrics|logs)$|/api/claude_code/metrics$")


class Route(NamedTuple):
    """How to treat a request.

    `reason`: why a request to a cached host is left alone, and `remedy` how to have it cached, if
    that can be; `poll`: only the end of a poll is worth keeping; `known`: the host is in `doms`;
    `file`: the answer is a file that a job has made; `telemetry`: it is what a program reports of
    itself, which nobody waits for.
    """

    matches: bool
    cached: bool
    reason: str = ""
    poll: bool = False
    known: bool = False
    file: bool = False
    telemetry: bool = False
    remedy: str = ""
    asks_model: bool = False


_ALWAYS = frozenset({"GET", "POST"})
METHODS = ("PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "QUERY", "PROPFIND", "REPORT", "SEARCH")
"""What `methods` may name, beside GET and POST, which are cached without it."""


_HOST = re.compile(r"(?P<name>\[[0-9a-f:.*]+\]|[^\s?#@,:\[\]]+)(:(?P<port>.*))?")
_PORT_GLOB = re.compile(r"[0-9]*\*[0-9*]*")


def _is_port(text: str) -> bool:
    number = re.fullmatch(r"[1-9][0-9]{0,4}", text) is not None and int(text) < 65536
    return number or _PORT_GLOB.fullmatch(text) is not None


class _Patterns:
    """Host patterns, checked and compiled. Raises ConfigError for an invalid one."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._exact: set[str] = set()
        self._globs: list[tuple[str, str]] = []  # host, path
        for pattern in patterns:
            self._add(pattern)

    def _add(self, pattern: str) -> None:
        if not isinstance(pattern, str):
            raise ConfigError(f"doms holds {pattern!r}, which is not a host name")
        if "://" in pattern:
            host = urls.urlsplit(pattern).netloc
            raise ConfigError(f"doms holds the URL {pattern!r}; give its host alone: {host!r}")
        host, slash, _ = pattern.lower().partition("/")
        matched = _HOST.fullmatch(host)
        if matched is None:
            raise ConfigError(
                f"doms holds {pattern!r}, which is not a host; give one such as 'llm.example.com', "
                "'*.example.com', '*:8000' or '[::1]:8000', and a path glob after it if need be"
            )
        if (port := matched["port"]) is not None and not _is_port(port):
            raise ConfigError(
                f"doms holds {pattern!r}, whose port {port!r} is invalid: give a number from 1 to "
                "65535, or '*' for any, or leave the colon out (an IPv6 address needs brackets: "
                "'[::1]:8000')"
            )
        if slash or "*" in host:
            # The path keeps its case. Of the host's characters only `*` is a wildcard.
            self._globs.append((host.replace("[", "[[]"), pattern[len(host) :].rstrip("/")))
        else:
            self._exact.add(host)

    def matching(self, names: Sequence[str], path: str) -> list[str]:
        """Return the path globs of the patterns that match, an empty one for those without."""
        globs = [
            glob
            for pattern, glob in self._globs
            if any(fnmatchcase(name, pattern) for name in names)
            and (not glob or fnmatchcase(path, glob) or fnmatchcase(path, glob + "/*"))
        ]
        if any(name in self._exact for name in names):
            globs.append("")
        return globs

    def cover(self, names: Sequence[str]) -> bool:
        """Tell whether a pattern that has no path, and is no mere wildcard, matches."""
        return any(name in self._exact for name in names) or any(
            fnmatchcase(name, pattern)
            for pattern, glob in self._globs
            if not glob and pattern.strip("*.:0123456789")
            for name in names
        )


class Hosts:
    """A checked and compiled tuple of host patterns. Raises ConfigError for an invalid one.

    `methods` are those that are cached on hosts which the user added, beside GET and POST.
    """

    def __init__(self, patterns: Sequence[str], methods: frozenset[str] = frozenset()) -> None:
        if isinstance(patterns, str):
            raise ConfigError(
                f"doms={patterns!r} is a single string; pass a tuple: doms=doms + ({patterns!r},)"
            )
        try:
            self.patterns = tuple(patterns)
        except TypeError:
            raise ConfigError(
                f"invalid doms={patterns!r}: pass a tuple of host names, such as "
                "doms + ('llm.example.com',)"
            ) from None
        self.methods = methods
        self._wanted = _Patterns(self.patterns)
        self.route = lru_cache(maxsize=4096)(self._route)
        self.covers = lru_cache(maxsize=1024)(self._covers)

    def _covers(self, host: str, port: int | None = None) -> bool:
        """Tell whether calls to a host are cached, on whatever path. A pattern that has a path, or
        that any host matches, does not tell. `port` is that of https if it is not known."""
        return self._wanted.cover((host, f"{host}:{port or DEFAULT_PORTS['https']}"))

    def _route(self, method: str, url: str) -> Route:
        """Return how to treat a request for this URL."""
        parts = urls.urlsplit(url)
        if parts.scheme not in ("http", "https"):
            return Route(False, False)
        try:
            port = parts.port or DEFAULT_PORTS[parts.scheme]
        except ValueError:
            return Route(False, False)  # an invalid port: the client will report it
        host = parts.hostname or ""
        host = f"[{host}]" if ":" in host else host
        names = (host, f"{host}:{port}")
        globs = self._wanted.matching(names, parts.path)
        if not globs:
            return Route(False, False, asks_model=may_ask_model(method, parts.path))
        known = bool(_KNOWN.matching(names, parts.path))
        path = parts.path
        by_name = any(_names_state(glob, known) for glob in globs)
        if method == "POST" and not by_name and _is_telemetry(path, known):
            return Route(True, False, "it is telemetry", known=known, telemetry=True)
        if method not in _ALWAYS and (known or method not in self.methods):
            if known or method not in METHODS:
                return Route(True, False, f"{method} requests are never cached", known=known)
            remedy = f'record it with enable_cachy(methods=("{method}",), …)'
            return Route(True, False, f"{method} requests are not cached", remedy=remedy)
        # A pattern with the path of an endpoint that keeps state opts in to it.
        if not known or by_name:
            return Route(True, True, known=known)
        if method == "GET" and _MADE.search(path):
            return Route(True, True, known=True, file=True)
        if _STATEFUL.search(path):
            return Route(True, False, "this endpoint keeps state on the server", known=True)
        poll = not _LASTING.search(path) if method == "GET" else jobs.is_poll(path)
        return Route(True, True, poll=poll, known=True)


def _is_telemetry(path: str, known: bool) -> bool:
    return bool(_TELEMETRY.search(path) or (known and _TELEMETRY_OF_KNOWN.search(path)))


def _names_state(glob: str, known: bool) -> bool:
    """Return whether the path of a pattern is that of an endpoint which would be left alone."""
    return bool(glob) and (_STATEFUL.search(glob) is not None or _is_telemetry(glob, known))


_KNOWN = _Patterns(doms)
