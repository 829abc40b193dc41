"""The commands: what they print, what they refuse, and their exit codes."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from many import DAY, add, make_entry
from typer.testing import CliRunner, Result

import cachy
from cachy.cli import app
from cachy.store.entry import Entry
from cachy.store.journal import Note, read, write
from cachy.store.names import key_in

NOW = int(time.time())
OLD = NOW - 100 * DAY
COMMANDS = ["cat", "check", "diff", "fsck", "gc", "init", "ls", "run", "show", "stats", "why"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and nobody's settings."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("GIT_", "CACHY_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("PYTHONPATH", str(Path(cachy.__file__).parent.parent))
    return tmp_path


@pytest.fixture
def root(folder: Path) -> Path:
    (folder / ".cachy").mkdir()
    return folder / ".cachy"


def call(*arguments: str, code: int = 0, answer: str = "") -> Result:
    result = CliRunner().invoke(app, list(arguments), input=answer)
    assert result.exit_code == code, result.output
    if result.exception is not None:
        assert isinstance(result.exception, SystemExit)
    return result


def data(*arguments: str, code: int = 0) -> Any:
    return json.loads(call(*arguments, "--json", code=code).stdout)


def refused(*arguments: str, code: int = 2) -> str:
    """What is said on stderr: one message, and nothing on stdout."""
    result = call(*arguments, code=code)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("cachy: ")
    return result.stderr


def key_of(path: Path) -> str:
    return key_in(path.name)


def python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cachy", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


# ---- As a whole ----


def test_every_command_has_help() -> None:
    said = call("--help").stdout
    for command in COMMANDS:
        assert f"\n  {command} " in said
        assert len(call(command, "--help").stdout.splitlines()) > 5


def test_importing_cachy_imports_no_command_line() -> None:
    code = (
        "import cachy, sys; sys.exit(any(m in sys.modules for m in ('typer', 'rich', 'cachy.cli')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_as_a_module(root: Path) -> None:
    path = add(root, make_entry(1), NOW - 300)
    done = python("ls")
    assert (done.returncode, done.stderr) == (0, "")
    title, line = done.stdout.splitlines()
    assert title.split() == ["key", "age", "model", "host", "status", "size", "prompt"]
    assert line.startswith(f"{key_of(path)[:10]}  5m   gpt-4o  api.openai.com  200 ")
    assert line.endswith("Question 1: what is it?")


def test_a_closed_pipe_is_no_fault(root: Path) -> None:
    for number in range(3000):
        add(root, make_entry(number), OLD)
    command = f"{shlex.quote(sys.executable)} -m cachy ls | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("key")
    assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [("ls",), ("stats",), ("fsck",), ("gc",), ("gc", "--undo"), ("show", "ab"), ("cat", "ab")],
)
def test_no_store(arguments: tuple[str, ...]) -> None:
    assert "there is no store at" in refused(*arguments)


def test_a_store_of_the_future(root: Path) -> None:
    (root / "manifest.json").write_text('{"format": "cachy", "version": 2}')
    assert "pip install -U" in refused("ls")


def test_a_folder_that_is_none(folder: Path) -> None:
    (folder / "file").write_text("")
    assert "not a folder" in refused("ls", "--cache-dir", str(folder / "file"))


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("ls", "--newer-than", "soon"), "such as 90d"),
        (("ls", "--notebook", "n.ipynb"), "run it once"),
        (("gc", "--older-than", "x"), "such as 90d"),
        (("gc", "--max-size", "big"), "such as 800kB"),
        (("gc", "--grace", "-1d"), "such as 90d"),
        (("gc", "--unused", "--since", "then"), "or last-run"),
        (("gc", "--unused", "--since", "last-run"), "cachy run"),
        (("gc", "--since", "3d"), "add that"),
        (("gc", "--unused"), "run your notebooks"),
        (("gc", "--undo"), "nothing to undo"),
        (("show", "ffff"), "`cachy ls` lists them"),
        (("cat", "no/such.entry"), "give a key"),
        (("diff",), "no git repository"),
        (("init", "--hook"), "git init"),
    ],
)
def test_bad_input(root: Path, arguments: tuple[str, ...], remedy: str) -> None:
    assert remedy in refused(*arguments)


def test_wrong_options(root: Path) -> None:
    call("ls", "--colour", code=2)
    call("show", code=2)
    call("nothing", code=2)


# ---- Each command ----


def test_ls_filters(root: Path, folder: Path) -> None:
    one = add(root, make_entry(1), OLD)
    two = add(root, make_entry(2, model="other", answer="Blau"), NOW)
    assert [row["key"] for row in data("ls")] == [key_of(two), key_of(one)]
    assert [row["key"] for row in data("ls", "-n", "1")] == [key_of(two)]
    assert [row["key"] for row in data("ls", "--model", "gpt*", "-C", str(folder))] == [key_of(one)]
    assert [row["key"] for row in data("ls", "--newer-than", "1d")] == [key_of(two)]
    assert [row["key"] for row in data("ls", "--older-than", "1d")] == [key_of(one)]
    assert [row["key"] for row in data("ls", "--text", "blau")] == [key_of(two)]
    assert data("ls", "--host", "nowhere") == []
    assert call("ls", "--host", "nowhere").stdout == ""


def test_ls_tells_of_broken_files(root: Path) -> None:
    add(root, make_entry(1), OLD).write_bytes(b"")
    assert "1 file is passed over: `cachy fsck`" in call("ls").stderr


def test_show_reads_as_a_chat(root: Path) -> None:
    path = add(root, make_entry(1, answer="Forty-\x1b[2Jtwo."), OLD)
    said = call("show", key_of(path)[:6]).stdout
    assert said.splitlines()[-8:] == [
        "user",
        "  Question 1: what is it?",
        "",
        "→",
        "assistant",
        "  Forty-·[2Jtwo.",
    ][-8:] or said.endswith("→\nassistant\n  Forty-·[2Jtwo.\n")
    assert "took     1.2 s live" in said
    assert "tokens   20 input, 5 output" in said
    shown = data("show", key_of(path))
    assert shown["asked"][1] == {"role": "user", "text": "Question 1: what is it?"}
    assert shown["answered"] == [{"role": "assistant", "text": "Forty-\x1b[2Jtwo."}]
    assert shown["head"]["status"] == 200


def test_show_of_a_broken_entry(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    path.write_bytes(b"\0")
    assert "cachy fsck" in refused("show", key_of(path), code=1)


def test_cat(root: Path) -> None:
    entry = make_entry(1)
    path = add(root, entry, OLD)
    for name in (key_of(path), str(path), os.path.relpath(path)):
        assert call("cat", name).stdout_bytes == entry.body
    assert json.loads(call("cat", "--head", key_of(path)).stdout) == entry.head
    text = call("cat", "--text", key_of(path)).stdout
    assert text == call("cat", "--text", str(path)).stdout
    head, _, body = text.partition("\n\n")
    assert json.loads(head) == entry.head
    assert json.loads(body) == json.loads(entry.body)


def test_cat_as_git_calls_it_never_fails(root: Path, folder: Path) -> None:
    broken = add(root, make_entry(1), OLD)
    broken.write_bytes(b"\0")
    assert "no sound entry" in call("cat", "--text", str(broken)).stdout
    (folder / "manifest.json").write_text("{}\n")
    assert call("cat", "--text", "manifest.json").stdout == "{}\n"


def test_stats(root: Path) -> None:
    add(root, make_entry(1), OLD)
    said = call("stats").stdout
    assert said.startswith("1 entry of 1 key, ")
    assert "last 30 days, here: 0 sessions" in said
    report = data("stats")
    assert report["models"]["gpt-4o"]["entries"] == 1
    assert report["total"]["input"] == 20


def test_fsck(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    assert call("fsck").stdout.endswith("all sound\n")
    path.write_bytes(b"\0")
    said = call("fsck", code=1).stdout
    assert f"{path}: its bytes are not the ones that were recorded" in said
    assert "`cachy fsck --repair`" in said
    assert data("fsck", code=1)["flaws"][0]["path"] == str(path)
    assert "moved 1 to" in call("fsck", "--repair", code=1).stdout
    assert data("fsck")["sound"]


def test_gc_asks_before_a_policy_is_applied(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    assert "1 go" in call("gc", "--older-than", "90d", "--dry-run").stdout
    call("gc", "--older-than", "90d", answer="n\n", code=1)
    call("gc", "--older-than", "90d", code=1)  # nobody answers
    assert path.exists()
    said = call("gc", "--older-than", "90d", answer="y\n")
    assert "it is 100 days old" in said.stdout
    assert not path.exists()
    assert "brought back 1 file" in call("gc", "--undo").stdout
    assert path.exists()
    report = data("gc", "--older-than", "90d", "--yes")
    assert report["moved"] == [str(path)]
    assert data("gc", "--undo")["restored"] == [str(path)]


def test_gc_without_a_policy_does_not_ask(root: Path) -> None:
    older = add(root, make_entry(1), OLD)
    add(root, make_entry(1, again=1), OLD + 1)
    assert data("gc", "--dry-run")["doomed"][0]["key"] == key_of(older)
    said = call("gc").stdout
    assert "moved 1 to" in said
    assert "1 entry stays" in said
    assert "moved" not in call("gc").stdout


def test_gc_where_nothing_can_be_written(root: Path) -> None:
    add(root, make_entry(1), OLD)
    (root / "local").write_text("in the way")
    call("gc")
    said = call("gc", "--older-than", "1d", "--yes", code=1)
    assert "cachy: " in said.stderr


def test_init_check_and_diff(root: Path, folder: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "main"], check=True)
    said = call("init")
    assert "made " in said.stdout
    assert "`cachy init --git`" in said.stdout
    path = add(root, make_entry(1, answer="Blue."), OLD)
    assert call("check").stdout.startswith("0 files of")
    subprocess.run(["git", "add", "-A"], check=True)
    assert call("check").stdout.startswith("2 files of")
    assert call("check", "--staged").stdout == ""
    assert f"+  {key_of(path)[:10]}  gpt-4o" in call("diff").stdout
    assert call("diff", "--markdown").stdout.startswith("**cachy** · HEAD → the work tree: 1 added")
    assert data("diff")["changes"][0]["answer"] == "Blue."
    assert "git knows no revision" in refused("diff", "nowhere")
    path.write_bytes(b"\0")
    subprocess.run(["git", "add", "-A"], check=True)
    assert str(path) in call("check", "--staged", code=1).stdout
    assert data("check", code=1)["checked"] == 2


def test_check_finds_secrets(root: Path) -> None:
    token = "sk-proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7" * 2
    path = add(root, make_entry(1, prompt=f"my key is {token}"), OLD)
    said = call("check", code=1).stdout
    assert str(path) in said
    assert "key" in said
    assert token not in said


@pytest.mark.skipif(os.name == "nt", reason="the hook is a shell script")
def test_git_itself_shows_and_checks_entries(root: Path, folder: Path) -> None:
    """textconv and the hook, called by git, with `cachy` on the path."""
    folder.joinpath("bin").mkdir()
    command = folder / "bin" / "cachy"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cachy "$@"\n')
    command.chmod(0o755)
    path_variable = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path_variable, "TMPDIR": str(folder)}

    def git(*arguments: str, code: int = 0) -> str:
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        done = subprocess.run(
            ["git", *who, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    git("init", "-q")
    call("init", "--git", "--hook")
    path = add(root, make_entry(1, answer="Blue."), OLD)
    git("add", ".cachy", ".gitattributes")
    git("commit", "-q", "-m", "one")
    path.unlink()
    add(root, make_entry(1, again=1, answer="Green."), OLD + 1)
    git("add", "-A", ".cachy")
    shown = git("diff", "--cached")
    assert '-        "content": "Blue."' in shown
    assert '+        "content": "Green."' in shown
    add(root, make_entry(2), OLD).write_bytes(b"\0")
    git("add", "-A", ".cachy")
    git("commit", "-q", "-m", "two", code=1)
    environment["PATH"] = os.defpath  # as for a colleague, or in another environment
    assert "Blue" not in git("diff", "--cached")
    git("commit", "-q", "-m", "two", code=1)
    git("reset", "-q")
    git("commit", "-q", "-m", "three", "--allow-empty")


def test_the_hook_guards_a_store_in_a_subfolder(folder: Path) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    root = folder / "nb" / ".cachy"
    call("init", "--cache-dir", str(folder / "nb"))
    add(root, make_entry(1), OLD).write_bytes(b"\0")
    subprocess.run(["git", "add", "-A"], check=True)
    said = call("check", "--staged", code=1).stdout
    assert said.endswith("3 files staged: 1 at fault\n") or "2 files staged: 1 at fault" in said


def test_check_says_that_there_is_no_store(folder: Path) -> None:
    assert "there is no store" in refused("check")
    subprocess.run(["git", "init", "-q"], check=True)
    assert "there is no store" in refused("check")
    assert call("check", "--staged").output == ""


def test_gc_that_nobody_answers(root: Path) -> None:
    path = add(root, make_entry(1), OLD)
    assert "--yes" in call("gc", "--model", "*", code=1).stderr
    assert path.exists()


def test_a_store_that_is_not_checked_out(root: Path, folder: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@b", *arguments], check=True)

    git("init", "-q")
    add(root, make_entry(1), OLD)
    (folder / "kept").touch()
    git("add", "-A")
    git("commit", "-qm", "1")
    git("sparse-checkout", "set", "--no-cone", "/*", "!.cachy")
    shutil.rmtree(root, ignore_errors=True)
    assert "not checked out" in refused("ls")
    assert "1 file of" in call("check").stdout


def test_run(root: Path, folder: Path) -> None:
    used = add(root, make_entry(1), OLD)
    unused = add(root, make_entry(2), OLD)
    old = Note("old", "a.py", "", OLD, OLD, 1, 0, 0, 0.0, (key_of(unused),))
    write(str(root), old)
    code = f"""
