"""What credentials look like: a table of patterns, and what only looks like one.

The shapes are those of gitleaks 8.30 and of the documentation of vendors whose keys appear in LLM
traffic, in our own expressions. To add one, add a row; `cachy.engine.secrets` does the searching.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Shape(NamedTuple):
    """One kind of credential.

    - `kind`: what warnings call it, with its article
    - `marks`: literal texts, one of which is in every match: cheap to look for
    - `pattern`: its group 1 is the secret part, which must look random
    - `entropy`: how random, in bits a character
    - `starts`: a match must not begin inside a word
    - `named`: matched by the name of a field, in any case, so the value must contain digits
    - `told`: how random, where the name is one that tells (`api_key`, not `key`)
    - `option`: the name is that of an option of a command (`--api-key`)
    - `loose`: the value may have any characters, so paths and calls have to be told from it
    """

    kind: str
    marks: tuple[str, ...]
    pattern: str
    entropy: float = 3.0
    starts: bool = False
    named: bool = False
    told: float = 0.0
    option: bool = False
    loose: bool = False


_END = r"(?![\w-])"


def _token(kind: str, prefix: str, rest: str, *marks: str, entropy: float = 3.0) -> Shape:
    return Shape(kind, marks or (prefix,), f"{prefix}({rest})", entropy, starts=True)


SHAPES = (
    # LLM providers
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
    Shape("an AWS signature", ("ignature=",), r"[sS]ignature=([0-9a-f]{64})(?![0-9a-f])"),
    Shape("an AWS session token", ("Security-Token=",), r"Security-Token=([\w%/+=-]{100,})"),
    Shape("a signed Azure link", ("sig=",), r"[?&]sig=([\w%/+-]{43,})"),
    Shape("an Azure key", ("AccountKey=", "AccessKey="), r"Acc(?:ount|ess)Key=([\w+/]{42,})"),
    Shape("an Azure client secret", ("Q~",), rf"([\w.~]{{3}}\dQ~[\w.~-]{{31,34}}){_END}"),
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
    # Code, packages, chat and documents
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
    Shape("a Slack webhook", ("hooks.slack.com/",),
          r"hooks\.slack\.com/(?:services|workflows|triggers)/([\w/]{30,})"),
    Shape("a Discord webhook", ("/api/webhooks/",),
          r"discord(?:app)?\.com/api/webhooks/\d{15,}/([\w-]{60,})"),
    _token("a Telegram bot token", r"(?:bot)?\d{6,16}:", rf"AA[\w-]{{33}}{_END}", ":AA"),
    _token("a Notion token", "ntn_", r"[A-Za-z0-9]{40,}"),
    _token("a Linear key", "lin_(?:api|oauth)_", r"[A-Za-z0-9]{40,}", "lin_"),
    _token("an Atlassian token", "ATATT3", r"[\w=-]{60,}"),
    _token("an Airtable token", r"pat[A-Za-z0-9]{14}\.", r"[0-9a-f]{64}", "pat"),
    _token("a Figma token", "fig[dopu]_", r"[\w-]{36,}", "fig"),
    _token("a 1Password token", "ops_", r"eyJ[\w-]{100,}"),
    # Payment and mail
    _token("a Stripe key", "(?:[rs]k_(?:live|test|prod)_|whsec_)", r"[A-Za-z0-9+/]{16,}",
           "k_live_", "k_test_", "k_prod_", "whsec_"),
    _token("a SendGrid key", r"SG\.", r"[\w-]{20,24}\.[\w-]{39,50}", "SG."),
    _token("a Twilio key", "(?:SK|AC)", rf"[0-9a-f]{{32}}{_END}", "SK", "AC"),
    _token("a Mailgun key", "key-", rf"[0-9a-f]{{32}}{_END}"),
    _token("a Shopify token", "shp(?:at|ca|pa|ss)_", r"[0-9a-fA-F]{32}", "shp"),
    _token("a Square token", r"(?:EAAA|sq0[a-z]{3}-)", r"[\w-]{22,60}", "EAAA", "sq0"),
    # Monitoring
    _token("a Grafana token", "gl(?:sa|c)_", r"[\w+/=-]{32,}", "glsa_", "glc_"),
    _token("a New Relic key", "NRAK-", r"[A-Z0-9]{27}"),
    _token("a Sentry token", "sntry[su]_", r"[\w+/=-]{40,}", "sntry"),
    _token("a Postman key", "PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}"),
    # Standards
    _token("a JSON web token", "eyJ", r"[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{16,}"),
    Shape("a private key", ("PRIVATE KEY-----", "PRIVATE KEY BLOCK-----"),
          r"PRIVATE KEY(?: BLOCK)?-----[^-]{0,200}?"
          r"([A-Za-z0-9+/]{40}(?:[A-Za-z0-9+/=\s]|\\+[nr]){0,16384})"),
    Shape("a private key", ("UFJJVkFURSBLRVkt", "BSSVZBVEUgS0VZL", "QUklWQVRFIEtFWS"),  # in base64
          r"(?:UFJJVkFURSBLRVkt|BSSVZBVEUgS0VZL|QUklWQVRFIEtFWS)([A-Za-z0-9+/]{60,})"),
    Shape("a private key", ("AGE-SECRET-KEY-",), r"AGE-SECRET-KEY-1([A-Z0-9]{58})"),
    Shape("a password in a URL", ("://",),
          r"[a-z]://[^\s/:@\"'<>\\(){}$]{0,64}:(?!\$)([^\s/:@\"'<>\\(){}]{6,128})@[\w\[]", 2.5),
    # Account ids: not credentials, but private
    _token("an OpenAI organisation", "org-", rf"[A-Za-z0-9]{{20,28}}{_END}", entropy=3.5),
    _token("an OpenAI project", "proj_", rf"[A-Za-z0-9]{{20,28}}{_END}", entropy=3.5),
    Shape("an AWS account", ("arn:aws", "arn%3Aaws"),
          r"arn(?::|%3A)aws[\w-]*(?::|%3A)[\w-]+(?::|%3A)[\w-]*(?::|%3A)(\d{12})(?!\d)", 1.5),
)  # fmt: skip

# ---- By name: `api_key = "…"`, `"password": "…"`, `X-Api-Key: …` ----

# What stands between a name and its value: in shells, YAML, JSON (also as text within JSON), ini
# files, Python with its types, URLs, headers and XML.
_IS = (
    r"[\"'\\\]]{0,8}[ \t]{0,4}"
    r"(?::[ \t]?(?:str(?:ing)?|secretstr)(?:[ \t]?\|[ \t]?none)?[ \t]?=|=>|:=|={1,3}|[:>]|%3[ad])"
    r"[ \t]{0,4}[\"'\\]{0,8}(?:(?:bearer|basic|token|key)\s+)?"
)
_PLAIN = r"[\w+/=~.-]"
_ANY = r"(?:(?!&[a-z_]{3,12}=)[^\s\"'\\,;<>])"  # not beyond the value of a URL's parameter


def _named(
    kind: str, name: str, value: str, entropy: float, told: float = 0.0, *, mark: str = ""
) -> Shape:
    pattern = f"{name}{_IS}({value})"
    loose = value.startswith(_ANY)
    return Shape(kind, (mark or name,), pattern, entropy, named=True, told=told, loose=loose)


NAMED = (
    _named("a value named as a key", "key", _PLAIN + "{16,512}", 3.7, 2.9),
    _named("a value named as a key", "key[-_]?data", r"[\w+/=-]{40,512}", 3.7, 2.9, mark="key"),
    _named("a value named as a key", "secret[-_]?key", _ANY + "{20,512}", 3.2, 2.9, mark="secret"),
    _named("a value named as a token", "token", _PLAIN + "{16,2048}", 3.7, 2.9),
    _named("a value named as a secret", "secret", r"[\w+/=~.!@#$%^*-]{16,512}", 2.9, 2.9),
    *(
        _named("a value named as a password", name, _ANY + "{10,128}", entropy, 2.7, mark=mark)
        for name, mark, entropy in (
            ("pass(?:word|wd|phrase)", "pass", 2.7),
            ("pass", "pass", 9.9),
            ("pwd", "pwd", 9.9),
        )
    ),
    _named("an authorisation header", "authorization", _PLAIN + "{12,2048}", 2.5, 2.5),
    _named("a cookie header", "cookie", r"[^\s\"'\\,;]{12,2048}", 3.3),
    Shape("a bearer token", ("bearer ",), r"bearer\s+([\w+/=~.-]{20,2048})", 3.1, named=True),
    *(
        Shape(f"a value named as a {name}", (name,), rf"{name}[ \t]+[\"']?({_PLAIN}{{16,512}})",
              9.9, named=True, told=2.9, option=True)
        for name in ("key", "token", "password")
    ),
)  # fmt: skip
"""Shapes of values that only their names show, in lower case. 9.9: the name must be one that
tells."""

TELLING = re.compile(
    rb"(?:.*[_-])?(?:[a-z0-9]*(?:api|access|secret|auth)|private|licen[sc]e|subscription|encryption"
    rb"|encrypt|master|sign|signing|signature|client|app|application|account|service|admin|consumer"
    rb"|jwt|hmac|aes|bot|bearer|refresh|id|personal|deploy|webhook|functions?|host|storage|shared"
    rb"|write|read|server|session|integration|developer|dev|user|root|org|ssh|gpg|deployment|project"
    rb"|hapi|oauth|security|vault|registry|login|install|ingest"
    rb"|azure|openai|anthropic|google|gemini|hf|huggingface|groq|mistral|cohere|deepseek|perplexity"
    rb"|together|replicate|pinecone|serper|tavily|exa|deepgram|stripe|twilio|sendgrid|github|gitlab"
    rb"|slack|aws|gcp|wandb|brave|cerebras|voyage|jina)"
    rb"[_-]?(?:key|token)"
    rb"|(?:.*[_-])?client[_-]?key[_-]?data|(?:.*[_-])?(?:[a-z0-9]*secret|django)[_-]?key"
    rb"|token|.*(?:secret|authorization)|.*(?:password|passwd|passphrase)"
    rb"|(?:.*[_-])?(?:db|user|my|pg|sql|mysql|postgres|redis|mongo|smtp|imap|mail|email|ftp|root|admin"
    rb"|login|http|ssl|key|store|keystore|cert)?(?:pass|pwd)"
)
"""Names after which even hex digits and UUIDs are credentials, in lower case."""

TELLING_VARIABLE = re.compile(rb"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_(?:KEY|TOKEN)")
"""Names of variables in the environment: the same holds for them."""

HARMLESS = re.compile(
    rb"(?:.*[_-])?(?:(?:page|paging|pagination|next|prev|previous|continuation|continue|cursor|sync"
    rb"|resume|skip|prompt|cache|primary|foreign|sort|order|partition|shard|row|object|file|blob"
    rb"|idempotency|idempotent|dedup|dedupe|deduplication|public|pub|publishable|last|evaluated|start"
    rb"|first|end|group|hash|range|index|map|lookup|routing|unique|eos|bos|pad|mask|unk|sep|cls"
    rb"|special|stop|max|min|image|video|audio|speech|prediction|cancellation|exclusive)[_-]?)+"
    rb"(?:key|token)"
)
"""Names of keys and tokens that open nothing, in lower case: of pages, rows, files and caches."""

NO_VALUE = re.compile(
    r"/|~/|\.{1,2}/|[A-Za-z]:[\\/]|https?:|\$\(|\$\{|\$[A-Za-z_]+\W?$|\{\{|%\(|[A-Za-z_.]{6,}\("
)
"""How a path, an address, a variable or a call begins, where a secret could stand."""

CODE = re.compile(r"[A-Za-z_]{3}\(|[a-z]\.[A-Za-z_]{3}|&&|\)\{|[a-z]:`|^@[a-z.-]+$")
"""What passwords do not have, and code has."""

WORDS = re.compile(
    r"_*(?:WORD|\d{1,8})(?:[-_./:=]+(?:WORD|\d{1,8}))+\W*".replace(
        "WORD", r"(?:[a-z]+|[A-Z]+|[A-Z][a-z]+)(?:\d{1,5}(?:[a-z]+|[A-Z]+)?)?"
    )
)
"""Words and numbers: `gpt-4o-2024-07-18`, `settings.OPENAI_KEY_2`."""

CAMEL = re.compile(r"Key|Token|Type|String|Config")
"""Parts of the names of types, which change their case as random letters do."""

# What documentation and tests have in the place of a credential.
PLACEHOLDER = re.compile(
    r"example|your|xxxx|placeholder|dummy|fake|sample|redacted|scrubbed|secret|change_?me|insert"
    r"|replace|\*\*\*\*|\.\.\.\.|12345678|abcdefgh|deadbeef|not-?needed|_here|-here|password"
    r"|sha256:|process\.env|os\.environ|getenv|api_key|123e4567-e89b|550e8400-e29b"
    r"|9876543210|privatekey|publickey|\.\.\.$",
    re.IGNORECASE,
)
EXAMPLE_ACCOUNTS = frozenset({"123456789012", "111122223333", "444455556666", "123456789123"})
