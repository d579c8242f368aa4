"""One point per micrograph, by label and typical size; a click shows its picture. SVG and plain links, no script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

import numpy as np

from nanomorph.measure.statistics import median
from nanomorph.report.statistics import Sample
from nanomorph.report.words import count, three_digits

WIDTH, ROW, LEFT, BOTTOM = 1000, 46, 150, 44
# Letters of a label that fit left of the points.
LONGEST = 17
# More points than this hide each other: every n-th is drawn, and the caption says so.
MOST = 1500
_LOG_RATIO = 15
# The golden ratio spreads neighbours within a row evenly, the same way every time.
_GOLDEN = 0.6180339887

# Where the picture of a micrograph is, by its name; None where there is none.
Link = Callable[[str], str | None]


@dataclass(frozen=True)
class Point:
    """A micrograph: median size of its domains of one label, and how many."""

    name: str
    label: str
    size: float
    n_domains: int


def strip(points: list[Point], labels: list[str], colours: Mapping[str, str], links: Link, axis: str) -> str:
    """The chart as HTML, a row per label."""
    every = max(1, -(-len(points) // MOST))
    drawn = points[::every]
    if len(drawn) < 2:
        return ""
    ticks, place = _scale(np.array([point.size for point in drawn]))
    rows = {label: number for number, label in enumerate(labels)}
    height = ROW * len(labels) + BOTTOM
    body = "".join(_row(label, number, colours[label]) for label, number in rows.items())
    body += "".join(_tick(value, place(value), height) for value in ticks)
    body += "".join(_point(one, n, rows[one.label], place, colours, links) for n, one in enumerate(drawn))
    body += f"<text x='{(LEFT + WIDTH) / 2:.0f}' y='{height - 6}' text-anchor='middle'>{escape(axis)}</text>"
    some = "" if every == 1 else f" Every {every}th micrograph is drawn."
    return (
        "<h3 class='strip-title'>Micrograph by micrograph</h3><p class='quiet'>One point is one micrograph, at the "
        f"median size of its domains. Click a point to see its picture.{some}</p>"
        f"<svg class='strip' viewBox='0 0 {WIDTH} {height}' role='img' aria-label='{escape(axis)} by micrograph'>"
        f"{body}</svg>"
    )


def _scale(sizes: np.ndarray):  # type: ignore[no-untyped-def]
    """Round values for the axis, and the function from a size to its x."""
    low, high = float(sizes.min()), float(sizes.max())
    logarithmic = low > 0 and high / low > _LOG_RATIO
    if high <= low:
        low, high = low * 0.9, high * 1.1
    reach = 0.03 * (np.log(high / low) if logarithmic else high - low)
    low, high = (low / np.exp(reach), high * np.exp(reach)) if logarithmic else (max(0.0, low - reach), high + reach)
    from matplotlib.ticker import LogLocator, MaxNLocator

    locator = LogLocator(subs=(1, 2, 5)) if logarithmic else MaxNLocator(7)
    ticks = [float(value) for value in locator.tick_values(low, high) if low <= value <= high]
    ends = np.log([low, high]) if logarithmic else np.array([low, high])

    def place(size: float) -> float:
        value = np.log(size) if logarithmic else size
        return float(LEFT + (WIDTH - LEFT - 20) * (value - ends[0]) / (ends[1] - ends[0]))

    return ticks, place


def _row(label: str, number: int, colour: str) -> str:
    middle = ROW * number + ROW / 2
    # The end of a long name tells samples of a series apart.
    shown = label if len(label) <= LONGEST else "…" + label[1 - LONGEST :]
    return (
        f"<line x1='{LEFT}' x2='{WIDTH}' y1='{ROW * (number + 1)}' y2='{ROW * (number + 1)}' stroke='var(--line)'/>"
        f"<rect x='0' y='{middle - 6}' width='12' height='12' rx='3' fill='{colour}'/>"
        f"<text class='label' x='20' y='{middle + 5}'>{escape(shown)}<title>{escape(label)}</title></text>"
    )


def _tick(value: float, x: float, height: float) -> str:
    return f"<text x='{x:.1f}' y='{height - BOTTOM + 18}' text-anchor='middle'>{value:g}</text>"


def _point(point: Point, n: int, row: int, place, colours: Mapping[str, str], links: Link) -> str:  # type: ignore[no-untyped-def]
    y = ROW * row + 8 + (ROW - 16) * ((n * _GOLDEN) % 1)
    title = f"{point.name}: {three_digits(point.size)}, {count(point.n_domains, 'domain')}"
    dot = (
        f"<circle cx='{place(point.size):.1f}' cy='{y:.1f}' r='5' fill='{colours[point.label]}'>"
        f"<title>{escape(title)}</title></circle>"
    )
    link = links(point.name)
    return f"<a href='{escape(link)}'>{dot}</a>" if link else dot


def points_of(label: str, sample: Sample, names: Mapping[int, str]) -> list[Point]:
    """A point for each micrograph (id) with positive sizes."""
    sample = sample.positive
    order = np.argsort(sample.micrographs, kind="stable")
    ids, starts = np.unique(sample.micrographs[order], return_index=True)
    groups = np.split(order, starts[1:])
    return [
        Point(names[int(one)], label, median(sample.values[group], sample.weight[group]), len(group))
        for one, group in zip(ids, groups, strict=True)
        if len(group)
    ]
