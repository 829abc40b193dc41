"""What is exported and imported again is the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from canned import multipart
from cassettes import URL, answered, as_json, as_yaml, asked, item, stream_of

from cachy.errors import ConfigError
from cachy.settings import Settings, check
from cachy.store.folder import entry_files, read_entry
from cachy.upkeep.exports import Exported, export
from cachy.upkeep.imports import Report, take

AUDIO = "https://api.openai.com/v1/audio/transcriptions"
FORM, (_, FORM_TYPE) = multipart("b0und4ry")


def bring(root: Path, *paths: Path | str, **more: Any) -> Report:
    settings = check({"requests": "full", **more}, Settings())
    return take(str(root), [str(path) for path in paths], settings)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with recordings of many kinds."""
    stream = {"headers": {"content-type": ["text/event-stream"]}}
    items = [
        item("a long text " * 100),
        item("ä \u2028 \U0001f600", answered("\x85 \x00 ö")),
        item("stream", response={**stream, "body": {"string": stream_of("a", "b")}}),
        item("twice", answered("one")),
        item("twice", answered("two")),
        item("not found", status=404, answer='{"x": 1}'),
        item(request={"uri": "https://generativelanguage.googleapis.com/v1/m:g?key=AIzaX&alt=sse"}),
        item(request={"method": "GET", "uri": "https://api.openai.com/v1/models", "body": None}),
        item(
            request={
                "uri": AUDIO,
                "body": FORM.decode(),
                "headers": {"content-type": [FORM_TYPE]},
            },
            response={
                "headers": {"content-type": ["application/octet-stream"]},
                "body": {"string": bytes(range(256))},
            },
        ),
    ]
    path = tmp_path / "given.yaml"
    path.write_text(as_yaml(*items), "utf-8")
    root = tmp_path / ".cachy"
    report = bring(root, path, repeats="distinct", errors=True)
    assert (report.taken, report.problems) == (len(items), []), report.as_dict()
    return root


def contents(root: Path) -> dict[str, Any]:
    found = {}
    for file in entry_files(str(root)):
        entry = read_entry(file.path)
        head = {
            name: value for name, value in entry.head.items() if name not in ("nonce", "client")
        }
        found[entry.head["key"]] = (head, entry.body)
    return found


def write(root: Path, output: Path, kind: str, **options: Any) -> Exported:
    return export(str(root), str(output), kind, **options)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("vcr", "all.yaml"), ("vcr", "folder"), ("har", "a.har"), ("jsonl", "a.jsonl")],
)
def test_what_is_exported_and_imported_again_is_the_same(
    kind: str, name: str, store: Path, tmp_path: Path
) -> None:
    done = write(store, tmp_path / name, kind)
    assert (done.recordings, done.outlined, done.broken) == (9, 0, 0)
    other = tmp_path / "other" / ".cachy"
    assert bring(other, tmp_path / name, errors=True).taken == 9
    assert contents(other) == contents(store)


