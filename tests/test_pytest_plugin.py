"""The pytest plugin, in runs of pytest of its own."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import httpx2  # noqa: F401 - what is loaded here is not loaded anew in each run
import openai  # noqa: F401
import pytest
from standin import Standin
from standin.certificates import authority

from cachy import disable_cachy
from cachy.store import journal
from cachy.wording import count

pytest_plugins = "pytester"

Run = Callable[..., pytest.RunResult]

# Not by entry points: hypothesis, for one, takes a second to load, in each run anew.
PLUGINS = ("cachy.pytest_plugin", "xdist.plugin", "anyio.pytest_plugin", "no:cacheprovider")

CONFTEST = """
    import os, sys

    if "PYTEST_XDIST_WORKER" in os.environ:  # this process itself reaches the stand-in already
        sys.path.insert(0, {tests!r})
        from standin.reach import reach

        reached = reach({secure}, {plain}, {authority!r})
        reached.__enter__()
"""

ASK = """
    import httpx2

    URL = "https://api.openai.com/v1/chat/completions"

    def body(text, model="gpt-4o"):
        return {"model": model, "messages": [{"role": "user", "content": text}]}

    def ask(text, model="gpt-4o"):
        answer = httpx2.post(URL, json=body(text, model), verify=False)  # which takes its time
        return answer.raise_for_status().json()["choices"][0]["message"]["content"]
"""

TWENTY = """
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    import httpx2, pytest
    from ask import URL, ask, body

    pytestmark = pytest.mark.cachy

    @pytest.fixture(scope="module")
    def warm():
        return ask("warm")

    @pytest.mark.parametrize("number", range(8))
    def test_plain(number, warm):
        assert str(number) in ask(f"question {number}")

    def test_shared_one():
        assert ask("shared")

    def test_shared_two():
        assert ask("shared")

    @pytest.mark.parametrize("number", range(2))
    def test_stream(number):
        json = body(f"stream {number}") | {"stream": True}
        with httpx2.stream("POST", URL, json=json, verify=False) as answer:
            assert [line for line in answer.iter_lines() if line][-1] == "data: [DONE]"

    @pytest.mark.parametrize("number", range(2))
    def test_loop_of_its_own(number):
        async def one():
            async with httpx2.AsyncClient(verify=False) as client:
                return await client.post(URL, json=body(f"own {number}"))
        assert asyncio.run(one()).status_code == 200

    @pytest.fixture
    def anyio_backend():
        return "asyncio"

    @pytest.fixture
    async def client():
        async with httpx2.AsyncClient(verify=False) as client:
            yield client

    @pytest.mark.anyio
    @pytest.mark.parametrize("number", range(3))
    async def test_async(number, client, cachy):
        answers = await asyncio.gather(*(
            client.post(URL, json=body(f"async {number} {part}")) for part in range(3)
        ))
        assert all(answer.status_code == 200 for answer in answers)
        assert cachy.stats.hits + cachy.stats.misses == 3

    def test_thread():
        with ThreadPoolExecutor(2) as pool:
            assert all(pool.map(ask, ["thread 1", "thread 2"]))

    @pytest.mark.cachy(repeats="distinct")
    def test_samples(cachy):
        assert len({ask("samples") for _ in range(5)}) == 5

    @pytest.mark.cachy(scope="mine")
    def test_scope():
        assert ask("shared")
"""
RECORDINGS = 8 + 1 + 1 + 2 + 2 + 3 * 3 + 2 + 5 + 1  # with `warm` and `shared` once each


class Loaded:
    """Keeps what the runs of a test load, but for the modules of their projects.

    Pytester drops it, after each run and after the test, and what libraries load late would then
    be there twice: exceptions of one are not those of the other.
    """

    def __init__(self) -> None:
        self._modules: dict[str, ModuleType] = {}

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """At the end of a run, as one of its plugins."""
        for name, module in sys.modules.items():
            file = getattr(module, "__file__", None) or ""
            if not file.startswith(str(config.rootpath)):
                self._modules[name] = module

    def restore(self) -> None:
        sys.modules.update(self._modules)


@pytest.fixture
def loaded() -> Iterator[Loaded]:
    loaded = Loaded()
    yield loaded
    loaded.restore()


@pytest.fixture(autouse=True)
def sample(
    loaded: Loaded,
    pytester: pytest.Pytester,
    standin: Standin,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """A project that reaches the stand-in, also from the workers of xdist."""
    for name in ("CACHY_MODE", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_TESTRUNUID", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    conftest = CONFTEST.format(
        tests=str(Path(__file__).parent / "support"),
        secure=standin._secure,
        plain=standin._plain,
        authority=authority().file,
    )
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    pytester.makeconftest(conftest)
    pytester.makepyfile(ask=ASK)
    pytester.syspathinsert()
    yield
    disable_cachy()


@pytest.fixture
def run(pytester: pytest.Pytester, loaded: Loaded) -> Run:
    def run(*arguments: str) -> pytest.RunResult:
        chosen = [part for plugin in PLUGINS for part in ("-p", plugin)]
        result = pytester.runpytest_inprocess(*chosen, *arguments, plugins=[loaded])
        loaded.restore()
        return result

    return run


def summary(result: pytest.RunResult) -> str:
    """cachy's line in the summary, or an empty string."""
    return next((line for line in result.outlines if line.startswith("cachy: ")), "")


