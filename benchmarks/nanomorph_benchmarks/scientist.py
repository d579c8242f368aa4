"""The script that a good scientist writes today: tifffile, a network, scikit-image; one image after the other.

It does the whole job of a micrograph (read, label, mask, a table of domains), with fewer columns than nanomorph's and
without its intervals, wires, quarantine, journal, overlays and report: what it lacks costs it nothing here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import tifffile
from scipy import ndimage
from skimage.measure import label, regionprops_table
from skimage.morphology import remove_small_objects, skeletonize

from nanomorph.prepare import InputSpec

Network = Callable[[np.ndarray], dict[str, np.ndarray]]
PROPERTIES = (
    "label", "area", "equivalent_diameter_area", "feret_diameter_max", "axis_major_length", "axis_minor_length",
    "eccentricity", "solidity", "perimeter", "orientation", "centroid",
)  # fmt: skip


@dataclass(frozen=True)
class Script:
    """spec: what the network takes. threshold: of its foreground. classes: labels to tell apart."""

    network: Network
    spec: InputSpec
    threshold: float
    classes: int = 4

    def run(self, files: list[Path], out: Path) -> dict[str, np.ndarray]:
        """All files, one by one; embeddings by name. Writes masks, domains.csv and labels.csv."""
        return self.finish(((file, *self.read(file)) for file in files), out, batch=1)

    def read(self, file: Path) -> tuple[np.ndarray, tuple[int, int]]:
        """The frame as the network takes it, uint8 (H, W), and its recorded shape."""
        pixels = tifffile.imread(file)
        black, white = np.percentile(pixels, (self.spec.low, self.spec.high))
        gray = np.clip((pixels - black) * (255 / max(white - black, 1e-9)) + 0.5, 0, 255).astype(np.uint8)
        scale = min(1.0, self.spec.max_side / max(gray.shape))
        size = tuple(max(1, round(side * scale)) for side in gray.shape[::-1])
        small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
        bottom, right = (-side % self.spec.multiple for side in small.shape)
        return np.pad(small, ((0, bottom), (0, right)), mode="symmetric"), pixels.shape

    def finish(self, frames, out: Path, batch: int) -> dict[str, np.ndarray]:  # type: ignore[no-untyped-def]
        """Infer `batch` frames (file, frame, shape) at a time, measure and write."""
        (out / "masks").mkdir(parents=True)
        embeddings: dict[str, np.ndarray] = {}
        tables: list[pd.DataFrame] = []
        waiting: list = []
        for frame in frames:
            waiting.append(frame)
            if len(waiting) == batch:
                tables += self._finish(waiting, out, embeddings)
                waiting = []
        tables += self._finish(waiting, out, embeddings) if waiting else []
        pd.concat(tables).to_csv(out / "domains.csv", index=False)
        pd.DataFrame({"file": embeddings.keys(), "label": [self._label(one) for one in embeddings.values()]}).to_csv(
            out / "labels.csv", index=False
        )
        return embeddings

    def _finish(self, waiting: list, out: Path, embeddings: dict[str, np.ndarray]) -> list[pd.DataFrame]:
        outputs = self.network(np.stack([frame for _, frame, _ in waiting])[:, None])
        tables = []
        for n, (file, frame, shape) in enumerate(waiting):
            embeddings[file.name] = outputs["embedding"][n]
            tables.append(self._measure(outputs["foreground"][n, 0], frame.shape, shape, file.name, out))
        return tables

    def _label(self, embedding: np.ndarray) -> int:
        """A linear head of made-up weights: it costs what a learned one costs."""
        return int((embedding @ np.eye(len(embedding), self.classes)).argmax())

    def _measure(
        self, foreground: np.ndarray, seen: tuple[int, int], shape: tuple[int, int], name: str, out: Path
    ) -> pd.DataFrame:
        scale = min(1.0, self.spec.max_side / max(shape))
        height, width = (min(n, max(1, round(side * scale))) for n, side in zip(seen, shape, strict=True))
        restored = cv2.resize(foreground[:height, :width], shape[::-1], interpolation=cv2.INTER_LINEAR)
        least = max(12, round(2e-5 * restored.size))
        mask = remove_small_objects(restored >= self.threshold, max_size=least)
        labels = label(mask)
        table = pd.DataFrame(regionprops_table(labels, properties=PROPERTIES))
        lengths, widths = self._wires(mask, labels, len(table))
        tifffile.imwrite(out / "masks" / f"{name}.tif", labels.astype(np.uint16), compression="zlib")
        return table.assign(file=name, length_px=lengths, width_px=widths)

    def _wires(self, mask: np.ndarray, labels: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Skeleton px, and the median of twice the distance to the background on them, of every domain."""
        skeleton = skeletonize(mask)
        distance = 2 * ndimage.distance_transform_edt(mask)
        on, index = np.where(skeleton, labels, 0), np.arange(1, n + 1)
        if not n:
            return np.zeros(0), np.zeros(0)
        return ndimage.sum_labels(skeleton, on, index), ndimage.median(distance, on, index)
