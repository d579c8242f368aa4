"""How the sizes of a group spread, as particle sizing tells it: mean and deviation, D10 to D90, weighted means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import numpy as np

from nanomorph.measure.statistics import weighted_quantiles
from nanomorph.report.statistics import Sample
from nanomorph.report.words import three_digits

SHARES = (0.1, 0.5, 0.9)
# Below so many there is no tenth of them.
LEAST_FOR_TENTHS = 10


@dataclass(frozen=True)
class Spread:
    """Of n sizes by number: mean, standard deviation (NaN of one), and the sizes below which .1, .5 and .9 of them lie
    (the tenths NaN below LEAST_FOR_TENTHS sizes).

    surface_mean, volume_mean: D[3,2], Sauter's, and D[4,3] (ISO 9276-2), of diameters.
    """

    n: int
    mean: float
    sd: float
    d10: float
    d50: float
    d90: float
    surface_mean: float
    volume_mean: float

    @property
    def span(self) -> float:
        """(D90 - D10) / D50."""
        return (self.d90 - self.d10) / self.d50


def spread(sample: Sample) -> Spread | None:
    """Of what is positive, each by its weight; None where nothing is."""
    sample = sample.positive
    if not len(sample):
        return None
    sizes, n = sample.values, len(sample)
    share = sample.weight / sample.weight.sum()
    moments = [float(sizes**power @ share) for power in range(5)]
    variance = float((sizes - moments[1]) ** 2 @ share)
    sd = math.sqrt(variance * n / (n - 1)) if n > 1 else math.nan
    d10, d50, d90 = _quantiles(sample)
    if n < LEAST_FOR_TENTHS:
        d10 = d90 = math.nan
    return Spread(n, moments[1], sd, d10, d50, d90, moments[3] / moments[2], moments[4] / moments[3])


def _quantiles(sample: Sample) -> list[float]:
    """At SHARES: as `np.quantile` where all count the same, else the least size at which the share is reached."""
    if sample.even:
        return [float(one) for one in np.quantile(sample.values, SHARES)]
    return [float(weighted_quantiles(sample.values, sample.weight[None], share)[0]) for share in SHARES]


def spread_table(words: str, unit: str, samples: Mapping[str, Sample], colours: Mapping[str, str], what: str) -> str:
    """HTML, folded; samples: sizes by `what`; `words` name them (diameters have weighted means, too)."""
    diameters = words.endswith("diameter")
    heads = [what, "domains", f"mean ± sd, {unit}", "sd / mean", "D10", "D50", "D90", "span"]
    heads += ["D[3,2]", "D[4,3]"] if diameters else []
    head = "".join(f"<th scope='col'>{one}</th>" for one in heads)
    found = {label: spread(sample) for label, sample in samples.items()}
    rows = "".join(_row(label, one, colours[label], diameters) for label, one in found.items() if one)
    caption = (
        f"<caption>By number of domains, {words} in {unit}. D10: a tenth of them are smaller; span: (D90 − D10) / D50."
        f"{' Means weighted by surface, D[3,2], and by volume, D[4,3], hang on the few largest.' * diameters}</caption>"
    )
    table = f"<div class='scroll'><table class='sizes'>{caption}<tr>{head}</tr>{rows}</table></div>"
    return f"<details class='more'><summary>Mean, standard deviation, D10 to D90</summary>{table}</details>"


def _row(label: str, one: Spread, colour: str, diameters: bool) -> str:
    relative = "–" if math.isnan(one.sd) else f"{100 * one.sd / one.mean:.0f} %"
    cells = [f"{one.n:,}", f"<b>{three_digits(one.mean)}</b> ± {three_digits(one.sd)}", relative]
    numbers = [one.d10, one.d50, one.d90, one.span]
    numbers += [one.surface_mean, one.volume_mean] if diameters else []
    cells += map(three_digits, numbers)
    body = "".join(f"<td>{cell}</td>" for cell in cells)
    return f"<tr><th scope='row' style='--c:{colour}'><i></i>{escape(label)}</th>{body}</tr>"
