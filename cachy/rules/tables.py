"""The data of the key, as plain tables.

Committed stores depend on every row: a row that changes re-records the requests that it applies to.
Rows may be added for requests that could not be recorded before. tests/rules/pinned_keys.json has a
request with its key for each rule.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cachy.lazy import lazy_pattern

KEY_LENGTH = 32
"""Hex digits of the digest that name an entry."""


# ---- Noise ----


class Noise(NamedTuple):
    """Text that differs from run to run and means nothing.

    `marker` is a literal part of every match: only texts that contain it are searched. A group
    called `name` in the pattern is the part that varies; without one it is the whole match.
    `numbered`: the matches are names of things, and different ones in a request stay different. The
    replacement is followed by #1 for the first name, wherever it stands again, #2 for the next.

    >>> Noise(b"run-", re.compile(rb"run-[0-9a-f]{8}"), b"run").numbered
    False
    """

    marker: bytes
    pattern: re.Pattern[bytes]
    replacement: bytes
    numbered: bool = False


# The random part of tempfile's names has 8 characters of these 37. A name that a person chose may
# have as many: those made of words and numbers (`report_1`, `20240101`) are left as they are, which
# are fewer than 1 in 5,000 of tempfile's own.
_WORDS = (
    b"agenda|analysis|annual|april|archive|article|audio|august|backup|batch|board|book|budget|case"
    b"|chapter|chart|chat|cache|clean|client|code|complete|config|contract|copy|cover|csv|daily|data"
    b"|dataset|demo|diagram|document|doc|docs|done|download|draft|dump|edit|email|error|essay|eval"
    b"|example|export|figure|file|files|final|folder|foo|form|full|graph|guide|hello|home|html|image"
    b"|images|img|import|index|info|input|invoice|item|items|jan|feb|mar|apr|may|jun|jul|aug|sep|oct"
    b"|nov|dec|january|february|march|june|july|october|november|december|job|json|key|left|letter"
    b"|list|log|logs|long|mail|main|manual|master|meeting|memo|mesh|message|meta|mini|model|monthly"
    b"|music|my|name|new|note|notes|old|one|order|orders|out|output|page|pages|paper|part|patch|pdf"
    b"|photo|picture|plan|plot|poem|post|prices|print|project|prompt|public|query|question|raw|readme"
    b"|recipe|record|release|report|request|result|results|resume|review|right|run|sales|sample|save"
    b"|scan|scene|schema|score|scores|script|section|session|set|setup|shared|short|simple|slide"
    b"|slides|small|song|sound|source|speech|start|stats|story|study|style|summary|survey|table|target"
    b"|task|tasks|temp|test|tests|text|thesis|third|first|second|title|tmp|todo|token|tokens|tool"
    b"|train|two|txt|upload|user|users|valid|value|values|video|view|voice|week|weekly|wiki|word"
    b"|words|work|year|yearly|zip|bar|baz|dir|src|dst|ver|rev"
)
_RANDOM = (
    rb"(?!(?:%b|[\d_]|(?:(?<=tmp)|(?<=_))[qrv](?=\d))*(?![a-z0-9_]))[a-z0-9_]{8}(?![a-z0-9_])"
    % _WORDS
)

NOISE: tuple[Noise, ...] = (
    # The directory for temporary files: on macOS one for each user, on Windows in the user's home.
    # They become that of Linux, so that what one machine recorded is replayed on another.
    Noise(
        b"/var/folders/",
        lazy_pattern(rb'(?:/private)?/var/folders/(?P<name>[^/\s"\\]+/[^/\s"\\]+)/T/'),
        b"/tmp/",
    ),
    Noise(
        b"AppData",
        lazy_pattern(
            rb'[A-Za-z]:(\\+|/)Users\1(?P<name>[^\\/"\r\n]{1,64}\1AppData)\1Local\1Temp(?:\\+|/)'
        ),
        b"/tmp/",
    ),
    # Names made by tempfile: tmpk3x_9q2v, tmpk3x_9q2v.csv.
    Noise(b"/tmp/tmp", lazy_pattern(rb"/tmp/(?P<name>tmp%b)" % _RANDOM), b"/tmp/tmp", True),
    Noise(b'="tmp', lazy_pattern(rb'(name=")(?P<name>tmp%b)' % _RANDOM), rb"\1tmp", True),
    # pytest's folders: the user, the number of the run, the worker of pytest-xdist.
    Noise(
        b"/pytest-of-",
        lazy_pattern(
            rb'/(?P<name>pytest-of-[^/"\\\s]+/pytest-(?:\d+|current))(?:/popen-gw\d+(?=/|\W))?'
        ),
        b"/pytest-of/pytest",
    ),
    # Cells of a notebook, in tracebacks and warnings: numbered by execution or by process.
    Noise(
        b"ipython-input-",
        lazy_pattern(rb"(?P<name>ipython-input-(?:\d+-)?[0-9a-f]{6,})"),
        b"ipython-input",
        True,
    ),
    Noise(
        b"ipykernel_", lazy_pattern(rb"(?P<name>ipykernel_\d+(?:/\d+\.py)?)"), b"ipykernel", True
    ),
    Noise(b"Cell In[", lazy_pattern(rb"(?P<name>Cell In\[\d+\])(?=, line \d)"), b"Cell In", True),
    # Addresses only where Python prints them: one that a prompt asks about stays what it is.
    Noise(b" at 0x", lazy_pattern(rb"(?<= at )(?P<name>0x[0-9a-fA-F]{6,16})(?=>)"), b"0x", True),
)
"""What is normalised in URLs and in every kind of body. Extend it (`noise=NOISE + (…,)`), or turn
it off (`()`)."""

HARMLESS_NOISE = (b"Cell In[", b"ipython-input", b"ipykernel_", b"0x")
"""How normalised texts begin that an answer may repeat: numbers of cells and addresses of objects,
which changes nothing."""


# ---- URLs ----

CREDENTIAL_PARAMS = frozenset(
    {
        "apikey",  # also api_key, api-key, apiKey
        "xapikey",
        "apitoken",
        "apisecret",
        "appkey",
        "hapikey",  # HubSpot
        "subscriptionkey",  # Azure API Management
        "authkey",  # DeepL
        "accesskey",
        "accesstoken",  # OAuth 2
        "idtoken",
        "refreshtoken",
        "clientsecret",
        "oauthtoken",
        "authtoken",
        "privatetoken",  # GitLab
        "privatekey",
        "secretkey",
        "jwttoken",
        "password",
        "awsaccesskeyid",
        # A presigned URL of Amazon or Google: each one differs, what it gives is the same.
        *(
            f"{vendor}{part}"
            for vendor in ("xamz", "xgoog")
            for part in (
                "algorithm",
                "credential",
                "date",
                "expires",
                "securitytoken",
                "signature",
                "signedheaders",
            )
        ),
    }
)
"""Query and form parameters that are credentials, and so not in the key: in lower case and without
`-` and `_`. Names that mean other things, too (`key`, `token`, `code`, `sig`) are data, whatever
their values look like: a page taken for another is worse than a recording that is made twice."""

CREDENTIAL_PARAMS_OF_HOSTS: tuple[tuple[str, str], ...] = (
    ("key", "googleapis.com"),  # the API key of Gemini, and of all other Google APIs
)
"""Parameters that are credentials on a host and its subdomains alone."""

SECRET_PARAMS = frozenset(
    {
        *("key", "k", "token", "tok", "auth", "authorization", "bearer", "jwt", "secret", "sig"),
        *("sign", "signature", "pass", "passwd", "passphrase", "pwd", "code", "otp"),
        *("sid", "session", "sessionid", "appid", "appsecret", "accountsid"),
        *("credential", "credentials", "login", "ticket", "nonce", "policy", "hmac"),
        *("keypairid", "googleaccessid", "ossaccesskeyid", "securitytoken", "ststoken", "sas"),
        *("clientid", "apiid", "licensekey", "accessid", "keyid"),
        *("tk", "ak", "sk", "pw", "qak", "hdnts", "hdnea", "hdntl"),
    }
)
"""More parameters whose values are never stored, though they may be data and are in the key:
spelled as in `CREDENTIAL_PARAMS`. CloudFront signs with Policy, Signature and Key-Pair-Id, Google
Cloud Storage with GoogleAccessId, Alibaba's OSS with OSSAccessKeyId."""

