"""Small tables, in three forms."""

from __future__ import annotations

from cachy.tables import Table, visible


def test_a_table_aligns_numbers_to_the_right() -> None:
    table = Table([("name", "n"), ("a", "1"), ("b<", "1,000")], right=(1,))
    assert repr(table).splitlines() == ["name      n", "a         1", "b<    1,000"]
    html = table._repr_html_()
    assert '<th style="text-align:right;padding:.15em .6em;vertical-align:top">n</th>' in html
    assert '<td style="text-align:left;padding:.15em .6em;vertical-align:top">b&lt;</td>' in html


def test_a_table_as_markdown() -> None:
    table = Table([("name", "n"), ("a|b", "1\n2")], right=(1,))
    assert table._repr_markdown_().splitlines() == [
        "| name | n |",
        "| --- | ---: |",
        "| a&#124;b | 1 2 |",
    ]
    facts = Table([("mode", "<auto>")], heading=False)
    assert facts._repr_markdown_().splitlines()[-1] == "| mode | &#60;auto&#62; |"


def test_control_characters_are_made_visible() -> None:
    assert visible("a\x1b[2J\u202eb\nc") == "a·[2J·b\nc"
    assert "\u202e" not in repr(Table([("x", "\u202e")]))
