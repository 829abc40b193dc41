"""Response headers as providers send them, by kind of provider. `«kind»` stands for a value that
differs from answer to answer; `fill` in samples.py makes one."""

from __future__ import annotations

_DATE = "date: «date»\n"
_JSON = "content-type: application/json\n"
_LENGTH = "content-length: «number»\n"
_CLOUDFLARE = """\
server: cloudflare
cf-ray: «hex16»-«airport»
cf-cache-status: DYNAMIC
"""
_STRICT = "strict-transport-security: max-age=31536000; includeSubDomains; preload\n"

OPENAI = f"""\
{_DATE}{_JSON}access-control-expose-headers: X-Request-ID
openai-processing-ms: «number»
openai-version: 2020-10-01
x-envoy-upstream-service-time: «number»
x-ratelimit-limit-requests: «round»
x-ratelimit-limit-tokens: «round»
x-ratelimit-remaining-requests: «number»
x-ratelimit-remaining-tokens: «number»
x-ratelimit-reset-requests: «wait»
x-ratelimit-reset-tokens: «wait»
x-request-id: req_«hex32»
x-openai-proxy-wasm: v0.1
{_STRICT}x-content-type-options: nosniff
{_CLOUDFLARE}{_LENGTH}"""

OPENAI_SORTED = f"""\
cf-ray: «hex16»-«airport»
{_JSON}{_DATE}server: cloudflare
x-content-type-options: nosniff
access-control-allow-origin: *
access-control-expose-headers: X-Request-ID
cache-control: no-cache, must-revalidate
cf-cache-status: DYNAMIC
openai-model: «openai»
openai-processing-ms: «number»
openai-version: 2020-10-01
strict-transport-security: max-age=31536000; includeSubDomains; preload
via: envoy-router-«letters5»
x-envoy-upstream-service-time: «number»
x-ratelimit-limit-requests: «round»
x-ratelimit-limit-tokens: «round»
x-ratelimit-remaining-requests: «number»
x-ratelimit-remaining-tokens: «number»
x-ratelimit-reset-requests: «wait»
x-ratelimit-reset-tokens: «wait»
x-request-id: req_«hex32»
{_LENGTH}"""

ANTHROPIC = f"""\
{_DATE}{_JSON}cache-control: no-cache
anthropic-ratelimit-requests-limit: «round»
anthropic-ratelimit-requests-remaining: «number»
anthropic-ratelimit-requests-reset: «iso»
anthropic-ratelimit-input-tokens-limit: «round»
anthropic-ratelimit-input-tokens-remaining: «round»
anthropic-ratelimit-input-tokens-reset: «iso»
anthropic-ratelimit-output-tokens-limit: «round»
anthropic-ratelimit-output-tokens-remaining: «round»
anthropic-ratelimit-output-tokens-reset: «iso»
anthropic-ratelimit-tokens-limit: «round»
anthropic-ratelimit-tokens-remaining: «round»
anthropic-ratelimit-tokens-reset: «iso»
retry-after: «small»
request-id: req_011C«base22»
{_STRICT}x-robots-tag: none
x-envoy-upstream-service-time: «number»
vary: Accept-Encoding
content-security-policy: default-src 'none'; frame-ancestors 'none'
server: cloudflare
via: 1.1 google
cf-cache-status: DYNAMIC
cf-ray: «hex16»-«airport»
server-timing: proxy;dur=«number»
{_LENGTH}"""

GEMINI = """\
content-type: application/json; charset=UTF-8
vary: Origin
vary: X-Origin
vary: Referer
date: «date»
server: scaffolding on HTTPServer2
x-xss-protection: 0
x-frame-options: SAMEORIGIN
x-content-type-options: nosniff
server-timing: gfet4t7; dur=«number»
content-length: «number»
"""

GEMINI_STREAM = """\
content-type: text/event-stream
content-disposition: attachment
vary: Origin
vary: X-Origin
vary: Referer
date: «date»
server: scaffolding on HTTPServer2
x-xss-protection: 0
x-frame-options: SAMEORIGIN
x-content-type-options: nosniff
server-timing: gfet4t7; dur=«number»
content-length: «number»
"""

AZURE = f"""\
{_LENGTH}{_JSON}apim-request-id: «uuid»
strict-transport-security: max-age=31536000; includeSubDomains; preload
x-content-type-options: nosniff
x-ms-region: «region»
x-ratelimit-remaining-requests: «number»
x-ratelimit-limit-requests: «number»
x-ratelimit-remaining-tokens: «number»
x-ratelimit-limit-tokens: «number»
azureml-model-session: d«number»-«number»
cmp-upstream-response-duration: «number»
x-accel-buffering: no
x-ms-rai-invoked: true
x-request-id: «uuid»
x-ms-client-request-id: «uuid»
x-ms-deployment-name: «openai»
x-envoy-upstream-service-time: «number»
{_DATE}"""

BEDROCK = f"""\
{_DATE}{_JSON}{_LENGTH}x-amzn-requestid: «uuid»
x-amzn-bedrock-invocation-latency: «number»
x-amzn-bedrock-input-token-count: «number»
x-amzn-bedrock-output-token-count: «number»
x-amzn-bedrock-cache-read-input-token-count: 0
x-amzn-bedrock-cache-write-input-token-count: 0
"""

