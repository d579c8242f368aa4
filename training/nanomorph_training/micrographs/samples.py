"""A sample: a micrograph of a training pool, and what is known about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class Sample:
    """One micrograph of a training pool.

    mask: an image whose values > 0 are foreground; `by_instance`: its values are particle numbers; `annotated`: it
    is a copy of the micrograph on which foreground is painted in colour (green and blue differ).
    group: what must not be split, "" where nothing is known. source: the list or folder it came from.
    member: its name inside the archive `path`, "" where `path` is the micrograph itself.
    nm_per_px: pixel size that its list or data set states, for files that hold none.
    """

    path: Path
    source: str
    mask: Path | None = None
    by_instance: bool = False
    label: str = ""
    group: str = ""
    annotated: bool = False
    member: str = ""
    nm_per_px: float | None = None

    @property
    def is_synthetic(self) -> bool:
        return self.group.startswith(SYNTHETIC)

    @property
    def name(self) -> str:
        """What a person calls it: `a.tif`, or `archive.zip!/a.tif`."""
        return f"{self.path}!/{self.member}" if self.member else str(self.path)
