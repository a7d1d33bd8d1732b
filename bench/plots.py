"""Line charts as SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Panel", "Series", "plot"]

_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#17becf", "#7f7f7f")
_FONT = 'font-family="sans-serif" font-size="11"'
_WIDTH, _HEIGHT, _LEFT, _TOP, _LEGEND, _BOTTOM = 420, 280, 60, 30, 150, 50


@dataclass(frozen=True)
class Series:
    """A line of a chart: one value for each place on the axis below."""

    name: str
    values: Sequence[float]
    dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """A chart: its title, the labels of the axis below, and its lines; those of one name have one colour."""

    title: str
    labels: Sequence[str]
    series: Sequence[Series]


def plot(below: str, panels: Sequence[Panel]) -> str:
    """Charts side by side, with a logarithmic axis upwards.

    Args:
        below: what the axis below shows.
    """
    names = list(dict.fromkeys(series.name for panel in panels for series in panel.series))
    colours = {name: _COLOURS[place % len(_COLOURS)] for place, name in enumerate(names)}
    each = _LEFT + _WIDTH + 20
    width, height = each * len(panels) + _LEGEND, _TOP + _HEIGHT + _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {_FONT}>',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for place, panel in enumerate(panels):
        parts += [f'<g transform="translate({each * place + _LEFT},{_TOP})">', *_panel(panel, below, colours), "</g>"]
    for place, name in enumerate(names):
        parts.append(_text(each * len(panels), _TOP + 10 + 16 * place, f"— {name}", f'fill="{colours[name]}"'))
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, below: str, colours: dict[str, str]) -> list[str]:
    values = [value for series in panel.series for value in series.values] or [1.0]
    low, high = min(values) / 1.2, max(values) * 1.2
    xs = [_WIDTH * (place + 0.5) / len(panel.labels) for place in range(len(panel.labels))]

    def y(value: float) -> float:
        return _HEIGHT * (1 - math.log(value / low) / math.log(high / low))

    parts = [f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="#999"/>', _text(0, -10, panel.title)]
    for tick in _ticks(low, high):
        parts.append(f'<line x1="0" x2="{_WIDTH}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#ddd"/>')
        parts.append(_text(-6, y(tick) + 4, f"{tick:g}", 'text-anchor="end"'))
    parts += [_text(x, _HEIGHT + 16, label, 'text-anchor="middle"') for x, label in zip(xs, panel.labels, strict=True)]
    parts.append(_text(_WIDTH / 2, _HEIGHT + 36, below, 'text-anchor="middle"'))
    for series in panel.series:
        points = " ".join(f"{x:.1f},{y(value):.1f}" for x, value in zip(xs, series.values, strict=True))
        dash = ' stroke-dasharray="5 4"' if series.dashed else ""
        stroke = f'fill="none" stroke="{colours[series.name]}" stroke-width="2"{dash}'
        parts.append(f'<polyline points="{points}" {stroke}/>')
    return parts


def _ticks(low: float, high: float) -> list[float]:
    steps = (digit * 10.0**power for power in range(-3, 7) for digit in (1, 2, 5))
    return [step for step in steps if low <= step <= high]


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'
