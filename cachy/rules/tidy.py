"""Data of a JSON body without what never changes the answer, its keys in one order.

    tidied(data)    keys sorted, except where their order reaches the model; ids that only link
                    numbered; the results of parallel tool calls in the order of the calls; marks of
                    prompt caches gone; one spelling of what has two

An id links where it only says which result belongs to which call. Clients make such ids at random,
so they are numbered in order of appearance: which of them are the same, and in what order, stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cachy.rules.tables import (
    CONVERSATIONS,
    IGNORED_ANYWHERE,
    IGNORED_ITEMS,
    LINK_BACK,
    LINK_LENGTH,
    LINKS_ANYWHERE,
    LINKS_OF_TYPE,
    LINKS_UNDER,
    LINKS_WITH,
    NAMES,
    ORDERED_BELOW,
    ORDERED_BESIDE_NAME,
    RESULTS,
    RESULTS_UNDER,
    SPELLINGS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    # Within the class, `list` is a method.
    Items = list[Any]
    Results = list[tuple[str, Any]]  # each with the id of its call

_DEEPEST = 64  # deeper data stays as it is: the result must not depend on the stack that is left
_NO_RESULTS = frozenset({"user", "assistant", "system", "text", "model"})  # most turns and blocks
_SPECIAL = LINKS_ANYWHERE | IGNORED_ANYWHERE | {LINK_BACK, "id"}


def is_plain(data: Any) -> bool:
    """Whether there is nothing to tidy but the order of keys: no lists or objects in anything but
    the top and the items of its lists. Most prompts are like that, and this saves half the time.
    """
    if data.__class__ is not dict or not IGNORED_ANYWHERE.isdisjoint(data):
        return False
    for value in data.values():
        kind = value.__class__
        if kind is dict:
            return False
        if kind is list and value:
            if value[0].__class__ is not dict:  # thousands of tokens, perhaps
                kinds = set(map(type, value))
                if list in kinds or dict in kinds:
                    return False
                continue
            for item in value:
                if item.__class__ is not dict or not _is_plain_item(item):
                    return False
    return True


def _is_plain_item(item: dict[str, Any]) -> bool:
    if len(item) == 2 and item.get("content").__class__ is str is item.get("role").__class__:
        return True  # most turns
    if not _SPECIAL.isdisjoint(item):
        return False
    return not any(value.__class__ is dict or value.__class__ is list for value in item.values())


def tidied(data: Any, *, known: bool, gemini: bool = False) -> Any:
    """Return the data as it is written into the canonical request. Its own keys are sorted.

    `known`: one of the hosts that cachy knows; elsewhere every field counts. `gemini`: a call to
    Gemini, which has two spellings.
    """
    tidy = _Tidy(known, gemini)
    return tidy.list(data, "", False, 0) if isinstance(data, list) else tidy.object(data, "", False)


class _Tidy:
    """One pass through the data of a request."""

    __slots__ = ("_gemini", "_known", "_links")

    def __init__(self, known: bool, gemini: bool) -> None:
        self._known, self._gemini = known, gemini
        self._links: dict[str, str] = {}

    def object(self, data: dict[str, Any], under: str, turns: bool, depth: int = 0) -> Any:
        """An object that stands under a name; `turns`: within a conversation."""
        if depth > _DEEPEST:
            return data
        if self._gemini:
            data = _one_spelling(data)
        links = _links(data, under) if turns else ()
        named = not NAMES.isdisjoint(data)
        tidy: dict[str, Any] = {}
        for name in sorted(data):
            value = data[name]
            kind = value.__class__
            if self._known and self._is_ignored(data, name, value):
                continue
            if kind is dict:
                if name not in ORDERED_BELOW and not (named and name in ORDERED_BESIDE_NAME):
                    value = self.object(value, name, turns, depth + 1)
            elif kind is list:
                if name not in ORDERED_BELOW:
                    value = self.list(value, name, turns or name in CONVERSATIONS, depth + 1)
            elif kind is str and (name in links or (turns and name in LINKS_ANYWHERE)):
                value = self._link(name, value, data)
            tidy[name] = value
        return tidy

    def list(self, data: list[Any], under: str, turns: bool, depth: int) -> Any:
        """A list that stands under a name."""
        kinds = set(map(type, data))
        if dict not in kinds and list not in kinds:
            return data
        items: list[Any] = []
        ordered = turns and len(data) > 1 and under not in LINKS_UNDER
        for item in self._in_order(data) if ordered else data:
            if item.__class__ is dict:
                if not self._known or item.keys() != IGNORED_ITEMS:
                    items.append(self.object(item, under, turns, depth + 1))
            elif item.__class__ is list and depth <= _DEEPEST:
                items.append(self.list(item, under, turns, depth + 1))
            else:
                items.append(item)
        return items

    def _in_order(self, data: Items) -> Iterator[Any]:
        """The items, of which the results of tool calls that are neighbours come in the order of
        the calls. By then the calls before them are numbered."""
        run: Results = []
        for item in data:
            if item.__class__ is dict:
                kind = item["role"] if "role" in item else item.get("type")
                plain = kind.__class__ is str and kind in _NO_RESULTS
                if not plain and (call := _call_of(item, kind)):
                    run.append((call, item))
                    continue
            if run:
                yield from self._sorted(run)
                run = []
            yield item
        if run:
            yield from self._sorted(run)

    def _sorted(self, run: Results) -> Items:
        """The results of a run; as they are, if one names a call that is neither in the request nor
        kept by the server: its id may be random."""
        if len(run) > 1:
            links = self._links
            if all(call in links or LINK_BACK in item for call, item in run):
                # `link#2` comes before `link#10`.
                run.sort(key=lambda each: (len(link := links.get(each[0], "")), link, each[0]))
        return [item for _, item in run]

    def _is_ignored(self, data: dict[str, Any], name: str, value: Any) -> bool:
        if name in IGNORED_ANYWHERE:
            return value is None or isinstance(value, dict)
        # A turn that only calls tools may leave its text out, or say that there is none.
        return (
            value is None
            and name == "content"
            and data.get("role") == "assistant"
            and bool(data.get("tool_calls") or data.get("function_call"))
        )

    def _link(self, name: str, value: str, data: dict[str, Any]) -> str:
        if not value or len(value) > LINK_LENGTH:
            return value
        if name == LINK_BACK and data.get("type") not in LINKS_OF_TYPE:
            return self._links.get(value, value)
        return self._links.setdefault(value, f"link#{len(self._links) + 1}")


def _links(data: dict[str, Any], under: str) -> tuple[str, ...]:
    """The fields of an object that hold an id which only links, besides those of any object."""
    kind = data.get("type")
    if kind.__class__ is str:
        if kind in LINKS_OF_TYPE:
            return LINKS_OF_TYPE[kind]
        if kind in LINKS_WITH and data.get(LINKS_WITH[kind]) is not None:
            return ("id",)
        if kind.endswith(("_output", ".result")):
            return (LINK_BACK,)
    return LINKS_UNDER.get(under, ())


def _call_of(item: dict[str, Any], kind: Any) -> str:
    """The id of the call whose result this is; an empty string for what is none, or names none.
    `kind` is its role or type."""
    if kind.__class__ is str:
        if (field := RESULTS.get(kind)) is None and kind.endswith("_output"):
            field = LINK_BACK
        call = item.get(field) if field else None
    elif (name := next(filter(item.__contains__, RESULTS_UNDER), "")) and (
        (inner := item[name]).__class__ is dict
    ):
        call = inner.get(RESULTS_UNDER[name])
    else:
        return ""
    return call if call.__class__ is str else ""


def _one_spelling(data: dict[str, Any]) -> dict[str, Any]:
    if SPELLINGS.keys().isdisjoint(data):
        return data
    renamed = {SPELLINGS.get(name, name): value for name, value in data.items()}
    return renamed if len(renamed) == len(data) else data
