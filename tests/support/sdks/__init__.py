"""The SDK matrix: every way in which users call a provider, sync and async, plain and streaming.

`WAYS` holds them all, whatever is installed; each knows whether it is available here. The tests
record and replay each, the README's table is made of them, and `python -m sdks`, in `tests`,
runs them against the stand-in alone.
"""

from __future__ import annotations

from sdks.amazon import amazon
from sdks.anthropic import anthropic
from sdks.azure import azure, azure_vectors
from sdks.cohere import cohere
from sdks.dashscope import dashscope
from sdks.dspy import dspy
from sdks.gemini import adk, llama_index
from sdks.google import google
from sdks.groq import groq
from sdks.huggingface import huggingface
from sdks.langchain import community
from sdks.litellm import litellm
from sdks.mistral import mistral
from sdks.ollama import ollama
from sdks.openai import openai, openai_over_aiohttp
from sdks.plain import plain
from sdks.voyage import voyage
from sdks.way import Family, Result, Way

FAMILIES = (
    *(openai, anthropic, google, litellm, mistral, groq, cohere, ollama),
    *(huggingface, azure, azure_vectors, *amazon, voyage, dspy),
    *(dashscope, community, llama_index, adk),
    *(*plain, openai_over_aiohttp),
)
WAYS = [way for sdk in FAMILIES for way in sorted(sdk.ways, key=lambda way: way.sdk)]

__all__ = ["FAMILIES", "WAYS", "Family", "Result", "Way"]
