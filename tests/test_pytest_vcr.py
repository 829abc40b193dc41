"""Suites that were written for cassettes, in runs of pytest of their own, after an import."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from cassettes import answered, as_yaml, item, stream_of
from commands import data

from cachy.pytest_vcr import blocked

pytest_plugins = "pytester"

Run = Callable[..., pytest.RunResult]

SUITE = """
    import httpx, pytest

    URL = "https://api.openai.com/v1/chat/completions"

    def ask(text="hi"):
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
        answer = httpx.post(URL, json=body, verify=False)
        return answer.json()["choices"][0]["message"]["content"]
"""
TESTS = """
    import pytest
    from ask import ask

    @pytest.mark.vcr
    def test_one():
        assert [ask(), ask()] == ["one", "one again"]

    @pytest.mark.vcr
    @pytest.mark.parametrize("name", ["x/y"])
    def test_two(name):
        assert ask() == "two"

    class TestThree:
        @pytest.mark.vcr
        def test_four(self, vcr, record_mode):
            assert ask() == "four"
            assert (vcr.play_count, record_mode) == (1, "none")

    @pytest.mark.default_cassette("shared.yaml")
    @pytest.mark.vcr
    def test_named():
        assert ask() == "shared"

    @pytest.mark.vcr("shared")
    def test_named_by_the_mark():
        assert ask() == "shared"

    @pytest.mark.vcr(allow_playback_repeats=True)
    def test_repeats():
        assert [ask(), ask(), ask()] == ["six"] * 3

    def test_without_a_mark(vcr):
        assert vcr is None
