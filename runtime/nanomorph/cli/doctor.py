"""Show versions, devices and extras, and what to install for what is missing."""

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from nanomorph import __version__
from nanomorph.cli.options import option

# Extra -> (what it is for, the modules it brings).
EXTRAS = {
    "cpu": ("inference on the CPU", ("onnxruntime",)),
    "openvino": ("another engine for the CPU, --device openvino", ("openvino",)),
    "gpu": ("inference on an NVIDIA GPU", ("onnxruntime",)),
    "tensorrt": ("engines compiled for an NVIDIA GPU", ("tensorrt",)),
    "microscopes": ("DM3, DM4, EMD, SER/EMI files", ("rsciio", "h5py")),
    "scalebar": ("reading burnt-in scale bars", ("rapidocr", "onnxruntime")),
    "label": ("labels and heads of your own, without torch", ("sklearn", "onnx")),
    "training": ("pretraining and fitting", ("torch", "torchvision", "safetensors", "sklearn")),
    "export": ("writing bundles", ("torch", "onnx", "onnxscript")),
}
DISTRIBUTIONS = (
    "numpy",
    "opencv-python-headless",
    "scikit-image",
    "tifffile",
    "pandas",
    "onnxruntime",
    "onnxruntime-gpu",
    "openvino",
    "rapidocr",
    "torch",
)


@dataclass(frozen=True)
class Options:
    json: bool = option("print JSON for programs", default=False, type=bool)


def run(options: Options) -> int:
    """Print what is installed and what would have to be for the rest."""
    facts = {
        "nanomorph": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "packages": {name: _version(name) for name in DISTRIBUTIONS},
        "providers": _providers(),
        "extras": {name: _extra(name) for name in EXTRAS},
    }
    if options.json:
        import json

        print(json.dumps(facts, indent=2))
    else:
        from nanomorph.cli.inspect import card

        print(card(facts))
    return 0


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _providers() -> list[str]:
    if find_spec("onnxruntime") is None:
        return ['none: pip install "nanomorph[cpu]" or "nanomorph[gpu]"']
    import onnxruntime

    return [provider.removesuffix("ExecutionProvider") for provider in onnxruntime.get_available_providers()]


def _extra(name: str) -> str:
    purpose, modules = EXTRAS[name]
    present = all(find_spec(module) is not None for module in modules)
    installed = "CUDA" in _providers() if name == "gpu" else present
    return f"installed ({purpose})" if installed else f'missing ({purpose}): pip install "nanomorph[{name}]"'
