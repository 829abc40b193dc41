"""Hostile surroundings: the user's call succeeds or fails exactly as it would without cachy.

What needs a process of its own is a function `in_…` here, run by
`python tests/system/test_hostile.py`.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import crash
import httpx
import pytest
from standin import Behaviour, Standin

import cachy
from cachy.errors import CacheMiss, CachyWarning
from cachy.store.disk import Disk
from cachy.store.folder import DirStore, read_entry
from cachy.store.layout import FOLDER
from cachy.store.names import SUFFIX, is_name, key_in

URL = "https://api.openai.com/v1/chat/completions"
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture
def answering(standin: Standin) -> Iterator[Standin]:
    """Answers that prove themselves: see crash.py."""
    with standin.behave(Behaviour(answer=crash.answer)):
        yield standin


def ask(name: str, url: str = URL) -> None:
    """A call whose answer must be the right one."""
    # To read the certificates for each call takes longer than all the rest.
    reply = httpx.post(url, json=crash.asked(name), timeout=30, verify=url == URL)
    assert reply.status_code == 200
    assert crash.is_right(reply.content, name)


def entries(folder: Path) -> list[Path]:
    return sorted((folder / FOLDER).rglob(f"*{SUFFIX}"))


def all_right(folder: Path) -> bool:
    """Whether every entry holds what was answered, and no temporary file is left."""
    found = [read_entry(str(path)) for path in entries(folder)]
    return all(crash.is_right(e.body, e.head["request"]["body"]["id"]) for e in found)


@contextmanager
def cachy_warnings() -> Iterator[list[str]]:
    """The warnings within the block."""
    warned: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield warned
        warned += [str(each.message) for each in caught if issubclass(each.category, CachyWarning)]


@contextmanager
def mounted(path: Path, options: str) -> Iterator[None]:
    """A file system in memory, of its own."""
    path.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(path)]
    try:
        done = subprocess.run(command, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no mount here")
    if done.returncode:
        pytest.skip("mounting is not allowed")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


# ---- Stores that cannot be written ----


def test_read_only_store(answering: Standin, tmp_path: Path) -> None:
    with mounted(tmp_path, "size=1m"):
        with cachy.cachy(cache_dir=tmp_path):
            ask("a-1")
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path)], check=True)
        before = entries(tmp_path)
        with cachy_warnings() as warned, cachy.cachy(cache_dir=tmp_path) as session:
            for name in ("a-1", "a-2", "a-3", "a-2"):
                ask(name)
        assert (session.stats.hits, session.stats.recorded) == (1, 0)
        assert [("nothing is kept" in text) for text in warned] == [True]
        assert entries(tmp_path) == before


def test_full_disk(answering: Standin, tmp_path: Path) -> None:
    with mounted(tmp_path, "size=128k"):
        with cachy.cachy(cache_dir=tmp_path) as session:
            ask("a-1")
            ballast = tmp_path / "ballast"
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass
            with cachy_warnings() as warned:
                for number in (7, 17, 27, 4):  # the first ones are long
                    ask(f"a-{number}")
                ask("a-1")
            assert session.stats.recorded == 1
            assert [("nothing is kept" in text) for text in warned] == [True]
            assert crash.temporaries(tmp_path / FOLDER) == []
            ballast.unlink()
            ask("a-8")
            ask("a-8")
        assert (session.stats.recorded, session.stats.hits) == (2, 2)
        assert all_right(tmp_path)


@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace", "mkdir"])
@pytest.mark.parametrize("error", [errno.EDQUOT, errno.EIO, errno.EACCES, errno.EMFILE])
def test_a_system_call_that_fails(
    call: str, error: int, answering: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = getattr(os, call)

    def fail(*args: Any, **options: Any) -> Any:
        if call == "open" and FOLDER not in str(args[0]):
            return real(*args, **options)
        raise OSError(error, os.strerror(error))

    with cachy.cachy(cache_dir=tmp_path) as session:
        with cachy_warnings() as warned, monkeypatch.context() as patches:
            patches.setattr(Disk, call, fail)
            ask("a-1")
            ask("a-2")
        assert session.stats.recorded == 0
        assert 1 <= len(warned) <= 2
        ask("a-1")
        ask("a-1")
    assert (session.stats.recorded, session.stats.hits) == (1, 1)
    assert crash.temporaries(tmp_path / FOLDER) == []


def test_a_write_that_stops_short(
    answering: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk with room for some of it: the rest is written next, or nothing is there."""
    real = os.write
    monkeypatch.setattr(Disk, "write", lambda fd, data: real(fd, bytes(data)[:100]))
    with cachy.cachy(cache_dir=tmp_path) as session:
        ask("a-7")
    assert session.stats.recorded == 1
    assert all_right(tmp_path)


