"""Bodies of answers with the fields that providers send, in their order. `«kind»` as in headers.py;
`«text»` is a sentence, `«piece»` a few letters of one."""

from __future__ import annotations

# Chat completions, in the ways of OpenAI and of those who copied it

CHAT = """\
{"id":"chatcmpl-«base29»","object":"chat.completion","created":«seconds»,"model":"«openai»",\
"choices":[{"index":0,"message":{"role":"assistant","content":"«text»","refusal":null,\
"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":«small»,\
"completion_tokens":«small»,"total_tokens":«number»,"prompt_tokens_details":{"cached_tokens":0,\
"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,\
"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default",\
"system_fingerprint":"fp_«hex10»"}
"""
CHAT_TOOLS = """\
{"id":"chatcmpl-«base29»","object":"chat.completion","created":«seconds»,"model":"«openai»",\
"choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":\
"call_«base24»","type":"function","function":{"name":"«tool»","arguments":\
"{\\"«parameter»\\":\\"«word»\\"}"}}],"refusal":null},"logprobs":null,"finish_reason":\
"tool_calls"}],"usage":{"prompt_tokens":«small»,"completion_tokens":«small»,"total_tokens":\
«number»,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},\
"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,\
"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"system_fingerprint":"fp_«hex10»"}
"""
CHAT_SORTED = """\
{"choices":[{"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},\
"protected_material_code":{"detected":false,"filtered":false},"protected_material_text":\
{"detected":false,"filtered":false},"self_harm":{"filtered":false,"severity":"safe"},"sexual":\
{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}},\
"finish_reason":"stop","index":0,"logprobs":null,"message":{"annotations":[],"content":"«text»",\
"refusal":null,"role":"assistant","tool_calls":[{"function":{"arguments":\
"{\\"«parameter»\\":\\"«word»\\"}","name":"«tool»"},"id":"call_«base24»","type":"function"}]}}],\
"created":«seconds»,"id":"chatcmpl-«base29»","model":"«openai»","object":"chat.completion",\
"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,\
"severity":"safe"},"jailbreak":{"filtered":false,"detected":false},"self_harm":{"filtered":false,\
"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,\
"severity":"safe"}}}],"system_fingerprint":"fp_«hex10»","usage":{"completion_tokens":«small»,\
"completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":0,\
"rejected_prediction_tokens":0},"latency_checkpoint":{"engine_tbt_ms":7,"engine_ttft_ms":64},\
"prompt_tokens":«small»,"prompt_tokens_details":{"audio_tokens":0,"cached_tokens":0},\
"total_tokens":«number»}}
"""
CHAT_COPIES = [
    # DeepSeek
    """\
{"id":"«uuid»","object":"chat.completion","created":«seconds»,"model":"deepseek-chat","choices":\
[{"index":0,"message":{"role":"assistant","content":"«text»","reasoning_content":"«text»"},\
"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":«small»,"completion_tokens":\
«small»,"total_tokens":«small»,"prompt_tokens_details":{"cached_tokens":0},\
"completion_tokens_details":{"reasoning_tokens":«small»},"prompt_cache_hit_tokens":0,\
"prompt_cache_miss_tokens":«small»},"system_fingerprint":"fp_«hex10»_prod0820_fp8_kvcache"}
""",
    # Groq
    """\
{"id":"chatcmpl-«uuid»","object":"chat.completion","created":«seconds»,"model":\
"llama-3.3-70b-versatile","choices":[{"index":0,"message":{"role":"assistant","reasoning":"«text»",\
"content":"«text»"},"logprobs":null,"finish_reason":"stop"}],"usage":{"queue_time":0.0«number»,\
"prompt_tokens":«small»,"prompt_time":0.00«number»,"completion_tokens":«small»,"completion_time":\
0.0«number»,"total_tokens":«number»,"total_time":0.«number»},"usage_breakdown":null,\
"system_fingerprint":"fp_«hex10»","x_groq":{"id":"req_01k«base22»","seed":«number»},\
"service_tier":"on_demand"}
""",
    # Mistral
    """\
{"id":"«hex32»","created":«seconds»,"model":"mistral-large-latest","usage":{"prompt_tokens":\
«small»,"total_tokens":«number»,"completion_tokens":«small»,"prompt_tokens_details":\
{"cached_tokens":0}},"object":"chat.completion","choices":[{"index":0,"finish_reason":"tool_calls",\
"message":{"role":"assistant","tool_calls":[{"id":"«base9»","function":{"name":"«tool»",\
"arguments":"{\\"«parameter»\\": \\"«word»\\"}"},"index":0}],"content":"","prefix":false}}]}
""",
    # OpenRouter
    """\
{"id":"gen-«seconds»-«base20»","provider":"Anthropic","model":"anthropic/claude-sonnet-4","object":\
"chat.completion","created":«seconds»,"choices":[{"logprobs":null,"finish_reason":"stop",\
"native_finish_reason":"stop","index":0,"message":{"role":"assistant","content":"«text»","refusal":\
null,"reasoning":null,"reasoning_details":[{"type":"reasoning.text","text":"«text»","format":\
"unknown","index":0}]}}],"usage":{"prompt_tokens":«small»,"completion_tokens":«small»,\
"total_tokens":«number»,"cost":0.000«number»,"is_byok":false,"prompt_tokens_details":\
{"cached_tokens":0,"cache_write_tokens":0,"audio_tokens":0,"video_tokens":0},"cost_details":\
{"upstream_inference_cost":null,"upstream_inference_prompt_cost":0.000«small»,\
"upstream_inference_completions_cost":0.000«small»},"completion_tokens_details":\
{"reasoning_tokens":«small»,"image_tokens":0}}}
""",
    # xAI
    """\
{"id":"«uuid»","object":"chat.completion","created":«seconds»,"model":"grok-4-1-fast","choices":\
[{"index":0,"message":{"role":"assistant","content":"«text»","refusal":null},"finish_reason":\
"stop"}],"usage":{"prompt_tokens":«number»,"completion_tokens":«small»,"total_tokens":«number»,\
"prompt_tokens_details":{"text_tokens":«number»,"audio_tokens":0,"image_tokens":0,"cached_tokens":\
«number»},"completion_tokens_details":{"reasoning_tokens":«small»,"audio_tokens":0,\
"accepted_prediction_tokens":0,"rejected_prediction_tokens":0},"num_sources_used":0,\
"cost_in_usd_ticks":«number»},"system_fingerprint":"fp_«hex10»"}
""",
    # Perplexity
    """\
{"id":"«uuid»","model":"sonar","created":«seconds»,"usage":{"prompt_tokens":«small»,\
"completion_tokens":«small»,"total_tokens":«number»,"search_context_size":"low","cost":\
{"input_tokens_cost":0.0,"output_tokens_cost":0.0,"request_cost":0.005,"total_cost":0.005}},\
"citations":["https://en.wikipedia.org/wiki/«word»","https://www.«word».com/«word»"],\
"search_results":[{"title":"«text»","url":"https://www.«word».com/«word»","date":"2025-01-17",\
"last_updated":"2025-09-24","snippet":"«text»","source":"web"}],"object":"chat.completion",\
"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"«text»"},\
"delta":{"role":"assistant","content":""}}]}
""",
    # Together and vLLM
    """\
{"id":"«base12»-«hex16»","object":"chat.completion","created":«seconds»,"model":\
"meta-llama/Llama-3.3-70B-Instruct-Turbo","prompt":[],"choices":[{"finish_reason":"stop","seed":\
«number»,"logprobs":null,"index":0,"message":{"role":"assistant","content":"«text»","tool_calls":\
[]},"stop_reason":null,"token_ids":null}],"usage":{"prompt_tokens":«small»,"completion_tokens":\
«small»,"total_tokens":«number»,"cached_tokens":0},"prompt_logprobs":null,"service_tier":null,\
"system_fingerprint":null,"kv_transfer_params":null}
""",
    # Z.ai
    """\
{"choices":[{"finish_reason":"tool_calls","index":0,"message":{"content":"«text»",\
"reasoning_content":"«text»","role":"assistant","tool_calls":[{"function":{"arguments":\
"{\\"«parameter»\\":\\"«word»\\"}","name":"«tool»"},"id":"call_-«number»","index":0,"type":\
"function"}]}}],"created":«seconds»,"id":"2026«number»«hex16»","model":"glm-4.7","object":\
"chat.completion","request_id":"2026«number»«hex16»","usage":{"completion_tokens":«small»,\
"completion_tokens_details":{"reasoning_tokens":«small»},"prompt_tokens":«small»,\
"prompt_tokens_details":{"cached_tokens":0},"total_tokens":«number»}}
""",
]
CHAT_EVENTS = [
    """\
{"id":"chatcmpl-«base29»","object":"chat.completion.chunk","created":«seconds»,"model":"«openai»",\
"service_tier":"default","system_fingerprint":"fp_«hex10»","choices":[{"index":0,"delta":\
{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],\
"usage":null,"obfuscation":"«base12»"}
""",
    """\
{"id":"chatcmpl-«base29»","object":"chat.completion.chunk","created":«seconds»,"model":"«openai»",\
"service_tier":"default","system_fingerprint":"fp_«hex10»","choices":[{"index":0,"delta":\
{"content":"«piece»"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"«base9»"}
""",
    """\
{"id":"chatcmpl-«base29»","object":"chat.completion.chunk","created":«seconds»,"model":"«openai»",\
"system_fingerprint":"fp_«hex10»","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":\
"call_«base24»","type":"function","function":{"name":"«tool»","arguments":""}}]},"logprobs":null,\
"finish_reason":null}]}
""",
    """\
{"id":"chatcmpl-«base29»","object":"chat.completion.chunk","created":«seconds»,"model":"«openai»",\
"system_fingerprint":"fp_«hex10»","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,\
"function":{"arguments":"\\"}"}}]},"logprobs":null,"finish_reason":null}]}
""",
    """\
{"id":"chatcmpl-«base29»","object":"chat.completion.chunk","created":«seconds»,"model":"«openai»",\
"system_fingerprint":"fp_«hex10»","choices":[{"index":0,"delta":{},"logprobs":null,\
"finish_reason":"stop"}]}
""",
    """\
{"id":"chatcmpl-«base29»","object":"chat.completion.chunk","created":«seconds»,"model":"«openai»",\
"system_fingerprint":"fp_«hex10»","choices":[],"usage":{"prompt_tokens":«small»,\
"completion_tokens":«small»,"total_tokens":«small»,"prompt_tokens_details":{"cached_tokens":0,\
"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,\
"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}
""",
    """\
{"id":"gen-«seconds»-«base20»","provider":"OpenAI","model":"openai/gpt-5-mini","object":\
"chat.completion.chunk","created":«seconds»,"choices":[{"index":0,"delta":{"role":"assistant",\
"content":"","reasoning":"«piece»","reasoning_details":[{"type":"reasoning.summary","summary":\
"«piece»","format":"openai-responses-v1","index":0}]},"finish_reason":null,\
"native_finish_reason":null,"logprobs":null}]}
""",
    """\
{"id":"«uuid»","object":"chat.completion.chunk","created":«seconds»,"model":"deepseek-reasoner",\
"system_fingerprint":"fp_«hex10»_prod0820_fp8_kvcache","choices":[{"index":0,"delta":{"content":\
null,"reasoning_content":"«piece»"},"logprobs":null,"finish_reason":null}]}
""",
]

