"""The file of an entry, read: its row, and its text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cachy.errors import Defect
from cachy.store.files import read_file
from cachy.store.folder import File, unpack
from cachy.upkeep.index import Flaw, Row, inspect, row_of
from cachy.upkeep.transcript import Turn, answered, asked, body_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cachy.store.entry import Entry

LARGE = 4 * 2**20
"""Bytes. A longer body is shown and searched as text, and only its beginning."""
_BEGINNING = 2**18


def read(file: File) -> tuple[Row, Entry] | Flaw | None:
    """Return the row and the entry in a file; a flaw if it is not sound; None if it is gone."""
    try:
        data = read_file(file.path)
        entry = unpack(file.name, data)
        return row_of(file, len(data), entry), entry
    except FileNotFoundError:
        return None
    except Defect:
        found = inspect(file)
        return found if isinstance(found, Flaw) else None


def is_large(entry: Entry) -> bool:
    """Return whether only the beginning of the body is shown."""
    return len(entry.body) > LARGE


def turns_of(entry: Entry) -> list[Turn]:
    """Return the turns of the answer; of a large body, its beginning as text."""
    if not is_large(entry):
        return answered(entry)
    start = entry._replace(body=entry.body[:_BEGINNING])
    try:
        return [Turn("data", start.body.decode("utf-8", "ignore" if _is_text(entry) else "strict"))]
    except UnicodeDecodeError:
        return [Turn("data", body_text(entry))]


def _is_text(entry: Entry) -> bool:
    return b"\0" not in entry.body[:_BEGINNING]


def texts_of(entry: Entry) -> Iterator[str]:
    """Yield what was asked and answered."""
    for turn in (*asked(entry.head), *turns_of(entry)):
        yield turn.text
