"""nanomorph: from electron micrographs to morphology labels, masks and domain sizes in nanometres."""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from nanomorph.analysis import Analysis
    from nanomorph.bundle import Bundle, BundleError, load_bundle
    from nanomorph.measure import measure_mask
    from nanomorph.micrograph import ReadError
    from nanomorph.model import analyze

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


if not TYPE_CHECKING:  # a type checker would take any name for given

    def __getattr__(name: str) -> object:
        if name not in _PUBLIC:
            raise AttributeError(f"module 'nanomorph' has no attribute {name!r}")
        value = getattr(import_module(_PUBLIC[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
