"""The magics, in a shell; and the quickstart notebook, in real kernels."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from kernels import NO_NETWORK, QUICKSTART, ROOT, execute, outputs, reaching, read
from standin import Standin

import cachy
from cachy import Session, disable_cachy, enable_cachy
from cachy.notebook import Status
from cachy.session import session_in_force

BODY: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def ask(text: str = "hi") -> str:
    body = BODY | {"messages": [{"role": "user", "content": text}]}
    answer = httpx2.post("https://api.openai.com/v1/chat/completions", json=body, verify=False)
    return str(answer.raise_for_status().json()["id"])


async def aask() -> str:
    return await asyncio.to_thread(ask)


class Shell:
    """An IPython shell with the extension loaded."""

    def __init__(self) -> None:
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        make: Any = InteractiveShell.instance
        self.ip = make(config=Config({"HistoryManager": {"enabled": False}}))
        self.ip.push({"ask": ask, "aask": aask, "enable_cachy": enable_cachy})
        self.ip.run_line_magic("load_ext", "cachy")

    def __call__(self, cell: str) -> Any:
        """Run a cell; its result."""
        done = self.ip.run_cell(cell)
        done.raise_error()
        return done.result


@pytest.fixture
def shell(standin: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CACHY_MODE", raising=False)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shell = Shell()
    yield shell
    shell.ip.restore_sys_module_state()
    InteractiveShell.clear_instance()
    disable_cachy()


@pytest.fixture
def session(shell: Shell, tmp_path: Path) -> Session:
    return enable_cachy(cache_dir=tmp_path)


# %cachy


def test_status(shell: Shell, session: Session) -> None:
    shell("ask(), ask(), ask('more')")
    status = shell("%cachy")
    assert dict(status.rows) == {
        "mode": "auto",
        "store": ".cachy",
        "hits": "1",
        "misses": "2",
        "recorded": "2",
        "saved": f"{session.stats.tokens_saved} tokens, {session.stats.seconds_saved:.1f} s",
    }
    assert session.stats.tokens_saved > 10
    assert "hits      1\nmisses    2\n" in repr(status)
    html = status._repr_html_()
    assert html.count("<tr>") == len(status.rows)
    assert '<td style="text-align:left">.cachy</td>' in html
    shell("ask()")
    assert dict(status.rows)["hits"] == "1"  # as it was when asked for


def test_status_of_nothing(shell: Shell) -> None:
    assert "enable_cachy()" in repr(shell("%cachy"))


def test_status_tells_what_was_not_kept(shell: Shell, session: Session) -> None:
    session.stats.skipped["its status is <500>"] += 2
    assert ("not kept", "2: its status is <500>") in Status(session).rows
    assert "&lt;500&gt;" in Status(session)._repr_html_()


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
    assert capsys.readouterr().out == "cachy: replay (set by CACHY_MODE, which wins)\n"


@pytest.mark.parametrize(
    "cell", ["%cachy reply", "%cachy replay off", "%%cachy x\n1", "%%cachy\n1"]
)
def test_what_cannot_be_meant(cell: str, shell: Shell, session: Session, capsys: Any) -> None:
    from IPython.core.error import UsageError

    with pytest.raises(UsageError, match=r"invalid arguments .*: use %cachy, %cachy auto"):
        shell(cell)
    assert session.mode == "auto"


# %%cachy


def test_refresh_for_one_cell(shell: Shell, session: Session, standin: Standin) -> None:
    first = shell("ask()")
    second = shell("%%cachy refresh\nask()")
    assert second != first
    assert session.mode == "auto"
    assert shell("ask()") == second
    assert len(standin.calls) == 2


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


def test_forget_drops_older_recordings_too(
    shell: Shell, session: Session, standin: Standin, tmp_path: Path
) -> None:
    shell("ask()")
    shell("%%cachy refresh\nask()\n%cachy forget")
    assert not list(tmp_path.glob(".cachy/*/*.entry"))
    shell("ask()")
    assert len(standin.calls) == 3


def test_forget_in_a_mapping(shell: Shell) -> None:
    store: dict[str, bytes] = {}
    shell.ip.push({"store": store})
    shell("enable_cachy(store)\nask()")
    assert store
    shell("%cachy forget")
    assert not store


def test_forget_in_a_store_that_cannot(shell: Shell, session: Session) -> None:
    from IPython.core.error import UsageError

    class Store:
        def get(self, key: str, report: Any) -> None: ...
        def put(self, key: str, frame: bytes, second: int, **private: bool) -> str:
            return f"{key}-"

    shell.ip.push({"store": Store()})
    shell("enable_cachy(store)\nask()")
    with pytest.raises(UsageError, match="has no way to forget"):
        shell("%cachy forget")


# Loading


def test_unload_and_reload(shell: Shell, session: Session) -> None:
    shell("%reload_ext cachy")
    shell("%load_ext cachy")
    shell("ask()\n%cachy forget")
    assert len(shell.ip.input_transformers_cleanup) == len(set(shell.ip.input_transformers_cleanup))
    shell("%unload_ext cachy")
    assert shell.ip.find_line_magic("cachy") is None
    assert shell.ip.find_cell_magic("cachy") is None
    shell("%unload_ext cachy")


def test_only_these_are_found_lazily() -> None:
    assert callable(cachy.load_ipython_extension)
    with pytest.raises(AttributeError, match="no attribute 'load_extension'"):
        cachy.load_extension  # noqa: B018


# The quickstart, in real kernels


def status_of(notebook: Any) -> str:
    [cell] = [c for c in notebook.cells if "cachy-status" in c.metadata.get("tags", ())]
    return str(cell.outputs[0]["data"]["text/plain"])


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.com")
    command = ["git", *who, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_quickstart_recorded_and_replayed(standin: Standin, tmp_path: Path) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    shutil.copy(QUICKSTART, folder)
    git(tmp_path, "init", "--quiet")
    notebook = read(QUICKSTART)

    recorded = execute(notebook, folder, reaching(standin))
    calls = len(standin.calls)
    assert calls > 10
    assert f"recorded  {calls}\n" in status_of(recorded)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Record")
    assert len(git(tmp_path, "ls-files", "*.entry").splitlines()) == calls

    replayed = execute(notebook, folder, NO_NETWORK)
    assert outputs(replayed) == outputs(recorded)
    assert f"hits      {calls}\nmisses    0\nrecorded  0\n" in status_of(replayed)
    assert len(standin.calls) == calls
    assert git(tmp_path, "status", "--porcelain") == ""


def test_quickstart_as_committed() -> None:
    before = git(ROOT, "status", "--porcelain", ".cachy", "scripts")
    notebook = read(QUICKSTART)
    replayed = execute(notebook, QUICKSTART.parent, NO_NETWORK)
    assert outputs(replayed) == outputs(notebook)
    assert status_of(replayed) == status_of(notebook)
    assert git(ROOT, "status", "--porcelain", ".cachy", "scripts") == before
