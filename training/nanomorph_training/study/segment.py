"""Who takes part in a segmentation study, on one draw: a segmenter learned from some masks, and Otsu."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from nanomorph.atomic import atomic_open
from nanomorph_training.classical import OTSU, otsu
from nanomorph_training.data import Sample
from nanomorph_training.micrographs.cache import Cache
from nanomorph_training.micrographs.masks import read_mask
from nanomorph_training.micrographs.targets import FOREGROUND
from nanomorph_training.runs.run_folder import RunFolder
from nanomorph_training.scores import overlap
from nanomorph_training.segmentation.settings import SegmenterSettings
from nanomorph_training.study.contestants import Contestant
from nanomorph_training.study.draws import Draw
from nanomorph_training.study.settings import DRAWN_SHARE, StudySettings


@dataclass(frozen=True, eq=False)
class Masked:
    """Dice and IoU (m,) of an entrant on the test part of a draw, learned from `size` masks."""

    name: str
    replica: int
    draw: Draw
    size: int
    dice: np.ndarray
    iou: np.ndarray


@dataclass(frozen=True, eq=False)
class Trials:
    """Learns and judges on draws of `samples`; every training is a run folder below that of the study, `run`."""

    samples: Sequence[Sample]
    settings: StudySettings
    cache: Cache
    run: RunFolder

    def learned(self, encoder: Contestant, draw: Draw, size: int, steps: int) -> Masked:
        """A segmenter on an encoder, from the first `size` masks of a draw; goes on where it was stopped."""
        from nanomorph_training.predict import predict
        from nanomorph_training.segmentation.run import fit_segmenter
        from nanomorph_training.segmentation.trained import foreground_threshold, load_backbone

        folder = self.run.path / "runs" / f"{encoder.name}-{encoder.replica}" / f"{size}-images" / f"draw-{draw.number}"
        listed = folder / "labelled.csv"
        _write_list(listed, [self.samples[n] for n in draw.labelled(size)])
        self.run.say(f"{encoder.name}, seed {encoder.replica}: {size} masks, draw {draw.number}")
        settings = self._of_segmenter(steps, encoder.replica)
        fit_segmenter([listed, *self.settings.drawn], encoder.path, folder, settings, self.cache, resume=True)
        backbone, threshold = load_backbone(folder), foreground_threshold(folder)
        scores = self._scores(draw, lambda image: predict(backbone, image)[1] >= threshold)
        return Masked(encoder.name, encoder.replica, draw, size, *scores)

    def otsu(self, draw: Draw, size: int) -> Masked:
        """The same at every size: it learns nothing."""
        return Masked(OTSU, 0, draw, size, *self._scores(draw, otsu))

    def _of_segmenter(self, steps: int, replica: int) -> SegmenterSettings:
        given = self.settings
        return SegmenterSettings(
            encoder=given.network,
            window=given.window,
            batch=given.batch,
            amp=given.amp,
            steps=steps,
            encoder_lr=given.encoder_lr,
            seed=given.seed + replica,
            threads=given.threads,
            synthetic=DRAWN_SHARE,
            train_on_all=True,  # the draw has set its test apart
        )

    def _scores(self, draw: Draw, segment: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        tested = [self.samples[n] for n in draw.test]
        pairs = [(np.asarray(self.cache.image(s)), np.asarray(self.cache.target(s)) & FOREGROUND > 0) for s in tested]
        dice, iou = np.array([overlap(segment(image), truth) for image, truth in pairs]).T
        return dice, iou


def _write_list(path: Path, samples: Sequence[Sample]) -> None:
    with atomic_open(path, "w") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "mask", "instance_mask", "group", "nm_per_px"))
        for n, s in enumerate(samples):
            assert s.mask is not None
            mask = str((_plain(s.mask, path.with_suffix("") / f"{n}.png") if s.annotated else s.mask).resolve())
            given = ("", mask) if s.by_instance else (mask, "")
            writer.writerow((s.path.resolve(), *given, s.group, "" if s.nm_per_px is None else s.nm_per_px))


def _plain(annotated: Path, out: Path) -> Path:
    """An annotated micrograph's foreground as a mask of its own: a list has no column that says what it is."""
    out.parent.mkdir(exist_ok=True)
    mask = read_mask(annotated, annotated=True).astype(np.uint8) * np.uint8(255)
    with atomic_open(out) as file:
        file.write(cv2.imencode(".png", mask)[1].tobytes())
    return out
