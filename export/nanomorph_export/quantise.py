"""int8 for CPUs: QDQ, unsigned activations, signed weights per channel, calibrated on real frames.

Signed activations are slower than fp32 on x86 (reference/engines.md). Weights use 7 of their 8 bits: without VNNI
x86 multiplies bytes by `vpmaddubsw`, whose 16-bit sum of two products overflows for larger ones, so that a graph
would compute one thing on one machine and another on the next.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorData, TensorsData, create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from nanomorph.engines.onnx_runtime import OnnxRuntimeEngine
from nanomorph.inference.gates import mean_difference
from nanomorph_export.graphs import widen, write_graph
from nanomorph_export.rounding import round_weights

# Other operators between two of these follow by themselves: onnxruntime fuses what lies between Q and DQ. No Gemm: the
# one there is reads the embedding; it is next to no work, and would round what the heads read.
QUANTISED = ("Conv",)
# Layers that read at most so many channels stay fp32: what is gained by multiplying bytes is less than what rounding
# and gathering them costs. With the four of a ResNet-18 segmenter onnxruntime takes .81 of the time (OpenVINO 1.15).
THIN = 16
# The harm that the other layers in int8 may do together; tried from the left until masks, labels and widths hold: the
# smaller, the more layers stay fp32 and the less is gained.
BUDGETS = (2e-3, 6e-4, 2e-4, 1.2e-4, 6e-5)
# Labels follow the masks: of 9 fields that int8 named otherwise 9 changed by their masks alone, 1 by its embedding.
EMBEDDING_WEIGHT = 0.1
# Frames on which a layer's harm is measured, taken evenly from the calibration frames: the first lie in one list, and
# moved a third of the pixels that those of all lists do.
HARM_FRAMES = 8


@dataclass(frozen=True, eq=False)
class Plan:
    """An fp32 graph, the range of every activation, weights by `round_weights`.

    harm: by node that is worth quantising (the others are `thin`), that of it alone.
    """

    wide: onnx.ModelProto
    ranges: Any
    weights: dict[str, np.ndarray]
    harm: dict[str, float]


def plan_int8(source: Path, frames: Sequence[np.ndarray], threshold: float) -> Plan:
    """Measure what quantising each layer does; `frames`, uint8 (1, 1, H, W), give the ranges of the activations.

    threshold: the bundle's, at which probabilities become masks.
    """
    wide = onnx.load(str(source))
    widen(wide)
    with tempfile.TemporaryDirectory(prefix="nanomorph-quantise-") as folder:
        ranges = _ranges(wide, Path(folder), frames)
        some = frames[:: math.ceil(len(frames) / HARM_FRAMES)]
        plan = Plan(wide, ranges, round_weights(wide, _nearest(wide, ranges), frames), {})
        return replace(plan, harm=_harms(plan, Path(folder), some, threshold))


def write_int8(plan: Plan, target: Path, budget: float) -> tuple[str, ...]:
    """Write the int8 sibling of an fp32 graph; the layers that stayed fp32: thin ones, then the most harmful first."""
    names = layer_names(plan.wide)
    stay = [*(node for node in names if node not in plan.harm), *too_harmful(plan.harm, budget)]
    write_graph(_quantised(plan, exclude=stay), target)
    return tuple(names[node] for node in stay)


def too_harmful(harm: Mapping[str, float], budget: float) -> list[str]:
    """The fewest layers without which the root of the sum of squares stays within `budget`, worst first.

    Squares, because the roundings of different layers are independent. The least harmful is never among them: with
    nothing in int8 the file would be a second fp32 one, and chance would say which is faster.
    """
    worst_first = sorted(harm, key=lambda name: -harm[name])
    left = [math.sqrt(sum(harm[name] ** 2 for name in worst_first[n:])) for n in range(len(worst_first))]
    return worst_first[: next((n for n, value in enumerate(left) if value <= budget), len(left) - 1)]


def harm(ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray], threshold: float) -> float:
    """Share of a map's pixels that change sides of `threshold`, of the worst map; or what the embedding's change costs.

    Outputs by name, float32 (1, ...). Heads read descriptors of the masks: what a sure pixel's probability does within
    its side reaches no label, and how far a mask's edge moves does.
    """
    maps = [name for name in theirs if name != "embedding"]
    moved = [float(((ours[name] > threshold) != (theirs[name] > threshold)).mean()) for name in maps]
    embedding = mean_difference({"embedding": ours["embedding"]}, {"embedding": theirs["embedding"]})
    return max(EMBEDDING_WEIGHT * embedding, *moved)


def layer_names(model: onnx.ModelProto) -> dict[str, str]:
    """Node name -> the trained layer's name, as in `encoder.conv1`, of every node that can be quantised."""
    return {n.name: n.input[1].removesuffix(".weight") for n in model.graph.node if n.op_type in QUANTISED}