COHERE = f"""\
access-control-expose-headers: X-Debug-Trace-ID
cache-control: no-cache, no-store, no-transform, must-revalidate, private, max-age=0
{_JSON}expires: Thu, 01 Jan 1970 00:00:00 GMT
pragma: no-cache
vary: Origin
x-accel-expires: 0
x-debug-trace-id: «hex32»
x-endpoint-monthly-call-limit: «round»
x-trial-endpoint-call-limit: «small»
x-trial-endpoint-call-remaining: «small»
num_chars: «number»
num_tokens: «number»
{_DATE}x-envoy-upstream-service-time: «number»
server: envoy
via: 1.1 google
{_LENGTH}"""

MISTRAL = f"""\
{_DATE}{_JSON}mistral-correlation-id: «uuid»
x-kong-request-id: «hex32»
x-envoy-upstream-service-time: «number»
ratelimitbysize-limit: «round»
ratelimitbysize-query-cost: «number»
ratelimitbysize-remaining: «number»
ratelimitbysize-reset: «small»
x-ratelimit-limit-req-minute: «small»
x-ratelimit-remaining-req-minute: «small»
x-ratelimit-limit-tokens-minute: «round»
x-ratelimit-remaining-tokens-minute: «number»
x-ratelimit-tokens-query-cost: «number»
x-ratelimitbysize-limit-minute: «round»
x-ratelimitbysize-limit-month: «round»
x-ratelimitbysize-remaining-minute: «number»
x-ratelimitbysize-remaining-month: «number»
access-control-allow-origin: *
x-kong-upstream-latency: «number»
x-kong-proxy-latency: «small»
cf-cache-status: DYNAMIC
server: cloudflare
cf-ray: «hex16»-«airport»
{_LENGTH}"""

DEEPSEEK = f"""\
{_DATE}{_JSON}vary: origin, access-control-request-method, access-control-request-headers
access-control-allow-credentials: true
x-ds-trace-id: «hex32»
strict-transport-security: max-age=31536000; includeSubDomains; preload
x-content-type-options: nosniff
{_CLOUDFLARE}{_LENGTH}"""

GROQ = f"""\
{_DATE}{_JSON}cache-control: private, max-age=0, no-store, no-cache, must-revalidate
vary: Origin
x-groq-region: «region»
x-ratelimit-limit-requests: «round»
x-ratelimit-limit-tokens: «round»
x-ratelimit-remaining-requests: «number»
x-ratelimit-remaining-tokens: «number»
x-ratelimit-reset-requests: «wait»
x-ratelimit-reset-tokens: «wait»
x-request-id: req_01k«base22»
via: 1.1 google
{_CLOUDFLARE}{_LENGTH}"""

OPENROUTER = f"""\
{_DATE}{_JSON}access-control-allow-origin: *
vary: Accept-Encoding
permissions-policy: payment=(self "https://checkout.stripe.com"), microphone=(self)
referrer-policy: no-referrer, strict-origin-when-cross-origin
x-content-type-options: nosniff
x-generation-id: gen-«seconds»-«base22»
{_CLOUDFLARE}{_LENGTH}"""

XAI = f"""\
{_DATE}{_JSON}vary: origin, access-control-request-method, access-control-request-headers
access-control-allow-origin: *
access-control-expose-headers: *
x-request-id: «uuid»
x-metrics-e2e-ms: «number»
x-zero-data-retention: false
x-ratelimit-limit-requests: «round»
x-ratelimit-limit-tokens: «round»
x-ratelimit-remaining-requests: «number»
x-ratelimit-remaining-tokens: «number»
cache-control: no-cache
{_CLOUDFLARE}{_LENGTH}"""

TOGETHER = f"""\
{_DATE}{_JSON}x-request-id: «base22»
x-api-received: «iso»
x-api-call-start: «iso»
x-inference-version: v2
x-ratelimit: «small»
x-ratelimit-limit: «small»
x-ratelimit-remaining: «small»
x-ratelimit-reset: «small»
strict-transport-security: max-age=15552000; includeSubDomains
x-content-type-options: nosniff
vary: Accept-Encoding
{_CLOUDFLARE}{_LENGTH}"""

GOOGLE_FRONT = f"""\
{_JSON}x-request-id: «uuid»
{_DATE}server: Google Frontend
traceparent: 00-«hex32»-«hex16»-01
x-cloud-trace-context: «hex32»/«number»
x-frame-options: DENY
via: 1.1 google
{_LENGTH}"""

HUGGING_FACE = f"""\
{_JSON}{_LENGTH}{_DATE}x-powered-by: huggingface-moon
cross-origin-opener-policy: same-origin
referrer-policy: strict-origin-when-cross-origin
access-control-max-age: 86400
access-control-allow-origin: *
vary: Origin
access-control-expose-headers: X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message
x-request-id: «uuid»
x-compute-type: gpu+optimized
x-compute-time: «number»
x-inference-provider: together
x-cache: Miss from cloudfront
via: 1.1 «hex32».cloudfront.net (CloudFront)
x-amz-cf-pop: «airport»50-C1
"""

OLLAMA = "content-type: application/json; charset=utf-8\ndate: «date»\ncontent-length: «number»\n"

PLAIN = f"server: uvicorn\n{_DATE}{_LENGTH}{_JSON}"

BARE = f"{_JSON}{_LENGTH}"
