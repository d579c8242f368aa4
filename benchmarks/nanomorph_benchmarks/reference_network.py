"""The network of a bundle in torch, its weights taken from the fp32 graph: what every engine is compared with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nanomorph_training.predict import TorchEngine

# Blocks in the encoder's layers tell the ResNets apart that nanomorph trains.
ENCODERS = {(2, 2, 2, 2): "resnet18", (3, 4, 6, 3): "resnet34"}


def torch_engine(graph: Path) -> TorchEngine:
    """The backbone that `export` folded and rounded, in float32."""
    from nanomorph_export.graphs import fuse
    from nanomorph_training.models import build_backbone
    from nanomorph_training.predict import TorchEngine
    from nanomorph_training.segmentation.from_bundle import weights_of

    weights = weights_of(graph)
    backbone = fuse(build_backbone(_encoder(list(weights))))
    backbone.load_state_dict({name: weights.get(name, value) for name, value in backbone.state_dict().items()})
    missing = [name for name, _ in backbone.named_parameters() if name not in weights]
    assert not missing, f"{graph} lacks {', '.join(missing)}"
    return TorchEngine(backbone)


def _encoder(names: list[str]) -> str:
    blocks = {match.groups() for name in names if (match := re.match(r"encoder\.layer(\d)\.(\d+)\.", name))}
    counts = tuple(sum(layer == str(number) for layer, _ in blocks) for number in range(1, 5))
    return "resnet50" if any(".conv3." in name for name in names) else ENCODERS[counts]  # type: ignore[index]
