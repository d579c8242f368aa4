"""How far labels move where nothing of the specimen changed: the yardstick for int8.

Rounding moves a mask by a few pixels and a domain's vote with it, and labels near a tie follow. No int8 has kept 995 of
1,000 of them: one gray level at every twelfth pixel turns more (docs/history.md). What int8 has to do is to move them
less than a mirror does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nanomorph.engine import Engine
from nanomorph.inference.gates import AGREEMENT_LIMIT, Case, cases, label_agreement
from nanomorph.micrograph import Box, Micrograph
from nanomorph.model import Model


def mirrored(micrograph: Micrograph) -> Micrograph:
    """Left and right exchanged, boxes with them."""
    width = micrograph.pixels.shape[1]

    def turned(box: Box) -> Box:
        left, top, right, bottom = box
        return width - right, top, width - left, bottom

    drawn, lines = (tuple(map(turned, boxes)) for boxes in (micrograph.drawn, micrograph.lines))
    return replace(micrograph, pixels=np.ascontiguousarray(micrograph.pixels[:, ::-1]), drawn=drawn, lines=lines)


def int8_agreement_limit(model: Model, engine: Engine, references: Sequence[Case]) -> float:
    """Share of labels that `engine` gives the mirrored micrographs, too; at most what other precisions must reach."""
    turned = cases(model, engine, [mirrored(case.micrograph) for case in references])
    pairs = ((one.outcome, case.outcome) for one, case in zip(turned, references, strict=True))
    agreement, _ = label_agreement(pairs)
    return min(AGREEMENT_LIMIT, agreement)
