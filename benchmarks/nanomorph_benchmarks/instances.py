"""Particles told apart on real panels with given instance masks, and which step loses most of them.

    python -m nanomorph_benchmarks.instances --data ../shared/data --out benchmarks/results/instances.json

A domain and an instance match where their IoU is above .5. Every score counts images; intervals are bootstrapped over
articles. Beside nanomorph: Otsu with the textbook watershed of the smoothed distance transform. Two rows put the
truth in place of one step: the given foreground, cut by nanomorph; nanomorph's foreground, cut by given interiors.
Held-out articles were used for no rule and no constant.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from nanomorph.bundle import load_bundle
from nanomorph.cli.options import option
from nanomorph.inference.half_contrast import outlined
from nanomorph.inference.infer import Inference
from nanomorph.machine import machine
from nanomorph.measure import segment
from nanomorph.micrograph import Micrograph
from nanomorph.model import Model
from nanomorph.prepare import prepare, to_uint8
from nanomorph.readers import read_path
from nanomorph_benchmarks.cases import about
from nanomorph_benchmarks.matching import Match, match
from nanomorph_benchmarks.options import LISTS, PrecisionOptions, main
from nanomorph_benchmarks.statistics import by_group, mean_by_group, shown
from nanomorph_training.classical import otsu
from nanomorph_training.data import Sample, collect, is_held_out
from nanomorph_training.micrographs.masks import read_mask
from nanomorph_training.micrographs.targets import instance_interior

HELD_OUT, DEVELOPMENT = PARTS = ("held-out", "development")
COUNTS = ("given", "found", "matched", "split", "merged", "missed", "false")


@dataclass(frozen=True, kw_only=True)
class Options(PrecisionOptions):
    part: str = option("held-out articles, or those that the bundle was made with", default=HELD_OUT, choices=PARTS)


@dataclass(frozen=True, eq=False)
class Panel:
    """A panel, what the bundle saw in it and the instances given: int (H, W), 0 = background."""

    micrograph: Micrograph
    seen: Inference
    threshold: float
    given: np.ndarray

    @property
    def foreground(self) -> np.ndarray:
        """float32 (H, W): as the bundle outlines it."""
        return outlined(self.seen, self.micrograph.pixels, self.threshold)

    def cut(self, foreground: np.ndarray, interior: np.ndarray | None) -> np.ndarray:
        """int32 (H, W): domains by nanomorph's own cuts, from other maps than the bundle's where they are given."""
        return segment(foreground, interior, self.threshold, self.micrograph.nm_per_px)


# What a careful user adds to scikit-image's example: objects of fewer px are noise, the distance is smoothed (sigma),
# and maxima nearer than this belong to one particle.
SPECK, SMOOTHED, APART = 64, 2.0, 7


def textbook(mask: np.ndarray) -> np.ndarray:
    """Watershed of the smoothed distance transform from its local maxima, specks removed; int32 (H, W)."""
    pieces = ndimage.label(mask)[0]
    pieces[np.bincount(pieces.ravel())[pieces] < SPECK] = 0
    mask = pieces > 0
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), SMOOTHED)
    peaks = peak_local_max(distance, min_distance=APART, labels=pieces, exclude_border=False)
    markers = np.zeros(mask.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return watershed(-distance, markers, mask=mask)


WAYS: Mapping[str, Callable[[Panel], np.ndarray]] = {
    "nanomorph": lambda panel: panel.cut(panel.foreground, panel.seen.interior),
    "nanomorph's foreground, textbook watershed": lambda panel: textbook(panel.foreground >= panel.threshold),
    "Otsu, textbook watershed": lambda panel: textbook(otsu(to_uint8(panel.micrograph.pixels))),
    "given foreground, nanomorph's cuts": lambda panel: panel.cut(
        (panel.given > 0).astype(np.float32), panel.seen.interior
    ),
    "nanomorph's foreground, given interiors": lambda panel: panel.cut(
        panel.foreground, instance_interior(panel.given).astype(np.float32)
    ),
}


def open_panel(sample: Sample, model: Model) -> Panel:
    """Read a panel and look at it as `nanomorph batch` does."""
    assert sample.mask is not None
    micrograph = read_path(sample.path)
    (seen,) = model.look([(micrograph, prepare(micrograph, model.bundle.input))])
    return Panel(micrograph, seen, model.bundle.foreground_threshold, read_mask(sample.mask))


def evaluate(options: Options) -> dict[str, Any]:
    """Scores of one part by way; a panel after the other, as all do not fit into memory."""
    model = Model(load_bundle(options.bundle), device="cpu", precision=options.precision)
    samples = [sample for sample in collect([options.data / name for name in LISTS]) if sample.mask is not None]
    samples = [sample for sample in samples if is_held_out(sample.group) == (options.part == HELD_OUT)]
    matches: dict[str, list[Match]] = {name: [] for name in WAYS}
    for sample in samples:
        panel = open_panel(sample, model)
        for name, way in WAYS.items():
            matches[name].append(match(way(panel), panel.given))
    groups = [sample.group for sample in samples]
    return {
        "made": machine(),
        "bundle": about(model),
        "part": options.part,
        "ways": {name: summary(one, groups) for name, one in matches.items()},
        "images": [image(sample, matches["nanomorph"][n]) for n, sample in enumerate(samples)],
    }


def image(sample: Sample, found: Match) -> dict[str, Any]:
    """One panel's row; what there is no figure of is None."""
    row = {name: None if value != value else value for name, value in asdict(found).items()}
    return {"file": sample.path.name, "label": sample.label, **row}


def summary(matches: Sequence[Match], groups: Sequence[str]) -> dict[str, Any]:
    """Mean F1, median KS distance where there is one, with intervals; mean IoU of the matched; sums of counts."""
    ks = np.array([one.ks for one in matches])
    compared = np.isfinite(ks)
    articles = [group for group, yes in zip(groups, compared, strict=True) if yes]
    return {
        "f1": asdict(mean_by_group(groups, np.array([one.f1 for one in matches]))),
        "iou": float(np.nanmean([one.iou for one in matches])),
        "ks": asdict(by_group(articles, lambda index: float(np.median(ks[compared][index])))),
        "counts": {name: sum(getattr(one, name) for one in matches) for name in COUNTS},
    }


def as_markdown(result: dict[str, Any]) -> str:
    """The table for people."""
    first = next(iter(result["ways"].values()))
    n, articles, compared = first["f1"]["n"], first["f1"]["groups"], first["ks"]["n"]
    lines = [f"{result['part']}, {n} panels of {articles} articles (KS: {compared} panels), mean or median [95 %]:", ""]
    lines += [f"| | F1, IoU > .5 | IoU of matched | KS, diameters | {' | '.join(COUNTS)} |", "|---" * 11 + "|"]
    for name, row in result["ways"].items():
        f1, ks = (shown(row[k]) for k in ("f1", "ks"))
        counts = " | ".join(str(row["counts"][k]) for k in COUNTS)
        lines.append(f"| {name} | {f1} | {row['iou']:.2f} | {ks} | {counts} |")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main(Options, __doc__, evaluate, as_markdown))
