"""Rounding that keeps a layer's results, on layers that can be worked out by hand."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from nanomorph_export import rounding


def test_inputs_that_go_together_make_up_for_each_other():
    """Both inputs are always equal: .4 + .4 is .8. Each to the nearest gives 0; one of them rounded up gives 1."""
    numbers = rounding.rounded(torch.tensor([[0.4, 0.4]]), torch.ones(2, 2), torch.tensor([1.0]), 64)
    assert numbers.sum() == 1


def test_inputs_that_have_nothing_to_do_with_each_other_are_rounded_to_the_nearest():
    weights, scale = torch.tensor([[0.9, -1.3, 2.6], [0.4, 5.0, -9.0]]), torch.tensor([1.0, 0.5])
    numbers = rounding.rounded(weights, torch.diag(torch.tensor([1.0, 3.0, 2.0])), scale, 10)
    np.testing.assert_array_equal(numbers, [[1, -1, 3], [1, 10, -10]])  # .4 / .5 = .8; -9 / .5 is beyond the limit


def convolution(weights: np.ndarray, **how) -> onnx.ModelProto:
    """image, uint8 -> Cast -> Conv; `weights`, float32."""
    shape = ["n", weights.shape[1], "h", "w"]
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["x", "conv.weight"], ["y"], name="conv", **how),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, "conv.weight")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def test_moments_are_those_of_what_the_convolution_sees():
    """1 x 1 of two channels: the frame's two pixels are the patches (1, 2) and (3, 0)."""
    model = convolution(np.ones((1, 2, 1, 1), np.float32))
    frame = np.array([[[[1, 3]], [[2, 0]]]], np.uint8)
    moments = rounding.second_moments(model, [model.graph.node[1]], [frame])["conv"]
    np.testing.assert_allclose(moments, [[5, 1], [1, 2]])  # (1*1 + 3*3) / 2, (1*2 + 3*0) / 2, (2*2 + 0) / 2


def quantised(model: onnx.ModelProto, scale: np.ndarray, values: np.ndarray) -> onnx.ModelProto:
    made = onnx.ModelProto()
    made.CopyFrom(model)
    tensors = {"conv.weight_scale": scale, "conv.weight_quantized": values}
    made.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in tensors.items())
    return made


@pytest.mark.parametrize("how", [{"pads": [1, 1, 1, 1]}, {"pads": [1, 1, 1, 1], "strides": [2, 2]}])
def test_results_of_a_convolution_stay_closer_than_with_nearest_rounding(how):
    """Smooth frames, as micrographs are: neighbouring pixels go together."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(4, 1, 3, 3)).astype(np.float32)
    scale = np.abs(weights).max((1, 2, 3)) / 7
    nearest = np.round(weights / scale[:, None, None, None]).astype(np.int8)
    model = convolution(weights, **how)
    frames = [np.cumsum(rng.integers(0, 9, (1, 1, 24, 24)), axis=3).astype(np.uint8) for _ in range(4)]
    found = rounding.round_weights(model, quantised(model, scale, nearest), frames)["conv.weight_quantized"]
    assert found.dtype == np.int8
    assert np.abs(found).max() <= 7

    def error(values: np.ndarray) -> float:
        change = torch.from_numpy(values * scale[:, None, None, None] - weights).float()
        x = torch.from_numpy(np.concatenate(frames)).float()
        y = torch.nn.functional.conv2d(x, change, padding=1, stride=how.get("strides", [1])[0])
        return float(y.square().mean())

    assert error(found) < 0.2 * error(nearest)
