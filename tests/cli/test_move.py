"""The commands import and export."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from cassettes import answered, as_yaml, item
from commands import call, data, refused


def write(name: str, text: str) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return name


def test_import_says_what_became_of_everything(root: Path) -> None:
    secret = item("AKIA" + "Q3EGRIXZ7WKP5T2M")
    write("c/a.yaml", as_yaml(item("a"), item("a"), secret, item("b", status=500)))
    write("c/b.yaml", "hello")
    write("c/cachy.jsonl", '{"key": "7ec85328", "response": "{}"}\n')
    result = call("import", "c", code=1)
    assert result.stdout.splitlines() == [
        "took 2 recordings from 3 files",
        "already there: 1",
        "stays on this machine: 1: an AWS access key id",
        "not kept: 1: its status is 500",
        "c/cachy.jsonl: 1 answer of pycachy, 0 adopted so far",
        "  the others are adopted when your code asks for them, with enable_cachy()",
    ]
    assert result.stderr.splitlines() == [
        "not understood: c/b.yaml, line 1: it is not a cassette of version 1 or later"
    ]
    assert len(data("ls")) == 2


def test_import_prints_json(root: Path) -> None:
    write("a.yaml", as_yaml(item()))
    assert data("import", "a.yaml") == {
        "files": 1,
        "taken": 1,
        "already_there": 0,
        "on_this_machine": {},
        "not_kept": {},
        "not_understood": [],
        "pycachy": [],
    }


def test_import_tries_out(folder: Path) -> None:
    write("a.yaml", as_yaml(item()))
    assert call("import", "a.yaml", "--dry-run").stdout == "would take 1 recording from 1 file\n"
    assert not (folder / ".cachy").exists()


def test_nothing_understood_is_exit_code_2(root: Path) -> None:
    write("a.yaml", "hello")
    call("import", "a.yaml", code=2)
    assert "there is no file none.yaml" in refused("import", "none.yaml")
    assert "invalid --scope 'tests'" in refused("import", "a.yaml", "--scope", "tests")


def test_without_pyyaml_import_says_what_to_install(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a.yaml", as_yaml(item()))
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert refused("import", "a.yaml") == (
        "cachy: PyYAML is needed to read and write cassettes: pip install 'cachy-store[vcr]'\n"
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\ncachy_vcr = true\ncachy_doms =\n    llm.example.com\n"),
        (
            "pyproject.toml",
            '[tool.pytest.ini_options]\ncachy_vcr = true\ncachy_doms = ["llm.example.com"]\n',
        ),
        ("tox.ini", "[pytest]\ncachy_vcr = true\ncachy_doms = llm.example.com\n"),
    ],
)
def test_import_reads_what_pytest_is_told(name: str, text: str, root: Path) -> None:
    write(name, text)
    other = item(request={"uri": "https://llm.example.com/x"})
    twice = [item("a", answered(text)) for text in ("one", "two")]
    write("tests/cassettes/test_a/test_b.yaml", as_yaml(*twice, other, item("c", status=404)))
    assert data("import", "tests/cassettes")["taken"] == 4
    call("export", "out")
    assert Path("out/tests/cassettes/test_a/test_b.yaml").is_file()


def test_broken_ini_files_are_passed_over(root: Path) -> None:
    write("pytest.ini", "no section")
    write("pyproject.toml", "= nothing")
    write("tox.ini", "[pytest]\n[pytest]\n")
    write("a.yaml", as_yaml(item()))
    assert data("import", "a.yaml")["taken"] == 1


def test_export_writes_by_the_name(root: Path) -> None:
    write("a.yaml", as_yaml(item("a"), item("long " * 100)))
    call("import", "a.yaml", "--requests", "outline")
    for name in ("b.yaml", "b.har", "b.jsonl"):
        assert call("export", name).stdout.splitlines() == [
            "wrote 2 recordings to 1 file",
            f"  {name}",
            "of 1 the request is not whole, because the store keeps an outline of it: "
            'requests="full" keeps all of it',
        ]
    assert "b.har exists" in refused("export", "b.har")
    assert data("export", "b.har", "--force") == {
        "files": ["b.har"],
        "recordings": 2,
        "outlined": 1,
        "private": 0,
        "broken": 0,
    }
    call("export", "folder", "--to", "jsonl")
    assert len(Path("folder.jsonl").read_text("utf-8").splitlines()) == 2
    assert json.loads(Path("b.har").read_text("utf-8"))["log"]["entries"]
    assert "invalid --to 'xml'" in refused("export", "x", "--to", "xml")


@pytest.mark.parametrize("name", ["out.foo", "out.json", "a/b.txt"])
def test_export_refuses_a_file_of_another_kind(name: str, root: Path) -> None:
    write("a.yaml", as_yaml(item()))
    call("import", "a.yaml")
    assert refused("export", name) == (
        f"cachy: cannot tell the format of {name}: give a file that ends in .yaml, .har, .jsonl, "
        ".yml, a folder (with / at its end), or --to\n"
    )
    assert not Path(name).exists()
    Path(name).mkdir(parents=True)
    call("export", name)  # a folder that is there
    call("export", "v1.2/")
    assert Path("v1.2/cachy.yaml").is_file()


def test_export_without_pyyaml_writes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("a.yaml", as_yaml(item()))
    call("import", "a.yaml")
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert "pip install 'cachy-store[vcr]'" in refused("export", "out/b.yaml")
    assert not Path("out").exists()


def test_import_of_cassettes_tells_what_pytest_lacks(root: Path) -> None:
    other = item(request={"uri": "http://127.0.0.1:8123/v1/chat/completions"})
    write("tests/cassettes/test_a/test_b.yaml", as_yaml(item(), other))
    told = call("import", "tests/cassettes").stderr
    assert "put `cachy_vcr = true` into pytest's ini file first" in told
    line = "pytest's ini file needs `cachy_doms = 127.0.0.1:8123`, too"
    assert line in told
    write("pytest.ini", "[pytest]\ncachy_vcr = true\n")
    told = call("import", "tests/cassettes", "--doms", "127.0.0.1:8123").stderr
    assert "cachy_vcr" not in told
    assert line in told
    write("pytest.ini", "[pytest]\ncachy_vcr = true\ncachy_doms = 127.0.0.1:8123\n")
    assert call("import", "tests/cassettes").stderr == ""
    write("others/a.yaml", as_yaml(other))
    Path("pytest.ini").unlink()
    assert call("import", "others").stderr == ""


def test_export_needs_a_store(folder: Path) -> None:
    assert "there is no store" in refused("export", "a.har")
