"""Centre lines of elongated domains, drawn where a person checks whether a wire was followed."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd

# From this ratio of length to width on a domain has a centre line worth seeing.
ELONGATED = 3.0
# What is left of the picture under a line, and the line's gray.
_UNDER, _GRAY = 0.25, 255.0


def elongated(domains: pd.DataFrame) -> np.ndarray:
    """Numbers of the domains that are much longer than wide, int (k,)."""
    if not {"domain", "length_px", "width_median_px"} <= set(domains.columns):
        return np.array([], dtype=int)
    chosen = domains["length_px"] >= ELONGATED * domains["width_median_px"]
    return domains.loc[chosen, "domain"].to_numpy(dtype=int)


def draw_centrelines(picture: np.ndarray, mask: np.ndarray, domains: pd.DataFrame) -> None:
    """Draw them into `picture` (BGR uint8), thinned at its scale: a glance, not a measure."""
    numbers = elongated(domains)
    if not len(numbers):
        return
    from skimage.morphology import skeletonize

    chosen = np.zeros(int(mask.max(initial=0)) + 1, np.uint8)
    chosen[numbers] = 1
    # Smoothed, or every step of an enlarged edge grows a spur.
    foreground = cv2.resize(255 * chosen[mask], picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    line = skeletonize(cv2.GaussianBlur(foreground, (0, 0), max(1.0, picture.shape[1] / mask.shape[1])) > 127)
    picture[line] = (picture[line] * _UNDER + _GRAY * (1 - _UNDER)).astype(np.uint8)