def entries(pytester: pytest.Pytester) -> list[Path]:
    return sorted(pytester.path.glob(".cachy/*/*.entry"))


# Twenty tests in each mode


@pytest.mark.parametrize("workers", [0, 2])
def test_twenty_tests_in_all_modes(
    workers: int, run: Run, pytester: pytest.Pytester, standin: Standin
) -> None:
    pytester.makepyfile(test_twenty=TWENTY)
    spread = ("-n", str(workers)) if workers else ()

    def in_mode(mode: str) -> tuple[str, int]:
        before = len(standin.calls)
        result = run(f"--cachy={mode}", *spread)
        result.assert_outcomes(passed=20)
        return summary(result), len(standin.calls) - before

    line, calls = in_mode("auto")
    hits, misses, recorded = map(int, re.findall(r"(\d+) [hmr]", line))
    assert misses == recorded == calls
    # A fixture of the module runs in each worker, and two may ask for what is shared at once.
    assert RECORDINGS <= recorded <= RECORDINGS + bool(workers) * 2
    said = f"{count(hits, 'hit')}, {count(misses, 'miss')}, {recorded} recorded"
    assert line == f"cachy: {said}, 0 unused"
    kept = entries(pytester)

    line, calls = in_mode("replay")
    assert re.fullmatch(r"cachy: \d+ hits, 0 misses, 0 recorded, 0 unused", line)
    assert calls == 0
    assert entries(pytester) == kept

    line, calls = in_mode("refresh")
    assert line == f"cachy: 0 hits, {calls} misses, {calls} recorded, 0 unused"
    assert len(entries(pytester)) == len(kept) + calls


def test_off(run: Run, pytester: pytest.Pytester, standin: Standin) -> None:
    pytester.makepyfile(test_twenty=TWENTY.replace("cachy.stats.hits +", "3 or"))
    result = run("--cachy=off")
    result.assert_outcomes(passed=20)
    assert summary(result) == "cachy: 0 hits, 0 misses, 0 recorded, 0 unused"
    assert len(standin.calls) > RECORDINGS
    assert not entries(pytester)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_summary_tells_what_went_past(
    workers: int, run: Run, pytester: pytest.Pytester, standin: Standin
) -> None:
    pytester.makepyfile(
        test_it=f"""
        import httpx, pytest
        @pytest.mark.filterwarnings("ignore::cachy.errors.CachyWarning")
        @pytest.mark.parametrize("n", range(3))
        def test_it(cachy, n):
            httpx.post("{standin.url}/v1/chat/completions", json={{"messages": [], "n": n}})
        """
    )
    result = run(*(["-n", str(workers)] if workers else []))
    host = standin.url.removeprefix("http://")
    said = f"cachy: 3 calls went past cachy: 3 to {host}, which is not in doms"
    assert said in result.outlines


# Which tests


def test_the_mark_or_the_fixture_or_the_command_line(
    run: Run, pytester: pytest.Pytester, standin: Standin
) -> None:
    pytester.makepyfile(
        test_it="""
        import pytest
        from ask import ask

        def test_neither(): ask("neither")
        def test_fixture(cachy): ask("fixture")
        def test_by_name(request): request.getfixturevalue("cachy"), ask("by name")
        @pytest.mark.cachy
        def test_mark(): ask("mark")

        class TestOfOne:
            pytestmark = pytest.mark.cachy
            def test_mark(self): ask("class")
        """
    )
    assert summary(run()) == "cachy: 0 hits, 4 misses, 4 recorded, 0 unused"
    assert len(standin.calls) == 5
    assert summary(run("--cachy=auto")) == "cachy: 4 hits, 1 miss, 1 recorded, 0 unused"
    assert summary(run("--cachy=replay")) == "cachy: 5 hits, 0 misses, 0 recorded, 0 unused"
    assert summary(run()) == "cachy: 4 hits, 0 misses, 0 recorded, 1 unused"


