"""The magics, in a shell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_up import MadeUpStore
from standin import Standin

from cachy import CacheMiss, Session, disable_cachy, enable_cachy
from cachy.session import session_in_force
from cachy.store.base import Kept, Store, Where
from cachy.upkeep.trash import undo

Shell = Any


@pytest.mark.parametrize("mode", ["replay", "refresh", "off", "auto"])
def test_mode(mode: str, shell: Shell, session: Session, capsys: Any) -> None:
    shell(f"%cachy {mode}")
    assert session.mode == mode
    assert session is session_in_force()
    assert capsys.readouterr().out == f"cachy: {mode}\n"


def test_mode_enables(shell: Shell) -> None:
    shell("%cachy auto")
    first, again = shell("ask(), ask()")
    assert first == again


def test_the_environment_wins(
    shell: Shell, session: Session, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("CACHY_MODE", "replay")
    shell("%cachy refresh")
    assert session.mode == "replay"
    assert capsys.readouterr().out == "cachy: replay (CACHY_MODE is set, and wins)\n"


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("%cachy reply", r"unknown argument 'reply' of %cachy: use one of auto, .* or cells, why"),
        ("%cachy replay off", "unknown argument 'replay off' of %cachy"),
        ("%%cachy x\n1", "unknown argument 'x' of %%cachy: use one of auto, replay, refresh, off$"),
        ("%%cachy\n1", "%%cachy needs a mode for this cell, one of auto"),
        ("%%cachy a 'b\\\n1", "unknown argument .* of %%cachy"),
    ],
)
def test_invalid_magics(cell: str, says: str, shell: Shell, session: Session) -> None:
    from IPython.core.error import UsageError

    with pytest.raises(UsageError, match=says):
        shell(cell)
    assert session.mode == "auto"


@pytest.mark.parametrize("line", ["%cachy --help", "%cachy help", "%cachy -h"])
def test_help(line: str, shell: Shell, capsys: Any) -> None:
    shell(line)
    assert "%cachy forget       drop what the last cell recorded" in capsys.readouterr().out


# %%cachy


def test_refresh_for_one_cell(shell: Shell, session: Session, standin: Standin) -> None:
    first = shell("ask()")
    second = shell("%%cachy refresh\nask()")
    assert second != first
    assert session.mode == "auto"
    assert shell("ask()") == second
    assert len(standin.calls) == 2


def test_a_refresh_that_was_forgotten_says_that_it_paid(
    shell: Shell, session: Session, capsys: Any
) -> None:
    shell("ask()")
    capsys.readouterr()
    shell("%%cachy refresh\nask()")
    out = capsys.readouterr().out
    assert "%%cachy refresh asked again and recorded 1 answer anew (" in out
    shell("ask()")
    shell("%%cachy auto\nask()")
    assert "asked again" not in capsys.readouterr().out


def test_off_for_one_cell_even_if_it_fails(shell: Shell, session: Session) -> None:
    with pytest.raises(ZeroDivisionError):
        shell("%%cachy off\nask()\n1 / 0")
    assert session.mode == "auto"
    assert session.stats.misses == 0


def test_a_cell_with_await_and_a_result(shell: Shell, session: Session, standin: Standin) -> None:
    first = shell("await aask()")
    assert shell("%%cachy refresh\nx = '''\n  a'''\nawait aask()") != first
    assert shell.ip.user_ns["x"] == "\n  a"
    assert len(standin.calls) == 2


def test_a_cell_magic_within_another(shell: Shell, session: Session, standin: Standin) -> None:
    shell("ask()")
    shell("%%capture\n%%cachy refresh\nask()")
    shell.ip.run_cell_magic("cachy", "refresh", "ask()")
    assert session.mode == "auto"
    assert len(standin.calls) == 3


def test_a_cell_alone_is_not_enabled_for_good(shell: Shell, standin: Standin) -> None:
    shell("%%cachy auto\nask()")
    assert session_in_force() is None
    shell("ask()")
    assert len(standin.calls) == 2
    shell("%%cachy replay\nask()")


def test_a_cell_may_enable_for_good(shell: Shell, standin: Standin, tmp_path: Path) -> None:
    shell(f"%%cachy refresh\nimport cachy\ncachy.enable_cachy(cache_dir={str(tmp_path)!r})")
    session = session_in_force()
    assert session is not None
    assert session.mode == "auto"
    disable_cachy()


def test_lines_keep_their_numbers(shell: Shell, session: Session) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        shell("%%cachy off\n\n1 / 0")
    assert raised.traceback[-1].lineno == 2


# %cachy forget


def test_forget(shell: Shell, session: Session, standin: Standin, tmp_path: Path) -> None:
    kept = shell("ask('kept')")
    first = shell("ask(), ask('other')")
    shell("1 + 1")
    shell("%cachy forget")
    assert len(list(tmp_path.glob(".cachy/*/*.entry"))) == 1
    assert len(list(tmp_path.glob(".cachy/local/trash/*/*/*.entry"))) == 2
    second = shell("ask(), ask('other')")
    assert not {*first} & {*second}
    assert shell("ask(), ask('other')") == second
    assert shell("ask('kept')") == kept


def test_forget_says_what_it_did(shell: Shell, session: Session, capsys: Any) -> None:
    shell("ask(), ask('other')")
    shell("%cachy forget")
    assert "cachy: forgot 2 recordings of the last cell" in capsys.readouterr().out
    shell("%cachy forget")
    assert "the last cell recorded nothing" in capsys.readouterr().out
    shell("ask()")
    shell("ask()")  # replayed
    shell("%cachy forget")
    assert "put %%cachy refresh at its top" in capsys.readouterr().out
    assert shell("ask()")
    assert session.stats.recorded == 3


def test_forget_brings_the_earlier_answer_back(
    shell: Shell, session: Session, standin: Standin, tmp_path: Path, capsys: Any
) -> None:
    first = shell("ask()")
    second = shell("%%cachy refresh\nask()")
    shell("%cachy forget")
    out = capsys.readouterr().out
    assert "the earlier answer is in force again; `cachy gc --undo` brings back" in out
    assert shell("ask()") == first
    assert len(standin.calls) == 2
    assert undo(str(session.store.root))
    assert shell("ask()") == first  # what this process knows of the folder is still true
    enable_cachy(cache_dir=tmp_path)
    assert shell("ask()") == second
    assert len(standin.calls) == 2


def test_forget_in_a_mapping(shell: Shell) -> None:
    store: dict[str, bytes] = {}
    shell.ip.push({"store": store})
    shell("enable_cachy(store)\nask()")
    assert store
    shell("%cachy forget")
    assert not store


def test_forget_in_a_made_up_store(shell: Shell) -> None:
    store = MadeUpStore()
    shell.ip.push({"store": store})
    shell("enable_cachy(store)\nask()")
    assert store.rows
    shell("%cachy")
    shell("%cachy forget")
    assert not store.rows


def test_forget_in_a_store_that_cannot(shell: Shell, session: Session) -> None:
    from IPython.core.error import UsageError

    class Unforgetting(Store):
        label = "<Unforgetting>"

        def get(self, key: str, report: Any) -> None: ...
        def put(self, key: str, frame: bytes, second: int, *, private: bool = False) -> Kept:
            return Kept(f"{key}-", Where.SHARED)

    shell.ip.push({"store": Unforgetting()})
    shell("enable_cachy(store)\nask()")
    with pytest.raises(UsageError, match="cannot forget"):
        shell("%cachy forget")


# What a miss says to do


def test_the_remedy_of_a_miss_works_as_printed(
    shell: Shell, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("%cachy replay")
    with pytest.raises(CacheMiss, match="run %cachy auto, then this cell again") as raised:
        shell("ask()")
    for magic in remedies(raised.value):
        shell(magic)
    assert shell("ask()")
    assert session.stats.recorded == 1


def test_the_remedy_where_nothing_is_loaded_and_the_environment_wins(
    shell: Shell, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("%unload_ext cachy")
    monkeypatch.setenv("CACHY_MODE", "replay")
    session.mode = "replay"
    with pytest.raises(CacheMiss) as raised:
        shell("ask()")
    assert remedies(raised.value) == ["%load_ext cachy", "%env CACHY_MODE=auto", "%cachy auto"]
    for magic in remedies(raised.value):
        shell(magic)
    assert shell("ask()")
    assert session.stats.recorded == 1


def remedies(miss: CacheMiss) -> list[str]:
    """The magics that a miss says to run."""
    magics, _, _ = str(miss.remedy).removeprefix("run ").partition(", then this cell again")
    return magics.split(", ")
