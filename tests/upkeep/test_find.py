"""Entries are found by key, name and file; rows by the filters of `ls`."""

from __future__ import annotations

from pathlib import Path

import pytest
from many import add, make_entry
from stores import NOW, OLD, add_session, key_of, keys

from cachy.errors import CachyError, ConfigError
from cachy.store.names import SUFFIX
from cachy.upkeep.find import Filter, Selection, find_entry, root_of
from cachy.upkeep.index import open_store, scan


def test_find_by_prefix_name_and_file(root: Path, tmp_path: Path) -> None:
    old = add(root, make_entry(1), OLD)
    new = add(root, make_entry(1, again=1), OLD + 5)
    copy = tmp_path / f"Xy12_{old.name}"  # as git 2.2 called them
    copy.write_bytes(old.read_bytes())
    key = key_of(old)
    for text in (key, key[:4], key[:12].upper(), str(new)):
        assert find_entry(str(root), text).entry == make_entry(1, again=1)
    for text in (old.name.removesuffix(SUFFIX), str(copy)):
        assert find_entry(str(root), text).entry == make_entry(1)


def test_find_serves_what_is_sound(root: Path) -> None:
    old = add(root, make_entry(1), OLD)
    new = add(root, make_entry(1, again=1), OLD + 5)
    new.write_bytes(b"\0damaged")
    assert find_entry(str(root), key_of(new)).path == str(old)
    old.write_bytes(b"")
    with pytest.raises(CachyError, match=r"no recording of .* is sound"):
        find_entry(str(root), key_of(new))


def test_find_refuses(root: Path, tmp_path: Path) -> None:
    paths = [add(root, make_entry(number), OLD) for number in range(2)]
    folder = root / "ab"
    folder.mkdir(exist_ok=True)
    alike = [path.replace(folder / f"abcd{path.name[4:]}") for path in paths]
    with pytest.raises(ConfigError, match="2 keys start with 'abcd', so give more digits") as error:
        find_entry(str(root), "abcd")
    assert all(key_of(path) in str(error.value) for path in alike)
    with pytest.raises(ConfigError, match="no key in"):
        find_entry(str(root), "f" * 32)
    for text in ("abc", "not hex", "", ".."):
        with pytest.raises(ConfigError, match="give at least its first 4 digits"):
            find_entry(str(root), text)
    with pytest.raises(ConfigError, match="there is no file"):
        find_entry(str(root), str(tmp_path / "none.entry"))
    (tmp_path / "odd.entry").write_bytes(b"")
    with pytest.raises(ConfigError, match="does not have the name of an entry"):
        find_entry(str(root), str(tmp_path / "odd.entry"))


def test_filters(root: Path, tmp_path: Path) -> None:
    one = add(root, make_entry(1, prompt="Blue?", answer="Scattering"), OLD)
    two = add(root, make_entry(2, model="Claude-Sonnet", url="https://api.anthropic.com/v1/m"), NOW)
    add_session(root, two, by="work/b.ipynb")
    rows = scan(str(root)).rows

    def select(**wanted: object) -> list[str]:
        return keys(list(Selection(str(root), rows, Filter(**wanted))))  # type: ignore[arg-type]

    assert select(model="claude*") == select(host="*.anthropic.com") == [key_of(two)]
    assert select(after=NOW - 5) == [key_of(two)]
    assert select(before=OLD + 5) == [key_of(one)]
    assert select(text="blue") == select(text="SCATTER") == [key_of(one)]
    for name in ("b.ipynb", "work/*", str(tmp_path / "work" / "b.ipynb")):
        assert select(notebook=name) == [key_of(two)]
    with pytest.raises(
        ConfigError, match=r"the journal has no session of .*, only of work/b\.ipynb"
    ):
        select(notebook="c.ipynb")


def test_root_is_the_folder_or_what_holds_it(root: Path, tmp_path: Path) -> None:
    add(root, make_entry(1), OLD)
    assert root_of(str(tmp_path)) == root_of(str(root)) == str(root)
    with pytest.raises(ConfigError, match="there is no store"):
        open_store(root_of(str(tmp_path / "ab")))
