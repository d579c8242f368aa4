"""TensorRT engines: built on the machine that runs them, held against the fp32 graph before they are used.

Written for TensorRT 10.16 and 11. Neither could be run where this was written (no GPU): every name is checked against
the published bindings of both (tests/runtime/engines/test_gpu_names.py), the control flow against a stand-in.
"""

from nanomorph.engines.tensorrt.store import open_proven

__all__ = ["open_proven"]
