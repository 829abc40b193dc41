"""What becomes of recordings of other tools."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cassettes import URL, answered, as_json, as_yaml, asked, item, stream_of

from cachy.errors import ConfigError
from cachy.settings import Settings, check
from cachy.store import entry as codec
from cachy.store.folder import DirStore, entry_files, read_entry
from cachy.upkeep.imports import Report, take


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return str(path)


def bring(root: Path, *paths: str, scope: str = "none", dry: bool = False, **more: Any) -> Report:
    settings = check({"requests": "full", **more}, Settings())
    return take(str(root), paths, settings, scope=scope, dry_run=dry)


def entries(root: Path) -> list[codec.Entry]:
    return [read_entry(file.path) for file in entry_files(str(root))]


def test_an_interaction_becomes_an_entry_as_if_it_had_been_recorded(
    root: Path, tmp_path: Path
) -> None:
    report = bring(root, write(tmp_path, "a.yaml", as_yaml(item())))
    assert (report.taken, report.files, report.code) == (1, 1, 0)
    (entry,) = entries(root)
    assert entry.body == answered().encode()
    head = entry.head
    assert (head["method"], head["url"], head["status"]) == ("POST", URL, 200)
    assert (head["model"], head["client"]) == ("gpt-4o", "vcr")
    assert head["recorded"] == "2025-02-11T14:10:40Z"
    assert head["request"]["body"] == json.loads(asked())
    assert "user-agent" not in str(head)


def test_taking_twice_takes_nothing_the_second_time(root: Path, tmp_path: Path) -> None:
    path = write(tmp_path, "a.yaml", as_yaml(item("a"), item("b")))
    assert bring(root, path).taken == 2
    again = bring(root, path)
    assert (again.taken, again.present, again.code) == (0, 2, 0)
    assert len(entries(root)) == 2


def test_a_dry_run_writes_nothing(root: Path, tmp_path: Path) -> None:
    path = write(tmp_path, "a.yaml", as_yaml(item("a"), item("a"), item("b")))
    report = bring(root, path, dry=True)
    assert (report.taken, report.present) == (2, 1)
    assert not root.exists()


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (item(status=500), "its status is 500"),
        (item(status=401), "its status is 401"),
        (item(answer=""), "it is empty, and its content type is JSON"),
        (item(answer='{"error": {"message": "no"}}'), "it carries an error"),
        (item(request={"uri": "https://a.example/x"}), "not one of the hosts"),
        (item(request={"uri": "https://api.openai.com/v1/files"}), "keeps state on the server"),
        (item(request={"method": "DELETE"}), "DELETE requests are never cached"),
        (
            item(
                answer=stream_of("a")[:-40],
                response={"headers": {"content-type": ["text/event-stream"]}},
            ),
            "the stream is incomplete",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_worth_keeping_is_counted_by_reason(
    made: dict[str, Any], reason: str, root: Path, tmp_path: Path
) -> None:
    if made["response"]["headers"].get("content-type"):
        made["response"]["body"] = {"string": stream_of("a", "b")[:-60]}
    report = bring(root, write(tmp_path, "a.yaml", as_yaml(made)))
    assert (report.taken, report.code) == (0, 0)
    ((said, number),) = report.skipped.items()
    assert (number, reason in said) == (1, True), said


def test_errors_are_kept_where_they_are_asked_for(root: Path, tmp_path: Path) -> None:
    path = write(tmp_path, "a.yaml", as_yaml(item(status=404), item("b", status=429)))
    report = bring(root, path, errors=True)
    assert (report.taken, dict(report.skipped)) == (1, {"its status is 429": 1})


def test_hosts_can_be_added(root: Path, tmp_path: Path) -> None:
    other = item(request={"uri": "https://llm.example.com/ask"})
    path = write(tmp_path, "a.yaml", as_yaml(other))
    assert bring(root, path, doms=("llm.example.com",)).taken == 1


def test_what_holds_a_credential_stays_on_this_machine(root: Path, tmp_path: Path) -> None:
    key = "AKIA" + "Q3EGRIXZ7WKP5T2M"
    path = write(tmp_path, "a.yaml", as_yaml(item(f"my key is {key}"), item("b")))
    report = bring(root, path)
    assert (report.taken, dict(report.private)) == (2, {"an AWS access key id": 1})
    assert sorted(file.private for file in entry_files(str(root))) == [False, True]
    assert key not in json.dumps(report.as_dict())


def test_a_key_of_a_request_that_its_answer_repeats_is_found(root: Path, tmp_path: Path) -> None:
    token = "plain-words-as-a-token-7f3q"
    headers = {"content-type": ["application/json"], "authorization": [f"Bearer {token}"]}
    made = item(answer=answered(f"you sent {token}"), request={"headers": headers})
    report = bring(root, write(tmp_path, "a.yaml", as_yaml(made)))
    assert sum(report.private.values()) == 1


def test_of_several_answers_the_first_counts(root: Path, tmp_path: Path) -> None:
    made = [item("a", answered(text)) for text in ("one", "two", "one")]
    report = bring(root, write(tmp_path, "a.yaml", as_yaml(*made)))
    assert (report.taken, report.present, sum(report.skipped.values())) == (1, 1, 1)
    assert b"one" in entries(root)[0].body


def test_several_answers_are_numbered(root: Path, tmp_path: Path) -> None:
    made = [item("a", answered(text)) for text in ("one", "two", "one")]
    failed = item("a", status=500)
    path = write(tmp_path, "a.yaml", as_yaml(made[0], failed, *made[1:]))
    assert bring(root, path, repeats="distinct").taken == 3
    found = {each.head["request"].get("repeat", 0): each.body for each in entries(root)}
    assert [b"two" in found[number] for number in range(3)] == [False, True, False]
    assert bring(root, path, repeats="distinct").present == 3


def test_each_file_or_folder_can_be_a_scope(root: Path, tmp_path: Path) -> None:
    for name in ("t/cassettes/test_a/test_x[1].yaml", "t/cassettes/test_a/test_y.yaml"):
        write(tmp_path, name, as_yaml(item("same", answered(name))))
    folder = str(tmp_path / "t")
    assert bring(root, folder, scope="test").taken == 2
    scopes = {each.head["request"]["scope"] for each in entries(root)}
    assert scopes == {"t/cassettes/test_a/test_x[1]", "t/cassettes/test_a/test_y"}
    report = bring(root, folder, scope="module", repeats="distinct")
    assert report.taken == 2
    assert "t/cassettes/test_a" in {each.head["request"]["scope"] for each in entries(root)}


def test_large_recordings_stay_on_this_machine(root: Path, tmp_path: Path) -> None:
    big = os.urandom(3 * 2**20).hex()
    path = write(tmp_path, "a.json", as_json(item(answer=answered(big))))
    assert dict(bring(root, path).private) == {"it is too large to be committed": 1}


def test_a_name_of_this_run_in_an_answer_is_not_kept(root: Path, tmp_path: Path) -> None:
    made = item("read /tmp/tmpab12cd34/x.csv", answered("I read tmpab12cd34"))
    report = bring(root, write(tmp_path, "a.yaml", as_yaml(made)))
    assert (report.taken, len(report.skipped)) == (0, 1)


def test_what_is_not_understood_is_named_and_decides_the_exit_code(
    root: Path, tmp_path: Path
) -> None:
    bad = write(tmp_path, "b.yaml", "hello")
    assert bring(root, bad).code == 2
    good = write(tmp_path, "a.yaml", as_yaml(item()))
    report = bring(root, good, bad)
    assert (report.taken, report.code) == (1, 1)
    assert str(report.problems[0]).startswith(f"{bad}, line 1: it is not a cassette")


def test_a_file_that_cannot_be_read_is_named(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.symlink_to(tmp_path / "nowhere")
    report = bring(root, str(path))
    assert (report.code, "cannot be read" in str(report.problems[0])) == (2, True)


def test_a_path_of_nothing_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        bring(root, str(tmp_path / "none"))


def test_an_url_that_is_none_is_named(root: Path, tmp_path: Path) -> None:
    made = item(request={"uri": "https://[::1/x"})
    report = bring(root, write(tmp_path, "a.yaml", as_yaml(made, item())))
    assert (report.taken, len(report.problems)) == (1, 1)


def test_the_files_of_pycachy_are_counted(root: Path, tmp_path: Path) -> None:
    rows = [{"key": f"0000000{n}", "response": "{}"} for n in range(3)]
    path = write(tmp_path, "cachy.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    report = bring(root, path)
    assert [(each.answers, each.adopted) for each in report.waiting] == [(3, 0)]
    assert report.code == 0
    assert not DirStore(str(root)).names()
