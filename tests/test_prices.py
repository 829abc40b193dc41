"""What calls cost, with the real price list."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from cachy import prices

NOW = 1_790_000_000
OPENAI = "https://api.openai.com/v1/chat/completions"
ANTHROPIC = "https://api.anthropic.com/v1/messages"

needs_prices = pytest.mark.skipif(not prices.installed(), reason="genai-prices is not installed")


def usage(*counts: int) -> dict[str, int]:
    return dict(zip(prices.TOKENS, counts, strict=False))


@needs_prices
@pytest.mark.parametrize(
    ("url", "model", "tokens", "dollars"),
    [
        (OPENAI, "gpt-4o", usage(1_000_000), 2.5),
        (OPENAI, "gpt-4o", usage(0, 1_000_000), 10),
        (OPENAI, "gpt-4o-2024-08-06", usage(1_000_000, 1_000_000), 12.5),
        (OPENAI, "gpt-4o", usage(1_000_000, 0, 400_000), 0.6 * 2.5 + 0.4 * 1.25),
        (OPENAI, "gpt-4o", usage(0, 0), 0),
        (ANTHROPIC, "claude-3-5-haiku-latest", usage(300_000, 0, 100_000, 100_000), 0.188),
        (f"{OPENAI}?api-version=1", "gpt-4o", usage(1_000_000), 2.5),
        # through others, in their spellings
        ("https://eu.api.openai.com/v1/responses", "gpt-4o", usage(1_000_000), 2.5),
        ("https://x.openai.azure.com/openai/deployments/gpt-4o/x", "gpt-4o", usage(10**6), 2.5),
        ("https://ai-gateway.vercel.sh/v1/x", "openai/gpt-4o", usage(1_000_000), 2.5),
        ("https://llm.example.com/v1/chat/completions", "gpt-4o", usage(1_000_000), 2.5),
        ("http://localhost:4000/v1/chat/completions", "gpt-4o", usage(1_000_000), 2.5),
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/x/converse",
            "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
            usage(1_000_000),
            3,
        ),
    ],
)
def test_price(url: str, model: str, tokens: dict[str, int], dollars: float) -> None:
    assert prices.price(url, model, tokens, NOW) == pytest.approx(dollars)


@needs_prices
@pytest.mark.parametrize(
    ("url", "model", "tokens"),
    [
        (OPENAI, "gpt-4o", {}),
        (OPENAI, "", usage(3)),
        (OPENAI, "no-such-model", usage(3)),
        (OPENAI, "gpt-4o" * 1000, usage(3)),
        (OPENAI, "\0\n", usage(3)),
        (OPENAI, "gpt-4o", {"input": "3"}),
        (OPENAI, "gpt-4o", {"input": -3}),
        (OPENAI, "gpt-4o", {"input": 10**30}),
        ("http://localhost:11434/v1/chat/completions", "gpt-4o", usage(3)),
        ("https://[broken/", "gpt-4o", usage(3)),
        ("", "nobody's", usage(3)),
    ],
)
def test_no_price(url: str, model: str, tokens: dict[str, Any]) -> None:
    assert prices.price(url, model, tokens, NOW) is None


@needs_prices
def test_price_is_that_of_the_day() -> None:
    """DeepSeek was cheaper once; a time that is none has some price."""
    seen = {
        prices.price("https://api.deepseek.com/x", "deepseek-chat", usage(10**6), second)
        for second in (1_735_000_000, 1_745_000_000, NOW, 2**40, -(2**70))
    }
    assert len(seen) > 1


@needs_prices
def test_price_agrees_with_the_library() -> None:
    """Also where a price depends on how many tokens there are."""
    from genai_prices import Usage, calc_price

    for model in ("gpt-4o", "gemini-2.5-pro", "claude-sonnet-4-5"):
        for given, made, read in ((10, 5, 0), (300_000, 5, 0), (300_000, 5, 250_000)):
            wanted = calc_price(
                Usage(input_tokens=given, output_tokens=made, cache_read_tokens=read), model
            ).total_price
            cost = prices.price("https://gateway.example/", model, usage(given, made, read), NOW)
            assert cost == pytest.approx(float(wanted))


@needs_prices
def test_source_tells_the_day_of_the_prices() -> None:
    assert prices.source().startswith("genai-prices ")
    assert " of 20" in prices.source()


def test_total() -> None:
    bill = prices.total([0.5, None, 0.25])
    assert bill == (0.75, 2, 1)
    assert str(bill) == "$0.75 (1 without a price)"
    assert str(prices.total([])) == "$0.00"
    assert str(prices.total([None])) == "no price"


@pytest.mark.parametrize(
    ("dollars", "shown"),
    [(None, "-"), (0, "$0.00"), (1234.5, "$1,234.50"), (0.0123, "$0.012"), (1.2e-6, "$0.0000012")],
)
def test_show(dollars: float | None, shown: str) -> None:
    assert prices.show(dollars) == shown


def test_without_the_extra_nothing_has_a_price() -> None:
    code = (
        "import sys; sys.modules['genai_prices'] = None\n"
        "from cachy import prices\n"
        f"assert prices.price({OPENAI!r}, 'gpt-4o', {{'input': 3}}, 0) is None\n"
        "assert not prices.installed() and prices.source() == ''"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_enabling_loads_no_prices() -> None:
    code = "import sys, cachy.prices, cachy.session; assert 'genai_prices' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
