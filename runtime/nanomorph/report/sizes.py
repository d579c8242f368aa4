"""Sizes of groups of domains side by side: distributions with their log-normal fits, and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from nanomorph.report.findings import Sizes
from nanomorph.report.spread import spread_table
from nanomorph.report.statistics import LogNormal, Summary, fit_lognormal, summarize
from nanomorph.report.words import three_digits
from nanomorph.results.colours import PALETTE, UNKNOWN

# A distribution of fewer domains is a list of accidents.
MIN_CHARTED = 12
QUANTITY_WORDS = {"width_median": "width", "ecd": "equivalent diameter", "length": "longest path"}
WIRE_LENGTH = "length of wires"

_OF_WIRES = (
    ". Wires, crossings resolved: those off the edge that are free at both ends, or rings (with --edges count all)"
)


def sizes_in(
    unit: str,
    quantity: str,
    groups: Mapping[str, Sizes],
    colours: Mapping[str, str],
    what: str = "label",
    listed: Sequence[str] = tuple(QUANTITY_WORDS),
) -> str:
    """Charts and table of the sizes in one unit; groups: domains by `what` (label, folder, sample).

    listed: quantities in the table.
    Groups of the colour `UNKNOWN` are in the charts only where there are few: they cannot be told apart.
    """
    shown = [label for label in groups if colours[label] != UNKNOWN or len(groups) <= len(PALETTE)]
    samples = {label: groups[label].sample(quantity).positive for label in shown}
    samples = {label: values for label, values in samples.items() if len(values) >= MIN_CHARTED}
    words = QUANTITY_WORDS[quantity]
    charts = ""
    if samples:
        from nanomorph.report.charts import size_charts

        histogram, cumulative = size_charts(samples, colours, f"{words}, {unit}", shares=what != "label")
        key = "".join(f"<span style='--c:{colours[label]}'><i></i>{escape(label)}</span>" for label in samples)
        charts = (
            f"<figure role='img' aria-label='Distribution of the {words} of domains in {unit} by {what}; "
            f"its numbers are in the table below'><div class='key'>{key}</div>"
            f"<div class='charts'>{histogram}{cumulative}</div></figure>"
        )
    table = _size_table(unit, quantity, groups, colours, what, listed)
    of_all = {label: sizes.sample(quantity) for label, sizes in groups.items()}
    return charts + table + spread_table(words, unit, of_all, colours, what)


def _size_table(
    unit: str,
    quantity: str,
    groups: Mapping[str, Sizes],
    colours: Mapping[str, str],
    what: str,
    listed: Sequence[str],
) -> str:
    wires = "width_median" in listed and any(sizes.wires for sizes in groups.values())
    # Of wires it is no length.
    listed = [one for one in listed if not (wires and one == "length")]
    words = [what, "domains", "micrographs", *(f"{QUANTITY_WORDS[one]}, {unit}" for one in listed), "log-normal"]
    words += ["wires", f"their length, {unit}"] if wires else []
    head = "".join(f"<th scope='col'>{one}</th>" for one in words)
    rows = "".join(_size_row(label, sizes, quantity, colours[label], listed, wires) for label, sizes in groups.items())
    caption = (
        f"<caption>Median by number, and its 95 % confidence interval over micrographs (*: over domains). Log-normal: "
        f"geometric mean of the {QUANTITY_WORDS[quantity]}, times or divided by the geometric standard deviation "
        f"(dashed lines; †: it fits poorly){_OF_WIRES if wires else ''}</caption>"
    )
    return f"<div class='scroll'><table class='sizes'>{caption}<tr>{head}</tr>{rows}</table></div>"


def _size_row(label: str, sizes: Sizes, quantity: str, colour: str, listed: Sequence[str], wires: bool) -> str:
    summaries = [summarize(sizes.sample(one)) for one in listed]
    cells = "".join(f"<td>{_median(summary)}</td>" for summary in summaries)
    fit = fit_lognormal(sizes.sample(quantity))
    lengths = summarize(sizes.wire_lengths)
    of_wires = f"<td>{lengths.n:,}</td><td>{_median(lengths)}</td>" if wires else ""
    return (
        f"<tr><th scope='row' style='--c:{colour}'><i></i>{escape(label)}</th>"
        f"<td>{len(sizes.micrographs):,}</td><td>{len(set(sizes.micrographs)):,}</td>{cells}"
        f"<td class='short'>{_fit(fit)}</td>{of_wires}</tr>"
    )


def _fit(fit: LogNormal | None) -> str:
    if fit is None:
        return "–"
    title = f"Kolmogorov-Smirnov distance to the sizes: {fit.distance:.2f}"
    poor = "<abbr title='the sizes are not log-normal'>†</abbr>" if fit.poor else ""
    return f"<span title='{title}'>{three_digits(fit.median)} <small>×÷ {fit.spread:.2f}{poor}</small></span>"


def _median(summary: Summary) -> str:
    if not summary.n:
        return "–"
    mark = "" if summary.by_micrograph else "<abbr title='from few micrographs: see the notes'>*</abbr>"
    median = f"<b>{three_digits(summary.median)}</b>"
    if not np.isfinite(summary.low):
        return f"{median} <small>–</small>"
    return f"{median} <small>{three_digits(summary.low)} to {three_digits(summary.high)}{mark}</small>"
