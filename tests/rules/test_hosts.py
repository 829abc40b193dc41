"""Which requests are cached: in doubt a call goes live."""

from __future__ import annotations

from typing import Any

import pytest

from cachy.errors import ConfigError
from cachy.rules.hosts import Hosts, Route, doms

KNOWN = Hosts(doms)
OPENAI = "https://api.openai.com/v1"


@pytest.mark.parametrize(
    "url",
    [
        f"{OPENAI}/chat/completions",
        f"{OPENAI}/responses",
        f"{OPENAI}/embeddings",
        f"{OPENAI}/audio/speech",
        f"{OPENAI}/audio/transcriptions",
        f"{OPENAI}/images/generations",
        "https://eu.api.openai.com/v1/responses",
        "https://api.openai.com:443/v1/responses",
        "https://API.OPENAI.COM/v1/responses",
        "https://user:pass@api.openai.com/v1/responses",
        "https://api.anthropic.com/v1/messages",
        "https://api.anthropic.com/v1/messages/count_tokens",
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash:generateContent",
        "https://generativelanguage.googleapis.com/v1beta/models/g:streamGenerateContent?key=AIza",
        "https://api.deepseek.com/chat/completions",
        "https://api.deepseek.com/beta/completions",
        "https://me.openai.azure.com/openai/deployments/d/chat/completions?api-version=1",
        "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google/models/g:generateContent",
        "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/models/m:rawPredict",
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude%3A0/converse",
        "https://api.mistral.ai/v1/chat/completions",
        "https://api.groq.com/openai/v1/chat/completions",
        "https://api.cohere.com/v2/chat",
        "https://api.x.ai/v1/chat/completions",
        "https://openrouter.ai/api/v1/chat/completions",
        "https://api.together.xyz/v1/chat/completions",
        "https://api.fireworks.ai/inference/v1/chat/completions",
        "https://api.moonshot.ai/v1/chat/completions",
        "https://api.perplexity.ai/chat/completions",
        "https://router.huggingface.co/v1/chat/completions",
        "https://dashscope-us.aliyuncs.com/api/v1/services/aigc/text-generation/generation",
        "https://ws.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1/chat/completions",
        "https://ai.mongodb.com/v1/embeddings",
        "https://api.replicate.com/v1/predictions",
        "https://api.replicate.com/v1/models/meta/llama/predictions",
        "https://api.elevenlabs.io/v1/text-to-speech/voice/stream",
        "https://api.elevenlabs.io/v1/speech-to-text",
        "https://llm-gateway.assemblyai.com/v1/chat/completions",
        "https://us-south.ml.cloud.ibm.com/ml/v1/text/chat_stream?version=2024-05-31",
        "http://localhost:11434/api/chat",
        "http://127.0.0.1:11434/v1/chat/completions",
    ],
)
def test_known_hosts_are_cached(url: str) -> None:
    assert KNOWN.route("POST", url) == Route(True, True, known=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://example.com/?next=https://api.openai.com/v1",
        "https://example.com/api.openai.com/v1/chat/completions",
        "https://api.openai.com@example.com/v1/chat/completions",
        "https://api.openai.com.example.com/v1/chat/completions",
        "https://notapi.openai.com/v1/chat/completions",
        "https://evilapi.openai.com/v1",
        "https://openai.com/",
        "https://example.com/#api.openai.com",
        "https://api.elevenlabs.io/v1/voices/add",  # of some hosts a few paths alone
        "https://api.replicate.com/v1/trainings",
        "http://localhost:8000/api/chat",
        "http://localhost/api/chat",
        "ftp://api.openai.com/v1",
        "wss://api.openai.com/v1/realtime",
        "https://api.openai.com:99999/v1/chat/completions",
        "/v1/chat/completions",
        "",
    ],
)
def test_other_hosts_are_left_alone(url: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert not KNOWN.route(method, url).matches


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/files"),
        ("POST", "/uploads"),
        ("POST", "/batches"),
        ("POST", "/batches/batch_1/cancel"),
        ("POST", "/messages/batches"),
        ("POST", "/fine_tuning/jobs"),
        ("POST", "/assistants"),
        ("POST", "/threads"),
        ("POST", "/threads/thread_1/runs"),
        ("POST", "/conversations"),
        ("POST", "/vector_stores"),
        ("POST", "/vector_stores/vs_1/search"),
        ("POST", "/containers"),
        ("POST", "/evals"),
        ("POST", "/realtime/sessions"),
        ("POST", "/responses/resp_1/cancel"),
        ("POST", "/chat/completions/chatcmpl_1"),
        ("POST", "/cachedContents"),
        ("POST", "/models/g:batchGenerateContent"),
        ("GET", "/files"),
        ("GET", "/batches/batch_1"),
        ("GET", "/organization/usage"),
        ("PUT", "/responses"),
        ("PATCH", "/responses"),
        ("DELETE", "/models/ft:gpt"),
        ("HEAD", "/models"),
        ("OPTIONS", "/models"),
    ],
)
def test_what_keeps_state_is_not_cached_and_says_why(method: str, path: str) -> None:
    route = KNOWN.route(method, OPENAI + path)
    assert (route.matches, route.cached, route.known) == (True, False, True)
    assert route.reason


