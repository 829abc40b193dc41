"""Worker processes have the cachy of the process that started them, whatever the way."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from counting import PACKAGE, Counting, counting, installed, python

from cachy.engine.inherit import VARIABLE
from cachy.store import journal

PTH = PACKAGE / "cachy_process.pth"

SCRIPT = '''
import concurrent.futures as cf, multiprocessing as mp, os, subprocess, sys
import httpx, cachy

def ask(n):
    return httpx.post(os.environ["URL"], json={"n": n}).text

def by_context(name):
    def way():
        with cf.ProcessPoolExecutor(2, mp_context=mp.get_context(name)) as pool:
            return list(pool.map(ask, range(3)))
    return way

def by_pool():
    with mp.get_context("spawn").Pool(2) as pool:
        return pool.map(ask, range(3))

CODE = """
import httpx, os
for n in range(3):
    print(httpx.post(os.environ['URL'], json={'n': n}).text)
"""

def lines(*arguments):
    command = [sys.executable, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()

def by_code():
    return lines("-c", CODE)

def by_module():
    open("asks.py", "w").write(CODE)
    return lines("-m", "asks")

def by_grandchild():
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CODE!r}], check=True)"
    return lines("-c", code)

if __name__ == "__main__":
    way, mode = sys.argv[1:]
    ways = {"pool": by_pool, "code": by_code, "module": by_module, "grandchild": by_grandchild}
    settings = {"cache_dir": ".", "doms": (os.environ["HOST"],), "key_headers": ("x-a",)}
    cachy.enable_cachy(mode=mode, **settings)
    print(sorted((ways.get(way) or by_context(way))()))
'''
WAYS = ["spawn", "pool", "code", "module", "grandchild"]
if sys.platform != "win32":
    WAYS += ["fork", "forkserver"]


@pytest.fixture
def server() -> Iterator[Counting]:
    with counting() as server:
        yield server


def script(server: Counting, folder: Path, text: str, *arguments: str) -> str:
    path = folder / "script.py"
    path.write_text(text)
    variables = {"URL": server.url, "HOST": server.host}
    return python(path, *arguments, folder=folder, variables=variables).stdout


@pytest.mark.parametrize("way", WAYS)
def test_no_worker_goes_live_in_replay_mode(way: str, server: Counting, tmp_path: Path) -> None:
    recorded = script(server, tmp_path, SCRIPT, way, "auto")
    assert len(server.calls) == 3
    assert script(server, tmp_path, SCRIPT, way, "replay") == recorded
    assert len(server.calls) == 3
    notes = journal.read(str(tmp_path / ".cachy"))
    assert sum(note.recorded for note in notes) == sum(note.hits for note in notes) == 3


SERVED = """
import multiprocessing as mp, os
import httpx, cachy

def ask(n, then=None):
    if then:
        cachy.enable_cachy(cache_dir=".", doms=(os.environ["HOST"],), **then)
    try:
        print(n, httpx.post(os.environ["URL"], json={"n": n}).text, flush=True)
    except cachy.CacheMiss as miss:
        print(n, "miss", miss.store, flush=True)

def run(*arguments):
    process = mp.get_context(os.environ["METHOD"]).Process(target=ask, args=arguments)
    process.start()
    process.join()