import os, time
from cachy.store.journal import Note, write
run = os.environ["CACHY_RUN"]
now, keys = time.time(), ({key_of(used)!r},)
write({str(root)!r}, Note("new", "b.py", run, now, now, 1, 0, 0, 0.0, keys))
"""
    failing = f"{code}\nraise SystemExit(3)"
    done = python("run", "--", sys.executable, "-c", failing)
    assert done.returncode == 3
    assert "1 session used 1 key: 1 hit, 0 recorded" in done.stderr
    assert len({note.run for note in read(str(root))}) == 2
    # What a failed run did not get to use may well be in use.
    assert "succeeded" in refused("gc", "--unused", "--since", "last-run", "--yes")
    assert python("run", "--", sys.executable, "-c", code).returncode == 0
    report = data("gc", "--unused", "--since", "last-run", "--yes")
    assert report["moved"] == [str(unused)]
    assert used.exists()


def test_run_replays_without_credentials(root: Path, folder: Path) -> None:
    code = "import os; print(os.environ['CACHY_MODE'], os.environ['OPENAI_API_KEY'])"
    mode, key = python("run", "--replay", "--", sys.executable, "-c", code).stdout.split()
    assert mode == "replay"
    assert "placeholder" in key


def test_why(root: Path, folder: Path) -> None:
    assert "holds no entry" in refused("why")
    add(root, recorded("2026-01-01T00:00:00Z", 1), OLD)
    later = key_of(add(root, recorded("2026-01-02T00:00:00Z", 2), OLD + 1))
    assert "Question 1: what is it?" in call("why").stdout
    told = data("why", later[:8])
    assert told["key"] == later[:32]
    assert told["differences"] == [
        'messages[1].content: "Question 1: what is it?" → "Question 2: what is it?"'
    ]


def recorded(when: str, number: int) -> Entry:
    entry = make_entry(number)
    return Entry({**entry.head, "recorded": when}, entry.body)


def test_run_refuses(folder: Path) -> None:
    assert "no such command" in refused("run", "--", "no-such-command", code=127)
    call("run", code=2)
    done = python("run", sys.executable, "-c", "print('said')")
    assert done.stdout == "said\n"
    assert "does it enable cachy?" in done.stderr


# ---- What an entry may hold ----

DEEP: Any = "x"
for _ in range(240):
    DEEP = [DEEP]
SHOWY = "a\x1b[2J\u202e\n| b | `c`\n# d\x07"
ODD_HEADS: list[dict[str, Any]] = [
    {"request": {"body": {"model": "m", "seed": 2**70, "messages": [{"content": "hi"}]}}},
    {"request": {"body": {"messages": [{"role": "user", "content": DEEP[0]}]}}},
    {"request": {"body": {"messages": [{"role": {"a": 1}, "content": {"…": ["x", 1, 2, 3]}}]}}},
    {"request": {"body": {"messages": 5, "prompt": {"function": 5}, "contents": [[5], None]}}},
    {"request": [1]},
    {"request": {"body": [5, {"headers": 5}, {"headers": "a; b", "content": {"text": True}}]}},
    {"url": "http://[bad"},
    {"url": 5, "method": None, "model": ["x"], "client": {}},
    {"usage": ["x"]},
    {"usage": {"input": "x", "output": None, "total": 2**70}},
    {"usage": {"input": True, "output": -5, SHOWY: 5}},
    {"stream": "sse"},
    {"stream": "json-array"},
    {"stream": "aws-eventstream"},
    {"stream": ["sse"]},
    {"recorded": 5, "nonce": None},
    {"model": SHOWY, "url": f"https://{SHOWY}/x", "recorded": SHOWY, "method": SHOWY},
    {"request": {"body": {"messages": [{"role": SHOWY, "content": SHOWY}]}}},
    {"headers": [["content-type", SHOWY]]},
]
ODD_BODIES = [
    b"",
    b"\xff\0",
    b"5",
    b'{"choices": 5, "content": [5], "output": 5, "candidates": {}, "embeddings": {"a": 5}}',
    b'{"choices": [5, {"message": {"content": %b}}]}' % (b"[" * 900 + b"]" * 900),
    b'{"n": 123456789012345678901234567890, "text": "\x1b[2J"}'.replace(b"\x1b", b"\\u001b"),
    b'data: {"choices": 5}\n\ndata: 5\n\ndata: {"embedding": 5, "data": [{"url": 5}]}\n\n',
]


@pytest.mark.parametrize("number", range(len(ODD_HEADS)))
def test_nothing_that_an_entry_holds_breaks_a_command(root: Path, number: int) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    for at, body in enumerate(ODD_BODIES):
        entry = make_entry(number * 100 + at)
        path = add(root, Entry({**entry.head, **ODD_HEADS[number]}, body), OLD - DAY // 2 + at)
        outputs = [call(*command).output for command in (("show", str(path)), ("cat", str(path)))]
        outputs += [call("cat", "--text", str(path)).output, call("show", path.name[:32]).output]
        data("show", str(path))
        json.loads(call("cat", "--head", str(path)).stdout)
        outputs.pop(1)  # the body as it came
        assert not any(set("\x1b\x07\u202e") & set(output) for output in outputs)
    listed = call("ls").stdout
    assert len(listed.splitlines()) == 1 + len(ODD_BODIES)
    assert len(data("ls")) == len(ODD_BODIES)
    assert call("ls").stdout == listed  # from the index
    outputs = [listed, call("stats").output, call("diff").output]
    outputs += [call("gc", "--host", "*", "--dry-run").output, call("ls", "--text", "x").output]
    assert not any(set("\x1b\x07\u202e") & set(output) for output in outputs)
    for line in call("diff", "--markdown").stdout.splitlines()[4:]:
        assert line.startswith("| added | `")
        assert line.count("|") == 7
    for command in ("stats", "diff", "fsck"):
        data(command)
    assert call("fsck").stdout.endswith("all sound\n")


def test_a_deep_head_is_none(root: Path) -> None:
    entry = make_entry(1)
    add(root, Entry({**entry.head, "usage": DEEP}, entry.body), OLD)
    assert "nested too deep" in call("fsck", code=1).stdout
    assert call("ls").stdout == ""


def test_a_form_tells_model_and_prompt(root: Path) -> None:
    form = {"model": "whisper-1", "prompt": "Names: Ada", "file": "RIFF"}
    parts = [
        {"headers": f'Content-Disposition: form-data; name="{name}"', "content": value}
        for name, value in form.items()
    ]
    parts[2]["headers"] += '; filename="a.wav"'
    entry = make_entry(1)
    add(root, Entry({**entry.head, "model": None, "request": {"body": parts}}, b"{}"), OLD)
    row = data("ls")[0]
    assert (row["model"], row["prompt"]) == ("whisper-1", "Names: Ada")
    assert "whisper-1" in call("show", row["key"]).stdout.split("status")[0]
