"""Where a head's embeddings come from: a training run (torch), or a bundle (onnxruntime, torch is not needed)."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nanomorph.bundle import MANIFEST, load_bundle
from nanomorph.engines import open_engine
from nanomorph.errors import ConfigurationError
from nanomorph_training.features import Extractor
from nanomorph_training.row_store import RowStore

CHECKPOINT = "checkpoint.safetensors"


def open_extractor(encoder: Path, cache: Path, threshold: float | None = None, threads: int = 2) -> Extractor:
    """The backbone of a run or a bundle, its features cached in `cache` under a name made from its weights.

    threshold: of the foreground, None for the segmenter's own. Raises ConfigurationError where `encoder` is neither.
    """
    open_ = _of_bundle if (encoder / MANIFEST).is_file() else _of_run
    return open_(encoder, RowStore(cache / "features"), threshold, threads)


def segments(encoder: Path) -> bool:
    """True where a run or a bundle has learned to tell foreground, so that it can be measured."""
    if (encoder / MANIFEST).is_file():
        return True
    from nanomorph_training.checkpoint import load_checkpoint

    return load_checkpoint(encoder).state["kind"] == "backbone"


def _of_bundle(folder: Path, store: RowStore, threshold: float | None, threads: int) -> Extractor:
    bundle = load_bundle(folder)
    engine = open_engine(bundle, "cpu", "fp32", threads)
    own = bundle.foreground_threshold if threshold is None else threshold
    return Extractor(engine, bundle.measures, store, lambda batch: engine.run(batch)["embedding"], own, bundle.input)


def _of_run(run: Path, store: RowStore, threshold: float | None, threads: int) -> Extractor:
    key = encoder_key(run)
    from nanomorph_training import machine
    from nanomorph_training.predict import TorchEngine
    from nanomorph_training.segmenter import foreground_threshold, load_backbone

    machine.set_up(threads)
    own = foreground_threshold(run) if threshold is None else threshold
    engine = TorchEngine(load_backbone(run))
    return Extractor(engine, key, store, engine.embed, own)


def encoder_key(run: Path) -> str:
    """Sixteen hex digits that name a run's weights. Raises ConfigurationError where `run` has none."""
    weights = run / CHECKPOINT
    if not weights.is_file():
        raise ConfigurationError(f"{run} is no training run: it has no {weights.name}")
    with open(weights, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