if __name__ == "__main__":
    run(0)  # a fork server starts here, without cachy
    on = {"cache_dir": ".", "doms": (os.environ["HOST"],)}
    cachy.enable_cachy(**on)
    run(1)
    cachy.enable_cachy(**on, mode="replay")
    run(1)
    run(2)
    with cachy.no_cachy():
        run(3)
    with cachy.cachy(mode="auto"), cachy.scope("draft"):
        run(1)
    run(1, {"mode": "refresh"})
    cachy.enable_cachy(store={}, doms=on["doms"], mode="replay")
    run(4)
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_a_process_has_what_is_in_force_where_it_starts(
    method: str, server: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if method != "spawn" and sys.platform == "win32":
        pytest.skip("Windows can only spawn")
    monkeypatch.setenv("METHOD", method)
    lines = script(server, tmp_path, SERVED).splitlines()
    store = tmp_path / ".cachy"
    elsewhere = "<dict>" + (" of the parent process" if method != "fork" else "")
    assert lines == [
        '0 {"number": 1}',
        '1 {"number": 2}',
        '1 {"number": 2}',
        f"2 miss {store}",
        '3 {"number": 3}',
        '1 {"number": 4}',  # in a scope
        '1 {"number": 5}',  # what the worker enables itself wins
        f"4 miss {elsewhere}",
    ]
    assert [call["n"] for call in server.calls] == [0, 1, 3, 1, 1]


BLOCKS = """
import os, subprocess, sys
import cachy
from cachy import cachy as block, disable_cachy, enable_cachy, no_cachy

CODE = '''
import os, httpx
from cachy import CacheMiss
try:
    print(httpx.post(os.environ["URL"], json={"n": 1}).text, flush=True)
except CacheMiss:
    print("miss", flush=True)
'''

def run(code=CODE):
    subprocess.run([sys.executable, "-c", code], check=True)

on = {"cache_dir": ".", "doms": (os.environ["HOST"],)}
session = enable_cachy(**on, mode="replay")
run()
with no_cachy():
    run()
    with block(mode="auto"):
        run()
run()
session.mode = "refresh"
run()
run("from cachy import disable_cachy; disable_cachy()" + CODE)
run("from cachy import enable_cachy; enable_cachy(mode='off')" + CODE)
disable_cachy()
run()
print("CACHY_PROCESS" in os.environ)
"""


def test_a_command_has_what_was_put_in_force_last(server: Counting, tmp_path: Path) -> None:
    answers = script(server, tmp_path, BLOCKS).splitlines()
    numbers = ["miss", 1, 2, 2, 3, 4, 5, 6]
    assert answers == [n if n == "miss" else f'{{"number": {n}}}' for n in numbers] + ["False"]


LOADED = "import sys; print(sorted({'cachy', 'cachy.child', 'cachy.session'} & sys.modules.keys()))"


def test_nothing_is_loaded_before_it_is_needed(tmp_path: Path) -> None:
    text = '{"mode":"replay","cache_dir":"."}'
    assert python("-c", LOADED, folder=tmp_path).stdout == "[]\n"
    waiting = python("-c", LOADED, folder=tmp_path, variables={VARIABLE: text}).stdout
    assert waiting == "['cachy', 'cachy.child']\n"
    loaded = python(
        "-c", "import httpx;" + LOADED, folder=tmp_path, variables={VARIABLE: text}
    ).stdout
    assert loaded == "['cachy', 'cachy.child', 'cachy.session']\n"
    finders = "import httpx, sys; print(sum('cachy' in type(f).__module__ for f in sys.meta_path))"
    assert python("-c", finders, folder=tmp_path, variables={VARIABLE: text}).stdout == "1\n"


@pytest.mark.parametrize(
    "text",
    ["", "x", "5", "[]", "{}x", '{"noise": 5}', '{"noise": [["", "(", "", 0]]}', "\\", "null"],
)
def test_what_is_no_text_of_cachys_does_nothing(text: str, tmp_path: Path) -> None:
    code = "import httpx, cachy.session as s; print(s.session_in_force())"
    done = python("-W", "error", "-c", code, folder=tmp_path, variables={VARIABLE: text})
    assert (done.stdout, done.stderr) == ("None\n", "")


def test_settings_that_cannot_be_put_in_force_are_said(tmp_path: Path) -> None:
    code = "import httpx, cachy.session as s; print(s.session_in_force())"
    done = python("-c", code, folder=tmp_path, variables={VARIABLE: '{"mode": "fast"}'})
    assert done.stdout == "None\n"
    assert "what this process inherits cannot be put in force" in done.stderr


def test_an_interpreter_without_cachy_is_left_alone(tmp_path: Path) -> None:
    environment = installed(tmp_path) | {VARIABLE: "{}", "PYTHONPATH": str(tmp_path / "site")}
    code = "import sitecustomize, sys; print('cachy' in sys.modules)"
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_the_file_is_one_line_that_python_executes() -> None:
    [line] = PTH.read_text().splitlines()
    assert line.startswith("import ")  # other lines are taken for folders
    assert line.isascii()


def test_the_file_is_put_beside_the_package() -> None:
    project = (PACKAGE.parent / "pyproject.toml").read_text()
    _, wheel = project.split("[tool.hatch.build.targets.wheel.force-include]")
    assert re.match(r'\s*"cachy/cachy_process.pth" = "cachy_process.pth"\n', wheel)
    assert os.path.isfile(PTH)