def thin(model: onnx.ModelProto) -> set[str]:
    """Nodes of layers that read at most THIN channels; none where all do, for then nothing else is left to quantise."""
    channels = {tensor.name: tensor.dims[1] for tensor in model.graph.initializer if len(tensor.dims) == 4}
    layers = [node for node in model.graph.node if node.op_type in QUANTISED]
    found = {node.name for node in layers if channels[node.input[1]] <= THIN}
    return found if len(found) < len(layers) else set()


class _Frames(CalibrationDataReader):
    def __init__(self, frames: Sequence[np.ndarray]) -> None:
        self._left: Iterator[np.ndarray] = iter(frames)

    def get_next(self) -> dict[str, np.ndarray] | None:
        frame = next(self._left, None)
        return None if frame is None else {"image": frame}


def _ranges(wide: onnx.ModelProto, folder: Path, frames: Sequence[np.ndarray]) -> Any:
    """Smallest and largest value of every activation over the frames; clipping them (percentiles) made all worse."""
    write_graph(wide, folder / "wide.onnx")
    calibrator = create_calibrator(
        folder / "wide.onnx",
        list(QUANTISED),
        augmented_model_path=str(folder / "augmented.onnx"),
        calibrate_method=CalibrationMethod.MinMax,
    )
    # A few at a time: the calibrator keeps every activation of a call in memory.
    for start in range(0, len(frames), 4):
        calibrator.collect_data(_Frames(frames[start : start + 4]))
    return _from_zero(calibrator.compute_data(), rectified(wide))


def rectified(model: onnx.ModelProto) -> list[str]:
    """Results of layers that a ReLU alone reads."""
    layers = [node.output[0] for node in model.graph.node if node.op_type in QUANTISED]
    readers = {name: [node.op_type for node in model.graph.node if name in node.input] for name in layers}
    shown = {output.name for output in model.graph.output}
    return [name for name in layers if readers[name] == ["Relu"] and name not in shown]


def _from_zero(ranges: TensorsData, names: Sequence[str]) -> TensorsData:
    """What the ReLU takes away needs no codes: the 256 of a result lie above zero, about twice as fine."""
    for name in names:
        _, highest = ranges[name].range_value
        ranges[name] = TensorData(lowest=np.zeros_like(highest), highest=np.maximum(highest, 0))
    return ranges


def _quantised(plan: Plan, only: Sequence[str] = (), exclude: Sequence[str] = ()) -> onnx.ModelProto:
    model = _nearest(plan.wide, plan.ranges, only, exclude)
    for tensor in model.graph.initializer:
        if tensor.name in plan.weights:
            tensor.CopyFrom(numpy_helper.from_array(plan.weights[tensor.name], tensor.name))
    return model


def _nearest(wide: onnx.ModelProto, ranges: Any, only: Sequence[str] = (), exclude: Sequence[str] = ()) -> Any:
    """Quantised by onnxruntime, each weight rounded to the nearest."""
    model = onnx.ModelProto()
    model.CopyFrom(wide)
    quantizer = QDQQuantizer(
        model,
        per_channel=True,
        reduce_range=True,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=ranges,
        nodes_to_quantize=list(only),
        nodes_to_exclude=list(exclude),
        op_types_to_quantize=list(QUANTISED),
        extra_options={},
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    return quantizer.model.model


def _harms(plan: Plan, folder: Path, frames: Sequence[np.ndarray], threshold: float) -> dict[str, float]:
    """By node that is not `thin`: `harm` when this one alone is quantised, mean over the frames."""
    reference = _run(folder / "wide.onnx", frames)
    harms = {}
    left_out = thin(plan.wide)
    for node in (name for name in layer_names(plan.wide) if name not in left_out):
        (folder / "one.onnx").write_bytes(_quantised(plan, only=[node]).SerializeToString())
        pairs = zip(_run(folder / "one.onnx", frames), reference, strict=True)
        harms[node] = float(np.mean([harm(*pair, threshold) for pair in pairs]))
    return harms


def _run(file: Path, frames: Sequence[np.ndarray]) -> list[dict[str, np.ndarray]]:
    engine = OnnxRuntimeEngine(file, "int8")
    return [engine.run(frame) for frame in frames]
