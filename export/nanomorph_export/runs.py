"""Training runs that are to make one bundle: read, and refused where they do not fit one another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nanomorph.errors import ConfigurationError
from nanomorph_export.manifest import check_head
from nanomorph_export.replace_head import require_same_threshold
from nanomorph_export.write_bundle import Parts
from nanomorph_training.encoders import encoder_key, segments
from nanomorph_training.heads.head import Head, load_head
from nanomorph_training.models import Backbone
from nanomorph_training.runs.checkpoint import load_checkpoint
from nanomorph_training.segmentation.trained import foreground_threshold, load_backbone

# What is kept of each stage, where its checkpoint has it.
_STAGE = ("encoder", "settings", "data_fingerprint", "n_images", "n_validation", "total_steps", "best")
_KEPT = (*_STAGE, "threshold", "versions")


def parts_of(
    runs: Sequence[Path], segmenter: Path, embedder: Path | None, name: str, precisions: Sequence[str]
) -> Parts:
    """The parts of a bundle from runs of fit-head and of fit-segmenter.

    embedder: a run whose encoder the heads were fitted on, where it is not the segmenter's. Raises ConfigurationError
    for a head that no bundle takes, two of one task, a head of another encoder or on other masks than the bundle's,
    and a run without a segmenter.
    """
    heads = [load_head(run) for run in runs]
    _require_heads_of_a_bundle(heads)
    source = provenance(segmenter, embedder)
    _require_same_encoder(heads, source["encoder"], embedder or segmenter)
    threshold = _require_same_masks(heads, segmenter, embedder)
    backbone = load_backbone(segmenter)
    return Parts(
        name=name,
        backbone=backbone,
        embedder=None if embedder is None else other_encoder(load_backbone(embedder), backbone),
        heads=heads,
        provenance=source,
        foreground_threshold=threshold,
        precisions=precisions,
    )


def _require_heads_of_a_bundle(heads: Sequence[Head]) -> None:
    for head in heads:
        check_head(head)
    tasks = [head.task for head in heads]
    if repeated := sorted({task for task in tasks if tasks.count(task) > 1}):
        raise ConfigurationError(f"two --head are of the task {', '.join(repeated)}: a bundle holds one of each")


def _require_same_encoder(heads: Sequence[Head], encoder: str, run: Path) -> None:
    """A head on embeddings of another encoder would answer, and mean nothing."""
    for head in heads:
        fitted_on = head.metrics.get("encoder", encoder)
        if head.uses_embedding and fitted_on != encoder:
            raise ConfigurationError(
                f"head {head.task} was fitted on the encoder {fitted_on}, {run} is {encoder}: fit it again, "
                "or name the run it was fitted on with --embedder"
            )


def _require_same_masks(heads: Sequence[Head], segmenter: Path, embedder: Path | None) -> float:
    """The probability from which on the bundle's masks begin: descriptors are those of masks."""
    if embedder is not None:
        _require_no_descriptors(heads, segmenter)
    if not segments(segmenter):
        raise ConfigurationError(f"{segmenter} has no segmenter: name a run of fit-segmenter")
    threshold = foreground_threshold(segmenter)
    for head in heads:
        require_same_threshold(head, threshold)
    return threshold


def _require_no_descriptors(heads: Sequence[Head], segmenter: Path) -> None:
    """Descriptors come from masks: those of the run a head was fitted on are not those of the bundle."""
    for head in heads:
        if head.uses_embedding and head.descriptors:
            raise ConfigurationError(
                f"head {head.task} was fitted on the masks of --embedder, the bundle's are those of {segmenter}: fit "
                "it with --features embedding, or on the segmenter's run and without --embedder"
            )


def other_encoder(embedder: Backbone, backbone: Backbone) -> Backbone | None:
    """None where both encoders are equal bit for bit (a segmenter with a frozen encoder): one graph is enough."""
    ours, theirs = embedder.encoder.state_dict(), backbone.encoder.state_dict()
    equal = ours.keys() == theirs.keys() and all(bool((ours[name] == theirs[name]).all()) for name in ours)
    return None if equal else embedder


def provenance(segmenter: Path, embedder: Path | None = None) -> dict[str, Any]:
    """Where the weights came from: settings, data fingerprints, versions and validation of each stage.

    `encoder` is the key of the weights that fit-head notes in a head.
    """
    state = load_checkpoint(segmenter).state
    pretraining = state.get("pretrained_from") or {}
    return {
        "encoder": encoder_key(embedder or segmenter),
        "segmenter": {key: state[key] for key in _KEPT if key in state},
        "pretraining": {key: pretraining[key] for key in (*_KEPT, "loss", "spread") if key in pretraining},
    }