def test_jobs_of_replicate_are_polled_stopped_and_trained() -> None:
    url = "https://api.replicate.com/v1"
    assert KNOWN.route("GET", f"{url}/predictions/p1") == Route(True, True, poll=True, known=True)
    assert KNOWN.route("GET", f"{url}/models/meta/llama") == Route(True, True, known=True)
    assert not KNOWN.route("POST", f"{url}/predictions/p1/cancel").cached
    assert not KNOWN.route("POST", f"{url}/models/meta/llama/versions/v1/trainings").cached


@pytest.mark.parametrize(
    ("path", "poll"),
    [
        ("/models", False),
        ("/models/gpt-4o", False),
        ("/models/veo/operations/op1", True),
        ("/models/a/b", False),
        ("/responses/resp_1", True),
        ("/videos/video_1", True),
        ("/chat/completions", True),
    ],
)
def test_gets_of_known_hosts_are_lists_of_models_or_polls(path: str, poll: bool) -> None:
    assert KNOWN.route("GET", OPENAI + path) == Route(True, True, poll=poll, known=True)


@pytest.mark.parametrize(
    ("pattern", "url", "matches"),
    [
        ("llm.example.com", "https://llm.example.com/x", True),
        ("LLM.Example.com", "https://llm.example.com/x", True),
        ("llm.example.com", "http://llm.example.com:8000/x", True),
        ("llm.example.com", "https://a.llm.example.com/x", False),
        ("llm.example.com", "https://llm.example.com.evil.org/x", False),
        ("*.example.com", "https://a.b.example.com/x", True),
        ("*.example.com", "https://example.com/x", False),
        ("*.example.com", "https://a.example.com:8000/x", True),
        ("*.example.com", "https://evil.org/.example.com", False),
        ("llm-*.example.com", "https://llm-eu.example.com/", True),
        ("*", "https://anything.org/x", True),
        ("localhost:8000", "http://localhost:8000/x", True),
        ("localhost:8000", "http://localhost:8001/x", False),
        ("localhost:8000", "http://localhost/x", False),
        ("localhost:80", "http://localhost/x", True),
        ("a.com:443", "https://a.com/x", True),
        ("localhost:*", "http://localhost:8123/x", True),
        ("[::1]:8000", "http://[::1]:8000/x", True),
        ("[::1]", "http://[::1]:8000/x", True),
        ("[::1]:8000/v1/*", "http://[::1]:8000/v1/x", True),
        ("[::1]:8000/v1/*", "http://[::1]:8000/v2/x", False),
        ("[::1]:*", "http://[::1]:8000/x", True),
        ("localhost:80*", "http://localhost:8001/x", True),
        ("localhost:65535", "http://localhost:65535/x", True),
        ("a.com/v2/*", "https://a.com/v2/x/y", True),
        ("a.com/v2/*", "https://a.com/v1/x", False),
        ("a.com/v2/*", "https://a.com/v1/x?path=/v2/x", False),
        ("a.com/v2", "https://a.com/v2/x", True),
        ("a.com/v2", "https://a.com/v20/x", False),
        ("a.com/v2/", "https://a.com/v2/x", True),
        ("a.com/", "https://a.com/x", True),
        ("a.com/V2/*", "https://a.com/v2/x", False),
        ("A.com/V2/*", "https://a.com/V2/x", True),
        ("a.com:8000/v2/*", "https://a.com:8000/v2/x", True),
        ("a.com:8000/v2/*", "https://a.com/v2/x", False),
        ("*.a.com/*/chat", "https://b.a.com/v1/chat", True),
        ("*.a.com/*/chat", "https://b.a.com/v1/embed", False),
    ],
)
def test_patterns(pattern: str, url: str, matches: bool) -> None:
    assert Hosts((pattern,)).route("POST", url).matches is matches


