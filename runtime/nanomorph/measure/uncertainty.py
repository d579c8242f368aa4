"""How unsure a mask is: areas and widths where the foreground's probability is cut lower and higher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import cKDTree

from nanomorph.measure.pieces import Pieces, few_true, pieces_of, runs_of

# Longer side at which pixels are counted; of larger fields every k-th row and column, which estimates the same shares.
SAMPLED = 1024


@dataclass(frozen=True, eq=False)
class Doubt:
    """foreground: float32, the probability that made the mask at `threshold`, at the pixels that are `sampled`.

    pixel_size_error: of nm_per_px, relative (0.01 = 1 %); 0 where it is not known to have one.
    """

    foreground: np.ndarray
    threshold: float
    pixel_size_error: float = 0.0

    @classmethod
    def of(cls, foreground: np.ndarray, threshold: float, pixel_size_error: float = 0.0) -> Doubt:
        """foreground: float32 (H, W), of which large frames keep no more than is asked for."""
        return cls(np.ascontiguousarray(sampled(foreground)), threshold, pixel_size_error)


@dataclass(frozen=True, eq=False)
class MaskInterval:
    """low, high: areas (n,) of the domains when the threshold is raised and lowered, as shares of what they are.

    1 of a domain that has no sampled pixel: nothing is known of it.
    """

    low: np.ndarray
    high: np.ndarray


def doubtful(labels: np.ndarray, columns: Mapping[str, np.ndarray], doubt: Doubt | None) -> dict[str, np.ndarray]:
    """Columns `area_low_px` ... `width_high_nm` (n,) of the domains of `labels`; NaN where nothing is known."""
    area, width = columns["area_px"].astype(float), columns["width_median_px"]
    # Outlines and widths are those of square pixels: so many of them has a recorded one.
    square = columns["area_nm2"] / area / (columns["perimeter_nm"] / columns["perimeter"]) ** 2
    square = np.where(np.isnan(square), 1.0, square)
    ends = {"low": (-1.0, np.full(len(area), np.nan)), "high": (1.0, np.full(len(area), np.nan))}
    error = 0.0
    if doubt is not None:
        interval = mask_interval(labels, columns["domain"], doubt.foreground, doubt.threshold)
        ends = {"low": (-1.0, area * interval.low), "high": (1.0, area * interval.high)}
        error = doubt.pixel_size_error
    found: dict[str, np.ndarray] = {}
    for end, (sign, other) in ends.items():
        pixel = 1 + sign * error
        # An edge that moves by d changes the area by d x the outline's length, and the width by 2 d.
        shift = 2 * (other - area) * square / columns["outline_length"]
        found |= {f"area_{end}_px": other, f"area_{end}_nm2": other * columns["area_nm2"] / area * pixel**2}
        wider = np.maximum(1 + shift / columns["width_median"], 0.0)
        found |= {f"width_{end}_px": width * wider, f"width_{end}_nm": columns["width_median_nm"] * wider * pixel}
    return found


def step_of(shape: tuple[int, ...]) -> int:
    """How far the pixels that are `sampled` lie apart."""
    return -(-max(shape) // SAMPLED)


def sampled(image: np.ndarray) -> np.ndarray:
    """Every k-th row and column of an image (H, W) whose longer side is more than SAMPLED."""
    step = step_of(image.shape)
    return image[::step, ::step]


def thresholds(threshold: float) -> tuple[float, float]:
    """Half-way from the threshold to impossible and to certain: 0.25 and 0.75 for 0.5."""
    return threshold / 2, (1 + threshold) / 2


def mask_interval(labels: np.ndarray, domain: np.ndarray, foreground: np.ndarray, threshold: float) -> MaskInterval:
    """Areas of the domains (numbers `domain` (n,)) of `labels` (int (H, W)) from `foreground` at its `sampled` pixels.

    Lower: its pixels above the upper threshold. Higher: all its pixels, and those above the lower threshold that belong
    to the same piece of such pixels, and are nearer to it than to any other domain there.
    """
    labels = sampled(labels)
    possible, certain = thresholds(threshold)
    n = int(domain[-1]) + 1
    taken = labels > 0
    runs = _runs(labels)
    inside = np.bincount(runs.owner, runs.length, minlength=n)
    unsure = np.bincount(labels.ravel()[few_true((taken & (foreground < certain)).ravel())], minlength=n)
    band = _attached(labels, taken, pieces_of(taken | (foreground >= possible), 8), runs, n)
    # Shares, as a count of every k-th pixel alone is off by more than the doubt.
    seen = np.maximum(inside, 1)
    low, high = np.where(inside > 0, ((inside - unsure) / seen, 1 + band / seen), 1.0)
    return MaskInterval(low[domain], high[domain])


@dataclass(frozen=True, eq=False)
class _Runs:
    """Stretches of domains along rows: where each begins in the raveled image, its domain and its px, int (k,)."""

    first: np.ndarray
    owner: np.ndarray
    length: np.ndarray


def _runs(labels: np.ndarray) -> _Runs:
    first = runs_of(labels)
    owner, length = labels.ravel()[first], np.diff(first, append=labels.size)
    inside = owner > 0
    return _Runs(first[inside], owner[inside], length[inside])


def _attached(labels: np.ndarray, taken: np.ndarray, pieces: Pieces, runs: _Runs, n: int) -> np.ndarray:
    """Pixels of `pieces` that lie in no domain, by the domain (below `n`) that they belong to: (n,).

    taken: bool (H, W), where domains are, each in a piece; runs: theirs.
    """
    piece = pieces.at(runs.first)
    last, least = np.zeros(len(pieces), int), np.full(len(pieces), n)
    np.maximum.at(last, piece, runs.owner)
    np.minimum.at(least, piece, runs.owner)
    # Nearly every piece holds one domain or none: only in others is asked which is nearest.
    one = last == least
    around = pieces.area - np.bincount(piece, runs.length, minlength=len(pieces))
    band = np.bincount(last[one], around[one], minlength=n)
    shared = np.flatnonzero((last > 0) & ~one)
    if not len(shared):
        return band
    number = np.zeros(len(pieces), np.int32)
    number[shared] = shared + 1
    of_shared = pieces.painted(number)
    places = few_true(((of_shared > 0) & ~taken).ravel())
    return band + np.bincount(_nearest(labels, of_shared, places), minlength=n)


def _nearest(labels: np.ndarray, piece: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The domain of `labels` nearest to each of `places` (k,), pixels of the raveled image, in the same `piece`.

    Pieces of 0 are asked for by none.
    """
    taken = (labels > 0) & (piece > 0)
    inner = cv2.erode(taken.view(np.uint8), np.ones((3, 3), np.uint8)).view(bool)
    rim = np.flatnonzero(taken & ~inner)
    # Pieces lie in planes of their own, farther apart than the image is wide.
    apart = sum(labels.shape)
    points = [np.stack([*np.divmod(at, labels.shape[1]), apart * piece.ravel()[at]], axis=1) for at in (rim, places)]
    return labels.ravel()[rim[cKDTree(points[0], balanced_tree=False).query(points[1])[1]]]
