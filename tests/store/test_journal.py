"""Journals: what a session used is noted once, however the session ends; or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import httpx
import pytest

from cachy import cachy, disable_cachy, enable_cachy, session
from cachy.store import journal
from cachy.store.journal import MANY_FILES, PART_GOES_ON, Draft, Note

CALL = """
import httpx, os, sys
from cachy import cachy, disable_cachy, enable_cachy

def ask(number):
    answer = lambda request: httpx.Response(200, json={"number": number})
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        client.post("https://api.openai.com/v1/chat/completions", json={"n": number})

enable_cachy(cache_dir=os.getcwd(), fakes=True)
"""


def ask(number: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"number": number})

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        client.post("https://api.openai.com/v1/chat/completions", json={"n": number})


def script(folder: Path, text: str, **environment: str) -> list[Note]:
    """Run a script, and return what is noted afterwards."""
    path = folder / "script.py"
    path.write_text(CALL + text)
    names = ("JPY_SESSION_NAME", "CACHY_RUN", "CACHY_MODE")
    inherited = {name: value for name, value in os.environ.items() if name not in names}
    inherited["PYTHONPATH"] = str(Path(session.__file__).parent.parent)
    subprocess.run([sys.executable, path], cwd=folder, check=True, env={**inherited, **environment})
    return journal.read(str(folder / ".cachy"))


def some(identity: str, *keys: str, by: str = "a.py", ended: float = 0) -> Note:
    ended = ended or time.time()
    return Note(identity, by, "", ended - 1, ended, len(keys), 0, 0, 0.0, keys)


def test_a_torn_line_loses_only_itself(root: str) -> None:
    journal.write(root, some("a", "1"))
    journal.write(root, some("b", "2", by="b.py"))
    journal.compact(root)
    [file] = os.listdir(os.path.join(root, "local", "sessions"))
    path = Path(root, "local", "sessions", file)
    wrong = [b'{"torn', b"[]", b"5", b'{"id":"a","keys":[1]}']
    wrong.append(path.read_bytes().splitlines()[0].replace(b'"ended":', b'"ended":"z","x":'))
    sound = path.read_bytes().splitlines()
    odd = sound[0].replace(b'"by":"a.py"', b'"by":["a"]').replace(b'"by":"b.py"', b'"by":7')
    path.write_bytes(b"\n".join([*wrong, sound[0], odd, b"", sound[1], b'{"id"']))
    assert {note.id for note in journal.read(root)} == {"a", "b"}
    journal.write(root, some("c", "3"))
    journal.compact(root)
    assert {note.id for note in journal.read(root)} == {"a", "b", "c"}


@pytest.fixture
def root(tmp_path: Path) -> str:
    (tmp_path / ".cachy").mkdir()
    return str(tmp_path / ".cachy")


# ---- When a session is noted ----


def test_a_session_is_noted_at_exit(tmp_path: Path) -> None:
    (first,) = script(tmp_path, "ask(1); ask(2); ask(1)", CACHY_RUN="run-1")
    assert (first.by, first.run) == ("script.py", "run-1")
    assert (first.hits, first.misses, first.recorded) == (1, 2, 2)
    assert {len(key) for key in first.keys} == {32}
    names = {path.name[:32] for path in tmp_path.glob(".cachy/??/*.entry")}
    assert set(first.keys) == names
    _, second = script(tmp_path, "ask(2)")
    assert (second.hits, second.recorded, len(second.keys)) == (1, 0, 1)
    assert second.run == ""


def test_a_session_that_used_nothing_is_not_noted(tmp_path: Path) -> None:
    assert script(tmp_path, "") == []
    assert not (tmp_path / ".cachy").exists()


def test_a_session_ends_with_the_next(tmp_path: Path) -> None:
    root = tmp_path / ".cachy"
    try:
        enable_cachy(cache_dir=tmp_path, fakes=True)
        ask(1)
        enable_cachy(cache_dir=tmp_path, fakes=True, mode="replay")
        ask(1)
        assert [note.recorded for note in journal.read(str(root))] == [1]
    finally:
        disable_cachy()
    assert sorted((note.recorded, note.hits) for note in journal.read(str(root))) == [
        (0, 1),
        (1, 0),
    ]
    disable_cachy()
    with cachy(cache_dir=tmp_path, fakes=True):
        ask(1)
        with cachy(mode="replay"):
            ask(1)
        assert len(journal.read(str(root))) == 2
    assert sorted(note.hits for note in journal.read(str(root))) == [0, 1, 2]


def test_a_mapping_keeps_no_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with cachy(store={}, fakes=True):
        ask(1)
        ask(1)
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_gone_or_read_only_is_left_alone(tmp_path: Path) -> None:
    with cachy(cache_dir=tmp_path, fakes=True):
        ask(1)
        (tmp_path / ".cachy").rename(tmp_path / "elsewhere")
    assert not (tmp_path / ".cachy").exists()
    (tmp_path / "elsewhere").rename(tmp_path / ".cachy")
    shutil.rmtree(tmp_path / ".cachy" / "local" / "sessions", ignore_errors=True)
    (tmp_path / ".cachy" / "local" / "sessions").write_text("in the way")
    with cachy(cache_dir=tmp_path, fakes=True):
        ask(1)
    assert journal.read(str(tmp_path / ".cachy")) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize(
    "way",
    [
        "if not os.fork(): ask(2); sys.exit()\nos.wait()",
        "import multiprocessing as m\np = m.get_context('fork').Process(target=ask, args=(2,))\n"
        "p.start(); p.join()",
        "from concurrent.futures import ProcessPoolExecutor as Pool\n"
        "import multiprocessing as m\n"
        "with Pool(1, m.get_context('fork')) as pool: pool.submit(ask, 2).result()",
    ],
    ids=["fork", "process", "pool"],
)
def test_forks_note_their_own(tmp_path: Path, way: str) -> None:
    notes = script(tmp_path, f"ask(1)\n{way}\nask(3)")
    assert sorted((note.recorded, len(note.keys)) for note in notes) == [(1, 1), (2, 2)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_process_that_ends_without_a_word_has_noted_its_keys(tmp_path: Path, end: str) -> None:
    ways = f"if not os.fork(): ask(1); {end}\nos.wait()\nask(2)"
    for _ in "recorded", "replayed":
        notes = script(tmp_path, ways)
    assert len(notes) == 4
    keys = {path.name[:32] for path in tmp_path.glob(".cachy/??/*.entry")}
    assert sorted(len(note.keys) for note in notes) == [1, 1, 1, 1]
    assert {key for note in notes[2:] for key in note.keys} == keys
    assert sum(note.hits for note in notes) == 2


@pytest.mark.parametrize("end", ["pass", "os._exit(0)"])
def test_a_worker_whose_parent_has_no_cachy_notes_its_own(tmp_path: Path, end: str) -> None:
    """As `marimo export` runs a notebook."""
    (tmp_path / "notebook.py").write_text(CALL + f"ask(1); ask(2)\n{end}")
    script(
        tmp_path,
        """
