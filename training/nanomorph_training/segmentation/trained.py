"""What a finished run left: its backbone, and from which probability on a pixel is foreground."""

from __future__ import annotations

from pathlib import Path

from nanomorph_training.models import Backbone, build_backbone
from nanomorph_training.runs.checkpoint import load_checkpoint

THRESHOLD_DEFAULT = 0.5


def load_backbone(run: Path) -> Backbone:
    """The trained backbone of a fit-segmenter run, in eval mode; of a pretrain run with an untrained decoder."""
    checkpoint = load_checkpoint(run)
    state = checkpoint.state
    backbone = build_backbone(state["encoder"], mean=state["mean"], std=state["std"])
    if state["kind"] == "backbone":
        backbone.load_state_dict(checkpoint.part("model"))
    else:
        backbone.encoder.load_state_dict(checkpoint.part("model.encoder"))
    return backbone.eval()


def foreground_threshold(run: Path) -> float:
    """The probability from which on a pixel is foreground: what a fit-segmenter run chose on its validation groups."""
    return float(load_checkpoint(run).state.get("threshold", THRESHOLD_DEFAULT))
