"""What a call costs, from the prices of `genai-prices`: offline, and only where that is installed.

    price(url, model, usage, second)      dollars, or None where no price is known

Prices are those of the day of the call. They are list prices of tokens: discounts, batches and what
is charged by the image, the search or the minute are not in them. genai-prices is loaded when the
first price is asked for, never by a call.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    _Tokens = tuple[int, int, int, int]
    """Input, output, read from the provider's cache, written to it."""

HINT = "`pip install 'cachy-store[prices]'` shows what calls cost"

TOKENS = ("input", "output", "cache_read", "cache_write")
"""The tokens in an entry's head that are charged for. Those of the cache are among the input."""

_LONGEST = 500
"""Characters of a model's name or a URL. Longer ones are nobody's."""
_MOST = 10**12
"""Tokens of a call."""
_HALF_HOUR, _DAY = 1800, 86400
"""Seconds within which prices do not change: some providers are cheaper at night."""

_PROVIDERS = (
    (".api.openai.com", "openai"),
    (".api.aws", "aws"),
    ("api.together.ai", "together"),
    ("codestral.mistral.ai", "mistral"),
)
"""The provider at a host whose name ends so, where genai-prices does not know it by its URL."""
_FREE = ("localhost:11434", "127.0.0.1:11434", "0.0.0.0:11434")
"""Ollama runs models on one's own machine, under names that others sell."""


class Bill(NamedTuple):
    """The sum of some calls: `dollars` of those that have a price, and how many have none."""

    dollars: float = 0.0
    priced: int = 0
    unpriced: int = 0

    def __str__(self) -> str:
        if not self.priced:
            return "no price" if self.unpriced else show(0)
        rest = f" ({self.unpriced:,} without a price)" if self.unpriced else ""
        return show(self.dollars) + rest


def total(costs: Iterable[float | None]) -> Bill:
    """Return the sum of what some calls cost.

    >>> total([0.5, None, 0.25])
    Bill(dollars=0.75, priced=2, unpriced=1)
    """
    dollars, priced, unpriced = 0.0, 0, 0
    for cost in costs:
        if cost is None:
            unpriced += 1
        else:
            dollars, priced = dollars + cost, priced + 1
    return Bill(dollars, priced, unpriced)


def show(dollars: float | None) -> str:
    """Return an amount of money with at least two digits that count; "-" where there is none.

    >>> show(12.345), show(0.0000123), show(0), show(None)
    ('$12.35', '$0.000012', '$0.00', '-')
    """
    if dollars is None:
        return "-"
    if dollars >= 0.095 or not dollars:
        return f"${dollars:,.2f}"
    return "$" + (f"{dollars:.2g}" if dollars >= 1e-4 else f"{dollars:.8f}".rstrip("0"))


def installed() -> bool:
    """Return whether prices are installed. Loads them."""
    return _library() is not None


@cache
def source() -> str:
    """Return where the prices come from and the day of the newest, to be shown beside them; empty
    where none are installed."""
    if not (library := _library()):
        return ""
    from importlib.metadata import version

    newest = max(_starts(library.data_snapshot.get_snapshot()), default="")
    return f"genai-prices {version('genai-prices')}" + (f" of {newest}" if newest else "")


