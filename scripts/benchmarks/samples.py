"""Quartiles of what was measured, the rows made of them, and the table of the rows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median, quantiles
from typing import Any, NamedTuple

UNITS = {"ns": ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns")), "B": ((1e6, "MB"), (1e3, "kB"))}


class Spread(NamedTuple):
    """The median of `number` samples and their quartiles, in `unit`: ns or B."""

    median: float
    low: float
    high: float
    number: int
    unit: str = "ns"

    def __str__(self) -> str:
        middle = amount(self.median, self.unit)
        if self.number == 1:
            return middle
        scale, name = _scale(self.median, self.unit)
        return f"{middle} ({_digits(self.low / scale)}–{_digits(self.high / scale)} {name})"


class Row(NamedTuple):
    """One line of the table: what was measured, and the ratio to what it was measured `against`.

    `bound` limits the ratio, or, in `limit`'s place, the median itself is limited (in its unit).
    """

    what: str
    value: Spread
    against: str = ""
    ratio: float | None = None
    bound: float | None = None
    limit: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the bound is kept; None where there is none."""
        if self.bound is not None and self.ratio is not None:
            return self.ratio <= self.bound
        if self.limit is not None:
            return self.value.median <= self.limit
        return None

    @property
    def promised(self) -> str:
        """The bound in words."""
        if self.bound is not None:
            return f"≤ {self.bound:g} ×"
        return f"≤ {amount(self.limit, self.value.unit)}" if self.limit is not None else ""


class Section(NamedTuple):
    """The rows of one question, what to know about them, and anything else for the JSON."""

    title: str
    rows: Sequence[Row]
    notes: Sequence[str] = ()
    curves: dict[str, dict[int, float]] = {}  # noqa: RUF012 - never written to


def spread(samples: Iterable[float], unit: str = "ns") -> Spread:
    """The quartiles of at least one sample."""
    values = list(samples)
    if len(values) == 1:
        return Spread(values[0], values[0], values[0], 1, unit)
    low, _, high = quantiles(values, n=4, method="inclusive")
    return Spread(median(values), low, high, len(values), unit)


def compare(
    what: str,
    samples: Iterable[float],
    against: str,
    base: Iterable[float],
    bound: float | None = None,
) -> Row:
    """A row of the ratio of two medians that were measured in turns."""
    value = spread(samples)
    return Row(what, value, against, value.median / median(base), bound)


def added(what: str, to: str, with_it: Sequence[float], without: Sequence[float]) -> Row:
    """A row of what something adds: the differences of samples that were taken in pairs."""
    differences = [after - before for after, before in zip(with_it, without, strict=True)]
    return Row(what, spread(differences), to, median(with_it) / median(without))


def amount(value: float, unit: str) -> str:
    """A time or a size with its unit, in three digits."""
    scale, name = _scale(value, unit)
    return f"{_digits(value / scale)} {name}"


def table(section: Section) -> str:
    """A section as text, aligned."""
    head = ("", "median (quartiles)", "against", "ratio", "bound", "")
    lines = [head, *map(_cells, section.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    text = [section.title, *("  ".join(_aligned(line, widths)).rstrip() for line in lines)]
    return "\n".join([*text, *(f"  {note}" for note in section.notes)])


def markdown(sections: Iterable[Section]) -> str:
    """All sections as one table for a README."""
    lines = ["| | median (quartiles) | ratio | bound |", "|---|--:|--:|---|"]
    for section in sections:
        lines.append(f"| **{section.title}** | | | |")
        for row in section.rows:
            what, value, against, ratio, bound, met = _cells(row)
            times = f"{ratio} {against}".strip() if ratio else ""
            lines.append(f"| {what} | {value} | {times} | {f'{bound} {met}'.strip()} |")
    return "\n".join(lines)


def as_data(section: Section) -> dict[str, Any]:
    """A section for JSON."""
    rows = [row._asdict() | {"value": row.value._asdict(), "met": row.met} for row in section.rows]
    return section._asdict() | {"rows": rows}


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "" if row.ratio is None else f"{_digits(row.ratio)} ×"
    met = {True: "yes", False: "NO", None: ""}[row.met]
    return row.what, str(row.value), row.against, ratio, row.promised, met


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    right = (False, True, False, True, False, False)
    return [
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    ]


def _scale(value: float, unit: str) -> tuple[float, str]:
    units = UNITS[unit]
    return next((entry for entry in units if abs(value) >= entry[0]), units[-1])


def _digits(value: float) -> str:
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"
