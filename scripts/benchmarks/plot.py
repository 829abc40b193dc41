"""Hit time against entries, both logarithmic, as one SVG that needs nothing and suits light and
dark pages alike. Pure."""

from __future__ import annotations

from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 760, 470
LEFT, RIGHT, TOP, BOTTOM = 78, 150, 56, 58
COLOURS = ("#2f81f7", "#58a6ff", "#d9730d", "#c4314b", "#8250df", "#7a8a00", "#96798a")
INK, FAINT = "#8b949e", "#8b949e40"
LABEL_GAP = 16
UNITS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns"))

Curves = dict[str, dict[int, float]]  # name -> entries -> nanoseconds


def svg(curves: Curves, title: str, subtitle: str) -> str:
    """The plot. Curves are drawn and coloured in their order, and named at their right ends."""
    frame = _Frame(curves)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="{INK}" role="img">',
        f"<title>{escape(title)}</title>",
        _text(LEFT, 24, title, 'font-size="16" font-weight="600"'),
        _text(LEFT, 43, subtitle, 'font-size="12"'),
        *frame.grid(),
    ]
    for (name, points), colour, label_y in zip(
        curves.items(), COLOURS, frame.label_places(curves), strict=False
    ):
        parts += _curve(frame, name, points, colour, label_y)
    return "\n".join([*parts, "</svg>", ""])


class _Frame:
    """Where entries and nanoseconds are on the picture."""

    def __init__(self, curves: Curves) -> None:
        sizes = [size for points in curves.values() for size in points]
        times = [time for points in curves.values() for time in points.values()]
        self._x0, self._x1 = log10(min(sizes)), max(log10(max(sizes)), log10(min(sizes)) + 1)
        self._y0, self._y1 = floor(log10(min(times))), max(1, ceil(log10(max(times))))

    def x(self, size: float) -> float:
        share = (log10(size) - self._x0) / (self._x1 - self._x0)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, time: float) -> float:
        share = (log10(time) - self._y0) / (self._y1 - self._y0)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def grid(self) -> list[str]:
        """Lines and numbers at each power of ten."""
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        parts = []
        for power in range(self._y0, self._y1 + 1):
            y = self.y(10**power)
            parts.append(_line(LEFT, y, right, y, FAINT))
            parts.append(_text(LEFT - 10, y + 4, _time(10**power), 'text-anchor="end"'))
            if power < self._y1:
                ticks = (self.y(step * 10**power) for step in range(2, 10))
                parts += [_line(LEFT, tick, LEFT + 4, tick, FAINT) for tick in ticks]
        for power in range(ceil(self._x0), floor(self._x1) + 1):
            x = self.x(10**power)
            parts.append(_line(x, TOP, x, bottom, FAINT))
            parts.append(_text(x, bottom + 20, f"{10**power:,}", 'text-anchor="middle"'))
        middle = (TOP + bottom) / 2
        turned = f'text-anchor="middle" transform="rotate(-90 18 {middle:.0f})"'
        parts.append(_line(LEFT, bottom, right, bottom, INK))
        parts.append(_line(LEFT, TOP, LEFT, bottom, INK))
        parts.append(
            _text((LEFT + right) / 2, HEIGHT - 14, "entries in the store", 'text-anchor="middle"')
        )
        parts.append(_text(18, middle, "median time of a hit", turned))
        return parts

    def label_places(self, curves: Curves) -> list[float]:
        """The height of each curve's name: at its end, but clear of the other names."""
        wanted = [self.y(points[max(points)]) for points in curves.values()]
        places = list(wanted)
        above = TOP - LABEL_GAP * 1.0
        for index in sorted(range(len(wanted)), key=wanted.__getitem__):
            above = places[index] = max(wanted[index], above + LABEL_GAP)
        overflow = max(0.0, max(places) - (HEIGHT - BOTTOM))
        return [place - overflow for place in places]


def _curve(
    frame: _Frame, name: str, points: dict[int, float], colour: str, label_y: float
) -> list[str]:
    ours = name.startswith("cachy")
    spots = [(frame.x(size), frame.y(time)) for size, time in sorted(points.items())]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    end_x, end_y = spots[-1]
    label_x = WIDTH - RIGHT + 16
    leader = _line(end_x + 5, end_y, label_x - 4, label_y, colour, 'stroke-dasharray="1 3"')
    weight = ' font-weight="600"' if ours else ""
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" '
        f'stroke-width="{2.5 if ours else 1.8}" stroke-linejoin="round"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{colour}"/>' for x, y in spots),
        leader,
        f'<text x="{label_x}" y="{label_y + 4:.1f}" fill="{colour}"{weight}>{escape(name)}</text>',
    ]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, more: str = "") -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" {more}/>'
    )


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(text)}</text>'


def _time(nanoseconds: float) -> str:
    scale, unit = next(entry for entry in UNITS if nanoseconds >= entry[0])
    return f"{nanoseconds / scale:g} {unit}"
