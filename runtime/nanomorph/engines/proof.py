"""An engine held against onnxruntime on the machine that is to use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nanomorph.bundle import Bundle
from nanomorph.engines.engine import Engine, open_engine
from nanomorph.errors import ConfigurationError

if TYPE_CHECKING:
    from nanomorph.gates import Gate

# Every layer has work on it, and it takes a hundredth of a second.
SIDE = 128


def exact(bundle: Bundle, engine: Engine) -> Gate:
    """Every number that an fp32 engine gives for one frame of noise, against the fp32 graph on the CPU."""
    from nanomorph.gates import exact_gate

    frame = np.random.default_rng(0).integers(0, 256, (1, 1, SIDE, SIDE), dtype=np.uint8)
    return exact_gate(engine, open_engine(bundle, "cpu", "fp32"), [frame])


def prove(bundle: Bundle, engine: Engine) -> list[Gate]:
    """Gates of an engine against the fp32 graph on the CPU, on the micrographs that travel in the bundle.

    Raises ConfigurationError where the bundle has none.
    """
    from nanomorph.gates import cases, gates
    from nanomorph.model import Model
    from nanomorph.readers import read_path

    if not bundle.proof:
        raise ConfigurationError(f"bundle {bundle.name} holds no proof micrographs: export it with this nanomorph.")
    model = Model(bundle, "cpu", "fp32")
    references = list(cases(model, model.engine, [read_path(file) for file in bundle.proof]))
    return gates(model, engine, references)
