"""Which of this machine's devices torch uses, and how it uses the processor."""

from __future__ import annotations

import ctypes
import sys

import torch

from nanomorph.errors import ConfigurationError

# Numbers of mallopt(3).
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4


def set_up(threads: int) -> None:
    """Set torch's threads, and keep freed memory in the process.

    glibc gives every large tensor back to the kernel and asks for it anew at each step: a fifth of a training
    step on two cores went into clearing those pages.
    """
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):  # glibc has it, musl has not
            libc.mallopt(M_MMAP_MAX, 0)
            libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def choose_device(name: str, process: int = 0) -> torch.device:
    """`cpu`, `cuda` (the GPU of this number among a machine's processes), or `auto`: a GPU where there is one.

    Raises ConfigurationError where a GPU is asked for that is not there.
    """
    there = torch.cuda.device_count()
    if name == "cpu" or (name == "auto" and process >= there):
        return torch.device("cpu")
    if process >= there:
        raise ConfigurationError(
            f"--device cuda: process {process} of this machine finds {there} GPUs; use --device cpu"
        )
    return torch.device("cuda", process)
