"""The documentation holds together, and what hosts and tools read beside it is valid."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pages import PAGES, README, ROOT, anchors, blocks, links, paths

import cachy
from cachy.cli import app

AS_PAGES = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def test_the_readme_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 200


@AS_PAGES
def test_every_relative_link_resolves(page: Path) -> None:
    for target in links(page):
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), target
        assert path.is_relative_to(ROOT), target
        if anchor:
            assert anchor in anchors(path), target


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            waiting += [
                (page.parent / target.partition("#")[0]).resolve() for target in links(page)
            ]
    assert set(PAGES) <= reached


@AS_PAGES
def test_every_python_block_compiles_and_imports_what_there_is(page: Path) -> None:
    for block in blocks(page):
        if block.language != "python":
            continue
        tree = ast.parse(block.code, block.page)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cachy"):
                module = import_module(str(node.module))
                assert all(hasattr(module, alias.name) for alias in node.names), block


@AS_PAGES
def test_every_block_says_what_language_it_is(page: Path) -> None:
    assert {block.language for block in blocks(page)} <= {"", "python", "sh", "yaml"}


@AS_PAGES
def test_every_path_that_is_named_exists(page: Path) -> None:
    assert not {name for name in paths(page) if not (ROOT / name).exists()}


@AS_PAGES
def test_every_script_that_is_named_exists(page: Path) -> None:
    for block in blocks(page):
        for script in re.findall(r"^(scripts/[\w./]+)", block.code, re.M):
            assert (ROOT / script).is_file(), script


def test_every_yaml_block_is_valid() -> None:
    for page in PAGES:
        for block in blocks(page):
            if block.language == "yaml":
                assert isinstance(parse(block.code), dict), block


# ---- What hosts and tools read ----


def parse(text: str) -> Any:
    """A YAML document."""
    # Imported by name: PyYAML has no types of its own.
    return import_module("yaml").safe_load(text)


def workflow(name: str) -> dict[Any, Any]:
    """A workflow. YAML 1.1 reads its key `on` as true; here it is `on`."""
    data = parse((ROOT / ".github" / "workflows" / f"{name}.yml").read_text("utf-8"))
    assert isinstance(data, dict)
    return {"on" if key is True else key: value for key, value in data.items()}


def test_the_tests_run_with_every_python_on_every_system() -> None:
    job = workflow("test")["jobs"]["test"]
    matrix = job["strategy"]["matrix"]
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    supported = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    assert matrix["python"] == supported == ["3.10", "3.11", "3.12", "3.13", "3.14"]
    systems = [str(system).partition("-")[0] for system in matrix["os"]]
    assert systems == ["ubuntu", "macos", "windows"]
    assert job["defaults"]["run"]["shell"] == "bash"
    assert [step["run"] for step in job["steps"] if "run" in step] == ["scripts/test"]


def test_a_release_is_tested_built_and_published_by_its_tag() -> None:
    release = workflow("release")
    assert release["on"] == {"push": {"tags": ["v*"]}}
    jobs = release["jobs"]
    assert jobs["test"]["uses"] == "./.github/workflows/test.yml"
    assert "workflow_call" in workflow("test")["on"]
    assert (jobs["build"]["needs"], jobs["publish"]["needs"]) == ("test", "build")
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert release["permissions"] == {"contents": "read"}
    used = [str(step.get("uses", "")) for step in jobs["publish"]["steps"]]
    assert any(name.startswith("pypa/gh-action-pypi-publish@") for name in used)
    assert "password" not in str(jobs)


def test_the_hook_for_pre_commit_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (hook,) = parse((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert (hook["id"], hook["language"]) == ("cachy-check", "python")
    assert hook["pass_filenames"] is False
    assert hook["always_run"] is False
    assert re.search(hook["files"], "notebooks/.cachy/ab/x.entry")
    assert re.search(hook["files"], ".cachy/manifest.json")
    assert not re.search(hook["files"], "docs/my.cachy/page.md")
    command, *arguments = shlex.split(hook["entry"])
    assert command == "cachy"
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output


def test_the_changelog_keeps_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    sections = re.findall(r"^## \[(.+?)\](?: - \d{4}-\d\d-\d\d)?$", text, re.M)
    assert sections[0] == "Unreleased"
    assert len(sections) == text.count("\n## ")
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", text, re.M)) <= kinds
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", cachy.__version__)


def test_every_dependency_says_what_it_is_for() -> None:
    """A comment on its line; the second line of the same one, for an older Python, needs none."""
    explained = set()
    for line in (ROOT / "pyproject.toml").read_text("utf-8").splitlines():
        if match := re.match(r' {2}"([\w.-]+)(?:\[[\w,]+\])?[>=]=[^"]*",(.*)', line):
            name, rest = match[1], match[2]
            assert "#" in rest or name in explained, line
            explained.add(name)
    assert {"orjson", "zstandard", "click", "mypy", "vcrpy"} <= explained
