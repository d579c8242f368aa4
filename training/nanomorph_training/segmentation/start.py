"""What a segmenter begins from: random weights, a pretrained encoder, or a segmenter of a run or a bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nanomorph.bundle import bundle_folder, load_bundle
from nanomorph.errors import ConfigurationError
from nanomorph_training.encoders import encoder_key, is_bundle
from nanomorph_training.runs.checkpoint import Checkpoint, load_checkpoint
from nanomorph_training.segmentation.from_bundle import checkpoint_of
from nanomorph_training.segmentation.settings import SegmenterSettings


def start_of(encoder: Path | None, settings: SegmenterSettings, frames: Sequence[np.ndarray]) -> Checkpoint | None:
    """The checkpoint that the weights begin from, None for random ones.

    frames: prepared micrographs to learn from, uint8 (H, W), on which a bundle's batch norms are measured. Raises
    ConfigurationError where the settings want another start.
    """
    start: Checkpoint | None = None
    if encoder is not None and is_bundle(encoder):
        start = checkpoint_of(load_bundle(bundle_folder(encoder)), frames)
    elif encoder is not None:
        start = load_checkpoint(encoder)
    if start is not None and start.state["encoder"] != settings.encoder:
        raise ConfigurationError(f"{encoder} is a {start.state['encoder']}: add --network {start.state['encoder']}")
    if settings.keep and (start is None or start.state["kind"] != "backbone"):
        raise ConfigurationError(
            "--keep needs a segmenter to start from: give --encoder a fit-segmenter run or a bundle"
        )
    return start


def weights_key(encoder: Path) -> str:
    """What names the weights of a run or a bundle."""
    return load_bundle(bundle_folder(encoder)).measures if is_bundle(encoder) else encoder_key(encoder)