@pytest.mark.parametrize("path", ["/x", "/files", "/v1/threads", "/batches/1"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_added_hosts_get_every_get_and_post(method: str, path: str) -> None:
    hosts = Hosts((*doms, "llm.example.com"))
    assert hosts.route(method, f"https://llm.example.com{path}") == Route(True, True)
    assert not hosts.route("DELETE", f"https://llm.example.com{path}").cached
    assert not hosts.route("POST", f"{OPENAI}/files").cached


def test_order_of_patterns_means_nothing() -> None:
    named = "api.openai.com/v1/files/*"
    for patterns in ((named, *doms), (*doms, named)):
        assert Hosts(patterns).route("POST", f"{OPENAI}/files/f").cached


@pytest.mark.parametrize(
    "pattern",
    [
        "api.openai.com",
        "API.openai.com",
        "api.openai.com/",
        "api.openai.com/v1",
        "api.openai.com/v1/*",
        "api.openai.com:443",
        "api.openai.com:*",
        "*.openai.com",
        "*.com",
        "*",
    ],
)
def test_a_known_host_is_known_under_any_pattern(pattern: str) -> None:
    for hosts in (Hosts((pattern,)), Hosts((*doms, pattern))):
        assert "keeps state" in hosts.route("POST", f"{OPENAI}/files").reason
        assert "keeps state" in hosts.route("GET", f"{OPENAI}/files/file_1").reason
        assert hosts.route("GET", f"{OPENAI}/responses/resp_1").poll
        assert not hosts.route("GET", f"{OPENAI}/models").poll
        assert hosts.route("POST", f"{OPENAI}/responses") == Route(True, True, known=True)


def test_a_known_port_is_known_under_any_pattern() -> None:
    for pattern in ("localhost", "localhost:*", "localhost:11434/api"):
        assert not Hosts((pattern,)).route("POST", "http://localhost:11434/api/pull").cached
    assert Hosts(("localhost",)).route("POST", "http://localhost:8000/api/pull").cached


@pytest.mark.parametrize(
    "pattern",
    ["api.openai.com/v1/files/*", "api.openai.com/v1/files", "*.openai.com/*/files/*"],
)
def test_a_path_that_names_what_keeps_state_means_it(pattern: str) -> None:
    hosts = Hosts((*doms, pattern))
    for method in ("GET", "POST"):
        assert hosts.route(method, f"{OPENAI}/files/file_1") == Route(True, True, known=True)
        assert not hosts.route(method, f"{OPENAI}/batches/b").cached
    assert hosts.route("GET", f"{OPENAI}/responses/resp_1").poll


def test_no_hosts_is_a_choice() -> None:
    assert not Hosts(()).route("POST", f"{OPENAI}/responses").matches


@pytest.mark.parametrize(
    ("patterns", "says"),
    [
        pytest.param("api.openai.com", r"'api\.openai\.com'.*tuple", id="bare-string"),
        pytest.param(("https://a.com/v1",), r"'https://a\.com/v1'.*'a\.com'", id="full-url"),
        pytest.param(("http://a.com:8000",), r"'a\.com:8000'", id="url-with-port"),
        pytest.param(("",), "''", id="empty"),
        pytest.param((" ",), "' '", id="blank"),
        pytest.param((None,), "None", id="none"),
        pytest.param((1,), "1", id="number"),
        pytest.param((b"a.com",), "b'a.com'", id="bytes"),
        pytest.param(("a.com ",), "'a.com '", id="space-after"),
        pytest.param(("a.com, b.com",), "'a.com, b.com'", id="two-in-one"),
        pytest.param(("me@a.com",), "'me@a.com'", id="user-info"),
        pytest.param(("a.com?x=1",), r"'a\.com\?x=1'", id="query"),
        pytest.param(("/v1/chat",), "'/v1/chat'", id="path-alone"),
        pytest.param(("a.com:abc",), r"'a\.com:abc'.*'abc'.*1 to 65535", id="port-word"),
        pytest.param(("a.com:",), r"'a\.com:'.*leave the colon out", id="port-empty"),
        pytest.param(("a.com:0",), r"'0'.*1 to 65535", id="port-zero"),
        pytest.param(("a.com:080",), r"'080'.*1 to 65535", id="port-with-zeros"),
        pytest.param(("a.com:65536",), r"'65536'.*1 to 65535", id="port-high"),
        pytest.param(("a.com:-1/v1",), r"'-1'.*1 to 65535", id="port-negative"),
        pytest.param(("*.a.com:x",), r"'x'.*1 to 65535", id="port-of-wildcard"),
        pytest.param(("a.com:80:81",), r"'80:81'.*1 to 65535", id="two-ports"),
        pytest.param(("[::1]:x",), r"'x'.*1 to 65535", id="port-of-ipv6"),
        pytest.param(("::1",), r"'::1'.*\[::1\]", id="ipv6-bare"),
        pytest.param(("fe80::1",), r"'fe80::1'.*\[::1\]", id="ipv6-bare-too"),
        pytest.param((":8000",), r"':8000'.*'\*:8000'", id="port-alone"),
        pytest.param(None, "None", id="no-tuple"),
        pytest.param(7, "7", id="a-number"),
    ],
)
def test_what_is_no_tuple_of_hosts(patterns: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Hosts(patterns)


def test_default_patterns_are_sound_and_sorted_by_nothing_but_taste() -> None:
    assert len(set(doms)) == len(doms)
    assert all(pattern == pattern.lower() for pattern in doms)


@pytest.mark.parametrize(
    "url",
    [
        "https://generativelanguage.googleapis.com/v1alpha/auth_tokens",
        "https://api.deepgram.com/v1/auth/grant",
        "https://openrouter.ai/api/v1/keys",
        "https://openrouter.ai/api/v1/credits/coinbase",
        "https://api.mistral.ai/v1/agents",
        "https://api.anthropic.com/v1/agents/a1",
        "https://api.cohere.com/v1/connectors",
    ],
)
def test_tokens_agents_and_traces_are_never_cached(url: str) -> None:
    assert "keeps state" in Hosts(doms).route("POST", url).reason


def test_agents_that_answer_are_cached() -> None:
    assert Hosts(doms).route("POST", "https://api.mistral.ai/v1/agents/completions").cached
    assert Hosts(doms).route("POST", "https://api.z.ai/api/v1/agents").cached


@pytest.mark.parametrize(
    "path", ["models/veo:fetchPredictOperation", "operations/1:wait", "workflows/w/get_result"]
)
def test_a_post_that_asks_for_the_state_of_a_job_is_a_poll(path: str) -> None:
    assert Hosts(doms).route("POST", f"https://aiplatform.googleapis.com/v1/{path}").poll


def test_a_video_is_kept_once_it_is_made() -> None:
    assert not Hosts(doms).route("GET", "https://api.openai.com/v1/videos/v1/content").poll
