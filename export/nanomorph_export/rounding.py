"""Weights rounded so that a layer's results stay, not each weight by itself.

What one weight loses by rounding, those not yet rounded make up for, weighed by how the layer's inputs go together on
real micrographs: GPTQ (Frantar et al. 2023, arXiv:2210.17323), here with the channel scales that onnxruntime chose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper
from torch import Tensor

# Of each frame: 48 frames then show more patches than the widest layer has weights a channel (4,608).
PATCHES = 384
# Share of the mean that is added to the diagonal: inputs that never occur stay rounded to nearest (the paper's).
DAMPING = 0.01
# Columns rounded before the others are told at once: the paper's lazy batches, for speed alone.
BLOCK = 128


def round_weights(
    wide: onnx.ModelProto, quantised: onnx.ModelProto, frames: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    """Name of an int8 initializer -> its values, int8 (out, in, kh, kw), for every convolution of `quantised`.

    wide: the fp32 graph that it was made from. frames: uint8 (1, 1, H, W).
    """
    floats, codes = _initializers(wide), _initializers(quantised)
    convolutions = [n for n in wide.graph.node if n.op_type == "Conv" and f"{n.input[1]}_quantized" in codes]
    moments = second_moments(wide, convolutions, frames)
    done = {}
    for node in convolutions:
        name = f"{node.input[1]}_quantized"
        weights, scale = floats[node.input[1]], codes[f"{node.input[1]}_scale"]
        rows = torch.from_numpy(weights.reshape(len(weights), -1).copy())
        limit = int(np.abs(codes[name].astype(int)).max())
        values = rounded(rows, moments[node.name], torch.from_numpy(scale.copy()), limit)
        done[name] = values.numpy().astype(np.int8).reshape(weights.shape)
    return done


def rounded(weights: Tensor, moments: Tensor, scale: Tensor, limit: int) -> Tensor:
    """Whole numbers (out, K), at most `limit` in size, for which scale * numbers * inputs stays close to the layer's.

    weights: (out, K). moments: (K, K), the mean of x x^T over the layer's inputs x. scale: (out,).
    """
    order = torch.argsort(moments.diagonal(), descending=True)
    left, step = weights[:, order].double(), scale.double()
    inverse = _inverse_root(moments[order][:, order].double())
    numbers = torch.empty_like(left)
    for start in range(0, left.shape[1], BLOCK):
        end = min(start + BLOCK, left.shape[1])
        errors = torch.empty((len(left), end - start), dtype=torch.float64)
        for k in range(start, end):
            numbers[:, k] = (left[:, k] / step).round().clamp(-limit, limit)
            errors[:, k - start] = (left[:, k] - numbers[:, k] * step) / inverse[k, k]
            left[:, k:end] -= torch.outer(errors[:, k - start], inverse[k, k:end])
        left[:, end:] -= errors @ inverse[start:end, end:]
    result = torch.empty_like(numbers)
    result[:, order] = numbers
    return result


def second_moments(
    model: onnx.ModelProto, convolutions: Sequence[onnx.NodeProto], frames: Sequence[np.ndarray]
) -> dict[str, Tensor]:
    """By name of the node: the mean of x x^T, float32 (K, K), over patches x of its input, K = in * kh * kw."""
    shown, sizes = onnx.ModelProto(), _initializers(model)
    shown.CopyFrom(model)
    inputs = sorted({node.input[0] for node in convolutions})
    shown.graph.output.extend(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in inputs)
    session = onnxruntime.InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    drawn = torch.Generator().manual_seed(0)
    sums: dict[str, Tensor] = {}
    n: dict[str, int] = {}
    for frame in frames:
        results = dict(zip(inputs, session.run(inputs, {"image": frame}), strict=True))
        for node in convolutions:
            x = _patches(node, torch.from_numpy(results[node.input[0]]), sizes[node.input[1]].shape[2:])
            x = x[torch.randperm(len(x), generator=drawn)[:PATCHES]]
            sums[node.name] = sums.get(node.name, 0) + x.T @ x
            n[node.name] = n.get(node.name, 0) + len(x)
    return {name: total / n[name] for name, total in sums.items()}


def _patches(node: onnx.NodeProto, maps: Tensor, kernel: Sequence[int]) -> Tensor:
    """(N, K): what each position of the convolution sees of `maps`, (1, in, H, W)."""
    how: Mapping[str, list[int]] = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    pads = how.get("pads", [0, 0, 0, 0])
    steps, spread = how.get("strides", [1, 1]), how.get("dilations", [1, 1])
    return F.unfold(maps, tuple(kernel), tuple(spread), tuple(pads[:2]), tuple(steps))[0].T


def _inverse_root(moments: Tensor) -> Tensor:
    """Upper triangular U with U^T U the inverse of the damped moments: its rows say who makes up for whom."""
    damped = moments + DAMPING * moments.diagonal().mean() * torch.eye(len(moments), dtype=moments.dtype)
    return torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(damped)), upper=True)


def _initializers(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