def test_scopes_become_cassettes(tmp_path: Path) -> None:
    root = tmp_path / ".cachy"
    for name in ("tests/a.yaml", "tests/b/c.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(as_yaml(item("same", answered(name))))
    settings = check({"requests": "full"}, Settings())
    take(str(root), [str(tmp_path / "tests")], settings, scope="test")
    done = write(root, tmp_path / "out", "vcr")
    assert sorted(done.files) == [
        str(tmp_path / "out" / "tests" / "a.yaml"),
        str(tmp_path / "out" / "tests" / "b" / "c.yaml"),
    ]
    other = tmp_path / "other" / ".cachy"
    bring(other, tmp_path / "out")
    assert contents(other) == contents(root)


@pytest.mark.parametrize("folder", ["tests/cassettes", "tests", "."])
def test_a_cassette_is_written_to_where_it_was(folder: str, tmp_path: Path) -> None:
    cassette = tmp_path / "tests" / "cassettes" / "test_a" / "test_b.yaml"
    cassette.parent.mkdir(parents=True)
    cassette.write_text(as_yaml(item()))
    root = tmp_path / ".cachy"
    take(str(root), [str(cassette)], check({"requests": "full"}, Settings()), scope="test")
    cassette.unlink()
    write(root, tmp_path / folder, "vcr")
    assert list(tmp_path.rglob("*.yaml")) == [cassette]


@pytest.mark.parametrize("scope", ["../../etc/x", "/etc/x", "a/../../b", "..", "C:\\x", "a\0b"])
def test_a_scope_leads_nowhere_else(scope: str, tmp_path: Path) -> None:
    row = {"method": "POST", "url": URL, "request": asked(), "response": answered()}
    headers = [["content-type", "application/json"]]
    row |= {"scope": scope, "status": 200, "response_headers": headers}  # type: ignore[dict-item]
    lines = tmp_path / "a.jsonl"
    lines.write_text(json.dumps({"key": "", **row}) + "\n")
    root = tmp_path / ".cachy"
    assert bring(root, lines).taken == 1
    done = write(root, tmp_path / "out", "vcr")
    assert all(
        Path(path).resolve().is_relative_to((tmp_path / "out").resolve()) for path in done.files
    )
    assert all(Path(path).is_file() for path in done.files)


def test_an_outline_is_told_and_not_taken_for_a_request(tmp_path: Path) -> None:
    root = tmp_path / ".cachy"
    given = tmp_path / "a.json"
    given.write_text(as_json(item("long " * 100), item("short")))
    bring(root, given, requests="outline")
    done = write(root, tmp_path / "a.yaml", "vcr")
    assert (done.recordings, done.outlined) == (2, 1)
    report = bring(tmp_path / "other" / ".cachy", tmp_path / "a.yaml")
    assert report.taken == 1
    assert [problem.what for problem in report.problems] == [
        "a request that was shortened when it was exported"
    ]


def test_what_stays_on_this_machine_is_left_out(tmp_path: Path) -> None:
    root = tmp_path / ".cachy"
    given = tmp_path / "a.json"
    given.write_text(as_json(item("AKIA" + "Q3EGRIXZ7WKP5T2M"), item("b")))
    bring(root, given)
    done = write(root, tmp_path / "a.har", "har")
    assert (done.recordings, done.private) == (1, 1)
    assert "AKIA" not in (tmp_path / "a.har").read_text("utf-8")
    assert write(root, tmp_path / "b.har", "har", private=True).recordings == 2


def test_what_exists_is_not_replaced_unasked(store: Path, tmp_path: Path) -> None:
    output = tmp_path / "a.har"
    output.write_text("mine")
    with pytest.raises(ConfigError, match="--force"):
        write(store, output, "har")
    assert output.read_text() == "mine"
    assert write(store, output, "har", force=True).recordings == 9


def test_filters_choose(store: Path, tmp_path: Path) -> None:
    assert write(store, tmp_path / "a.har", "har", host="*.googleapis.com").recordings == 1
    assert write(store, tmp_path / "b.har", "har", model="none*").recordings == 0


def test_a_line_has_what_tables_want(store: Path, tmp_path: Path) -> None:
    write(store, tmp_path / "a.jsonl", "jsonl")
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text("utf-8").splitlines()]
    row = next(row for row in rows if row["prompt"] == "stream")
    assert (row["model"], row["host"], row["stream"]) == ("gpt-4o", "api.openai.com", "sse")
    assert (row["answer"], row["status"]) == ("ab", 200)


def test_only_the_newest_of_a_key_is_written(store: Path, tmp_path: Path) -> None:
    from cachy.store.entry import dumps
    from cachy.store.folder import DirStore

    file = entry_files(str(store))[0]
    entry = read_entry(file.path)
    DirStore(str(store)).put(file.name[:32], dumps(entry._replace(body=b"newer")), 1)
    write(store, tmp_path / "a.jsonl", "jsonl")
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text("utf-8").splitlines()]
    assert [row["response"] for row in rows if row["key"] == file.name[:32]] == ["newer"]
    assert len(rows) == 9
