"""Real particles: equivalent circular diameters of the model's domains against those of the given instances."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

from nanomorph.measure import measure_mask
from nanomorph.model import Model, analyze
from nanomorph.readers import read_path
from nanomorph_training.data import Sample, collect, is_held_out
from nanomorph_training.micrographs.masks import read_mask

LEAST = 5  # whole particles on both sides: fewer have no distribution


def real_particles(data: Path, model: Model) -> dict[str, Any]:
    """Per image its numbers of whole particles, medians and Kolmogorov-Smirnov distance; summaries over images.

    `held_out`: articles that no stage of training saw (see `nanomorph_training.data.is_held_out`).
    """
    samples = [sample for sample in collect([data / "nanoparticles"]) if sample.mask is not None]
    images = [compare(sample, model) for sample in samples]
    return {
        "images": images,
        "held_out": summary([image for image in images if image["held_out"]]),
        "all": summary(images),
    }


def compare(sample: Sample, model: Model) -> dict[str, Any]:
    """One image: ECD in px of whole particles, given and found."""
    assert sample.mask is not None
    given = _whole(measure_mask(read_mask(sample.mask)))
    found = _whole(analyze(read_path(sample.path).pixels, model).domains)
    row: dict[str, Any] = {"file": sample.path.name, "label": sample.label, "held_out": is_held_out(sample.group)}
    row |= {"n_given": len(given), "n_found": len(found), "ks": None, "median_error": None}
    if min(len(given), len(found)) >= LEAST:
        row["ks"] = float(ks_2samp(given, found).statistic)
        row["median_error"] = float(np.median(found) / np.median(given) - 1)
    return row


def _whole(domains: pd.DataFrame) -> np.ndarray:
    return domains.ecd_px[~domains.touches_edge].to_numpy()


def summary(images: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Medians and quartiles over the images with at least LEAST whole particles on both sides."""
    compared = [image for image in images if image["ks"] is not None]
    found: dict[str, Any] = {"n": len(images), "n_compared": len(compared)}
    if compared:
        for name in ("ks", "median_error"):
            values = np.array([image[name] for image in compared])
            found[name] = [float(q) for q in np.percentile(values, (25, 50, 75))]
        found["median_abs_error"] = float(np.median(np.abs([image["median_error"] for image in compared])))
    return found
