"""What a figure was measured on, and how much memory that took."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from nanomorph import __version__
from nanomorph.host.cores import cores

PACKAGES = ("numpy", "opencv-python-headless", "onnxruntime", "onnxruntime-gpu", "openvino", "torch")


def machine() -> dict[str, Any]:
    """Date, versions, processor and what it can do with bytes."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "nanomorph": __version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "processor": _cpu("model name") or platform.processor(),
        "cores": cores(),
        "all_cores": os.cpu_count(),
        "byte_instructions": [flag for flag in ("avx2", "avx_vnni", "avx512_vnni") if flag in _cpu("flags").split()],
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu(key: str) -> str:
    """A line of /proc/cpuinfo; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def peak_memory() -> int | None:
    """Bytes of memory that this process held at most so far; None where the system does not say."""
    if sys.platform == "win32":
        return _windows_peak()
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _windows_peak() -> int | None:
    """PROCESS_MEMORY_COUNTERS.PeakWorkingSetSize (learn.microsoft.com, psapi.h)."""
    import ctypes

    size = ctypes.c_size_t
    names = ("peak", "now", "peak_paged", "paged", "peak_nonpaged", "nonpaged", "file", "peak_file")

    class Counters(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("faults", ctypes.c_ulong), *((name, size) for name in names)]

    counters = Counters(length=ctypes.sizeof(Counters))
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    process = ctypes.c_void_p(kernel.GetCurrentProcess())
    if not kernel.K32GetProcessMemoryInfo(process, ctypes.byref(counters), counters.length):
        return None
    return int(counters.peak)


def device_memory() -> int:
    """Bytes of the GPU's memory that are taken now, by whatever process. Raises ConfigurationError without a GPU."""
    from nanomorph.engines.memory import DeviceMemory

    return DeviceMemory().taken()
