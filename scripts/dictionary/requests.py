"""Canonical bodies of requests, sorted by key, as an outline holds them."""

from __future__ import annotations

_FUNCTION = """\
{"description":"«tool description»","name":"«tool»","parameters":{"additionalProperties":false,\
"properties":{"«parameter»":{"description":"«parameter description»","type":"string"}},\
"required":["«parameter»"],"type":"object"}}"""
_SCHEMA = """\
{"type":"object","properties":{"«parameter»":{"type":"string","description":\
"«parameter description»"}},"required":["«parameter»"],"additionalProperties":false}"""
CHAT = [
    '{"messages":[{"content":"«prompt»","role":"user"}],"model":"«openai»"}',
    '{"messages":[{"content":"«prompt»","role":"system"},{"content":"«prompt»","role":"user"}],'
    '"model":"«openai»"}',
    '{"max_tokens":«small»,"messages":[{"content":"«prompt»","role":"user"}],"model":"«openai»",'
    '"n":1,"temperature":0}',
    '{"messages":[{"content":[{"text":"«prompt»","type":"text"},{"image_url":{"url":'
    '"https://«word».com/«word».jpg"},"type":"image_url"}],"role":"user"}],"model":"«openai»",'
    '"stream_options":{"include_usage":true}}',
    '{"messages":[{"content":"«prompt»","role":"user"}],"model":"«openai»","tool_choice":"auto",'
    f'"tools":[{{"function":{_FUNCTION},"type":"function"}}]}}',
    '{"messages":[{"content":"«prompt»","role":"user"},{"content":null,"role":"assistant",'
    '"tool_calls":[{"function":{"arguments":"{\\"«parameter»\\":\\"«word»\\"}","name":"«tool»"},'
    '"id":"link#1","type":"function"}]},{"content":"«text»","role":"tool","tool_call_id":'
    '"link#1"}],"model":"«openai»","parallel_tool_calls":false,'
    f'"tools":[{{"function":{{"name":"«tool»","description":"«tool description»","parameters":'
    f'{_SCHEMA},"strict":true}},"type":"function"}}]}}',
    '{"messages":[{"content":"«prompt»","role":"user"}],"model":"«openai»","response_format":'
    f'{{"json_schema":{{"name":"«word»","schema":{_SCHEMA},"strict":true}},"type":"json_schema"}}}}',
    '{"max_completion_tokens":«number»,"messages":[{"content":{"…":[«number»,"«hex16»","«text60»",'
    '"«text60»","«base64»"]},"role":"system"},{"content":"«prompt»","role":"user"}],"model":'
    '"«openai»","reasoning_effort":"low","temperature":0.7,"top_p":1}',
]
RESPONSES = [
    '{"input":"«prompt»","model":"«openai»"}',
    '{"include":["reasoning.encrypted_content"],"input":[{"content":"«prompt»","role":"user"}],'
    '"instructions":"«prompt»","model":"«openai»","reasoning":{"effort":"low","summary":"auto"},'
    '"store":false}',
    '{"input":[{"content":"«prompt»","role":"user"},{"arguments":"{\\"«parameter»\\":\\"«word»\\"}'
    '","call_id":"link#1","name":"«tool»","type":"function_call"},{"call_id":"link#1","output":'
    '"«text»","type":"function_call_output"}],"model":"«openai»","tool_choice":"auto","tools":['
    f'{{"name":"«tool»","description":"«tool description»","parameters":{_SCHEMA},"strict":true,'
    '"type":"function"}]}',
]
MESSAGES = [
    '{"max_tokens":«round»,"messages":[{"content":"«prompt»","role":"user"}],"model":"«claude»"}',
    '{"max_tokens":«round»,"messages":[{"content":[{"text":"«prompt»","type":"text"}],"role":'
    '"user"}],"model":"«claude»","system":[{"text":"«prompt»","type":"text"}]}',
    '{"max_tokens":«round»,"messages":[{"content":[{"text":"«prompt»","type":"text"}],"role":'
    '"user"},{"content":[{"id":"link#1","input":{"«parameter»":"«word»"},"name":"«tool»","type":'
    '"tool_use"}],"role":"assistant"},{"content":[{"content":[{"text":"«text»","type":"text"}],'
    '"is_error":false,"tool_use_id":"link#1","type":"tool_result"}],"role":"user"}],"model":'
    '"«claude»","thinking":{"budget_tokens":1024,"type":"enabled"},"tool_choice":{"type":"auto"},'
    f'"tools":[{{"description":"«tool description»","input_schema":{_SCHEMA},"name":"«tool»"}}]}}',
]
GEMINI = [
    '{"contents":[{"parts":[{"text":"«prompt»"}],"role":"user"}]}',
    '{"contents":[{"parts":[{"text":"«prompt»"}],"role":"user"}],"generationConfig":'
    '{"maxOutputTokens":«small»,"responseModalities":["TEXT"],"temperature":0,"thinkingConfig":'
    '{"includeThoughts":true,"thinkingBudget":0}},"systemInstruction":{"parts":[{"text":'
    '"«prompt»"}],"role":"user"}}',
    '{"contents":[{"parts":[{"text":"«prompt»"}],"role":"user"},{"parts":[{"functionCall":{"args":'
    '{"«parameter»":"«word»"},"id":"link#1","name":"«tool»"}}],"role":"model"},{"parts":'
    '[{"functionResponse":{"id":"link#1","name":"«tool»","response":{"return_value":"«text»"}}}],'
    '"role":"user"}],"toolConfig":{"functionCallingConfig":{"mode":"AUTO"}},"tools":'
    '[{"functionDeclarations":[{"name":"«tool»","description":"«tool description»",'
    f'"parametersJsonSchema":{_SCHEMA}}}]}}]}}',
]
CONVERSE = [
    '{"inferenceConfig":{"maxTokens":«small»,"temperature":0},"messages":[{"content":[{"text":'
    '"«prompt»"}],"role":"user"}],"system":[{"text":"«prompt»"}]}',
    '{"messages":[{"content":[{"text":"«prompt»"}],"role":"user"},{"content":[{"toolUse":{"input":'
    '{"«parameter»":"«word»"},"name":"«tool»","toolUseId":"link#1"}}],"role":"assistant"},'
    '{"content":[{"toolResult":{"content":[{"text":"«text»"}],"status":"success","toolUseId":'
    '"link#1"}}],"role":"user"}],"toolConfig":{"toolChoice":{"auto":{}},"tools":[{"toolSpec":'
    f'{{"description":"«tool description»","inputSchema":{{"json":{_SCHEMA}}},'
    '"name":"«tool»"}}]}}',
]
OLLAMA = [
    '{"messages":[{"content":"«prompt»","role":"user"}],"model":"llama3.2","options":'
    '{"temperature":0.0},"tools":[]}',
    '{"model":"llama3.2","prompt":"«prompt»"}',
]
EMBEDDINGS = [
    '{"encoding_format":"base64","input":["«prompt»"],"model":"text-embedding-3-small"}',
    '{"requests":[{"content":{"parts":[{"text":"«prompt»"}]},"model":"models/«gemini»"}]}',
]
