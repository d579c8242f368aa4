"""Training runs to ONNX graphs: the backbone by torch's dynamo exporter, heads node by node."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from nanomorph_training.models import OUTPUTS, STRIDE, Backbone, fold_batch_norm, pool

OPSET = 18
# Tensors of so many values are stored as fp16: of a ResNet-18 the convolutions of 128 channels and more, nine
# tenths of the bytes. Others stay fp32: with all in fp16 two of 250 labels of an embedded bundle's proof turned.
HALF_STORED_FROM = 140_000


def fuse(backbone: Backbone) -> Backbone:
    """A copy in evaluation mode with every batch norm folded into the convolution before it.

    Done here, not by the exporter, so that the weights rounded by `round_to_half` are those of the graph.
    """
    copied = copy.deepcopy(backbone).eval()
    fold_batch_norm(copied)
    return copied


def round_to_half(model: Backbone) -> Backbone:
    """Round large weights, in place, to values that fp16 holds exactly; computing stays fp32."""
    largest = torch.finfo(torch.float16).max
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.numel() >= HALF_STORED_FROM:
                parameter.copy_(parameter.clamp(-largest, largest).half().float())
    return model


class HalfBackbone(nn.Module):
    """The same network computed in fp16, between a float32 normalisation and float32 outputs.

    TensorRT's networks are strongly typed: the precision must be in the file. The mean over pixels (the embedding)
    is taken in float32: a sum of 16-bit numbers over a large map loses what it adds last.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.mean, self.std = backbone.mean, backbone.std
        self.encoder, self.decoder = (copy.deepcopy(part).half() for part in (backbone.encoder, backbone.decoder))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = ((pixels.float() / 255.0 - self.mean) / self.std).half()
        maps = self.encoder(x)
        probability = torch.sigmoid(self.decoder(x, maps).float())
        return pool([maps[-1].float()]), probability[:, 0:1], probability[:, 1:2]


class Embedder(nn.Module):
    """A backbone's encoder alone: uint8 (N, 1, H, W) -> embedding (N, D)."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, pixels: Tensor) -> tuple[Tensor]:
        return (pool(self.backbone.encoder(self.backbone.normalise(pixels))),)


def export_backbone(backbone: nn.Module, path: Path, outputs: Sequence[str] = OUTPUTS) -> None:
    """Write a backbone: uint8 (N, 1, H, W) -> `outputs`; N, H, W dynamic, H and W multiples of 32.

    Large weights are stored as fp16 and cast to fp32 when the graph is loaded: the same numbers, provided
    that `backbone` went through `fuse` and `round_to_half`.
    """
    model = _trace(backbone, outputs).model_proto
    _forget_exporting(model)
    _store_half(model)
    write_graph(model, path)


def _forget_exporting(model: onnx.ModelProto) -> None:
    """Drop what the exporter notes of itself, so that the same weights give the same bytes.

    At nodes its stack: paths of this machine; at the graph a set in print: another order by every PYTHONHASHSEED.
    """
    graph = model.graph
    values = (*graph.input, *graph.output, *graph.value_info, *graph.initializer)
    for noted in (model, graph, *graph.node, *values):
        del noted.metadata_props[:]


def write_graph(model: onnx.ModelProto, path: Path) -> None:
    """Check in full, then write one file, the same bytes each time."""
    onnx.checker.check_model(model, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _trace(backbone: nn.Module, outputs: Sequence[str]) -> torch.onnx.ONNXProgram:
    n, h, w = (torch.export.Dim(name, min=1, max=256) for name in ("n", "h32", "w32"))
    image = torch.zeros((2, 1, 3 * STRIDE, 2 * STRIDE), dtype=torch.uint8)
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
            output_names=list(outputs),
            dynamic_shapes=({0: n, 2: STRIDE * h, 3: STRIDE * w},),
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


def widen(model: onnx.ModelProto) -> None:
    """Undo the storage as fp16, in place: float32 weights, as quantisation and merging want them."""
    half = {tensor.name: tensor for tensor in model.graph.initializer if tensor.data_type == TensorProto.FLOAT16}
    kept = []
    for node in model.graph.node:
        if node.op_type == "Cast" and node.input[0] in half and node.attribute[0].i == TensorProto.FLOAT:
            tensor = half[node.input[0]]
            values = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, node.output[0]))
        else:
            kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(kept)