# Responses

_RESPONSE = """\
{"id":"resp_«hex50»","object":"response","created_at":«seconds»,"status":"«status»",\
"background":false,"billing":{"payer":"developer"},"completed_at":«seconds»,"error":null,\
"frequency_penalty":0.0,"incomplete_details":null,"instructions":null,"max_output_tokens":null,\
"max_tool_calls":null,"model":"«openai»","output":[«output»],"parallel_tool_calls":true,\
"presence_penalty":0.0,"previous_response_id":null,"prompt_cache_key":null,\
"prompt_cache_retention":null,"reasoning":{"effort":"medium","summary":null},\
"safety_identifier":null,"service_tier":"default","store":true,"temperature":1.0,"text":\
{"format":{"type":"text"},"verbosity":"medium"},"tool_choice":"auto","tools":[],"top_logprobs":0,\
"top_p":1.0,"truncation":"disabled","usage":{"input_tokens":«small»,"input_tokens_details":\
{"cached_tokens":0},"output_tokens":«small»,"output_tokens_details":{"reasoning_tokens":0},\
"total_tokens":«number»},"user":null,"metadata":{}}
"""
_MESSAGE = """\
{"id":"msg_«hex50»","type":"message","status":"completed","content":[{"type":"output_text",\
"annotations":[],"logprobs":[],"text":"«text»"}],"role":"assistant"}"""
_REASONING = '{"id":"rs_«hex50»","type":"reasoning","summary":[]}'
_CALL = """\
{"id":"fc_«hex50»","type":"function_call","status":"completed","arguments":\
"{\\"«parameter»\\":\\"«word»\\"}","call_id":"call_«base24»","name":"«tool»"}"""


