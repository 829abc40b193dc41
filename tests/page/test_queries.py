"""What the list shows: rows, facets, costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from many import DAY, add, make_entry
from stores import NOW, add_session

from cachy.page import queries
from cachy.page.catalog import Catalog
from cachy.page.queries import Selection, match_of


@pytest.fixture
def catalog(root: Path) -> Catalog:
    """Of five entries of two models, two hosts and two days."""
    paths = [
        add(root, make_entry(n, model=model, prompt=said, answer=answer, url=url), NOW - n * DAY)
        for n, model, said, answer, url in (
            (0, "gpt-4o", "Where is Ulm?", "On the Danube.", "https://api.openai.com/v1/x"),
            (0, "claude", "Where is Bonn?", "On the Rhine.", "https://api.anthropic.com/v1/x"),
            (1, "gpt-4o", "Überall Flüsse", "Ja.", "https://api.openai.com/v1/x"),
            (1, "gpt-4o", "tool_use is not found", "No.", "https://api.openai.com/v1/y"),
        )
    ]
    add(root, make_entry(9, model="claude", prompt="private"), NOW, private=True)
    add_session(root, *paths[:2], by="rivers.ipynb")
    catalog = Catalog(str(root))
    catalog.refresh()
    return catalog


def counts(catalog: Catalog, **wanted: str) -> dict[str, dict[str, int]]:
    """The facets."""
    with catalog.reading() as db:
        found = queries.facets(db, Selection(**wanted))
    return {name: dict(values) for name, values in found["facets"].items()}


def prompts(catalog: Catalog, **wanted: str) -> set[str]:
    """The prompts of what is selected."""
    with catalog.reading() as db:
        return {row["prompt"] for row in queries.rows(db, Selection(**wanted), 0, 50)["rows"]}


def test_each_facet_selects(catalog: Catalog) -> None:
    assert prompts(catalog, model="claude") == {"Where is Bonn?", "private"}
    assert prompts(catalog, host="api.anthropic.com") == {"Where is Bonn?"}
    assert prompts(catalog, notebook="rivers.ipynb") == {"Where is Ulm?", "Where is Bonn?"}
    assert prompts(catalog, state="private") == {"private"}
    assert len(prompts(catalog, state="unused")) == 3
    assert prompts(catalog, model="gpt-4o", notebook="rivers.ipynb") == {"Where is Ulm?"}
    assert prompts(catalog, model="nobody's") == set()


def test_the_counts_of_a_facet_are_those_without_its_own_selection(catalog: Catalog) -> None:
    whole = counts(catalog)
    assert whole["model"] == {"gpt-4o": 3, "claude": 2}
    assert whole["state"] == {"unused": 3, "private": 1}
    assert list(whole["day"].values()) == [3, 2]  # the newest day first
    one = counts(catalog, model="claude")
    assert one["model"] == whole["model"]
    assert one["host"] == {"api.anthropic.com": 1, "api.openai.com": 1}
    assert counts(catalog, text="where")["host"] == {"api.anthropic.com": 1, "api.openai.com": 1}


def test_sums_are_of_what_is_selected(catalog: Catalog) -> None:
    with catalog.reading() as db:
        total = queries.facets(db, Selection(model="claude"))["total"]
        costs = queries.costs(db)
    assert (total["entries"], total["input"], total["output"]) == (2, 40, 10)
    assert costs["total"]["entries"] == 5
    assert [day["entries"] for day in costs["days"]] == [3, 2]
    assert {row["name"]: row["entries"] for row in costs["notebooks"]} == {"rivers.ipynb": 2, "": 3}
    assert {row["name"]: row["entries"] for row in costs["models"]} == {"gpt-4o": 3, "claude": 2}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("danube", {"Where is Ulm?"}),
        ("WHERE rhi", {"Where is Bonn?"}),
        ("uberall", {"Überall Flüsse"}),
        ('"is not"', {"tool_use is not found"}),
        ('"not is"', set()),
        ("claude private", {"private"}),
        ('" OR * NEAR(', set()),
        ("!!", set()),
    ],
)
def test_what_was_asked_and_answered_is_found(catalog: Catalog, text: str, found: set[str]) -> None:
    assert prompts(catalog, text=text) == found


def test_a_search_shows_where_it_matches(catalog: Catalog) -> None:
    with catalog.reading() as db:
        (row,) = queries.rows(db, Selection(text="danube"), 0, 10)["rows"]
    assert "\x02Danube\x03" in row["found"]


def test_rows_come_in_pages(catalog: Catalog) -> None:
    with catalog.reading() as db:
        pages: list[dict[str, Any]] = [queries.rows(db, Selection(), at, 2) for at in (0, 2, 4, 6)]
    assert [len(page["rows"]) for page in pages] == [2, 2, 1, 0]
    assert {page["total"] for page in pages} == {5}
    seconds = [row["second"] for page in pages for row in page["rows"]]
    assert seconds == sorted(seconds, reverse=True)


@pytest.mark.parametrize("text", ['a"b"c', "x AND NOT y", "col:value", "(((", '"', "", "\0"])
def test_no_text_is_taken_for_syntax(catalog: Catalog, text: str) -> None:
    assert prompts(catalog, text=text or " ") <= set(prompts(catalog))
    assert match_of(text)
