"""The README and docs/ are true: tables are made from what the tests run, examples work."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
from cassettes import as_yaml, item
from click.testing import CliRunner
from frameworks import LOOPS
from many import add, make_entry
from pages import ROOT, between, lines, text
from sdks import WAYS
from sdks.table import markdown

from cachy import cachy
from cachy.cli import app
from cachy.store.entry import Entry, dumps
from cachy.store.layout import FOLDER, shared_files
from cachy.store.names import name_of, seal


def test_table_of_sdks_is_the_one_that_is_tested() -> None:
    marks = (
        "<!-- sdks: made by tests/support/sdks/table.py, checked by the tests -->",
        "<!-- /sdks -->",
    )
    table = markdown(WAYS)
    assert between(*marks).strip() == table.strip(), f"put this into README.md:\n{table}"


def test_table_of_frameworks_is_the_one_that_is_tested() -> None:
    marks = (
        "<!-- frameworks: made by tests/support/sdks/table.py, checked by the tests -->",
        "<!-- /frameworks -->",
    )
    table = markdown(LOOPS, "framework")
    assert between(*marks).strip() == table.strip(), f"put this into docs/clients.md:\n{table}"


def test_an_entry_can_be_read_without_cachy(tmp_path: Path) -> None:
    head = {"cachy": 1, "key": "ab" * 32, "status": 200, "headers": [], "ms": 1.5}
    for body in (b"{}", bytes(range(256)) * 300):
        frame = dumps(Entry(head, body))
        name = name_of("ab" * 32, 0x6741F0A3, frame)
        path = tmp_path / "ab" / f"{name}.entry"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(seal(name, frame))
        assert read_without_cachy(path)["body"] == body


def test_the_example_of_an_entry_is_one(tmp_path: Path) -> None:
    """The bytes on the page hold the head and the body beside them, and answer the request."""
    page = text("laws-and-format")
    name = re.search(r"`(\.cachy/f5/[0-9a-f]{32}-[0-9a-f]{24}\.entry)`", page)
    assert name
    path = tmp_path / name[1]
    path.parent.mkdir(parents=True)
    dump = between("bytes:\n\n```\n", "```")
    path.write_bytes(bytes.fromhex("".join(line[5:] for line in dump.splitlines())))
    read = read_without_cachy(path)
    shown = between("of it, with line breaks:\n\n```\n", "\n```")
    head, request, body = shown.split("\n\n")
    assert json.loads(read["head"]) == json.loads(head)
    assert json.loads(read["request"]) == json.loads(request)
    assert read["body"].decode() == body

    sent, canonical = re.findall(r"```\n(POST .*?)\n```", page, re.S)
    assert json.loads(head)["key"] == hashlib.sha256(canonical.encode()).hexdigest()
    request_line, _, data = sent.partition("\n\n")
    key = {"authorization": "Bearer any"}
    with cachy(cache_dir=tmp_path, mode="replay"):
        answer = httpx.request(*request_line.split(), content=data, headers=key)
    assert answer.text == body


def read_without_cachy(path: Path) -> dict[str, Any]:
    """The variables of the snippet in the documentation after it has read this file."""
    code = between("### To read an entry without cachy\n\n```python\n", "```")
    assert len([line for line in code.splitlines() if line]) <= 10
    names: dict[str, Any] = {}
    for name, data in shared_files().items():
        (path.parents[1] / name).write_bytes(data)
    exec(code.replace("….entry", path.as_posix()), names)
    return names


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
    recorded twice, long ago. There is a cassette of VCR, too."""
    shutil.copytree(
        ROOT / FOLDER, tmp_path / FOLDER, ignore=shutil.ignore_patterns("local", ".git*")
    )
    for again in range(2):
        add(tmp_path / FOLDER, make_entry(again=again), 1_740_000_000 + again)
    (tmp_path / "report.py").write_text(REPORT)
    cassettes = tmp_path / "tests" / "cassettes"
    cassettes.mkdir(parents=True)
    (cassettes / "test_a.yaml").write_text(as_yaml(item()))
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


EXAMPLES = lines("cachy ")


def test_every_example_works(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHY_REMOTE", str(repository.parent / "share"))
    (repository.parent / "share").mkdir()
    for example in EXAMPLES:
        # A script stands for the notebooks, as there may be no jupyter here.
        python = shlex.quote(sys.executable)
        command = example.replace("jupyter execute *.ipynb", f"{python} report.py")
        command = command.replace("report.ipynb", "report.py")
        if command.startswith("cachy ui"):
            command += " --help"  # it serves until it is interrupted
        result = CliRunner().invoke(app, shlex.split(command)[1:], input="y\n")
        assert result.exit_code == 0, (example, result.output)


def test_every_command_has_help_and_an_example() -> None:
    context = click.Context(app)
    commands = {name: app.get_command(context, name) for name in app.list_commands(context)}
    shown = {example.split()[1] for example in EXAMPLES}
    assert shown == set(commands)
    for name, command in commands.items():
        assert command, name
        assert command.help, name
        assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0