SECRET_PARAM_PARTS = (
    *("token", "secret", "password", "passwd", "passphrase", "apikey", "accesskey", "privatekey"),
    *("secretkey", "authkey", "credential", "signature", "bearer", "xamz", "xgoog", "xoss"),
)
"""Parts of names of parameters whose values are never stored."""

PAGE_PARAM = (
    r"(page|paging|pagination|next|prev|previous|continuation|continue|cursor|sync|resume|skip|start"
    r"|stop|end|pad|max|min|last|sort|order|partition|row|range|group|foreign|primary|object|file"
    r"|cache|map|idempotency|public|evaluated|[$.])+(key|token|cursor)?"
)
"""Names of parameters that say which page or object is meant, and never hold a secret: spelled as
in `CREDENTIAL_PARAMS`."""


# ---- Headers ----

KEY_HEADERS = frozenset(
    {
        "accept",
        "anthropic-beta",
        "anthropic-version",
        "azureml-model-deployment",
        "cf-aig-metadata",  # Cloudflare routes by it
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
        "x-anthropic-beta",  # OpenRouter passes it on
        "x-dashscope-async",
        "x-dashscope-sse",
        "x-goog-fieldmask",
        "x-portkey-config",
        "x-portkey-custom-host",
        "x-portkey-provider",
        "x-portkey-virtual-key",  # the name of a key that Portkey keeps: it chooses the provider
    }
)
"""The request headers that decide the answer on every host."""

