"""The remedy of a miss works as printed: each test runs it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from nested import PLUGINS
from standin import Behaviour, Standin, json_answer

from cachy.explain.remedy import remedy
from cachy.store.folder import DirStore

SCRIPT = """
import sys
from remedies import ask

print(ask(sys.argv[1] if len(sys.argv) > 1 else "hi"))
"""
ASK = """
import httpx, os
from cachy import enable_cachy

def ask(text):
    enable_cachy(cache_dir=os.environ["HERE"], mode="replay", doms=("127.0.0.1",))
    url = os.environ["URL"] + "/v1/chat/completions"
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    return httpx.post(url, json=body).json()["choices"][0]["message"]["content"]

def main():
    import sys
    print(ask(sys.argv[1]))
"""
TEST = """
import pytest
from remedies import ask

@pytest.mark.parametrize("text", ["a b", "c[d]"])
def test_it(text): ask(text)

class TestMore:
    def test_that(self): ask("more")
"""


@pytest.fixture
def project(tmp_path: Path, standin: Standin) -> Path:
    choice = {"message": {"role": "assistant", "content": "Hello!"}, "finish_reason": "stop"}
    standin.behave(Behaviour(answer=lambda call, serial: json_answer({"choices": [choice]})))
    (tmp_path / "remedies.py").write_text(ASK)
    (tmp_path / "show it.py").write_text(SCRIPT)
    (tmp_path / "show_it.py").write_text(SCRIPT)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "test_some.py").write_text(TEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --cachy=replay\n")
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "show-it"
    command.write_text(f"#!{sys.executable}\nimport remedies\nremedies.main()\n")
    command.chmod(0o755)
    return tmp_path


class Run:
    """Runs commands in a project; the remedy that a failed one prints, with its arguments."""

    def __init__(self, project: Path, standin: Standin, folder: str = ".") -> None:
        self._folder = project / folder
        path = [str(Path(sys.executable).parent), str(project / "bin"), os.environ["PATH"]]
        self._env = {
            **{name: os.environ[name] for name in os.environ if not name.startswith("CACHY")},
            "PATH": os.pathsep.join(path),
            "PYTHONPATH": str(project),
            "URL": standin.url,
            "HERE": str(project),
            "COLUMNS": "1000",
            **PLUGINS,
        }
        self._env.pop("PYTEST_CURRENT_TEST", None)

    def __call__(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", command], cwd=self._folder, env=self._env, capture_output=True, text=True
        )

    def remedy(self, command: str, arguments: str = "…") -> str:
        """Run a command that misses. Return what its error says to run."""
        failed = self(command)
        assert failed.returncode != 0, failed.stdout
        [line, *_] = [
            line.rpartition("remedy: ")[2].strip()
            for line in (failed.stdout + failed.stderr).splitlines()
            if "remedy: " in line
        ]
        remedy, _, _ = line.partition(", where the API can be reached")
        return remedy.replace("…", arguments)


@pytest.mark.skipif(os.name == "nt", reason="the commands are those of a POSIX shell")
@pytest.mark.parametrize(
    ("command", "arguments", "remedy"),
    [
        ("python 'show it.py'", "", "CACHY_MODE=auto python 'show it.py'"),
        ("python 'show it.py' hello", "hello", "CACHY_MODE=auto python 'show it.py' …"),
        ("python -m show_it hello", "hello", "CACHY_MODE=auto python -m show_it …"),
        ("show-it hello", "hello", "CACHY_MODE=auto show-it …"),
        ("python -c 'import remedies; remedies.ask(\"x\")'", "", "CACHY_MODE=auto python -c …"),
    ],
)
def test_of_programs(
    command: str, arguments: str, remedy: str, project: Path, standin: Standin
) -> None:
    run = Run(project, standin)
    assert run.remedy(command) == remedy
    if "-c" not in command:
        again = run(run.remedy(command, arguments))
        assert again.returncode == 0, again.stderr
        assert run(command).returncode == 0
        assert len(standin.calls) == 1


@pytest.mark.skipif(os.name == "nt", reason="the commands are those of a POSIX shell")
@pytest.mark.parametrize("folder", [".", "deep"])
@pytest.mark.parametrize("test", ["test_it[a b]", "test_it[c[d]]", "TestMore::test_that"])
def test_of_pytest(folder: str, test: str, project: Path, standin: Standin) -> None:
    run = Run(project, standin, folder)
    name = shlex.quote(f"{'deep/' if folder == '.' else ''}test_some.py::{test}")
    command = f"python -m pytest -q -p no:cacheprovider {name}"
    says = run.remedy(command)
    assert says == f"pytest --cachy=auto {name}"
    again = run(f"python -m {says}")
    assert again.returncode == 0, again.stdout
    assert run(command).returncode == 0
    assert len(standin.calls) == 1


def test_of_pytest_without_the_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "cachy.pytest_plugin", raising=False)
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "tests/test_a.py::test_it[x y] (call)")
    says = remedy(DirStore(tmp_path / ".cachy"))
    assert "CACHY_MODE" in says
    assert "pytest 'tests/test_a.py::test_it[x y]', where" in says


def test_in_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.name == "nt":
        pytest.skip("Windows does not delete a folder that is in use")
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "tests/test_a.py::test_it (call)")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert "tests/test_a.py::test_it" in remedy(DirStore(tmp_path / ".cachy"))