# ---- Stores that change under one's feet ----


def test_store_deleted_while_running(answering: Standin, tmp_path: Path) -> None:
    with cachy_warnings() as warned, cachy.cachy(cache_dir=tmp_path) as session:
        for _ in range(3):
            ask("a-1")
            shutil.rmtree(tmp_path / FOLDER)
        ask("a-1")
        ask("a-1")
    assert (session.stats.recorded, session.stats.hits) == (4, 1)
    assert warned == []
    assert (tmp_path / FOLDER / ".gitignore").exists()


def test_store_deleted_all_the_time(answering: Standin, tmp_path: Path) -> None:
    """At any moment of any write."""
    stop = threading.Event()

    def delete() -> None:
        while not stop.is_set():
            shutil.rmtree(tmp_path / FOLDER, ignore_errors=True)

    deleting = threading.Thread(target=delete)
    deleting.start()
    try:
        with cachy_warnings(), cachy.cachy(cache_dir=tmp_path):
            for number in range(60):
                ask(f"a-{number % 20}")
    finally:
        stop.set()
        deleting.join()
    with cachy.cachy(cache_dir=tmp_path):
        ask("a-1")
    assert all_right(tmp_path)


def test_store_replaced_while_running(answering: Standin, tmp_path: Path) -> None:
    """By another store, as a checkout does; then by a file."""
    with cachy.cachy(cache_dir=tmp_path / "other"):
        ask("a-2")
    with cachy.cachy(cache_dir=tmp_path) as session:
        ask("a-1")
        shutil.rmtree(tmp_path / FOLDER)
        (tmp_path / "other" / FOLDER).rename(tmp_path / FOLDER)
        ask("a-2")
        assert session.stats.hits == 1
        ask("a-1")
        assert session.stats.recorded == 2
        shutil.rmtree(tmp_path / FOLDER)
        (tmp_path / FOLDER).write_bytes(b"")
        with cachy_warnings() as warned:
            ask("a-1")
            ask("a-3")
    assert [("nothing is kept" in text) for text in warned] == [True]


