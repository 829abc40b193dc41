"""The bench's pure parts, and a tiny run of each kind of worker. No figure is judged here."""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from servers import Web

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

import bench  # noqa: E402
from benchmarks import clients, disk, hits, plot, remote, samples, startup, stores, workload  # noqa: E402
from benchmarks.samples import Row, Section, Spread  # noqa: E402
from benchmarks.workload import JSON, KINDS  # noqa: E402

MICROSECOND = 1e3


def test_spread_is_median_and_quartiles() -> None:
    assert samples.spread([4, 1, 3, 2, 5]) == Spread(3, 2, 4, 5)
    assert samples.spread([7]) == Spread(7, 7, 7, 1)


def test_comparison_is_a_ratio_of_medians_with_a_verdict() -> None:
    row = samples.compare("hit", [20, 30, 1000], "FLOOR", [10, 20, 30], bound=1.5)
    assert (row.ratio, row.met) == (1.5, True)
    assert row._replace(bound=1.4).met is False
    assert row._replace(bound=None).met is None
    assert row._replace(bound=None, limit=29).met is False


def test_what_is_added_is_compared_in_pairs() -> None:
    row = samples.added("flush", "without", [11, 21, 102], [10, 20, 100])
    assert row.value.median == 1
    assert row.ratio == pytest.approx(21 / 20)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (31, "ns", "31.0 ns"),
        (29_800, "ns", "29.8 µs"),
        (1.5e6, "ns", "1.50 ms"),
        (-2e6, "ns", "-2.00 ms"),
        (123e9, "ns", "123 s"),
        (2_500_000, "B", "2.50 MB"),
    ],
)
def test_amounts_have_three_digits_and_a_unit(value: float, unit: str, text: str) -> None:
    assert samples.amount(value, unit) == text


def test_table_shows_bounds_and_whether_they_are_met() -> None:
    value = samples.spread([20 * MICROSECOND, 30 * MICROSECOND, 40 * MICROSECOND])
    section = Section(
        "Hits",
        [
            Row("FLOOR", value),
            Row("hit", value, "FLOOR", 1.6, bound=1.5),
            Row("start", value, limit=1e6),
        ],
        notes=["busy"],
    )
    title, _, floor, hit, start, note = samples.table(section).splitlines()
    assert title == "Hits"
    assert floor.split() == ["FLOOR", "30.0", "µs", "(25.0–35.0", "µs)"]
    assert hit.endswith("FLOOR    1.60 ×  ≤ 1.5 ×    NO")
    assert start.endswith("≤ 1.00 ms  yes")
    assert note == "  busy"
    assert "| hit | 30.0 µs (25.0–35.0 µs) | 1.60 × FLOOR | ≤ 1.5 × NO |" in samples.markdown(
        [section]
    )
    assert json.loads(json.dumps(samples.as_data(section)))["rows"][1]["met"] is False


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_workload_is_of_the_size_it_says_and_repeats_itself(kind: workload.Kind) -> None:
    body = workload.answer(kind, 3)
    assert abs(len(body) / kind.size - 1) < 0.03
    assert body == workload.answer(kind, 3) != workload.answer(kind, 4)
    assert workload.payload(kind, 3) != workload.payload(kind, 4)


def test_plot_is_well_formed_and_names_every_curve_apart() -> None:
    curves = {
        "cachy, httpx": {100: 6e4, 100_000: 6.5e4},
        "pycachy": {100: 3e5, 10_000: 3e7},
        "a<b": {100: 6e4, 1_000: 6.4e4},
    }
    root = ElementTree.fromstring(plot.svg(curves, "A & B", "today"))
    texts = {text.text: text for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {*curves, "A & B", "today", "100,000", "100 µs", "10 ms"} <= texts.keys()
    heights = sorted(float(texts[name].attrib["y"]) for name in curves)
    assert all(below - above > 12 for above, below in pairwise(heights))
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == len(curves)


def test_stores_are_what_cachy_finds_and_floor_reads_as_many_files(tmp_path: Path) -> None:
    numbers = range(2 * len(hits.SENDS))
    folder = stores.make(tmp_path / "store", JSON, numbers)
    floor = stores.make_floor(tmp_path / "floor", JSON, numbers)
    times = hits._run("httpx2", JSON, numbers, hits.SENDS, folder, floor)  # raises if one misses
    assert len(times["floor"]) == len(numbers)
    assert len(times["hit async stream"]) == len(times["mock sync"]) == 2
    assert len(times["cold"]) + len(times.get("warm", [])) == 2


def test_every_client_is_measured(tmp_path: Path) -> None:
    rows = clients.measure(tmp_path, 2, None).rows  # raises if one misses
    assert sum(row.bound is not None for row in rows) == len(clients.LIBRARIES)


def test_start_is_measured_in_a_fresh_process(tmp_path: Path) -> None:
    stores.make(tmp_path, JSON, range(startup.HITS))
    section = startup.measure({startup.HITS: tmp_path}, rounds=1)
    assert [row.what for row in section.rows if row.limit]
    assert all(row.value.median > 0 for row in section.rows)


def test_made_up_responses_stand_in_for_the_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "CORPUS", tmp_path / "absent")
    kept = disk._recorded(5)
    assert [entry.body for _, entry in kept] == [exchange.body() for exchange, _ in kept]


def test_what_the_dictionary_saves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "CORPUS", tmp_path / "absent")
    monkeypatch.setattr(disk, "READINGS", 3)
    section = disk.dictionary(tmp_path, 12)
    smaller = [row for row in section.rows if row.value.unit == "B"]
    assert len(smaller) >= 4
    assert all(row.ratio and row.ratio < 1 for row in smaller)


def test_invalid_arguments_are_reported_before_anything_is_measured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        bench.main(["--only", "hist"])
    assert "invalid choice: 'hist'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        bench.main(["--only", "disk", "--plot", "hits.svg"])
    with pytest.raises(SystemExit):
        bench.main(["--help"])
    output = capsys.readouterr().out
    assert all(name in output for name in bench.NAMES)


def test_remotes_are_measured_only_when_asked_for() -> None:
    assert bench.parse([]).only is None
    assert bench.parse(["--remote"]).only == [bench.ASKED_FOR] == ["remote"]


def test_look_ups_in_a_remote_are_measured(tmp_path: Path) -> None:
    stores.make(tmp_path / "few", JSON, range(8))
    with Web() as web:
        far = remote.Far("a web server", web.url)
        rows = list(remote._look_ups(far, tmp_path, tmp_path / "few", 8))
    assert [row.what for row in rows][:2] == ["a fetch", "… of a processor"]
    assert all(row.value.median > 0 for row in rows)