def test_unittest_and_fixtures_of_all_scopes(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import unittest, pytest
        from ask import ask

        @pytest.fixture(scope="session", autouse=True)
        def early(tmp_path_factory):
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(tmp_path_factory.mktemp("elsewhere"))
                ask("early")
                yield
                ask("late")

        class TestIt(unittest.TestCase):
            def test_it(self): assert ask("unittest")
        """
    )
    assert summary(run("--cachy=auto")) == "cachy: 0 hits, 3 misses, 3 recorded, 0 unused"
    assert summary(run("--cachy=replay")) == "cachy: 3 hits, 0 misses, 0 recorded, 0 unused"
    assert len(entries(pytester)) == 3


def test_costs_nothing_when_unused(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pathlib, sys

        def pytest_unconfigure():
            loaded = sorted(name for name in sys.modules if name.startswith("cachy"))
            pathlib.Path("loaded").write_text(" ".join(loaded))
        """
    )
    pytester.makepyfile(
        test_it="""
        import sys

        def test_it():
            for name in ("httpx", "httpx2", "cachy.upkeep", "click", "asyncio"):
                assert name not in sys.modules
            assert not any("cachy" in type(finder).__module__ for finder in sys.meta_path)
        """
    )
    result = pytester.runpytest_subprocess("-p", "cachy.pytest_plugin")
    result.assert_outcomes(passed=1)
    assert not summary(result)
    assert (pytester.path / "loaded").read_text() == "cachy cachy.pytest_plugin"
    assert not (pytester.path / ".cachy").exists()


def test_a_session_of_the_tests_own_is_left_in_force(
    run: Run, pytester: pytest.Pytester, standin: Standin
) -> None:
    pytester.makepyfile(
        test_it="""
        import pytest
        from ask import ask
        from cachy import enable_cachy

        @pytest.fixture(scope="session", autouse=True)
        def theirs():
            return enable_cachy(cache_dir="theirs")

        def test_one(theirs): ask("one"), ask("one")
        @pytest.mark.cachy
        def test_ours(): ask("ours")
        def test_two(theirs): ask("two")
        """
    )
    assert summary(run()) == "cachy: 1 hit, 3 misses, 3 recorded, 0 unused"
    assert len(list(pytester.path.glob("theirs/.cachy/*/*.entry"))) == 2
    assert len(entries(pytester)) == 1
    disable_cachy()
    assert summary(run("--cachy=refresh")) == "cachy: 0 hits, 4 misses, 4 recorded, 0 unused"


# Whose word counts


