"""Size distributions as inline SVG that takes its ink from the page, light or dark."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from nanomorph.report.statistics import Sample, fit_lognormal

# Stand-ins that no palette uses; the page's own colours take their place in the SVG.
_INK, _LINE = "#010203", "#040506"
_THEME = {_INK: "var(--muted)", _LINE: "var(--line)"}
_SIZE_INCHES = (5.0, 2.9)
# Left, bottom, width, height: room for counts of six digits. Fixed, so that charts line up.
_AXES = (0.145, 0.19, 0.84, 0.77)
# From this ratio of the 99th to the 1st percentile on, sizes are shown on a logarithmic axis.
_LOG_RATIO = 15


def size_charts(
    samples: Mapping[str, Sample], colours: Mapping[str, str], axis: str, shares: bool = False
) -> tuple[str, str]:
    """SVG of the histogram and of the cumulative distribution; samples: positive sizes by label.

    shares: of each sample's domains instead of their number, so that samples of unequal size can be compared.
    """
    edges, logarithmic = bin_edges([one.values for one in samples.values()])

    def histogram(axes: Axes) -> None:
        _histogram(axes, samples, colours, edges, shares)

    def cumulative(axes: Axes) -> None:
        _cumulative(axes, samples, colours, edges)

    return (
        _svg(histogram, axis, "domains, %" if shares else "domains", logarithmic),
        _svg(cumulative, axis, "cumulative, %", logarithmic),
    )


def bin_edges(samples: Sequence[np.ndarray]) -> tuple[np.ndarray, bool]:
    """Edges of shared bins, and whether they are equal in the logarithm.

    They hold the middle 99 % of every sample; what lies beyond goes to the end bins.
    """
    low = min(float(np.quantile(values, 0.005)) for values in samples)
    high = max(float(np.quantile(values, 0.995)) for values in samples)
    if high <= low:
        low, high = low * 0.9, high * 1.1
    n = int(np.clip(round(2 * sum(map(len, samples)) ** (1 / 3)), 8, 40))
    if high / low > _LOG_RATIO:
        return np.geomspace(low, high, n + 1), True
    return np.linspace(max(0.0, low - 0.04 * (high - low)), high, n + 1), False


def _histogram(
    axes: Axes, samples: Mapping[str, Sample], colours: Mapping[str, str], edges: np.ndarray, shares: bool
) -> None:
    for label, sample in samples.items():
        whole = 100.0 if shares else float(len(sample))
        weights = sample.weight * (whole / sample.weight.sum())
        counts, _ = np.histogram(np.clip(sample.values, edges[0], edges[-1]), edges, weights=weights)
        axes.stairs(counts, edges, fill=True, color=colours[label], alpha=0.20, linewidth=0)
        axes.stairs(counts, edges, color=colours[label], linewidth=1.6)
        _fitted(axes, sample, colours[label], edges, whole)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def _cumulative(axes: Axes, samples: Mapping[str, Sample], colours: Mapping[str, str], edges: np.ndarray) -> None:
    for label, sample in samples.items():
        order = np.argsort(sample.values)
        sizes, share = sample.values[order], np.cumsum(sample.weight[order]) / sample.weight.sum()
        # 200 points draw the same line as 300,000 and keep the page small.
        drawn = np.unique(np.linspace(0, len(sizes) - 1, 200).round().astype(int))
        sizes, share = np.append(sizes[0], sizes[drawn]), np.append(0.0, share[drawn])
        axes.plot(sizes, 100 * share, color=colours[label], linewidth=1.8, drawstyle="steps-post")
        axes.plot(sample.median, 50, "o", color=colours[label], markersize=5)
        _fitted(axes, sample, colours[label], edges, None)
    axes.axhline(50, color=_LINE, linewidth=1, zorder=0)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 25, 50, 75, 100])


def _fitted(axes: Axes, sample: Sample, colour: str, edges: np.ndarray, whole: float | None) -> None:
    """The fitted log-normal, dashed: what of a `whole` is expected in a bin around each size, or the share below it."""
    fit = fit_lognormal(sample)
    if fit is None:
        return
    logarithmic = not np.isclose(edges[1] - edges[0], edges[-1] - edges[-2])
    space = np.geomspace if logarithmic else np.linspace
    sizes = space(max(edges[0], 1e-3 * edges[-1]), edges[-1], 160)
    if whole is not None:
        # Half a bin to either side.
        reach = np.sqrt(edges[1] / edges[0]) if logarithmic else (edges[1] - edges[0]) / 2
        low, high = (sizes / reach, sizes * reach) if logarithmic else (sizes - reach, sizes + reach)
        height = whole * (fit.cumulative(high) - fit.cumulative(np.maximum(low, 1e-9)))
    else:
        height = 100 * fit.cumulative(sizes)
    axes.plot(sizes, height, color=colour, linewidth=1.1, dashes=(4, 3), alpha=0.9)


def _svg(draw: Callable[[Axes], None], axis: str, ordinate: str, logarithmic: bool) -> str:
    figure = Figure(figsize=_SIZE_INCHES)
    axes = figure.add_axes(_AXES)
    if logarithmic:
        axes.set_xscale("log")
    draw(axes)
    _style(axes, axis, ordinate, logarithmic)
    text = io.StringIO()
    # Text stays text (the page's font, selectable); the salt makes ids the same every time.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": f"{ordinate} {axis}"}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(text, format="svg", transparent=True, metadata=nothing)
    return _for_page(text.getvalue())


def _style(axes: Axes, axis: str, ordinate: str, logarithmic: bool) -> None:
    axes.set_xlabel(axis, color=_INK, fontsize=11, labelpad=6)
    axes.set_ylabel(ordinate, color=_INK, fontsize=11, labelpad=6)
    axes.tick_params(colors=_INK, labelsize=10.5, length=0, pad=6, which="both")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_LINE)
    axes.grid(axis="y", color=_LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    if logarithmic:
        decades = np.log10(axes.get_xlim()[1] / axes.get_xlim()[0])
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2.4 else (1,)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())


def _for_page(svg: str) -> str:
    """Only the <svg> element: no namespaces, fixed size, font or ids of its own, and the page's colours."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'<g id="[^"]*"/>\s*', "", svg)
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)
    svg = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", svg)
    svg = svg.replace("<svg", '<svg aria-hidden="true"', 1)
    for stand_in, colour in _THEME.items():
        svg = svg.replace(stand_in, colour)
    return svg
