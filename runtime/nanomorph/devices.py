"""What a user may ask to compute on, and how precisely. Imports nothing: `--help` shows them."""

DEVICES = ("auto", "cpu", "openvino", "cuda", "tensorrt")
PRECISIONS = ("auto", "fp32", "fp16", "int8")
