"""Voyage AI's SDK: embeddings and rankings, through requests and aiohttp."""

from __future__ import annotations

from contextlib import nullcontext
from importlib import import_module
from typing import Any

from sdks.prompts import PROMPT
from sdks.way import Family, Result

voyage = Family(
    ("voyageai",),
    lambda: nullcontext(import_module("voyageai").Client(api_key="test")),
    lambda: nullcontext(import_module("voyageai").AsyncClient(api_key="test")),
)


def vectors(answer: Any) -> Result:
    return {"vector": answer.embeddings[0], "tokens": answer.total_tokens}


@voyage.call("embeddings", vectors)
def embed(client: Any) -> Any:
    return client.embed([PROMPT], model="voyage-3.5")


def ranked(answer: Any) -> Result:
    return {"scores": [[each.document, each.relevance_score] for each in answer.results]}


@voyage.call("rerank", ranked)
def rerank(client: Any) -> Any:
    return client.rerank(PROMPT, ["Sunny.", "A café."], model="rerank-2.5")
