"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from nanomorph import __version__

PACKAGES = ("numpy", "onnxruntime", "openvino", "torch")


def machine() -> dict[str, Any]:
    """Date, versions, processor and what it can do with bytes."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "nanomorph": __version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "processor": _cpu("model name") or platform.processor(),
        "cores": os.cpu_count(),
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
