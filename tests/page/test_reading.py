"""Entry files, read for the page."""

from __future__ import annotations

from pathlib import Path

from many import add, make_entry
from stores import NOW

from cachy.page.reading import LARGE, read, texts_of, turns_of
from cachy.store.folder import File
from cachy.upkeep.index import Flaw


def test_sound_damaged_and_gone(root: Path) -> None:
    path = add(root, make_entry(1, prompt="one"), NOW)
    file = File(str(path), path.stem, False)
    found = read(file)
    assert not isinstance(found, Flaw)
    assert found is not None
    assert found[0].prompt == "one"
    assert "Forty-two." in list(texts_of(found[1]))
    path.write_bytes(b"\0")
    assert isinstance(read(file), Flaw)
    path.unlink()
    assert read(file) is None


def test_of_a_large_body_only_the_beginning_is_read() -> None:
    text = make_entry(1)._replace(body=b"word " * (LARGE // 5 + 1))
    (turn,) = turns_of(text)
    assert turn.text.startswith("word word")
    assert len(turn.text) < LARGE
    (turn,) = turns_of(text._replace(body=b"\0\xff" * LARGE))
    assert "bytes]" in turn.text
