"""How torch uses this machine's processor."""

from __future__ import annotations

import ctypes
import sys

import torch

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