def price(url: Any, model: Any, usage: Any, second: float) -> float | None:
    """Return the dollars that a call costs, or None where no price is known.

    The arguments are those of an entry's head: `usage` is a dict with TOKENS. `second` is the time
    of the call, since 1970. Raises nothing, whatever they are.
    """
    if not (isinstance(url, str) and isinstance(model, str) and isinstance(usage, dict)):
        return None
    tokens = [usage.get(name, 0) for name in TOKENS]
    if not usage or not all(map(_is_count, tokens)):
        return None
    if not model or len(model) > _LONGEST or len(url) > 4 * _LONGEST or not installed():
        return None
    given, made, read, written = tokens
    read = min(read, given)
    return _price(
        url.partition("?")[0], model, (given, made, read, min(written, given - read)), int(second)
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value <= _MOST


@cache
def _library() -> Any:
    """Return genai-prices, or None where it is not installed, or cannot be loaded."""
    try:
        import genai_prices
        import genai_prices.data_snapshot
    except Exception:  # noqa: BLE001 - an old pydantic raises anything
        return None
    return genai_prices


def _price(place: str, model: str, tokens: _Tokens, second: int) -> float | None:
    """Return the price of a number of tokens. Most prices are linear: those of one token of each
    kind tell it, for which genai-prices, which takes its time, has not to be asked again."""
    if (sold := _sold(place, model)) is None:
        return None
    moment = second // sold.step * sold.step if sold.step else 0
    rates = _rates(sold, moment)
    if rates is None:
        return _asked(sold, tokens, moment)
    given, made, read, written = tokens
    counts = (1, given - read - written, made, read, written)
    return sum(count * rate for count, rate in zip(counts, rates, strict=True))


class _Sold(NamedTuple):
    """A model that has a price: how it is named to genai-prices, and for how many `step` seconds a
    price of it holds; 0 if it has never had another."""

    model: str
    provider: str
    url: str
    step: int = 0


@lru_cache(maxsize=4096)
def _sold(place: str, model: str) -> _Sold | None:
    """Return the first of a model's names that has a price."""
    for name in _names(place, model):
        found = _calculated(name, (0, 0, 0, 0), 0)
        if found is not None and any(each.endswith("_mtok") for each in vars(found.model_price)):
            return name._replace(step=_step(found.model.prices))
    return None


def _step(prices: Any) -> int:
    if not isinstance(prices, list):
        return 0
    by_hour = any(hasattr(each.constraint, "start_time") for each in prices)
    return _HALF_HOUR if by_hour else _DAY


_UNIT = 10**6
_ONE_OF_EACH = ((_UNIT, 0, 0, 0), (0, _UNIT, 0, 0), (_UNIT, 0, _UNIT, 0), (_UNIT, 0, 0, _UNIT))


@lru_cache(maxsize=4096)
def _rates(sold: _Sold, moment: int) -> tuple[float, ...] | None:
    """Return the dollars of a call, and of one token of each kind; None if they depend on how many
    tokens there are."""
    found = _calculated(sold, (0, 0, 0, 0), moment)
    if found is None or any(hasattr(each, "tiers") for each in vars(found.model_price).values()):
        return None
    call = float(found.total_price)
    costs = [_asked(sold, tokens, moment) for tokens in _ONE_OF_EACH]
    known = [(cost - call) / _UNIT for cost in costs if cost is not None]
    return (call, *known) if len(known) == len(costs) else None


@lru_cache(maxsize=2**14)
def _asked(sold: _Sold, tokens: _Tokens, moment: int) -> float | None:
    found = _calculated(sold, tokens, moment)
    return None if found is None else float(found.total_price)


def _calculated(sold: _Sold, tokens: _Tokens, moment: int) -> Any:
    """Return what genai-prices makes of a call, or None."""
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    counts = {name: count for name, count in zip(names, tokens, strict=True) if count}
    try:
        return _library().calc_price(
            _library().Usage(**counts),
            sold.model,
            provider_id=sold.provider or None,
            provider_api_url=sold.url or None,
            genai_request_timestamp=datetime.fromtimestamp(moment, timezone.utc),
        )
    except Exception:  # noqa: BLE001 - whatever an entry names
        return None


def _names(place: str, model: str) -> Iterator[_Sold]:
    """Yield the ways to name a model to genai-prices, the surest first."""
    try:
        host = urlsplit(place).netloc.lower()
    except ValueError:
        return
    if host in _FREE:
        return
    short = model.rpartition("/")[2]
    known = next((name for end, name in _PROVIDERS if host.endswith(end)), "")
    if known:
        yield _Sold(model, known, "")
        return
    if host.startswith("router.huggingface."):  # `maker/model:provider`
        name, _, where = model.rpartition(":")
        yield _Sold(name, f"huggingface_{where}", "")
    yield _Sold(model, "", place)
    if short != model:
        yield _Sold(short, "", place)
    if _is_known(place):
        return
    maker, _, rest = model.partition("/")
    if rest:
        yield _Sold(rest, maker, "")
    if "." in maker:  # `anthropic.claude-…`, as on Bedrock
        yield _Sold(model, "aws", "")
    yield _Sold(short, "", "")


@lru_cache(maxsize=4096)
def _is_known(place: str) -> bool:
    """Return whether a provider is known by this URL; otherwise it is a gateway to others."""
    try:
        _library().data_snapshot.get_snapshot().find_provider(None, None, place)
    except Exception:  # noqa: BLE001
        return False
    return True


def _starts(snapshot: Any) -> Iterator[str]:
    """Yield the days from which prices hold, those to come left out."""
    today = time.strftime("%Y-%m-%d", time.gmtime())
    for provider in snapshot.providers:
        for model in provider.models:
            if isinstance(model.prices, list):
                for each in model.prices:
                    start = getattr(each.constraint, "start_date", None)
                    if start is not None and (day := start.isoformat()) <= today:
                        yield day
