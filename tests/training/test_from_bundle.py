"""A bundle's network in torch again: the same numbers in use and in training, and a fit that goes on from it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from nanomorph.bundle import EMBEDDED, MANIFEST, Bundle, load_bundle
from nanomorph.engines.opening import open_engine
from nanomorph.errors import ConfigurationError
from nanomorph_training.micrographs.cache import Cache
from nanomorph_training.models import Backbone, build_backbone
from nanomorph_training.runs.checkpoint import load_checkpoint
from nanomorph_training.segmentation.from_bundle import FRAMES, checkpoint_of
from nanomorph_training.segmentation.run import fit_segmenter
from nanomorph_training.segmentation.settings import SegmenterSettings
from nanomorph_training.synthesis.field import synthesize_field


@pytest.fixture(scope="module")
def embedded() -> Bundle:
    return load_bundle()


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """Drawn micrographs, uint8 (4, 96, 96)."""
    return np.stack([synthesize_field("particles", seed, 96).image for seed in range(4)])


def backbone_of(weights: dict[str, Tensor]) -> Backbone:
    backbone = build_backbone("resnet18")
    backbone.load_state_dict(weights)
    return backbone.eval()


def test_it_computes_what_the_graph_does_also_while_training(embedded: Bundle, frames: np.ndarray) -> None:
    backbone = backbone_of(checkpoint_of(embedded, frames).part("model"))
    graph = open_engine(embedded, "cpu", "fp32", 1).run(frames[:, None])
    # Batch norms that take their statistics from these frames, as a step of a training does, find what was kept.
    for mode in (backbone.eval(), backbone.train()):
        with torch.inference_mode():
            outputs = mode(torch.from_numpy(frames[:, None]))
        for name, output in zip(("embedding", "foreground", "interior"), outputs, strict=True):
            np.testing.assert_allclose(output.numpy(), graph[name], atol=2e-5)


def test_frames_are_taken_from_all_over(embedded: Bundle, frames: np.ndarray) -> None:
    """Twice as many as are looked at, every second one the same: as if only these were there."""
    bright = [frames[0]] * FRAMES
    mixed = [frame for frame in bright for frame in (frame, np.zeros_like(frame))]
    few, many = (checkpoint_of(embedded, of).part("model")["encoder.bn1.running_var"] for of in (bright, mixed))
    assert torch.equal(few, many)


def test_the_embedded_bundle_is_trained_further(pool: Path, tmp_path: Path) -> None:
    settings = SegmenterSettings(window=64, batch=2, steps=2, validate_every=1, threads=1, keep=0.5)
    state = fit_segmenter([pool], Path("embedded"), tmp_path / "run", settings, Cache(tmp_path / "cache"))
    assert state["begun_from"] == load_bundle().measures
    assert state["pretrained_from"]["kind"] == "backbone"
    # Two steps from random weights come to .05: discs are easily told from film, their interiors are not.
    assert state["best"]["interior_dice"] > 0.5
    assert load_checkpoint(tmp_path / "run").state["kind"] == "backbone"


@pytest.mark.parametrize(
    ("segmenter", "message"),
    [({}, "does not say which network"), ({"encoder": "resnet34"}, "holds another network than resnet34")],
)
def test_another_network_is_refused(
    segmenter: dict[str, str], message: str, tmp_path: Path, frames: np.ndarray
) -> None:
    copied = tmp_path / "bundle"
    shutil.copytree(EMBEDDED, copied)
    manifest = json.loads((copied / MANIFEST).read_text())
    manifest["provenance"]["segmenter"] = segmenter
    (copied / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ConfigurationError, match=message):
        checkpoint_of(load_bundle(copied), frames)
