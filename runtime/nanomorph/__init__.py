"""nanomorph: from electron micrographs to morphology labels, masks and domain sizes in nanometres."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Loaded at first use (PEP 562), so that `import nanomorph` and `nanomorph --help` stay quick.
_PUBLIC = {
    "Analysis": "nanomorph.analysis",
    "Bundle": "nanomorph.bundle",
    "BundleError": "nanomorph.bundle",
    "ReadError": "nanomorph.micrograph",
    "analyze": "nanomorph.model",
    "load_bundle": "nanomorph.bundle",
    "measure_mask": "nanomorph.measure",
}
__all__ = [
    "Analysis",
    "Bundle",
    "BundleError",
    "ReadError",
    "__version__",
    "analyze",
    "load_bundle",
    "measure_mask",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'nanomorph' has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