"""
CASSETTES = {
    "test_one": ["one", "one again"],
    "test_two[x-y]": ["two"],
    "TestThree.test_four": ["four"],
    "shared": ["shared"],
    "test_repeats": ["six"],
}


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in ("CACHY_MODE", "PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.chdir(pytester.path)
    pytester.makepyfile(ask=SUITE)

    def run(*arguments: str) -> pytest.RunResult:
        chosen = ("-p", "cachy.pytest_plugin", "-p", "no:cacheprovider", "--strict-markers")
        return pytester.runpytest_subprocess(*chosen, *arguments)

    return run


def import_cassettes(pytester: pytest.Pytester, folder: str, texts: dict[str, list[str]]) -> None:
    cassettes = pytester.mkdir("cassettes") / folder
    cassettes.mkdir(exist_ok=True)
    for name, answers in texts.items():
        items = [item(answer=answered(text)) for text in answers]
        (cassettes / f"{name}.yaml").write_text(as_yaml(*items), "utf-8")
    assert data("import", "cassettes")["taken"] == sum(map(len, texts.values()))


def test_a_suite_passes_unchanged_after_the_import(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ncachy_vcr = true\n")
    pytester.makepyfile(test_suite=TESTS)
    import_cassettes(pytester, "test_suite", CASSETTES)
    result = run("--block-network")
    result.assert_outcomes(passed=7)
    result.stdout.fnmatch_lines(["cachy: 9 hits, 0 misses, 0 recorded, 0 unused"])


def test_fixtures_of_the_suite_are_understood(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ncachy_vcr = true\ncachy_dir = store\n")
    pytester.makeconftest(
        """
        import os, pytest

        @pytest.fixture(scope="module")
        def vcr_cassette_dir(request):
            return os.path.join(request.config.rootpath, "cassettes", "elsewhere")

        @pytest.fixture(scope="session")
        def vcr_config():
            return {"filter_headers": ["authorization"], "record_mode": "none"}

        @pytest.fixture
        def default_cassette_name(request):
            return "of " + request.node.name

        def pytest_recording_configure(config, vcr):
            raise AssertionError("not called")
        """
    )
    pytester.makepyfile(
        """
        import pytest
        from ask import ask
        pytestmark = pytest.mark.vcr

        def test_a():
            assert ask() == "a"
        """
    )
    texts = {"of test_a": ["a"]}
    cassettes = pytester.mkdir("cassettes") / "elsewhere"
    cassettes.mkdir()
    (pytester.path / "store").mkdir()
    (cassettes / "of test_a.yaml").write_text(as_yaml(item(answer=answered(*texts["of test_a"]))))
    report = data("import", "cassettes", "-C", "store")
    assert report["taken"] == 1
    run().assert_outcomes(passed=1)


def test_names_of_pytest_vcr_are_understood(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ncachy_vcr = pytest-vcr\n")
    pytester.makepyfile(
        test_suite="""
        import pytest
        from ask import ask

        @pytest.mark.vcr()
        class TestIt:
            def test_a(self):
                assert ask() == "a"
        """
    )
    import_cassettes(pytester, ".", {"TestIt.test_a": ["a"]})
    run("--vcr-record=none").assert_outcomes(passed=1)


def test_a_miss_fails_and_recording_is_asked_for(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ncachy_vcr = true\n")
    pytester.makepyfile(
        """
        import pytest
        from ask import ask

        @pytest.mark.vcr
        def test_a():
            ask()
        """
    )
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*cachy: no recording*"])
    result = run("--record-mode=none", "--disable-recording", "--block-network")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the network is blocked in this test*"])
    blocked_by_mode = run("--record-mode=all", "--block-network")  # which lets recording through
    blocked_by_mode.stdout.no_fnmatch_line("*the network is blocked*")


@pytest.mark.parametrize(
    ("ini", "what"),
    [
        ("cachy_vcr = perhaps", "cachy_vcr = perhaps: give true, false or pytest-vcr"),
        ("cachy_scope = file", "cachy_scope = file: give none, test or module"),
    ],
)
def test_a_bad_option_is_named(ini: str, what: str, run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini(f"[pytest]\n{ini}\n")
    result = run()
    assert what in result.stderr.str()


def test_without_the_option_nothing_changes(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(request):\n    assert 'vcr' not in request.fixturenames\n")
    run().assert_outcomes(passed=1)
    assert run("--record-mode=none").ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(("scope", "answers"), [("test", 3), ("module", 2), ("none", 1)])
def test_a_scope_for_each_test(
    scope: str, answers: int, run: Run, pytester: pytest.Pytester
) -> None:
    pytester.makeini(f"[pytest]\ncachy_scope = {scope}\ncachy_mode = auto\n")
    test = """
        import httpx
        import pytest
        from ask import ask

        @pytest.fixture(autouse=True)
        def fake(monkeypatch):
            def handle_request(self, request):
                body = {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}
                return httpx.Response(200, json=body)
            monkeypatch.setattr(httpx.HTTPTransport, "handle_request", handle_request)
    """
    pytester.makepyfile(
        test_a=f"{test}\n        def test_1(): ask()\n        def test_2(): ask()\n",
        test_b=f"{test}\n        def test_1(): ask()\n",
    )
    run().assert_outcomes(passed=3)
    assert len(list(pytester.path.glob(".cachy/*/*.entry"))) == answers


def test_a_stream_of_a_cassette_is_replayed(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ncachy_vcr = true\n")
    pytester.makepyfile(
        test_suite="""
        import httpx, pytest

        @pytest.mark.vcr
        def test_a():
            body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
            url = "https://api.openai.com/v1/chat/completions"
            with httpx.stream("POST", url, json=body, verify=False) as answer:
                assert list(answer.iter_lines())[-2] == "data: [DONE]"
        """
    )
    headers = {"content-type": ["text/event-stream; charset=utf-8"]}
    response: dict[str, Any] = {"headers": headers, "body": {"string": stream_of("a", "b")}}
    cassettes = pytester.mkdir("cassettes") / "test_suite"
    cassettes.mkdir()
    (cassettes / "test_a.yaml").write_text(as_yaml(item(response=response)))
    assert data("import", "cassettes")["taken"] == 1
    run().assert_outcomes(passed=1)


def test_the_network_is_blocked_but_for_what_is_allowed() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        there = server.getsockname()
        with socket.socket() as client, blocked([]):
            with pytest.raises(RuntimeError, match=r"a call to 127\.0\.0\.1"):
                client.connect(there)
            with pytest.raises(RuntimeError, match=r"a call to a\.example"):
                socket.getaddrinfo("a.example", 443)
        for allowed in (r"127\.", "localhost"):
            with blocked([allowed]):
                socket.create_connection((allowed.replace("\\.", ".0.0.1"), there[1])).close()
        socket.create_connection(there).close()
