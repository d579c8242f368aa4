"""Compile a bundle's backbone by TensorRT for the GPU of this machine, and prove what comes out.

An engine is kept only where its tensors, masks, labels and widths are those of the bundle's fp32 graph. `batch` and
`watch` use it with --device tensorrt, and build it themselves where it is missing or fits no more.
"""

from dataclasses import dataclass
from pathlib import Path

from nanomorph.cli.options import argument, option
from nanomorph.errors import ConfigurationError


@dataclass(frozen=True)
class Options:
    bundle: Path = argument("bundle", "a bundle's folder", type=Path)
    precisions: list[str] | None = option(
        "fp32, fp16 (default: all that the bundle has)",
        default=None,
        type=str,
        choices=("fp32", "fp16"),
        many=True,
    )
    workspace: int | None = option("memory for intermediate results in MiB (default: 2048)", default=None, type=int)

    def __post_init__(self) -> None:
        if self.workspace is not None and self.workspace < 1:
            raise ConfigurationError(f"--workspace {self.workspace}: give a positive number of MiB.")


def run(options: Options) -> int:
    """Build, prove, keep; 0 when every engine asked for is there."""
    from nanomorph.bundle import load_bundle
    from nanomorph.engine import ON_GPU, choose_precision
    from nanomorph.engines.tensorrt.store import engines_folder, open_proven

    bundle = load_bundle(options.bundle)
    asked = options.precisions or [precision for precision in ON_GPU if precision in bundle.backbones]
    for precision in [choose_precision(bundle, name, ON_GPU) for name in asked]:
        engine = open_proven(bundle, precision, options.workspace)
        print(f"{engine.precision}: {engines_folder(bundle) / precision}.engine is ready and proven")
    return 0
