"""The figure of a study: a box with its draws as points, for every line and size."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import numpy as np

from nanomorph_training.study.outcome import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(study: Study, file: IO[bytes]) -> None:
    """Write the figure as PNG."""
    from matplotlib.figure import Figure

    sizes = sorted({size for line in study.lines for size in line.scores})
    figure = Figure(figsize=(max(7.0, 1.6 * len(sizes) + 4), 4.6), layout="constrained")
    axes = figure.add_subplot()
    width = 0.8 / max(1, len(study.lines))
    colours = _colours(len(study.lines))
    for number, line in enumerate(study.lines):
        at = {size: k - 0.4 + width * (number + 0.5) for k, size in enumerate(sizes) if size in line.scores}
        _boxes(axes, [line.scores[size] for size in at], list(at.values()), width, colours[number])
        axes.plot([], [], color=colours[number], linewidth=6, label=line.name)
    axes.set_xticks(range(len(sizes)), [str(size) for size in sizes])
    axes.set(xlabel=study.size_name, ylabel=study.measure, ylim=(0, 1.02), title=study.title)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize="small")
    figure.savefig(file, format="png", dpi=150)


def _boxes(axes: Axes, scores: list, at: list[float], width: float, colour: tuple[float, ...]) -> None:
    drawn = axes.boxplot(
        scores,
        positions=at,
        widths=0.85 * width,
        patch_artist=True,
        showfliers=False,
        manage_ticks=False,
        medianprops={"color": "black"},
    )
    for box in drawn["boxes"]:
        box.set(facecolor=(*colour[:3], 0.55), edgecolor=colour)
    rng = np.random.default_rng(0)
    for x, values in zip(at, scores, strict=True):
        jitter = rng.uniform(-0.25, 0.25, len(values)) * width
        axes.plot(x + jitter, values, ".", color=colour, markersize=2.5, alpha=0.8)


def _colours(n: int) -> list[tuple[float, ...]]:
    from matplotlib import colormaps

    palette = colormaps["tab10" if n <= 10 else "tab20"]
    return [palette(k % palette.N) for k in range(n)]
