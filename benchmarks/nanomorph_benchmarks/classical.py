"""What a user would write without a model: thresholds and gradient features."""

from __future__ import annotations

import numpy as np
from skimage.feature import hog
from skimage.filters import threshold_otsu
from skimage.transform import resize


def otsu(gray: np.ndarray) -> np.ndarray:
    """Bool (H, W): Otsu's threshold, the foreground being the side that is rarer along the border."""
    above = gray > threshold_otsu(gray)
    border = np.concatenate([above[0], above[-1], above[:, 0], above[:, -1]])
    return ~above if border.mean() > 0.5 else above


def gradients(gray: np.ndarray) -> np.ndarray:
    """HOG of the whole frame at 128 px, averaged over its cells, and gray statistics: float (F,)."""
    small = resize(gray.astype(np.float64) / 255, (128, 128), anti_aliasing=True)
    cells = hog(small, orientations=12, pixels_per_cell=(16, 16), cells_per_block=(1, 1), feature_vector=False)
    cells = np.sort(cells.reshape(-1, 12), axis=1)  # sorted: turning a micrograph must not change its features
    statistics = [small.mean(), small.std(), *np.percentile(small, (5, 25, 50, 75, 95))]
    return np.concatenate([cells.mean(axis=0), cells.std(axis=0), statistics])
