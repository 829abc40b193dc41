"""The index of a store: brought up to date by what is new, and never trusted."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest
from many import add, make_entry
from stores import NOW, OLD, add_session

from cachy.page import catalog as module
from cachy.page import queries
from cachy.page.catalog import Catalog
from cachy.page.queries import Selection
from cachy.page.reading import read


def shown(catalog: Catalog, **wanted: str) -> list[str]:
    """The prompts of the rows that are selected."""
    with catalog.reading() as db:
        found = queries.rows(db, Selection(**wanted), 0, 100)
    assert found["total"] == len(found["rows"])
    return [row["prompt"] for row in found["rows"]]


def test_only_new_files_are_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def counting(file: object) -> object:
        opened.append(str(file))
        return read(file)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "read", counting)
    add(root, make_entry(1, prompt="one"), OLD)
    first = Catalog(str(root))
    first.refresh()
    assert shown(first) == ["one"]
    add(root, make_entry(2, prompt="two"), NOW)
    first.refresh()
    first.refresh()
    assert shown(first) == ["two", "one"]
    second = Catalog(str(root))  # as after a restart
    second.refresh()
    assert shown(second) == ["two", "one"]
    assert len(opened) == 2


def test_what_goes_and_what_is_replaced_is_noticed(root: Path) -> None:
    old = add(root, make_entry(1, prompt="one"), OLD)
    new = add(root, make_entry(1, prompt="one", again=1), NOW)
    catalog = Catalog(str(root))
    catalog.refresh()
    assert shown(catalog, state="older") == ["one"]
    new.unlink()
    catalog.refresh()
    assert shown(catalog) == ["one"]
    assert shown(catalog, state="older") == []
    assert shown(catalog, text="one") == ["one"]
    old.unlink()
    catalog.refresh()
    assert shown(catalog) == shown(catalog, text="one") == []


def test_the_journal_says_who_used_what(root: Path) -> None:
    used, unused = (add(root, make_entry(n, prompt=f"prompt {n}"), NOW - n) for n in (1, 2))
    catalog = Catalog(str(root))
    catalog.refresh()
    add_session(root, used, by="a.ipynb")
    add_session(root, used, by="b.py")
    catalog.refresh()
    assert shown(catalog, notebook="b.py") == shown(catalog, notebook="a.ipynb") == ["prompt 1"]
    assert shown(catalog, state="unused") == ["prompt 2"]
    assert unused.exists()


def test_a_flaw_is_listed_and_the_rest_shown(root: Path) -> None:
    add(root, make_entry(1, prompt="sound"), NOW)
    broken = add(root, make_entry(2), NOW)
    broken.write_bytes(b"\0not an entry")
    catalog = Catalog(str(root))
    catalog.refresh()
    assert shown(catalog) == ["sound"]
    with catalog.reading() as db:
        ((path, what),) = db.execute("SELECT path, what FROM flaws")
    assert path == str(broken)
    assert what


@pytest.mark.parametrize("damage", [b"", b"not a database, " * 500, None])
def test_a_damaged_index_is_made_anew(root: Path, damage: bytes | None) -> None:
    add(root, make_entry(1, prompt="one"), NOW)
    Catalog(str(root)).refresh()
    index = root / "local" / "page.sqlite"
    assert index.stat().st_size > 0
    if damage is None:
        with sqlite3.connect(index) as db:
            db.execute("UPDATE notes SET value = 'older' WHERE name = 'version'")
        db.close()
    else:
        index.write_bytes(damage)
        for suffix in ("-wal", "-shm"):
            Path(f"{index}{suffix}").unlink(missing_ok=True)
    catalog = Catalog(str(root))
    catalog.refresh()
    assert shown(catalog) == ["one"]
    assert not catalog.temporary


def test_an_index_that_breaks_while_it_is_used_is_made_anew(root: Path) -> None:
    add(root, make_entry(1, prompt="one"), NOW)
    catalog = Catalog(str(root))
    catalog.refresh()
    with catalog.reading() as db:
        db.execute("DROP TABLE words")
    add(root, make_entry(2, prompt="two"), NOW + 5)
    catalog.refresh()
    assert shown(catalog, text="forty two") == ["two", "one"]
    assert shown(catalog) == ["two", "one"]


def test_a_lock_of_another_process_is_waited_for_and_harms_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(root, make_entry(1, prompt="one"), NOW)
    catalog = Catalog(str(root))
    catalog.refresh()
    monkeypatch.setattr(module, "_WAIT", 0.05)
    other = sqlite3.connect(root / "local" / "page.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    add(root, make_entry(2, prompt="two"), NOW + 1)
    catalog.refresh()
    assert shown(catalog) == ["one"]
    other.execute("ROLLBACK")
    other.close()
    catalog.refresh()
    assert shown(catalog) == ["two", "one"]
    assert not catalog.temporary


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="root may write")
def test_a_read_only_store_is_indexed_elsewhere(root: Path) -> None:
    add(root, make_entry(1, prompt="one"), NOW)
    root.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        catalog = Catalog(str(root))
        catalog.refresh()
        assert (shown(catalog), catalog.temporary) == (["one"], True)
        catalog.close()
    finally:
        root.chmod(0o755)
    assert not (root / "local").exists()


def test_where_local_is_a_link_nothing_is_written_through_it(root: Path, tmp_path: Path) -> None:
    add(root, make_entry(1, prompt="one"), NOW)
    (tmp_path / "elsewhere").mkdir()
    (root / "local").symlink_to(tmp_path / "elsewhere")
    catalog = Catalog(str(root))
    catalog.refresh()
    assert (shown(catalog), catalog.temporary) == (["one"], True)
    folder = Path(catalog._path).parent
    catalog.close()
    assert not folder.exists()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_store_that_vanishes_is_said_to_be_gone(root: Path) -> None:
    add(root, make_entry(1), NOW)
    catalog = Catalog(str(root))
    catalog.refresh()
    assert catalog.problem == ""
    os.rename(root, root.with_name("moved"))
    catalog.refresh()
    assert "is gone" in catalog.problem


def test_credentials_are_not_in_the_index(root: Path) -> None:
    token = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7" * 2
    add(root, make_entry(1, prompt=f"my key is {token} here"), NOW)
    Catalog(str(root)).refresh()
    for file in (root / "local").glob("page.sqlite*"):
        assert token.encode() not in file.read_bytes()