def _response(status: str, output: str) -> str:
    return _RESPONSE.replace("«status»", status).replace("«output»", output)


RESPONSES = [
    _response("completed", _MESSAGE),
    _response("completed", f"{_REASONING},{_MESSAGE}"),
    _response("completed", f"{_REASONING},{_CALL}"),
    _response("completed", _CALL),
]
_AT = '"sequence_number":«small»,"output_index":0'
RESPONSE_EVENTS = [
    f'{{"type":"response.created","sequence_number":0,"response":{_response("in_progress", "")}}}',
    f'{{"type":"response.in_progress","response":{_response("in_progress", "")}}}',
    f'{{"type":"response.output_item.added",{_AT},"item":{{"id":"msg_«hex50»","type":"message",'
    '"status":"in_progress","content":[],"role":"assistant"}}',
    f'{{"type":"response.output_item.added",{_AT},"item":{_REASONING}}}',
    '{"type":"response.content_part.added","sequence_number":«small»,"item_id":"msg_«hex50»",'
    '"output_index":0,"content_index":0,"part":{"type":"output_text","annotations":[],'
    '"logprobs":[],"text":""}}',
    '{"type":"response.output_text.delta","sequence_number":«small»,"item_id":"msg_«hex50»",'
    '"output_index":0,"content_index":0,"delta":"«piece»","logprobs":[],"obfuscation":"«base12»"}',
    '{"type":"response.output_text.done","sequence_number":«small»,"item_id":"msg_«hex50»",'
    '"output_index":0,"content_index":0,"text":"«text»","logprobs":[]}',
    '{"type":"response.content_part.done","sequence_number":«small»,"item_id":"msg_«hex50»",'
    '"output_index":0,"content_index":0,"part":{"type":"output_text","annotations":[],'
    '"logprobs":[],"text":"«text»"}}',
    '{"type":"response.function_call_arguments.delta","sequence_number":«small»,"item_id":'
    '"fc_«hex50»","output_index":0,"delta":"«piece»","obfuscation":"«base12»"}',
    '{"type":"response.function_call_arguments.done","sequence_number":«small»,"item_id":'
    '"fc_«hex50»","output_index":0,"arguments":"{\\"«parameter»\\":\\"«word»\\"}"}',
    '{"type":"response.reasoning_summary_text.delta","sequence_number":«small»,"item_id":'
    '"rs_«hex50»","output_index":0,"summary_index":0,"delta":"«piece»"}',
    f'{{"type":"response.output_item.done",{_AT},"item":{_MESSAGE}}}',
    f'{{"type":"response.completed","sequence_number":«small»,"response":{RESPONSES[0]}}}',
]