KEY_HEADER_PARTS = ("model", "deployment")
"""A header with one of these in its name decides: some gateways take the model from there alone."""

KEY_HEADER_PREFIXES = ("x-portkey-",)
"""Headers that decide by the start of their names: each chooses where Portkey sends the request."""

PLAIN_HEADERS = (
    KEY_HEADERS - {"x-portkey-virtual-key", "cf-aig-metadata"}
) | {"accept-language", "content-language", "notion-version", "prefer"}  # fmt: skip
"""Headers whose values stand in the canonical request. Of other headers, which may hold a secret or
the name of a person, a digest stands there."""

LIST_HEADERS = frozenset(
    {"accept", "anthropic-beta", "openai-beta", "x-anthropic-beta", "x-goog-fieldmask"}
)
"""Headers that are lists, whose order means nothing."""

UNKEYED_HEADERS = frozenset(
    {
        # How the message is carried.
        *("accept-charset", "accept-encoding", "cache-control", "connection", "content-encoding"),
        *("content-length", "content-type", "expect", "forwarded", "http2-settings", "keep-alive"),
        *("max-forwards", "pragma", "priority", "te", "trailer", "transfer-encoding", "upgrade"),
        *("upgrade-insecure-requests", "via", "dnt", "origin", "referer", "save-data", "alt-used"),
        *("content-md5", "digest", "content-digest", "repr-digest", "want-digest", "x-real-ip"),
        *("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"),
        *("x-amz-content-sha256", "x-requested-with", "x-http2-stream-id"),
        # Who sends it.
        *("user-agent", "x-user-agent", "x-amz-user-agent", "x-ms-useragent", "x-goog-api-client"),
        *("http-referer", "x-title", "from", "x-client-name", "x-client-version", "x-sdk-version"),
        *("anthropic-dangerous-direct-browser-access", "helicone-user-id"),
        # Where a trace goes on.
        *("traceparent", "tracestate", "baggage", "sentry-trace", "b3", "uber-trace-id", "cf-ray"),
        *("x-amzn-trace-id", "x-cloud-trace-context", "grpc-trace-bin", "newrelic", "x-trace"),
        *("elastic-apm-traceparent", "langsmith-trace", "x-honeycomb-trace", "request-context"),
        # Which attempt it is, and when.
        *("date", "x-date", "x-amz-date", "x-ms-date", "timestamp", "x-timestamp", "nonce"),
        *("x-nonce", "x-request-start", "x-sent-at", "x-retry", "x-retry-count", "retry-count"),
        *("x-attempt", "x-retry-attempt", "amz-sdk-request", "x-timeout", "timeout", "deadline"),
        *("x-request-timeout", "grpc-timeout", "x-server-timeout", "x-portkey-debug"),
        *("x-portkey-request-timeout", "x-portkey-cache-force-refresh"),
    }
)
"""Headers that never decide: those that are left when neither a prefix nor a pattern names them."""

