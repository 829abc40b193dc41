"""The README says what is so: its tables are made of what the tests run, its code works."""

from __future__ import annotations

import re
from pathlib import Path

from sdks import WAYS
from sdks.table import markdown

from cachy.entry import Entry, dumps, name_of, seal

README = Path(__file__).resolve().parent.parent / "README.md"


def between(start: str, end: str) -> str:
    """The text of the README between two marks."""
    found = re.search(f"{re.escape(start)}(.*?){re.escape(end)}", README.read_text("utf-8"), re.S)
    assert found, f"the README has no {start} … {end}"
    return found[1]


def test_table_of_sdks_is_the_one_that_is_tested() -> None:
    marks = "<!-- sdks: made by tests/sdks/table.py, and checked by the tests -->", "<!-- /sdks -->"
    table = markdown(WAYS)
    assert between(*marks).strip() == table.strip(), f"put this into the README:\n{table}"


def test_an_entry_can_be_read_as_it_says(tmp_path: Path, capsys: object) -> None:
    head = {"cachy": 1, "key": "ab" * 32, "status": 200, "headers": [], "ms": 1.5}
    for body in (b"{}", bytes(range(256)) * 300):
        frame = dumps(Entry(head, body))
        name = name_of("ab" * 32, 0x6741F0A3, frame)
        path = tmp_path / f"{name}.entry"
        path.write_bytes(seal(name, frame))
        code = between("To read an entry without cachy:\n\n```python\n", "```")
        names: dict[str, object] = {}
        exec(code.replace("….entry", path.as_posix()), names)
        assert names["body"] == body
