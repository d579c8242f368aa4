"""Centre lines of elongated domains, drawn where a person checks whether a wire was followed."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from nanomorph.measure.skeletons.skeleton import thin_all
from nanomorph.results.masks import mask_of

# From this ratio of length to width on a domain has a centre line worth seeing.
ELONGATED = 3.0
# What is left of the picture under a line, and the line's gray.
_UNDER, _GRAY = 0.25, 255.0
# Thinning costs a pass a pixel of radius: wires of the usual width are reduced to so many px first, but never so many
# times that the line leaves the middle.
LEAST_WIDTH, COARSEST = 4, 4


def elongated(domains: Mapping[str, np.ndarray]) -> np.ndarray:
    """Whether domains (arrays (n,) by column) are much longer than wide, bool (n,)."""
    return np.asarray(domains["length_px"] >= ELONGATED * domains["width_median_px"])


def draw_centrelines(picture: np.ndarray, mask: np.ndarray, domains: Mapping[str, np.ndarray]) -> None:
    """Draw them into `picture` (BGR uint8), thinned at its scale: a glance, not a measure."""
    chosen = elongated(domains)
    if not chosen.any():
        return
    scale = picture.shape[1] / mask.shape[1]
    # Smoothed, or every step of an enlarged edge grows a spur.
    shown = mask_of(mask, domains["domain"][chosen])
    foreground = cv2.resize(shown, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    foreground = cv2.GaussianBlur(foreground, (0, 0), max(1.0, scale))
    usual = float(np.median(domains["width_median_px"][chosen]))
    line = _centre_line(foreground > 127, step=int(min(max(1, usual * scale / LEAST_WIDTH), COARSEST)))
    picture[line] = (picture[line] * _UNDER + _GRAY * (1 - _UNDER)).astype(np.uint8)


def _centre_line(foreground: np.ndarray, step: int) -> np.ndarray:
    """Bool (h, w): its skeleton, thinned `step` times coarser and drawn 1 px wide."""
    skeleton = thin_all([foreground], [step], np.zeros((1, 2)))
    drawn = np.zeros(foreground.shape, np.uint8)
    segments = np.rint(skeleton.points).astype(np.int32)[skeleton.edges.T]
    cv2.polylines(drawn, list(segments), False, 1)
    return drawn > 0