@pytest.mark.parametrize(
    ("asked", "variable", "mark", "ini", "mode"),
    [
        (None, None, None, None, "auto"),
        (None, None, None, "replay", "replay"),
        (None, None, "refresh", "replay", "refresh"),
        (None, "off", "refresh", "replay", "off"),
        ("auto", "off", "refresh", "replay", "auto"),
        ("replay", None, None, "off", "replay"),
        (None, " ", None, "replay", "replay"),
    ],
)
def test_precedence(
    asked: str | None,
    variable: str | None,
    mark: str | None,
    ini: str | None,
    mode: str,
    run: Run,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if variable:
        monkeypatch.setenv("CACHY_MODE", variable)
    if ini:
        pytester.makeini(f"[pytest]\ncachy_mode = {ini}\n")
    marked = f"@pytest.mark.cachy(mode={mark!r})" if mark else ""
    pytester.makepyfile(
        test_it=f"""
        import pytest
        {marked}
        def test_it(cachy): assert cachy.mode == {mode!r}
        """
    )
    run(*([f"--cachy={asked}"] if asked else [])).assert_outcomes(passed=1)
    assert os.environ.get("CACHY_MODE") == variable


@pytest.mark.parametrize("variable", ["replay", "REPLAY", "none"])
def test_placeholders_are_there_when_modules_are_imported(
    variable: str, run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHY_MODE", variable)
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    pytester.makepyfile(
        test_it="""
        import os
        KEY = os.environ.get("GROQ_API_KEY")
        def test_it(): assert KEY
        """
    )
    run().assert_outcomes(passed=1)


def test_the_closest_mark_counts(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import pytest
        pytestmark = pytest.mark.cachy(mode="refresh", scope="module")

        @pytest.mark.cachy(mode="replay")
        def test_it(cachy):
            assert cachy.mode == "replay"
            assert cachy.cache.settings.scope == "module"
        """
    )
    run().assert_outcomes(passed=1)


def test_ini(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini(
        "[pytest]\ncachy_mode = auto\ncachy_dir = data\ncachy_repeats = distinct\n"
        "cachy_doms =\n  llm.example.com\n  other.example.com/v1\n"
    )
    (pytester.path / "data").mkdir()
    pytester.makepyfile(
        test_it="""
        from ask import ask

        def test_it(cachy):
            assert ask("same") != ask("same")
            assert cachy.cache.settings.hosts.route("GET", "https://llm.example.com/").cached
            assert cachy.cache.settings.hosts.route("POST", "https://api.openai.com/v1/responses").cached
        """
    )
    run().assert_outcomes(passed=1)
    assert len(list(pytester.path.glob("data/.cachy/*/*.entry"))) == 2


def test_settings_of_the_mark(run: Run, pytester: pytest.Pytester) -> None:
    (pytester.path / "sub").mkdir()
    pytester.makepyfile(
        **{
            "sub/test_it": """
            import pytest
            from ask import ask
            from cachy import CacheMiss, scope

            MAPPING = {}

            @pytest.mark.cachy(store="recordings")
            def test_folder(): assert ask("folder")

            @pytest.mark.cachy(store=MAPPING)
            def test_mapping(): assert ask("mapping") and len(MAPPING) == 1

            @pytest.mark.cachy(store=MAPPING, mode="replay")
            def test_again(cachy):
                assert ask("mapping") and cachy.stats.hits == 1
                with scope("another"), pytest.raises(CacheMiss):
                    ask("mapping")

            @pytest.mark.cachy(store=MAPPING, doms=("example.com",))
            def test_hosts(cachy): assert ask("live") and not cachy.stats.misses
            """
        }
    )
    run().assert_outcomes(passed=4)
    assert len(list(pytester.path.glob("recordings/.cachy/*/*.entry"))) == 1


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ("'replay'", "takes names only"),
        ("mode='reply'", "did you mean 'replay'"),
        ("modus='replay'", "cachy has no setting 'modus'"),
    ],
)
def test_an_invalid_mark(mark: str, words: str, run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it=f"""
        import pytest
        @pytest.mark.cachy({mark})
        def test_it(): pass
        def test_next(): pass
        """
    )
    result = run()
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(f"*{words}*")
    assert "pytest_plugin.py" not in result.stdout.str()  # no tour through cachy's source


# Misses


FAILING = """
    import asyncio, openai, pytest
    from ask import ask, body

    def helper(text):
        return ask(text)

    def test_httpx2():
        helper("never recorded")

    def test_openai():
        with openai.OpenAI(api_key="test") as client:
            client.chat.completions.create(**body("never recorded"))

    def test_task_group():
        import anyio
        async def main():
            async with openai.AsyncOpenAI(api_key="test") as client, anyio.create_task_group() as g:
                for n in range(2):
                    g.start_soon(lambda: client.responses.create(model="m", input=f"never {n}"))
        anyio.run(main)

    @pytest.fixture
    def broken(): return ask("in a fixture")

    def test_fixture(broken): pass

    def test_another_failure(): assert ask == 1

    @pytest.mark.xfail(raises=ZeroDivisionError)
    def test_unexpected(): ask("never")

    @pytest.mark.xfail
    def test_expected(): ask("never")
"""


@pytest.mark.parametrize("workers", [0, 1])
def test_a_failing_test_explains_the_miss(
    workers: int, run: Run, pytester: pytest.Pytester, standin: Standin
) -> None:
    pytester.makepyfile(test_it=FAILING)
    result = run("--cachy=replay", *(["-n1"] if workers else []))
    result.assert_outcomes(failed=5, errors=1, xfailed=1)
    assert standin.calls == []
    parts = dict(re.findall(r"^_+ ([\w ]+) _+\n(.*?)(?=^[_=])", result.stdout.str(), re.S | re.M))
    for name, own in {
        "test_httpx2": ["test_it.py:*: in test_httpx2", "test_it.py:*: in helper"],
        "test_openai": ["test_it.py:*: in test_openai"],
        "test_task_group": ["test_it.py:*: in test_task_group"],
        "ERROR at setup of test_fixture": ["test_it.py:*: in broken"],
    }.items():
        part = pytest.LineMatcher(parts[name].splitlines())
        part.fnmatch_lines([*own, "E * cachy: no recording: *"])
        part.fnmatch_lines(
            ["E * request: POST https://api.openai.com/v1/*", "E * store: *.cachy", "E * remedy: *"]
        )
        part.no_fnmatch_line("*site-packages*")
        assert len(parts[name].splitlines()) < 20
    assert "ask == 1" in parts["test_another_failure"]
    result.stdout.fnmatch_lines("FAILED test_it.py::test_openai - *CacheMiss: cachy: no rec*")


def test_full_trace_shows_it_all(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="from ask import ask\ndef test_it(cachy): ask('never')")
    result = run("--cachy=replay", "--full-trace")
    result.stdout.fnmatch_lines("*site-packages*")


# Unused recordings


@pytest.mark.parametrize("workers", [0, 2])
def test_unused(workers: int, run: Run, pytester: pytest.Pytester) -> None:
    test = "from ask import ask\n" + "\n".join(
        f"def test_{n}(cachy): ask('question {n}')" for n in range(4)
    )
    pytester.makepyfile(test_it=test)
    run().assert_outcomes(passed=4)
    pytester.makepyfile(test_it=test.replace("question 2", "question 1"))
    spread = ["-n", str(workers)] if workers else []
    result = run("--cachy-unused", *spread)
    assert summary(result) == "cachy: 4 hits, 0 misses, 0 recorded, 1 unused"
    [listed] = [line for line in result.outlines if line.endswith("  question 2")]
    assert re.fullmatch(r"  [0-9a-f]{10}  gpt-4o  question 2", listed)
    result.stdout.fnmatch_lines("cachy: `cachy gc --unused *")


def test_a_run_is_noted_in_the_journal_once(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=TWENTY)
    run().assert_outcomes(passed=20)
    [note] = journal.read(str(pytester.path / ".cachy"))
    assert len(note.keys) == RECORDINGS == note.recorded


# Placeholders for API keys


def test_placeholders_while_replaying(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "mine")
    pytester.makepyfile(
        test_it="""
        import os, pytest

        AT_IMPORT = os.environ.get("OPENAI_API_KEY")

        def test_auto(cachy): assert "OPENAI_API_KEY" not in os.environ
        @pytest.mark.cachy(mode="replay")
        def test_replay(): assert os.environ["OPENAI_API_KEY"]
        def test_import(): assert AT_IMPORT and os.environ["ANTHROPIC_API_KEY"] == "mine"
        """
    )
    run().assert_outcomes(passed=2, failed=1)
    run("--cachy=replay").assert_outcomes(passed=2, failed=1)
    assert "OPENAI_API_KEY" not in os.environ
    pytester.makeini("[pytest]\ncachy_placeholders = false\n")
    run("--cachy=replay").assert_outcomes(passed=1, failed=2)


def test_help(run: Run) -> None:
    result = run("--help")
    result.stdout.fnmatch_lines(["*--cachy=[[]MODE[]]*", "*--cachy-unused*"])
    result.stdout.fnmatch_lines("*cachy_placeholders (bool):*")
    run("--markers").stdout.fnmatch_lines("@pytest.mark.cachy(mode=, scope=, store=, *")


def test_the_option_alone_means_auto(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="from ask import ask\ndef test_it(): ask('once')")
    assert summary(run("--cachy")) == "cachy: 0 hits, 1 miss, 1 recorded, 0 unused"
    assert summary(run("--cachy=none")) == "cachy: 1 hit, 0 misses, 0 recorded, 0 unused"
    wrong = run("--cachy=reply")
    wrong.stderr.fnmatch_lines("*invalid --cachy='reply'*did you mean 'replay'*")


def test_many_misses_are_summed_up_by_reason(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import pytest
        from ask import ask
        def test_first(): ask('once')
        @pytest.mark.parametrize("n", range(3))
        def test_others(n): ask(f'once {n}')
        """
    )
    run("--cachy", "-k", "first")
    result = run("--cachy=replay")
    result.stdout.fnmatch_lines(
        [
            "cachy: 1 hit, 3 misses, 0 recorded, 0 unused",
            "cachy: 3 requests missed: the prompt changed",
            "cachy: `pytest --cachy=auto` records them, where the API can be reached",
        ]
    )
    assert summary(run("--cachy=auto")).startswith("cachy: 1 hit, 3 misses, 3 recorded")


def test_what_was_deselected_is_not_called_unused(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="from ask import ask\ndef test_a(): ask('a')\ndef test_b(): ask('b')"
    )
    run("--cachy")
    result = run("--cachy=replay", "--cachy-unused", "-k", "test_a")
    assert summary(result) == "cachy: 1 hit, 0 misses, 0 recorded"
    result.stdout.fnmatch_lines("cachy: tests were deselected, so it is not known what none *")
