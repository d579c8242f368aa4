"""Where a head's embeddings come from: a training run (torch), or a bundle (onnxruntime, torch is not needed)."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nanomorph.bundle import MANIFEST, bundle_folder, load_bundle
from nanomorph.engines.opening import open_engine
from nanomorph.errors import ConfigurationError
from nanomorph_training.features import Extractor
from nanomorph_training.journal_rows import JournalRows
from nanomorph_training.row_store import RowStore
from nanomorph_training.runs.run_folder import CHECKPOINT


def open_extractor(
    encoder: Path, cache: Path, threshold: float | None = None, threads: int = 2, journal: Path | None = None
) -> Extractor:
    """The backbone of a run or a bundle, its features cached in `cache` under a name made from its weights.

    threshold: of the foreground, None for the segmenter's own. journal: folder of an earlier run of `batch` or
    `watch`, whose rows are taken instead of computed (bundles only). Raises ConfigurationError where `encoder` is
    neither, or the journal is another backbone's.
    """
    store = RowStore(cache / "features")
    if is_bundle(encoder):
        return _of_bundle(encoder, store, threshold, threads, journal)
    if journal is not None:
        raise ConfigurationError("--journal needs the bundle that measured it as --encoder, not a training run")
    return _of_run(encoder, store, threshold, threads)


def segments(encoder: Path) -> bool:
    """True where a run or a bundle has learned to tell foreground, so that it can be measured.

    Raises ConfigurationError where `encoder` is neither.
    """
    if is_bundle(encoder):
        return True
    _weights(encoder)
    from nanomorph_training.runs.checkpoint import load_checkpoint

    return load_checkpoint(encoder).state["kind"] == "backbone"


def is_bundle(encoder: Path) -> bool:
    """True where `encoder` is a bundle (or the embedded one's name), not a training run."""
    return (bundle_folder(encoder) / MANIFEST).is_file()


def _of_bundle(folder: Path, store: RowStore, threshold: float | None, threads: int, journal: Path | None) -> Extractor:
    bundle = load_bundle(folder)
    engine = open_engine(bundle, "cpu", "fp32", threads)
    return Extractor(
        engine,
        bundle.measures,
        store,
        embed=lambda batch: engine.run(batch)["embedding"],
        threshold=bundle.foreground_threshold if threshold is None else threshold,
        spec=bundle.input,
        journal=None if journal is None else JournalRows.open(journal, bundle),
    )


def _of_run(run: Path, store: RowStore, threshold: float | None, threads: int) -> Extractor:
    key = encoder_key(run)
    from nanomorph_training.predict import TorchEngine
    from nanomorph_training.runs import machine
    from nanomorph_training.segmentation.trained import foreground_threshold, load_backbone

    machine.set_up(threads)
    own = foreground_threshold(run) if threshold is None else threshold
    engine = TorchEngine(load_backbone(run))
    return Extractor(engine, key, store, engine.embed, own)


def encoder_key(run: Path) -> str:
    """Sixteen hex digits that name a run's weights. Raises ConfigurationError where `run` has none."""
    with open(_weights(run), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _weights(run: Path) -> Path:
    weights = run / CHECKPOINT
    if not weights.is_file():
        what = f"it has no {CHECKPOINT} and no {MANIFEST}" if run.is_dir() else "there is no such folder"
        raise ConfigurationError(
            f"{run} is no training run, and no bundle: {what}; give a run of pretrain or fit-segmenter, or `embedded`"
        )
    return weights