# Anthropic

_CLAUDE_USAGE = """\
"usage":{"input_tokens":«small»,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,\
"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":\
«small»,"service_tier":"standard","inference_geo":"not_available"}"""
MESSAGES = [
    '{"model":"«claude»","id":"msg_01«base22»","type":"message","role":"assistant","content":'
    f"[{content}],"
    f'"stop_reason":"{reason}","stop_sequence":null,"stop_details":null,{_CLAUDE_USAGE}}}'
    for content, reason in (
        ('{"type":"text","text":"«text»"}', "end_turn"),
        ('{"type":"text","text":"«text»"}', "end_turn"),
        (
            '{"type":"thinking","thinking":"«text»","signature":"«base64»"},'
            '{"type":"text","text":"«text»"}',
            "end_turn",
        ),
        (
            '{"type":"text","text":"«text»"},{"type":"tool_use","id":"toolu_01«base22»","name":'
            '"«tool»","input":{"«parameter»":"«word»"},"caller":{"type":"direct"}}',
            "tool_use",
        ),
        (
            '{"type":"server_tool_use","id":"srvtoolu_01«base22»","name":"web_search","input":'
            '{"query":"«word»"}},{"type":"web_search_tool_result","tool_use_id":'
            '"srvtoolu_01«base22»","content":[{"type":"web_search_result","title":"«text»","url":'
            '"https://www.«word».com/«word»","encrypted_content":"«base64»","page_age":"3 days '
            'ago"}]},{"type":"text","text":"«text»","citations":[{"type":'
            '"web_search_result_location","cited_text":"«text»","url":"https://www.«word».com/",'
            '"title":"«text»","encrypted_index":"«base64»"}]}',
            "end_turn",
        ),
    )
]
_START = MESSAGES[0].replace('{"type":"text","text":"«text»"}', "").replace('"end_turn"', "null")
MESSAGE_EVENTS = [
    f'{{"type":"message_start","message":{_START}}}',
    '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
    '{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"",'
    '"signature":""}}',
    '{"type":"ping"}',
    '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"«piece»"}}',
    '{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"«piece»"}}',
    '{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":'
    '"«base64»"}}',
    '{"type":"content_block_stop","index":0}',
    '{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":'
    '"toolu_01«base22»","name":"«tool»","input":{},"caller":{"type":"direct"}}}',
    '{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}',
    '{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":'
    '"{\\"«parameter»\\": \\"«piece»"}}',
    '{"type":"content_block_stop","index":1}',
    '{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null,'
    '"stop_details":null},"usage":{"input_tokens":«small»,"cache_creation_input_tokens":0,'
    '"cache_read_input_tokens":0,"output_tokens":«small»}}',
    '{"type":"message_stop"}',
]

