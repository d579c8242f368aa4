"""Training runs to ONNX graphs: the backbone by torch's dynamo exporter, heads node by node."""

from __future__ import annotations

import copy
import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from nanomorph_training.models import Backbone, fold_batch_norm

OPSET = 18
OUTPUTS = ("embedding", "foreground", "interior")
MULTIPLE = 32
# Initialisers below this many values (biases, constants) stay fp32: they weigh nothing.
HALF_STORED_FROM = 1024


def fuse(backbone: Backbone) -> Backbone:
    """A copy in evaluation mode with every batch norm folded into the convolution before it.

    Done here, not by the exporter, so that the weights rounded by `round_to_half` are those of the graph.
    """
    copied = copy.deepcopy(backbone).eval()
    fold_batch_norm(copied)
    return copied


def round_to_half(model: Backbone) -> Backbone:
    """Round large weights, in place, to values that fp16 holds exactly; computing stays fp32."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.numel() >= HALF_STORED_FROM:
                parameter.copy_(parameter.half().float())
    return model


def export_backbone(backbone: Backbone, path: Path) -> None:
    """Write a backbone: uint8 (N, 1, H, W) -> OUTPUTS; N, H, W dynamic, H and W multiples of 32.

    Weights are stored as fp16 and cast to fp32 when the graph is loaded: half the file, the same numbers,
    provided that `backbone` went through `fuse` and `round_to_half`.
    """
    program = _trace(backbone)
    model = program.model_proto
    # The exporter notes its stack at every node: paths of this machine, which bytes must not depend on.
    for node in model.graph.node:
        del node.metadata_props[:]
    _store_half(model)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _trace(backbone: Backbone) -> torch.onnx.ONNXProgram:
    n, h, w = (torch.export.Dim(name, min=1, max=256) for name in ("n", "h32", "w32"))
    image = torch.zeros((2, 1, 3 * MULTIPLE, 2 * MULTIPLE), dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # The exporter's own deprecations; a wrong graph is caught by the parity gate, not by a warning.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            backbone,
            (image,),
            dynamo=True,
            opset_version=OPSET,
            external_data=False,
            input_names=["image"],
            output_names=list(OUTPUTS),
            dynamic_shapes=({0: n, 2: MULTIPLE * h, 3: MULTIPLE * w},),
            verbose=False,
        )
    assert program is not None
    return program


def _store_half(model: onnx.ModelProto) -> None:
    graph = model.graph
    casts = []
    for initializer in graph.initializer:
        values = numpy_helper.to_array(initializer)
        if values.dtype != np.float32 or values.size < HALF_STORED_FROM:
            continue
        name = initializer.name
        half = numpy_helper.from_array(values.astype(np.float16), f"{name}.half")
        initializer.CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [name], name=f"{name}.widen", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
