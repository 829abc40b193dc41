"""The README says what is so: its tables are made of what the tests run, its code works."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from many import add, make_entry
from sdks import WAYS
from sdks.table import markdown
from typer.main import get_command
from typer.testing import CliRunner

from cachy.cli import app
from cachy.store.entry import Entry, dumps
from cachy.store.layout import FOLDER
from cachy.store.names import name_of, seal

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


def between(start: str, end: str) -> str:
    """The text of the README between two marks."""
    found = re.search(f"{re.escape(start)}(.*?){re.escape(end)}", README.read_text("utf-8"), re.S)
    assert found, f"the README has no {start} … {end}"
    return found[1]


def test_table_of_sdks_is_the_one_that_is_tested() -> None:
    marks = (
        "<!-- sdks: made by tests/support/sdks/table.py, checked by the tests -->",
        "<!-- /sdks -->",
    )
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


REPORT = """
from cachy import enable_cachy
from openai import OpenAI

enable_cachy(mode="replay")
prompt = {"role": "user", "content": "Explain caching in three words."}
with OpenAI(api_key="none") as client:
    client.chat.completions.create(model="gpt-4o", messages=[prompt])
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of a project with this store, whose last commit added an entry. One entry was
    recorded twice, long ago."""
    shutil.copytree(
        ROOT / FOLDER, tmp_path / FOLDER, ignore=shutil.ignore_patterns("local", ".git*")
    )
    for again in range(2):
        add(tmp_path / FOLDER, make_entry(again=again), 1_700_000_000 + again)
    (tmp_path / "report.py").write_text(REPORT)
    late = sorted((tmp_path / FOLDER).glob("??"))[-1]
    late.rename(tmp_path / "late")
    for command in ("init -q", "add -A", "commit -qm first"):
        git(tmp_path, *command.split())
    (tmp_path / "late").rename(late)
    for command in ("add -A", "commit -qm second"):
        git(tmp_path, *command.split())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


EXAMPLES = re.findall(r"^cachy .*", README.read_text("utf-8"), re.M)


def test_every_example_works(repository: Path) -> None:
    for example in EXAMPLES:
        command = example.replace("jupyter execute *.ipynb", f"{sys.executable} report.py")
        result = CliRunner().invoke(app, shlex.split(command)[1:], input="y\n")
        assert result.exit_code == 0, (example, result.output)


def test_every_command_has_help_and_an_example() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    shown = {example.split()[1] for example in EXAMPLES}
    assert shown == set(commands)
    for name, command in commands.items():
        assert command.help, name
        assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0