# Gemini

_GEMINI_USAGE = """\
"usageMetadata":{"promptTokenCount":«small»,"candidatesTokenCount":«small»,"totalTokenCount":\
«number»,"trafficType":"ON_DEMAND","promptTokensDetails":[{"modality":"TEXT","tokenCount":\
«small»}],"candidatesTokensDetails":[{"modality":"TEXT","tokenCount":«small»}],\
"thoughtsTokenCount":«small»},"modelVersion":"«gemini»","createTime":"«iso»","responseId":\
"«base22»\""""
GEMINI = [
    f"""\
{{"candidates":[{{"content":{{"parts":[{part}],"role":"model"}},"finishReason":"STOP",\
"avgLogprobs":-0.«number»«number»,"index":0}}],{_GEMINI_USAGE}}}"""
    for part in (
        '{"text":"«text»"}',
        '{"text":"«text»"}',
        '{"text":"«text»","thoughtSignature":"«base64»"}',
        '{"functionCall":{"name":"«tool»","args":{"«parameter»":"«word»"}},'
        '"thoughtSignature":"«base64»"}',
    )
]
GEMINI_EVENTS = [
    f"""\
{{"candidates":[{{"content":{{"parts":[{{"text":"«piece»"}}],"role":"model"}},"index":0}}],\
{_GEMINI_USAGE}}}""",
    f"""\
{{"candidates":[{{"content":{{"parts":[{{"text":""}}],"role":"model"}},"finishReason":"STOP",\
"index":0}}],{_GEMINI_USAGE}}}""",
]

# Bedrock

CONVERSE = [
    '{"metrics":{"latencyMs":«number»},"output":{"message":{"content":[{"text":"«text»"}],"role":'
    '"assistant"}},"stopReason":"end_turn","usage":{"cacheReadInputTokenCount":0,'
    '"cacheReadInputTokens":0,"cacheWriteInputTokenCount":0,"cacheWriteInputTokens":0,'
    '"inputTokens":«small»,"outputTokens":«small»,"serverToolUsage":{},"totalTokens":«number»}}',
    '{"metrics":{"latencyMs":«number»},"output":{"message":{"content":[{"text":"«text»"},'
    '{"toolUse":{"input":{"«parameter»":"«word»"},"name":"«tool»","toolUseId":"tooluse_«base22»",'
    '"type":"tool_use"}}],"role":"assistant"}},"stopReason":"tool_use","usage":{"inputTokens":'
    '«small»,"outputTokens":«small»,"serverToolUsage":{},"totalTokens":«number»}}',
    '{"inputTextTokenCount":«small»,"results":[{"tokenCount":«small»,"outputText":"«text»",'
    '"completionReason":"FINISH"}]}',
    '{"generation":"«text»","prompt_token_count":«small»,"generation_token_count":«small»,'
    '"stop_reason":"stop"}',
]

# Cohere, Ollama, and what is not a chat