UNKEYED_COOKIES = (
    *("__cf", "_cf", "cf_", "awsalb", "arraffinity", "incap_ses", "visid_incap", "nlbi_", "bigip"),
    *("ak_bm", "bm_", "_abck", "_ga", "_gid", "gaesa", "akamai"),
)
"""Starts of the names of cookies that load balancers and guards set: they never decide, and each
run has others."""

UNKEYED_HEADER_PREFIXES = (
    *("proxy-", "sec-", "x-forwarded-", "x-stainless-", "x-fern-", "x-b3-", "x-datadog-", "ot-"),
    *("x-instana-", "jaeger-", "uberctx-", "amz-sdk-", "helicone-property-", "helicone-session-"),
    *("x-envoy-", "x-sentry-", "x-newrelic-", "x-dynatrace", "x-ot-", "x-portkey-cache-"),
    *("x-portkey-trace-", "x-portkey-span-", "x-langfuse-"),
)

ID_HEADER = (
    r"(.*-)?(client-)?(request|correlation|trace|span|parent|transaction|invocation|message|event"
    r"|run|attempt|session|idempotency|operation|activity|call)-?(id|key|uuid|guid|token)"
)
"""Headers that hold an id of this one request or run. Ids of what lasts (`x-tenant-id`,
`cf-aig-gateway-id`) decide."""

CREDENTIAL_HEADER = (
    r"(.*-)?(authorization|auth|token|secret|passw(or)?d|passphrase|credentials?|signature|jwt"
    r"|bearer|key|apikey|access-key-id|csrf|xsrf|csrftoken)|x-csrf-.*"
)
"""Headers that hold credentials: the answer is the same with every API key."""


# ---- Bodies ----

IGNORED_FIELDS: tuple[tuple[str, str], ...] = (
    ("user", "names the end user, for abuse reports"),
    ("safety_identifier", "names the end user, for abuse reports"),
    ("metadata.user_id", "names the end user, for abuse reports"),
    ("prompt_cache_key", "routes to a prompt cache; saves money, changes no answer"),
    ("prompt_cache_retention", "how long a prompt cache lives"),
)
"""JSON fields of a model call that never change its answer, with the reason. Only on known hosts,
where the path is that of a model call and body or path name a model: elsewhere `user` may well
decide the answer."""

IGNORED_ANYWHERE = frozenset({"cache_control"})
"""Fields that are ignored at any depth, on known hosts: where a prompt cache begins and ends. Not
in a schema or in a tool's input, where such a name is the user's own."""

IGNORED_ITEMS = frozenset({"cachePoint"})
"""Items of lists that have only this field, ignored on known hosts: what Bedrock has for the
above."""

MODEL_CALL = (
    r"/(completions|responses|embeddings|messages|messages/count_tokens|complete|moderations"
    r"|images/generations)$|:(stream)?[rR]awPredict$"
)
"""Paths of model calls."""

MODEL_IN_PATH = r"/(deployments|models)/[^/]"
"""Paths that name a model."""

GEMINI_CALL = (
    r":(generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents)$"
)
"""Paths of calls to Gemini, which takes the names of fields in two spellings."""

SPELLINGS = {
    name: "".join([first, *(word.title() for word in rest)])
    for name in (
        *("function_calling_config", "allowed_function_names", "tool_config", "safety_settings"),
        *("system_instruction", "generation_config", "cached_content", "function_declarations"),
        *("function_call", "function_response", "inline_data", "file_data", "mime_type"),
        *("file_uri", "google_search", "code_execution", "url_context", "thought_signature"),
    )
    for first, *rest in [name.split("_")]
}
"""Fields of Gemini's that become those of the other spelling."""

