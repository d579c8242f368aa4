"""What a user may ask to compute on, how precisely and how finely. Imports nothing: `--help` shows them."""

DEVICES = ("auto", "cpu", "openvino", "cuda", "tensorrt")
PRECISIONS = ("auto", "fp32", "fp16", "int8")
# Times finer than whole: 24,576 recorded px of a frame at the model's 384, more than cameras have.
FINEST_DETAIL = 64