COHERE = [
    '{"id":"«uuid»","message":{"role":"assistant","content":[{"type":"text","text":"«text»"}]},'
    '"finish_reason":"COMPLETE","usage":{"billed_units":{"input_tokens":«small»,"output_tokens":'
    '«small»},"tokens":{"input_tokens":«number»,"output_tokens":«small»},"cached_tokens":0}}',
    '{"response_id":"«uuid»","text":"«text»","generation_id":"«uuid»","chat_history":[{"role":'
    '"USER","message":"«prompt»"},{"role":"CHATBOT","message":"«text»"}],"finish_reason":'
    '"COMPLETE","meta":{"api_version":{"version":"1"},"billed_units":{"input_tokens":«small»,'
    '"output_tokens":«small»},"tokens":{"input_tokens":«small»,"output_tokens":«small»}}}',
    '{"id":"«uuid»","results":[{"index":1,"relevance_score":0.9«number»},{"index":0,'
    '"relevance_score":0.0«number»}],"meta":{"api_version":{"version":"2"},"billed_units":'
    '{"search_units":1}}}',
]
OLLAMA = [
    '{"model":"llama3.2","created_at":"«iso»","message":{"role":"assistant","content":"«text»",'
    '"thinking":"«text»"},"done_reason":"stop","done":true,"total_duration":«long»,'
    '"load_duration":«long»,"prompt_eval_count":«small»,"prompt_eval_duration":«long»,'
    '"eval_count":«small»,"eval_duration":«long»}',
]
OLLAMA_LINES = [
    '{"model":"llama3.2","created_at":"«iso»","message":{"role":"assistant","content":"«piece»"},'
    '"done":false}',
    '{"model":"gpt-oss:120b","created_at":"«iso»","response":"«piece»","done":false}',
]
EMBEDDINGS = [
    '{"object":"list","data":[{"object":"embedding","index":0,"embedding":«vector»}],"model":'
    '"text-embedding-3-small","usage":{"prompt_tokens":«small»,"total_tokens":«small»}}',
    '{"embeddings":[{"values":«vector»}]}',
    '{"id":"«uuid»","texts":["«text»"],"embeddings":{"float":[«vector»]},"meta":{"api_version":'
    '{"version":"2"},"billed_units":{"input_tokens":«small»}},"response_type":"embeddings_by_type"}',
]
COMPLETIONS = [
    '{"id":"cmpl-«base29»","object":"text_completion","created":«seconds»,"model":'
    '"gpt-3.5-turbo-instruct:20230824-v2","choices":[{"text":"\\n\\n«text»","index":0,"logprobs":'
    'null,"finish_reason":"length"}],"usage":{"prompt_tokens":«small»,"completion_tokens":«small»,'
    '"total_tokens":«small»}}',
    '{"text":"«text»","usage":{"type":"tokens","total_tokens":«small»,"input_tokens":«small»,'
    '"input_token_details":{"text_tokens":0,"audio_tokens":«small»},"output_tokens":«small»}}',
    '{"id":"modr-«number»","model":"omni-moderation-latest","results":[{"flagged":false,'
    '"categories":{"harassment":false,"harassment/threatening":false,"sexual":false,"hate":false,'
    '"hate/threatening":false,"illicit":false,"illicit/violent":false,"self-harm":false,'
    '"violence":false,"violence/graphic":false},"category_scores":{"sexual":0.000«number»,'
    '"violence":0.000«number»}}]}',
    '{"created":«seconds»,"data":[{"b64_json":"«base64»"}],"background":"opaque","output_format":'
    '"png","quality":"low","size":"1024x1024","usage":{"input_tokens":«small»,"output_tokens":'
    '«number»,"total_tokens":«number»}}',
]
MODELS = [
    '{"object":"list","data":[{"id":"«openai»","object":"model","created":«seconds»,"owned_by":'
    '"system"},{"id":"text-embedding-3-small","object":"model","created":«seconds»,"owned_by":'
    '"system"}]}',
]
ERRORS = [
    '{"error":{"message":"«text»","type":"invalid_request_error","param":"messages","code":null}}',
    '{"type":"error","error":{"type":"invalid_request_error","message":"«text»"},"request_id":'
    '"req_011C«base22»"}',
    '{"error":{"code":400,"message":"«text»","status":"INVALID_ARGUMENT"}}',
    '{"error":{"message":"The model `«openai»` does not exist or you do not have access to it.",'
    '"type":"invalid_request_error","param":null,"code":"model_not_found"}}',
]