def test_a_listing_that_is_stale(
    answering: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As network file systems have them: what is new is not listed yet, what is gone still is."""
    real = os.listdir
    with cachy.cachy(cache_dir=tmp_path):
        ask("a-1")
    (path,) = entries(tmp_path)
    stale = real(path.parent)
    with (
        cachy.cachy(cache_dir=tmp_path) as session,
        cachy_warnings() as warned,
        monkeypatch.context() as patches,
    ):
        patches.setattr(os, "listdir", lambda folder: [])
        ask("a-1")  # another one is recorded: no harm
        patches.setattr(os, "listdir", lambda folder: stale if Path(folder) == path.parent else [])
        path.unlink()
        ask("a-1")
    assert (session.stats.hits, session.stats.recorded) == (1, 1)
    assert warned == []
    with cachy.cachy("replay", cache_dir=tmp_path):
        ask("a-1")


@pytest.mark.parametrize("now", [-1e9, 0, 946684800, 2**32 - 1, 2**32, 1e11])
def test_a_clock_that_is_wrong(
    now: float, answering: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is recorded last is served, whatever the clock says, before and after it is set."""
    folder = tmp_path / FOLDER
    with cachy.cachy(cache_dir=tmp_path):
        ask("a-1")
    for moment in (now, time.time(), now):
        with monkeypatch.context() as patches:
            patches.setattr(time, "time", lambda moment=moment: moment)
            with cachy.cachy("refresh", cache_dir=tmp_path) as session:
                ask("a-1")
        assert session.stats.recorded == 1
        newest = max(entries(tmp_path), key=lambda path: path.stat().st_mtime_ns)
        assert is_name(newest.stem)
        served = DirStore(folder).get(key_in(newest.stem), lambda where, what: None)
        assert served is not None
        if now < 2**32 - 1:
            assert served.body == read_entry(str(newest)).body
    assert all_right(tmp_path)


# ---- In a process of its own ----


@pytest.fixture
def port(answering: Standin) -> int:
    return int(socket.getaddrinfo("anywhere", 80)[0][4][1])


def in_child(name: str, folder: Path, port: int) -> dict[str, Any]:
    """Run `in_…` of this file, and return its result."""
    command = [sys.executable, __file__, name, str(folder), str(port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    result["stderr"] = done.stderr
    return result


def url_at(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1/chat/completions"


def enable(folder: Path, port: int) -> cachy.Session:
    return cachy.enable_cachy(cache_dir=folder, doms=(f"127.0.0.1:{port}",))


def in_few_files(folder: Path, port: int) -> dict[str, Any]:
    """256 of them, for 100 tasks with a connection each."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    session = enable(folder, port)

    async def main() -> None:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(timeout=60, limits=limits) as client:

            async def call(number: int) -> None:
                name = f"a-{number}"
                reply = await client.post(url_at(port), json=crash.asked(name))
                assert crash.is_right(reply.content, name)

            await asyncio.gather(*map(call, range(120)))

    asyncio.run(main())
    return {"recorded": session.stats.recorded}


def test_256_open_files(port: int, tmp_path: Path) -> None:
    result = in_child("few_files", tmp_path, port)
    assert result["recorded"] == 120
    assert result["stderr"] == ""


def in_no_more_files(folder: Path, port: int) -> dict[str, Any]:
    """With a connection open and not one more descriptor to be had."""
    session = enable(folder, port)
    with httpx.Client() as client:

        def call(name: str) -> None:
            assert crash.is_right(client.post(url_at(port), json=crash.asked(name)).content, name)

        call("a-1")
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        taken = []
        with suppress(OSError):
            while True:
                taken.append(os.open("/dev/null", os.O_RDONLY))
        with cachy_warnings() as warned:
            call("a-1")
            call("a-2")
        for fd in taken:
            os.close(fd)
        call("a-1")
    return {"warnings": warned, "recorded": session.stats.recorded, "hits": session.stats.hits}


def test_no_file_left_to_open(port: int, tmp_path: Path) -> None:
    result = in_child("no_more_files", tmp_path, port)
    assert result["recorded"] == 1
    assert result["hits"] == 1
    assert len(result["warnings"]) >= 1


def in_small_files(folder: Path, port: int) -> dict[str, Any]:
    """A limit to the size of files, as a quota has it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
    session = enable(folder, port)
    with cachy_warnings() as warned:
        for number in (1, 7, 17, 2):
            ask(f"a-{number}", url_at(port))
    left = len(crash.temporaries(folder / FOLDER))
    return {"warnings": warned, "recorded": session.stats.recorded, "left": left}


def test_a_limit_to_the_size_of_files(port: int, tmp_path: Path) -> None:
    result = in_child("small_files", tmp_path, port)
    assert (result["recorded"], result["left"], len(result["warnings"])) == (2, 0, 1)
    assert all_right(tmp_path)


def in_other_hands(folder: Path, port: int) -> dict[str, Any]:
    """As a user whose permission to read, then to write, is taken away."""
    session = enable(folder, port)
    ask("a-1", url_at(port))
    (path,) = entries(folder)
    if os.geteuid() == 0:  # root may read and write whatever the permissions say
        for each in (folder, *folder.rglob("*")):
            os.chown(each, 65534, 65534)
        os.setgid(65534)
        os.setuid(65534)
    warned = []
    for closed, mode in ((path, 0o000), (path.parent, 0o000), (folder / FOLDER, 0o500)):
        before = closed.stat().st_mode
        closed.chmod(mode)
        with cachy_warnings() as now:
            ask("a-1", url_at(port))
        warned.append(len(now))
        closed.chmod(before)
    with cachy_warnings() as now:
        ask("a-1", url_at(port))
    return {"warnings": warned, "after": now, "hits": session.stats.hits}


def test_permissions_that_change(port: int) -> None:
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are root's alone
    try:
        result = in_child("other_hands", folder, port)
    finally:
        shutil.rmtree(folder)
    assert max(result["warnings"]) <= 3  # to open, to list, to write
    assert result["warnings"][0] == 1
    assert result["after"] == []
    assert result["hits"] >= 1


def in_forks(folder: Path, port: int) -> dict[str, Any]:
    """Parent and children record after a fork, also one amid other threads' recordings."""
    session = enable(folder, port)
    url = url_at(port)
    ask("before-1", url)
    stop = threading.Event()

    def busy() -> None:
        number = 0
        while not stop.is_set():
            ask(f"busy-{number}", url)
            number += 1

    thread = threading.Thread(target=busy)
    thread.start()
    children = []
    for child in range(6):
        time.sleep(0.01)
        pid = os.fork()
        if not pid:
            signal.alarm(20)  # a deadlock ends the child, and fails the test
            status = 1
            with suppress(BaseException):
                ask("before-1", url)
                for number in range(5):
                    ask(f"child{child}-{number}", url)
                    ask(f"shared-{number}", url)
                status = 0
            os._exit(status)
        children.append(pid)
        ask(f"parent-{child}", url)
    statuses = [os.waitpid(pid, 0)[1] for pid in children]
    stop.set()
    thread.join()
    for child in range(6):
        for number in range(5):
            ask(f"child{child}-{number}", url)  # the parent is answered from the children's
    return {"statuses": statuses, "hits": session.stats.hits}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork_after_enabling(port: int, tmp_path: Path) -> None:
    result = in_child("forks", tmp_path, port)
    assert result["statuses"] == [0] * 6
    assert result["hits"] == 30
    assert all_right(tmp_path)


def in_shutdown(folder: Path, port: int) -> dict[str, Any]:
    """The main thread ends while daemons write, and a client is used in an exit handler."""
    import atexit

    enable(folder, port)
    flush = os.fsync

    def slow(fd: int) -> None:
        time.sleep(0.05)
        flush(fd)

    setattr(os, "fsync", slow)  # noqa: B010 - for all threads, to the end

    def busy(worker: int) -> None:
        for number in range(1000):
            with suppress(httpx.HTTPError):
                ask(f"busy{worker}-{number}", url_at(port))

    async def aask() -> None:
        async with httpx.AsyncClient() as client:
            reply = await client.post(url_at(port), json=crash.asked("late-2"))
            assert crash.is_right(reply.content, "late-2")

    def late() -> None:
        ask("late-1", url_at(port))
        asyncio.run(aask())
        print(json.dumps({"late": 2}))

    atexit.register(late)
    for worker in range(4):
        threading.Thread(target=busy, args=(worker,), daemon=True).start()
    time.sleep(0.2)
    return {}


def test_interpreter_shutdown_amid_writes(port: int, tmp_path: Path) -> None:
    result = in_child("shutdown", tmp_path, port)
    assert result["late"] == 2
    assert result["stderr"] == ""
    assert all_right(tmp_path)
    with cachy.cachy("replay", cache_dir=tmp_path, doms=(f"127.0.0.1:{port}",)):
        ask("late-1", url_at(port))
        ask("late-2", url_at(port))


INTERRUPTED = 60


def in_interrupts(folder: Path, port: int) -> dict[str, Any]:
    """CTRL-C at random moments of calls, and the same call again until it succeeds."""
    dice, sent, raised, silent, armed = random.Random(5), [0], [0], [0], [False]

    def interrupt(number: int, frame: Any) -> None:
        if armed[0]:
            sent[0] += 1
            raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, interrupt)
    sys.unraisablehook = lambda event: silent.__setitem__(0, silent[0] + 1)
    gc.disable()  # an exception in a finalizer reaches no caller
    enable(folder, port)
    client = httpx.Client(timeout=20, verify=False)
    for number in range(INTERRUPTED):
        for delay in (dice.uniform(0.0005, 0.012), dice.uniform(0.0005, 0.006), 0):
            try:
                armed[0] = True
                signal.setitimer(signal.ITIMER_REAL, delay)
                reply = client.post(url_at(port), json=crash.asked(f"a-{number}"))
                armed[0] = False
                assert crash.is_right(reply.content, f"a-{number}")
            except KeyboardInterrupt:
                raised[0] += 1
                # In what state this leaves httpx is not tested here.
                client = httpx.Client(timeout=20, verify=False)
            armed[0] = False
            signal.setitimer(signal.ITIMER_REAL, 0)
    return {"sent": sent[0], "raised": raised[0], "silent": silent[0]}


def test_ctrl_c_at_any_moment(port: int, tmp_path: Path) -> None:
    result = in_child("interrupts", tmp_path, port)
    assert result["sent"] > INTERRUPTED / 10  # a fast machine is done before most come
    assert result["raised"] + result["silent"] >= result["sent"] - 1, result
    assert all_right(tmp_path)
    with cachy.cachy("replay", cache_dir=tmp_path, doms=(f"127.0.0.1:{port}",)):
        for number in range(INTERRUPTED):
            ask(f"a-{number}", url_at(port))


def in_loop_interrupts(folder: Path, port: int) -> dict[str, Any]:
    """CTRL-C while an event loop records: the loop ends, with that and nothing else."""
    dice, ends, armed = random.Random(6), [], [False]

    def interrupt(number: int, frame: Any) -> None:
        if armed[0]:
            signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells' background jobs ignore it
    signal.signal(signal.SIGALRM, interrupt)
    enable(folder, port)

    async def main(turn: int) -> None:
        async with httpx.AsyncClient(timeout=20, verify=False) as client:

            async def call(number: int) -> None:
                name = f"a-{turn}0{number}"
                reply = await client.post(url_at(port), json=crash.asked(name))
                assert crash.is_right(reply.content, name)

            await asyncio.gather(*map(call, range(8)))

    for turn in range(25):
        try:
            armed[0] = True
            signal.setitimer(signal.ITIMER_REAL, dice.uniform(0.002, 0.06))
            asyncio.run(main(turn))
            armed[0] = False
            ends.append("done")
        except BaseException as end:  # noqa: BLE001 - whatever it is, it is reported
            ends.append(type(end).__name__)
        armed[0] = False
    asyncio.run(main(0))
    return {"ends": sorted(set(ends)), "interrupted": ends.count("KeyboardInterrupt")}


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="there asyncio itself may hang, with or without cachy"
)
def test_ctrl_c_amid_an_event_loop(port: int, tmp_path: Path) -> None:
    for turn in range(3):
        result = in_child("loop_interrupts", tmp_path / str(turn), port)
        assert set(result["ends"]) <= {"KeyboardInterrupt", "done"}
        assert result["interrupted"] > 5, result
        assert all_right(tmp_path / str(turn))
        if result["stderr"] == "":
            return
        # One interrupt in a thousand comes while asyncio tidies up, and has it complain.
    pytest.fail(result["stderr"])


# ---- Calls that fail, fail alike ----


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(cut_after=10),
        Behaviour(misstate_length=10),
        Behaviour(delay=2),
        Behaviour(pause=2, split=50),
    ],
    ids=["cut", "length-lies", "no-answer", "slow-body"],
)
def test_fails_as_without(behaviour: Behaviour, standin: Standin, tmp_path: Path) -> None:
    def error() -> str:
        with pytest.raises(httpx.HTTPError) as raised:
            httpx.post(URL, json=crash.asked("a-1"), timeout=0.3)
        return f"{type(raised.value)} {raised.value}"

    standin.behave(Behaviour(answer=crash.answer))
    with standin.behave(Behaviour(**{**vars(behaviour), "answer": crash.answer})):
        without = error()
        with cachy_warnings() as warned, cachy.cachy(cache_dir=tmp_path) as session:
            assert error() == without
    assert warned == []
    assert session.stats.recorded == 0
    called = len(standin.calls)
    with cachy.cachy(cache_dir=tmp_path):
        ask("a-1")
    assert len(standin.calls) == called + 1


def test_replay_with_a_broken_store_never_calls(answering: Standin, tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    with cachy.cachy("replay", cache_dir=tmp_path) as session:
        shutil.rmtree(tmp_path / FOLDER)
        with pytest.raises(CacheMiss):
            ask("a-1")
    assert answering.calls == []
    assert not (tmp_path / FOLDER).exists()
    assert session.stats.hits == 0


if __name__ == "__main__":
    print(json.dumps(globals()[f"in_{sys.argv[1]}"](Path(sys.argv[2]), int(sys.argv[3]))))