disable_cachy()
if __name__ == "__main__":
    import multiprocessing
    worker = multiprocessing.get_context("spawn").Process(target=__import__, args=("notebook",))
    worker.start()
    worker.join()
""",
    )
    (note,) = journal.read(str(tmp_path / ".cachy"))
    assert (note.recorded, len(note.keys)) == (2, 2)


def test_a_session_notes_its_keys_as_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session._journal, "eager", True)
    root = str(tmp_path / ".cachy")
    folder = tmp_path / ".cachy" / "local" / "sessions"
    with cachy(cache_dir=tmp_path, fakes=True):
        ask(1)
        ask(2)
        ask(1)
        [note] = journal.read(root)
        assert len(note.keys) == note.recorded == 2
        [part] = folder.iterdir()
        assert len(part.read_bytes().splitlines()) == 2  # a key is written once
    [note] = journal.read(root)
    assert (len(note.keys), note.recorded, note.hits) == (2, 2, 1)
    assert [path.suffix for path in folder.iterdir()] == [".jsonl"]


def test_keys_of_a_second_are_noted_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("cachy.clock.perf_counter", lambda: now[0])
    root = str(tmp_path / ".cachy")
    with cachy(cache_dir=tmp_path, fakes=True):
        ask(1)
        ask(2)
        assert journal.read(root) == []
        now[0] += 2
        ask(3)
        [note] = journal.read(root)
        assert len(note.keys) == 3
        ask(4)
    [note] = journal.read(root)
    assert len(note.keys) == 4


def test_the_part_of_a_session_that_goes_on_is_not_compacted(root: str) -> None:
    for age, keys in ((0, ["a" * 32, "b" * 32]), (2 * PART_GOES_ON, ["c" * 32])):
        draft = Draft(root, "x.py")
        for key in keys:
            draft.use((key,))
        folder = Path(root, "local", "sessions")
        newest = max(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (time.time() - age, time.time() - age))
    for _ in range(2):
        journal.compact(root)
        assert sorted(path.suffix for path in folder.iterdir()) == [".jsonl", ".part"]
        used = {key for note in journal.read(root) for key in note.keys}
        assert used == {"a" * 32, "b" * 32, "c" * 32}


# ---- For whom ----


def test_notebooks_tell_their_name(tmp_path: Path) -> None:
    notebook = str(tmp_path / "deep" / "n.ipynb")
    vscode = f"__vsc_ipynb_file__ = {notebook!r}\nenable_cachy(cache_dir='.', fakes=True)\n"
    assert script(tmp_path, "ask(1)", JPY_SESSION_NAME=notebook)[-1].by == "deep/n.ipynb"
    assert script(tmp_path, vscode + "ask(1)")[-1].by == "deep/n.ipynb"


# ---- The files ----


def test_what_cannot_be_read_was_not_noted(root: str) -> None:
    journal.write(root, some("a", "k" * 32))
    folder = Path(root, "local", "sessions")
    (folder / "torn.jsonl").write_bytes(b'{"id": "b", "by"')
    (folder / "other.jsonl").write_bytes(b"[]\n{}\n")
    (folder / "folder").mkdir()
    assert [note.id for note in journal.read(root)] == ["a"]


def test_compaction_forgets_only_what_a_newer_session_says_again(root: str) -> None:
    now = time.time()
    notes = [
        some("1", "x", "y", ended=now - 50),
        some("2", "x", by="b.py", ended=now - 40),
        some("3", "y", "z", ended=now - 30),
        some("4", "q", ended=now - 200 * 86400),
        some("5", ended=now - 100 * 86400),
    ]
    for note in notes:
        journal.write(root, note)
    journal.compact(root)
    journal.compact(root)
    assert len(os.listdir(os.path.join(root, "local", "sessions"))) == 1
    kept = {note.id: set(note.keys) for note in journal.read(root)}
    assert kept == {"1": {"x"}, "2": {"x"}, "3": {"y", "z"}, "4": {"q"}}


def test_many_files_become_one(root: str) -> None:
    for number in range(MANY_FILES + 5):
        journal.write(root, some(f"{number:03}", f"{number:032}"))
    assert len(os.listdir(os.path.join(root, "local", "sessions"))) < 10
    assert len(journal.read(root)) == MANY_FILES + 5


def test_compacting_beside_writers_loses_nothing(root: str) -> None:
    def work(name: str) -> None:
        for number in range(40):
            journal.write(root, some(f"{name}{number}", f"{name}{number}", by=name))
            journal.compact(root)

    threads = [Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    used = {key for note in journal.read(root) for key in note.keys}
    assert used == {f"{name}{number}" for name in "abcd" for number in range(40)}
