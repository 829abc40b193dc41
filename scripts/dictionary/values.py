"""Values for the places in templates of answers, requests and headers."""

from __future__ import annotations

import random
import re
from datetime import datetime, timedelta, timezone

from dictionary import texts

BEGAN = datetime(2026, 1, 5, tzinfo=timezone.utc)
MODELS = {
    "openai": (
        "gpt-4o",
        "gpt-4o-mini",
        "gpt-4o-2024-08-06",
        "gpt-4.1-mini-2025-04-14",
        "gpt-5",
        "gpt-5-mini-2025-08-07",
        "o3-mini",
    ),
    "claude": (
        "claude-sonnet-4-20250514",
        "claude-sonnet-4-5-20250929",
        "claude-opus-4-1",
        "claude-haiku-4-5-20251001",
        "claude-3-5-haiku-latest",
    ),
    "gemini": ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-2.0-flash", "gemini-3-pro-preview"),
}
BASE62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
BASE64 = BASE62 + "+/"


class Values:
    """Values for the places in a template; within one answer an id or a model stays the same."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._same: dict[str, str] = {}

    def fill(self, template: str) -> str:
        return re.sub("«([a-z ]+)([0-9]*)»", self._value, template)

    def iso(self) -> str:
        moment = BEGAN + timedelta(seconds=self._dice.uniform(0, 3e7))
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _value(self, match: re.Match[str]) -> str:
        kind, size = match[1], int(match[2] or 0)
        if kind in ("hex", "base", "uuid", "openai", "claude", "gemini", "tool", "seconds"):
            key = kind + match[2]
            return self._same.setdefault(key, self._new(kind, size))
        return self._new(kind, size)

    def _new(self, kind: str, size: int) -> str:
        dice = self._dice
        moment = BEGAN + timedelta(seconds=dice.uniform(0, 3e7))
        match kind:
            case "hex":
                return "".join(dice.choices("0123456789abcdef", k=size))
            case "base":
                long = dice.randrange(60, 200) if size == 64 else size
                return "".join(dice.choices(BASE64 if size == 64 else BASE62, k=long))
            case "letters":
                return "".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=size))
            case "uuid":
                text = dice.randbytes(16).hex()
                return "-".join((text[:8], text[8:12], "4" + text[13:16], text[16:20], text[20:]))
            case "date":
                return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
            case "iso":
                return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
            case "seconds":
                return str(int(moment.timestamp()))
            case "small":
                return str(dice.randrange(1, 200))
            case "number":
                return str(dice.randrange(100, 20_000))
            case "long":
                return str(dice.randrange(10**7, 10**10))
            case "round":
                return str(dice.choice((100, 500, 1024, 4096, 10_000, 30_000, 200_000, 30_000_000)))
            case "wait":
                return dice.choice(("6ms", "12ms", "8.64s", "0s", "2ms", "120ms", "1m0s"))
            case "airport":
                return dice.choice(
                    ["FRA", "LHR", "SJC", "EWR", "IAD", "AMS", "CDG", "MXP", "ORD", "SEA"]
                )
            case "region":
                return dice.choice(("East US", "Sweden Central", "West Europe", "eu-west", "us"))
            case "vector":
                return str([round(dice.uniform(-0.1, 0.1), 8) for _ in range(8)])
        return self._words(kind, size)

    def _words(self, kind: str, size: int) -> str:
        dice = self._dice
        match kind:
            case "text" if size:
                return (dice.choice(texts.ANSWERS) * 9)[:size].replace("\\", "")
            case "text":
                return " ".join(dice.sample(texts.ANSWERS, dice.choice((1, 1, 2, 3))))
            case "piece":
                return " " + dice.choice(dice.choice(texts.ANSWERS).replace("\\n", " ").split())
            case "word":
                sentence = dice.choice(texts.PROMPTS + texts.ANSWERS)
                return str(dice.choice(re.findall("[A-Za-z]+", sentence)))
            case "prompt":
                return " ".join(dice.sample(texts.PROMPTS, dice.choice((1, 1, 2))))
            case "tool" | "parameter":
                table = texts.TOOLS if kind == "tool" else texts.PARAMETERS
                return dice.choice(table).partition(":")[0]
            case "tool description" | "parameter description":
                table = texts.TOOLS if kind.startswith("tool") else texts.PARAMETERS
                return dice.choice(table).partition(": ")[2]
            case "openai" | "claude" | "gemini":
                return dice.choice(MODELS[kind])
        raise ValueError(f"no such kind of value: {kind}")
