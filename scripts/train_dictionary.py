"""Train the zstd dictionary of the store's format: cachy/store/dictionary.

    python scripts/train_dictionary.py --measure [CORPUS]    how much smaller entries get
    python scripts/train_dictionary.py --write               make it anew (never after a release:
                                                             entries need the bytes they were made
                                                             with)

The samples are entries of what the stand-in of the tests sends in every protocol: plain, streamed,
with tools, citations and embeddings, and errors, to prompts made up here, with the response headers
that the providers document. Nobody's traffic is in it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

import httpx  # noqa: E402
from standin import Standin  # noqa: E402

from cachy import cachy, doms  # noqa: E402
from cachy.store.entry import Entry, loads, plain  # noqa: E402

TARGET = ROOT / "cachy" / "store" / "dictionary"
SIZE = 32 * 1024
DICT_ID = 0xCAC1

TOPICS = (
    "a cache that never forgets", "the weather in Zürich", "sorting a list in Python",
    "the capital of Peru", "a recipe for bread", "how tides work", "unit tests for a parser",
    "the plot of Hamlet", "a polite refusal", "the risks of a loan", "a SQL query with a join",
    "symptoms of a cold", "a letter to a landlord", "prime numbers", "the French Revolution",
)  # fmt: skip
ASKS = (
    "Explain {} in three words.", "Write a short paragraph about {}.", "What should I know of {}?",
    "Summarize {} as a JSON object.", "Is there anything new about {}?", "List five facts on {}.",
)  # fmt: skip
ANSWERS = (
    "Sure! Here is what you need to know about {}:\n\n1. **First**, it is simple.\n2. **Then**, ",
    "I'm sorry, but I can't help with that. However, I can tell you about {}.",
    "{} is one of the most interesting topics. The main idea is that the user can ",
    '```python\ndef main():\n    print("{}")\n\nif __name__ == "__main__":\n    main()\n```\n',
    '{{"answer": "{}", "confidence": 0.9, "sources": ["https://www.example.com/"]}}',
)
SYSTEM = (
    "You are a helpful assistant.", "You are a helpful assistant. Answer in one sentence.",
    "You are an expert. Use the tools when you need them, and respond in JSON.", "",
)  # fmt: skip
MODELS = {
    "openai": ("gpt-4o-mini", "gpt-4o", "gpt-4.1-mini", "gpt-5-mini", "o3-mini"),
    "anthropic": ("claude-3-5-haiku-20241022", "claude-sonnet-4-20250514", "claude-haiku-4-5"),
    "gemini": ("gemini-2.0-flash", "gemini-2.5-flash", "gemini-2.5-pro"),
    "other": ("deepseek-chat", "mistral-small-latest", "llama-3.3-70b-versatile", "grok-3-mini"),
}
TOOL = {
    "name": "get_weather",
    "description": "Get the current weather in a given location.",
    "parameters": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "The name of the city"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city"],
        "additionalProperties": False,
    },
}
# What the providers' front ends add to every response, as they document it.
HEADERS: dict[str, dict[str, str]] = {
    "openai": {
        "date": "Mon, 12 Jan 2026 10:11:12 GMT",
        "content-type": "application/json",
        "access-control-expose-headers": "X-Request-ID",
        "openai-processing-ms": "612",
        "openai-version": "2020-10-01",
        "x-openai-proxy-wasm": "v0.1",
        "x-envoy-upstream-service-time": "634",
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-limit-tokens": "200000",
        "x-ratelimit-remaining-requests": "9999",
        "x-ratelimit-remaining-tokens": "199982",
        "x-ratelimit-reset-requests": "8.64s",
        "x-ratelimit-reset-tokens": "5ms",
        "x-request-id": "req_0123456789abcdef0123456789abcdef",
        "cf-cache-status": "DYNAMIC",
        "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
        "x-content-type-options": "nosniff",
        "server": "cloudflare",
        "cf-ray": "8f0123456789abcd-FRA",
    },
    "anthropic": {
        "date": "Mon, 12 Jan 2026 10:11:12 GMT",
        "content-type": "application/json",
        "cache-control": "no-cache",
        "anthropic-ratelimit-requests-limit": "4000",
        "anthropic-ratelimit-requests-remaining": "3999",
        "anthropic-ratelimit-requests-reset": "2026-01-12T10:11:12Z",
        "anthropic-ratelimit-input-tokens-limit": "400000",
        "anthropic-ratelimit-input-tokens-remaining": "400000",
        "anthropic-ratelimit-input-tokens-reset": "2026-01-12T10:11:12Z",
        "anthropic-ratelimit-output-tokens-limit": "80000",
        "anthropic-ratelimit-output-tokens-remaining": "80000",
        "anthropic-ratelimit-output-tokens-reset": "2026-01-12T10:11:12Z",
        "anthropic-ratelimit-tokens-limit": "480000",
        "anthropic-ratelimit-tokens-remaining": "480000",
        "anthropic-ratelimit-tokens-reset": "2026-01-12T10:11:12Z",
        "request-id": "req_011CS0123456789abcdefghi",
        "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
        "via": "1.1 google",
        "cf-cache-status": "DYNAMIC",
        "x-robots-tag": "none",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "traceresponse": "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01",
        "vary": "Accept-Encoding",
        "content-length": "612",
        "server": "cloudflare",
        "cf-ray": "8f0123456789abcd-FRA",
    },
    "gemini": {
        "content-type": "application/json; charset=UTF-8",
        "vary": "Origin, X-Origin, Referer",
        "date": "Mon, 12 Jan 2026 10:11:12 GMT",
        "server": "scaffolding on HTTPServer2",
        "x-xss-protection": "0",
        "x-frame-options": "SAMEORIGIN",
        "x-content-type-options": "nosniff",
        "server-timing": "gfet4t7; dur=612",
        "content-disposition": "attachment",
    },
    "other": {
        "date": "Mon, 12 Jan 2026 10:11:12 GMT",
        "content-type": "application/json",
        "cache-control": "no-cache, no-store, must-revalidate",
        "vary": "Origin, Accept-Encoding, Access-Control-Request-Method, "
        "Access-Control-Request-Headers",
        "access-control-allow-origin": "*",
        "x-request-id": "01234567-89ab-cdef-0123-456789abcdef",
        "x-ratelimit-remaining-tokens": "5999",
        "content-length": "612",
        "access-control-expose-headers": "CF-Ray",
        "content-security-policy": "default-src 'self'",
        "referrer-policy": "strict-origin-when-cross-origin",
        "permissions-policy": "interest-cohort=()",
        "traceparent": "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01",
        "strict-transport-security": "max-age=15552000; includeSubDomains; preload",
        "x-content-type-options": "nosniff",
        "x-cache": "Miss from cloudfront",
        "x-amz-cf-pop": "FRA60-P1",
        "x-amz-cf-id": "0123456789abcdefghijklmnopqrstuvwxyz==",
        "server": "cloudflare",
        "cf-ray": "8f0123456789abcd-FRA",
    },
}
HEADERS |= {
    "azure": {
        "content-length": "1234",
        "content-type": "application/json",
        "apim-request-id": "01234567-89ab-cdef-0123-456789abcdef",
        "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
        "x-content-type-options": "nosniff",
        "x-ms-region": "East US 2",
        "x-ratelimit-remaining-requests": "99",
        "x-ratelimit-limit-requests": "100",
        "x-ratelimit-remaining-tokens": "99999",
        "x-ratelimit-limit-tokens": "100000",
        "azureml-model-session": "d012-20260112101112",
        "x-accel-buffering": "no",
        "x-ms-rai-invoked": "true",
        "x-request-id": "01234567-89ab-cdef-0123-456789abcdef",
        "x-ms-client-request-id": "01234567-89ab-cdef-0123-456789abcdef",
        "x-ms-deployment-name": "gpt-4o-mini",
        "date": "Mon, 12 Jan 2026 10:11:12 GMT",
    },
    "bedrock": {
        "date": "Mon, 12 Jan 2026 10:11:12 GMT",
        "content-type": "application/json",
        "content-length": "1234",
        "connection": "keep-alive",
        "x-amzn-requestid": "01234567-89ab-cdef-0123-456789abcdef",
        "x-amzn-bedrock-invocation-latency": "612",
        "x-amzn-bedrock-output-token-count": "12",
        "x-amzn-bedrock-input-token-count": "34",
    },
    "cohere": {
        "access-control-expose-headers": "X-Debug-Trace-ID",
        "cache-control": "no-cache, no-store, no-transform, must-revalidate, private, max-age=0",
        "content-type": "application/json",
        "date": "Mon, 12 Jan 2026 10:11:12 GMT",
        "expires": "Thu, 01 Jan 1970 00:00:00 GMT",
        "num_chars": "123",
        "num_tokens": "45",
        "pragma": "no-cache",
        "server": "envoy",
        "vary": "Origin,Accept-Encoding",
        "via": "1.1 google",
        "x-accel-expires": "0",
        "x-debug-trace-id": "0123456789abcdef0123456789abcdef",
        "x-endpoint-monthly-call-limit": "1000",
        "x-envoy-upstream-service-time": "612",
        "x-trial-endpoint-call-limit": "40",
        "x-trial-endpoint-call-remaining": "39",
    },
    "mistral": {
        "date": "Mon, 12 Jan 2026 10:11:12 GMT",
        "content-type": "application/json",
        "mistral-correlation-id": "01234567-89ab-cdef-0123-456789abcdef",
        "x-kong-request-id": "01234567-89ab-cdef-0123-456789abcdef",
        "x-ratelimit-limit-req-minute": "60",
        "x-ratelimit-remaining-req-minute": "59",
        "x-envoy-upstream-service-time": "612",
        "access-control-allow-origin": "*",
        "x-kong-upstream-latency": "612",
        "x-kong-proxy-latency": "9",
        "cf-cache-status": "DYNAMIC",
        "server": "cloudflare",
        "cf-ray": "8f0123456789abcd-FRA",
    },
    "vertex": {
        "content-type": "application/json; charset=UTF-8",
        "vary": "Origin, X-Origin, Referer",
        "date": "Mon, 12 Jan 2026 10:11:12 GMT",
        "server": "scaffolding on HTTPServer2",
        "x-xss-protection": "0",
        "x-frame-options": "SAMEORIGIN",
        "x-content-type-options": "nosniff",
        "x-gemini-service-tier": "standard",
    },
}
# How answers of these APIs look, with the fields that their documentation names.
_CHAT = (
    '{"id":"chatcmpl-ID","object":"chat.completion","created":1760000000,"model":"MODEL","choices":[{'
    '"index":0,"message":{"role":"assistant","content":"TEXT","refusal":null,"annotations":[]},'
    '"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":34,'
    '"total_tokens":46,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},'
    '"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,'
    '"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default",'
    '"system_fingerprint":"fp_0123456789"}'
)
_CALL = (
    '{"id":"chatcmpl-ID","choices":[{"finish_reason":"tool_calls","index":0,"logprobs":null,"message":'
    '{"content":null,"refusal":null,"role":"assistant","tool_calls":[{"id":"call_ID","function":{'
    '"arguments":"{\\"city\\":\\"Paris\\"}","name":"get_weather"},"type":"function"}]}}],"created":'
    '1760000000,"model":"MODEL","object":"chat.completion","usage":{"prompt_tokens":12,'
    '"completion_tokens":34,"total_tokens":46}}'
)
_CHUNKS = (
    'data: {"id":"chatcmpl-ID","object":"chat.completion.chunk","created":1760000000,"model":"MODEL",'
    '"service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{'
    '"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],'
    '"usage":null,"obfuscation":"ID"}\n\n'
    'data: {"id":"chatcmpl-ID","object":"chat.completion.chunk","created":1760000000,"model":"MODEL",'
    '"choices":[{"index":0,"delta":{"content":"TEXT"},"finish_reason":null}]}\n\n'
    'data: {"id":"chatcmpl-ID","object":"chat.completion.chunk","created":1760000000,"model":"MODEL",'
    '"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_ID","type":"function",'
    '"function":{"name":"get_weather","arguments":""}}]},"logprobs":null,"finish_reason":null}]}\n\n'
    'data: {"id":"chatcmpl-ID","object":"chat.completion.chunk","created":1760000000,"model":"MODEL",'
    '"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}\n\n'
    'data: {"id":"chatcmpl-ID","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":34}}\n\n'
    "data: [DONE]\n\n"
)
_RESPONSE = (
    '{"id":"resp_ID","object":"response","created_at":1760000000,"status":"completed","background":'
    'false,"billing":{"payer":"developer"},"completed_at":1760000001,"error":null,'
    '"incomplete_details":null,"instructions":null,"max_output_tokens":null,"max_tool_calls":null,'
    '"model":"MODEL","output":[{"id":"rs_ID","type":"reasoning","summary":[]},{"id":"msg_ID","type":'
    '"message","status":"completed","content":[{"type":"output_text","annotations":[],"logprobs":[],'
    '"text":"TEXT"}],"role":"assistant"},{"id":"fc_ID","type":"function_call","status":"completed",'
    '"arguments":"{}","call_id":"call_ID","name":"get_weather"}],"parallel_tool_calls":true,'
    '"previous_response_id":null,"prompt_cache_key":null,"prompt_cache_retention":null,"reasoning":{'
    '"effort":null,"summary":null},"safety_identifier":null,"service_tier":"default","store":true,'
    '"temperature":1.0,"text":{"format":{"type":"text"},"verbosity":"medium"},"tool_choice":"auto",'
    '"tools":[],"top_logprobs":0,"top_p":1.0,"truncation":"disabled","usage":{"input_tokens":12,'
    '"input_tokens_details":{"cached_tokens":0},"output_tokens":34,"output_tokens_details":{'
    '"reasoning_tokens":0},"total_tokens":46},"user":null,"metadata":{}}'
)
_RESPONSE_EVENTS = (
    'event: response.created\ndata: {"type":"response.created","sequence_number":0,"response":{}}\n\n'
    'event: response.output_item.added\ndata: {"type":"response.output_item.added","sequence_number":2,'
    '"output_index":0,"item":{"id":"msg_ID","type":"message","status":"in_progress","content":[],'
    '"role":"assistant"}}\n\nevent: response.content_part.added\ndata: {"type":'
    '"response.content_part.added","sequence_number":3,"item_id":"msg_ID","output_index":0,'
    '"content_index":0,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""}}\n\n'
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":4,'
    '"item_id":"msg_ID","output_index":0,"content_index":0,"delta":"TEXT","logprobs":[]}\n\n'
    'event: response.completed\ndata: {"type":"response.completed","sequence_number":9,"response":{}}\n\n'
)
_MESSAGE = (
    '{"model":"MODEL","id":"msg_ID","type":"message","role":"assistant","content":[{"type":"text",'
    '"text":"TEXT"},{"type":"tool_use","id":"toolu_ID","name":"get_weather","input":{"city":"Paris"}}],'
    '"stop_reason":"end_turn","stop_sequence":null,"stop_details":null,"usage":{"input_tokens":12,'
    '"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{'
    '"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":34,"service_tier":'
    '"standard","inference_geo":"not_available"}}'
)
_MESSAGE_EVENTS = (
    'event: message_start\ndata: {"type":"message_start","message":{"model":"MODEL","id":"msg_ID","type":'
    '"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{'
    '"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}'
    '}\n\nevent: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{'
    '"type":"text","text":""}}\n\nevent: ping\ndata: {"type": "ping"}\n\nevent: content_block_delta\n'
    'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"TEXT"}}\n\n'
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":1,"delta":{"type":'
    '"input_json_delta","partial_json":"{\\"city\\": \\"Par"}}\n\nevent: content_block_stop\ndata: {"type":'
    '"content_block_stop","index":0}\n\nevent: message_delta\ndata: {"type":"message_delta","delta":{'
    '"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":34}}\n\n'
    'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
_CANDIDATES = (
    '{\n  "candidates": [\n    {\n      "content": {\n        "parts": [\n          {\n            "text": '
    '"TEXT"\n          }\n        ],\n        "role": "model"\n      },\n      "finishReason": "STOP",\n'
    '      "avgLogprobs": -0.0123,\n      "index": 0\n    }\n  ],\n  "usageMetadata": {\n'
    '    "promptTokenCount": 12,\n    "candidatesTokenCount": 34,\n    "totalTokenCount": 46,\n'
    '    "promptTokensDetails": [\n      {\n        "modality": "TEXT",\n        "tokenCount": 12\n      }\n'
    '    ],\n    "candidatesTokensDetails": [\n      {\n        "modality": "TEXT",\n        "tokenCount": 34\n'
    '      }\n    ],\n    "thoughtsTokenCount": 56\n  },\n  "modelVersion": "MODEL",\n  "responseId": "ID"\n}\n'
)
_CANDIDATE_EVENTS = (
    'data: {"candidates": [{"content": {"parts": [{"text": "TEXT"}],"role": "model"},"index": 0}],'
    '"usageMetadata": {"promptTokenCount": 12,"totalTokenCount": 46,"promptTokensDetails": [{"modality": '
    '"TEXT","tokenCount": 12}],"trafficType": "ON_DEMAND"},"modelVersion": "MODEL","createTime": '
    '"2026-01-12T10:11:12.123456Z","responseId": "ID"}\r\n\r\n'
    'data: {"candidates": [{"content": {"parts": [{"functionCall": {"name": "get_weather","args": {"city": '
    '"Paris"}},"thoughtSignature": "ID"}],"role": "model"},"finishReason": "STOP","index": 0}]}\r\n\r\n'
)
_CONVERSE = (
    '{"metrics":{"latencyMs":612},"output":{"message":{"content":[{"text":"TEXT"}],"role":"assistant"}},'
    '"stopReason":"end_turn","usage":{"inputTokens":12,"outputTokens":34,"totalTokens":46,'
    '"cacheReadInputTokens":0,"cacheWriteInputTokens":0,"serverToolUsage":{}}}'
)
_COHERE = (
    '{"id":"ID","message":{"role":"assistant","content":[{"type":"text","text":"TEXT"}]},"finish_reason":'
    '"COMPLETE","usage":{"billed_units":{"input_tokens":12,"output_tokens":34},"tokens":{"input_tokens":'
    '112,"output_tokens":34},"cached_tokens":0}}'
)
_EMBEDDINGS = (
    '{"object":"list","data":[{"object":"embedding","index":0,"embedding":[-0.0123,0.0456]}],"model":'
    '"MODEL","usage":{"prompt_tokens":12,"total_tokens":12}}'
)
_OLLAMA = (
    '{"model":"MODEL","created_at":"2026-01-12T10:11:12.123456Z","message":{"role":"assistant",'
    '"content":"TEXT"},"done_reason":"stop","done":true,"total_duration":612000000,"load_duration":'
    '12000000,"prompt_eval_count":12,"prompt_eval_duration":1000000,"eval_count":34,"eval_duration":1}\n'
)
OUTLINES = (
    '{"body":{"max_tokens":1024,"messages":[{"content":"ASK","role":"user"}],"model":"MODEL","stream":'
    'true,"system":"You are a helpful assistant.","tool_choice":{"type":"auto"},"tools":[TOOL]}}',
    '{"body":{"input":[{"content":"ASK","role":"user"},{"call_id":"call_ID","output":"21 C","type":'
    '"function_call_output"}],"model":"MODEL","stream":false,"text":{"format":{"name":"Answer","schema":'
    '{"additionalProperties":false,"properties":{"answer":{"title":"Answer","type":"string"}},'
    '"required":["answer"],"title":"Answer","type":"object"},"strict":true,"type":"json_schema"}}}}',
    '{"body":{"contents":[{"parts":[{"text":"ASK"}],"role":"user"}],"generationConfig":{'
    '"responseModalities":["TEXT"],"temperature":0.0,"thinkingConfig":{"includeThoughts":true}},'
    '"systemInstruction":{"parts":[{"text":"You are a helpful assistant."}],"role":"user"},'
    '"toolConfig":{"functionCallingConfig":{"allowedFunctionNames":[],"mode":"AUTO"}}}}',
    '{"headers":{"anthropic-version":"2023-06-01"},"body":{"max_tokens":4096,"messages":[{"content":[{'
    '"text":"ASK","type":"text"}],"role":"user"},{"content":[{"id":"#1","input":{"city":"Paris"},"name":'
    '"get_weather","type":"tool_use"}],"role":"assistant"},{"content":[{"content":"21 C","tool_use_id":'
    '"#1","type":"tool_result","is_error":false}],"role":"user"}],"model":"MODEL"}}',
    '{"body":{"inferenceConfig":{"maxTokens":1024,"temperature":0.0},"messages":[{"content":[{"text":'
    '"ASK"}],"role":"user"}],"system":[{"text":"You are a helpful assistant."}],"toolConfig":{"tools":[{'
    '"toolSpec":{"description":"Get the weather","inputSchema":{"json":{}},"name":"get_weather"}}]}}}',
    '{"body":{"frequency_penalty":0,"messages":[{"content":"ASK","role":"user"}],"model":"MODEL","n":1,'
    '"parallel_tool_calls":false,"presence_penalty":0,"response_format":{"type":"json_object"},'
    '"seed":42,"stream":true,"stream_options":{"include_usage":true},"temperature":0.7,"top_p":1}}',
)
SKELETONS: dict[str, tuple[tuple[str, str | None, str], ...]] = {
    "openai": (
        ("https://api.openai.com/v1/chat/completions", None, _CHAT),
        ("https://api.openai.com/v1/chat/completions", None, _CALL),
        ("https://api.openai.com/v1/chat/completions", "sse", _CHUNKS),
        ("https://api.openai.com/v1/responses", None, _RESPONSE),
        ("https://api.openai.com/v1/responses", "sse", _RESPONSE_EVENTS),
        ("https://api.openai.com/v1/embeddings", None, _EMBEDDINGS),
    ),
    "azure": (
        (
            "https://resource.openai.azure.com/openai/deployments/gpt-4o-mini/chat/completions"
            "?api-version=2024-10-21",
            None,
            _CHAT,
        ),
        ("https://resource.services.ai.azure.com/models/chat/completions", None, _CALL),
        ("https://resource.cognitiveservices.azure.com/openai/v1/responses", None, _RESPONSE),
    ),
    "anthropic": (
        ("https://api.anthropic.com/v1/messages", None, _MESSAGE),
        ("https://api.anthropic.com/v1/messages?beta=true", "sse", _MESSAGE_EVENTS),
    ),
    "bedrock": (
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-haiku-4-5/converse",
            None,
            _CONVERSE,
        ),
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.amazon.nova-micro-v1:0/converse",
            None,
            _CONVERSE,
        ),
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-3/invoke",
            None,
            _MESSAGE,
        ),
    ),
    "gemini": (
        (
            "https://generativelanguage.googleapis.com/v1beta/models/MODEL:generateContent",
            None,
            _CANDIDATES,
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta/models/MODEL:streamGenerateContent?alt=sse",
            "sse",
            _CANDIDATE_EVENTS,
        ),
    ),
    "vertex": (
        (
            "https://aiplatform.googleapis.com/v1beta1/projects/project/locations/global/publishers/google"
            "/models/MODEL:generateContent",
            None,
            _CANDIDATES,
        ),
        (
            "https://us-east5-aiplatform.googleapis.com/v1/projects/project/locations/us-east5/publishers"
            "/anthropic/models/MODEL:rawPredict",
            None,
            _MESSAGE,
        ),
        (
            "https://us-central1-aiplatform.googleapis.com/v1beta1/projects/project/locations/us-central1"
            "/publishers/google/models/MODEL:streamGenerateContent?alt=sse",
            "sse",
            _CANDIDATE_EVENTS,
        ),
    ),
    "cohere": (
        ("https://api.cohere.com/v2/chat", None, _COHERE),
        (
            "https://api.cohere.com/v2/rerank",
            None,
            '{"id":"ID","results":[{"index":0,"relevance_score":0.9}],'
            '"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}}',
        ),
    ),
    "mistral": (
        ("https://api.mistral.ai/v1/chat/completions", None, _CHAT),
        ("https://api.mistral.ai/v1/chat/completions", "sse", _CHUNKS),
    ),
    "other": (
        ("https://api.deepseek.com/chat/completions", None, _CHAT),
        ("https://api.x.ai/v1/chat/completions", "sse", _CHUNKS),
        ("https://api.z.ai/api/paas/v4/chat/completions", None, _CALL),
        ("https://openrouter.ai/api/v1/chat/completions", None, _CALL),
        ("https://router.huggingface.co/v1/chat/completions", "sse", _CHUNKS),
        ("https://api.groq.com/openai/v1/chat/completions", None, _CHAT),
        ("http://localhost:11434/api/chat", "ndjson", _OLLAMA),
        ("https://ollama.com/api/chat", None, _OLLAMA),
    ),
}
OPENAI = "https://api.openai.com/v1"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/models"


def requests(dice: random.Random) -> Iterator[tuple[str, str, dict[str, Any], str]]:
    """Yield (vendor, URL, JSON body, text that the answer should hold)."""
    for topic, ask in itertools.product(TOPICS, ASKS):
        prompt = ask.format(topic)
        answer = dice.choice(ANSWERS).format(topic) + " ".join(dice.sample(TOPICS, 3))
        system = dice.choice(SYSTEM)
        turns = [{"role": "user", "content": prompt}]
        chat = ([{"role": "system", "content": system}] if system else []) + turns
        options = dice.choice(({}, {"temperature": 0}, {"temperature": 0.7, "max_tokens": 1024}))
        stream = dice.choice(({}, {"stream": True}))
        tools = dice.choice(({}, {"tools": [{"type": "function", "function": TOOL}]}))
        model = dice.choice(MODELS["openai"])
        yield "openai", f"{OPENAI}/chat/completions", {
            "model": model, "messages": chat, **options, **stream, **tools,
        }, answer  # fmt: skip
        yield "openai", f"{OPENAI}/responses", {
            "model": model, "input": prompt, "instructions": system or None, **stream,
        }, answer  # fmt: skip
        yield "openai", f"{OPENAI}/embeddings", {
            "model": "text-embedding-3-small", "input": [prompt], "encoding_format": "base64",
        }, answer  # fmt: skip
        model = dice.choice(MODELS["anthropic"])
        yield "anthropic", "https://api.anthropic.com/v1/messages", {
            "model": model, "max_tokens": 1024, "messages": turns, **stream,
            **({"system": system} if system else {}),
            **({"tools": [{**TOOL, "input_schema": TOOL["parameters"]}]} if tools else {}),
        }, answer  # fmt: skip
        model = dice.choice(MODELS["gemini"])
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        yield "gemini", f"{GEMINI}/{model}:{method}", {
            "contents": [{"parts": [{"text": prompt}], "role": "user"}],
            "generationConfig": {"temperature": 0, "maxOutputTokens": 1024},
            **({"tools": [{"functionDeclarations": [TOOL]}]} if tools else {}),
        }, answer  # fmt: skip
        model = dice.choice(MODELS["other"])
        host = dice.choice(
            (
                "api.deepseek.com",
                "api.mistral.ai/v1",
                "api.groq.com/openai/v1",
                "openrouter.ai/api/v1",
            )
        )
        yield "other", f"https://{host}/chat/completions", {
            "model": model, "messages": chat, **options, **stream, **tools,
        }, answer  # fmt: skip
        yield "other", "http://localhost:11434/api/chat", {
            "model": "llama3.2", "messages": chat, **(stream or {"stream": False}),
        }, answer  # fmt: skip
        yield "other", "https://api.cohere.com/v2/chat", {
            "model": "command-r-plus", "messages": chat, **stream,
        }, answer  # fmt: skip


def samples(seed: int = 1) -> list[bytes]:
    """Return the uncompressed frames of the entries that the requests make."""
    dice = random.Random(seed)
    texts = []
    store: dict[str, bytes] = {}
    with Standin() as standin, standin.reach(), httpx.Client() as client:
        for vendor, url, body, answer in requests(dice):
            with cachy("refresh", store=store, doms=doms):
                client.post(url, json=body)
            frames = list(store.values())
            texts += [plain(_varied(loads(frame), vendor, answer, dice)) for frame in frames]
            store.clear()
    return dice.sample(texts, len(texts) // 4) + list(skeletons(dice))


def skeletons(dice: random.Random) -> Iterator[bytes]:
    """Yield uncompressed frames that are made up whole, for what the stand-in does not speak."""
    for vendor, kinds in SKELETONS.items():
        for (url, stream, body), number in itertools.product(kinds, range(18)):
            model = dice.choice(MODELS.get(vendor, MODELS["other"]))
            prompt = dice.choice(ASKS).format(dice.choice(TOPICS))
            answer = dice.choice(ANSWERS).format(dice.choice(TOPICS))
            outline = OUTLINES[number % len(OUTLINES)].replace("TOOL", json.dumps(TOOL))
            outline = outline.replace("ASK", prompt).replace("MODEL", model)
            text = body.replace("TEXT", json.dumps(answer)[1:-1]).replace("MODEL", model)
            while "ID" in text:
                text = text.replace("ID", dice.randbytes(12).hex(), 1)
            kind = {"sse": "text/event-stream; charset=utf-8", "ndjson": "application/x-ndjson"}
            head = {
                "cachy": 1,
                "key": "",
                "recorded": "",
                "nonce": "",
                "method": "POST",
                "url": url.replace("MODEL", model),
                "status": 200,
                "headers": [["content-type", kind[stream]]] if stream else [],
                "client": "",
                "ms": 0,
                "model": model,
                "stream": stream,
                "usage": {"input": dice.randrange(999), "output": dice.randrange(999)},
                "request": json.loads(outline),
            }
            yield plain(_varied(Entry(head, _digits(text, dice).encode()), vendor, answer, dice))


def _varied(entry: Entry, vendor: str, answer: str, dice: random.Random) -> Entry:
    """Give an entry what differs between real ones: headers, times, ids, and words."""
    head = dict(entry.head)
    own = {name: value for name, value in head["headers"] if name.startswith("content-type")}
    headers = {**HEADERS[vendor], **own}
    head["headers"] = [
        [name, _digits(each, dice)]
        for name, value in headers.items()
        for each in (value.split(", ") if name == "vary" else [value])  # some send one line each
    ]
    head["recorded"] = _digits("2026-01-12T10:11:12.123456Z", dice)
    head["ms"] = round(dice.uniform(200, 9000), 1)
    head["client"] = dice.choice(("httpx/0.28.1", "httpx2/2.16.2"))
    head["key"] = dice.randbytes(32).hex()
    head["nonce"] = dice.randbytes(4).hex()
    if head.get("stream"):
        head["times"] = [[dice.randrange(80, 400), dice.randrange(60)] for _ in range(20)]
    text = json.dumps(answer)[1:-1].encode()
    return Entry(head, entry.body.replace("naïve café, 東京 ☕".encode(), text))


def _digits(text: str, dice: random.Random) -> str:
    """The text with other digits, so that the dictionary learns what stands between them."""
    return "".join(dice.choice("0123456789") if char.isdigit() else char for char in text)


def train() -> bytes:
    """Return a dictionary. Another run gives other bytes: the answers of the stand-in have a time."""
    found = zstandard.train_dictionary(SIZE, list[Any](samples()), dict_id=DICT_ID, level=9)
    return bytes(found.as_bytes())


def measure(texts: list[bytes], dictionary: bytes) -> None:
    """Print the sizes of frames without and with a dictionary, by size without it."""
    before = zstandard.ZstdCompressor(level=9, write_checksum=True)
    shared = zstandard.ZstdCompressionDict(dictionary)
    after = zstandard.ZstdCompressor(level=9, write_checksum=True, dict_data=shared)
    rows: dict[int, list[tuple[int, int]]] = {}
    for text in texts:
        size = len(before.compress(text))
        bucket = next((limit for limit in (1024, 2048, 4096, 16384) if size < limit), 1 << 30)
        rows.setdefault(bucket, []).append((size, len(after.compress(text))))
    for limit, sizes in sorted(rows.items()):
        old, new = sum(a for a, _ in sizes), sum(b for _, b in sizes)
        name = f"below {limit:,}" if limit < 1 << 30 else "larger"
        print(f"{name:>14}: {len(sizes):5,} entries, {old // len(sizes):7,} -> "
              f"{new // len(sizes):7,} bytes, {new / old:.2f} x")  # fmt: skip


def main() -> None:
    """Write the dictionary, or say what it gains."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true", help="write cachy/store/dictionary")
    parser.add_argument("--measure", metavar="FILE", nargs="?", const="", help="frames, one a line")
    options = parser.parse_args()
    dictionary = train() if options.write else TARGET.read_bytes()
    if options.write:
        TARGET.write_bytes(dictionary)
        print(f"{TARGET.relative_to(ROOT)}: {len(dictionary):,} bytes")
    if options.measure is not None:
        measure(samples(seed=2), dictionary)


if __name__ == "__main__":
    main()
