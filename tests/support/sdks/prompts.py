"""What every way asks, so that only the wire differs."""

from __future__ import annotations

from typing import Any

PROMPT = "What is the weather in Zürich?"
MESSAGES = [{"role": "user", "content": PROMPT}]

WEATHER: dict[str, Any] = {
    "name": "get_current_weather",
    "description": "The current weather of a place",
    "parameters": {
        "type": "object",
        "properties": {
            "location": {"type": "string", "description": "The city"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["location"],
    },
}
TOOLS = [{"type": "function", "function": WEATHER}]
WEB_SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 1}