ORDERED_BELOW = frozenset(
    {
        *("properties", "patternProperties", "$defs", "definitions"),  # models answer in this order
        *("arguments", "input_examples"),  # as the model wrote them, or will
        "json",  # a tool's result in Bedrock
    }
)
"""Fields below which keys keep their order, because it reaches the model."""

ORDERED_BESIDE_NAME = frozenset({"input", "args", "response"})
"""The same, in an object that also has a field of `NAMES`: the input of a tool use, its result."""

NAMES = frozenset({"name", "toolName"})

CONVERSATIONS = frozenset({"messages", "contents", "input", "prompt", "chat_history"})
"""Fields whose lists are the turns of a conversation. Ids only link within these."""

LINKS_ANYWHERE = frozenset({"tool_call_id", "tool_use_id", "toolUseId", "toolCallId"})
"""Fields of a conversation that hold the id of a tool call: chat, Cohere, Mistral; Anthropic;
Bedrock; Vercel."""

LINKS_UNDER: dict[str, tuple[str, ...]] = {
    "tool_calls": ("id",),  # chat, Cohere, Mistral, Ollama
    "functionCall": ("id",),  # Gemini
    "function_call": ("id",),
    "functionResponse": ("id",),
    "function_response": ("id",),
}
"""Fields that hold the id of a tool call, in objects that stand under these names."""

LINKS_OF_TYPE: dict[str, tuple[str, ...]] = {
    # Anthropic
    "tool_use": ("id",),
    "server_tool_use": ("id",),
    "mcp_tool_use": ("id",),
    # OpenAI's Responses: the items that stand whole in the request. Others (`item_reference`,
    # `web_search_call`, `image_generation_call`) name by their ids what the server keeps.
    "function_call": ("call_id", "id"),
    "custom_tool_call": ("call_id", "id"),
    "computer_call": ("call_id", "id"),
    "local_shell_call": ("call_id", "id"),
    "shell_call": ("call_id", "id"),
    "apply_patch_call": ("call_id", "id"),
    # Mistral
    "function.call": ("id",),
}
"""Fields that hold an id, in objects with this `type`."""

LINKS_WITH: dict[str, str] = {"reasoning": "encrypted_content", "message": "content"}
"""Objects of a type whose `id` only links if they also have this field: without it, the id names
what the server keeps."""

LINK_BACK = "call_id"
"""A field that may refer to a call which the server keeps (`previous_response_id`): it only links
if the call itself is in the request."""

RESULTS: dict[str, str] = {
    "tool": "tool_call_id",  # the role of a turn: chat, Cohere, Mistral
    "tool_result": "tool_use_id",  # the type of a block: Anthropic
    "function.result": "tool_call_id",  # Mistral
    "tool-result": "toolCallId",  # Vercel
}
"""Turns and blocks that hold the result of a tool call, by role or type, with the field that names
the call. Those whose type ends with `_output` (OpenAI's Responses) are named by `LINK_BACK`."""

RESULTS_UNDER: dict[str, str] = {
    "functionResponse": "id",  # Gemini
    "function_response": "id",
    "toolResult": "toolUseId",  # Bedrock
}
"""The same, of blocks that hold it under such a name. Results that are neighbours stand in the key
in the order of their calls: clients send them as they finish, and each names its call."""

LINK_LENGTH = 100
"""Longer ids are not links alone: litellm puts the signatures of thoughts into some."""

STATE_FIELDS = frozenset({"conversation", "conversation_id", "sessionId"})
"""Fields of a body that name a conversation which the server keeps and each request moves on.
(`previous_response_id` is not among them: what it stands for never changes.)"""

STATE_FIELDS_OF_ADDED_HOSTS = frozenset(
    {"conversationId", "thread_id", "threadId", "session_id", "chat_id", "chatId"}
)
"""More such fields, on hosts that the user added."""

STATE_PATH = r"/(threads|conversations)/"
"""Paths within such a conversation."""
