"""Write a bundle from a segmenter and heads, proven equal to what training computed.

Nothing is written unless every gate holds: tensors, mask Dice, label agreement and domain width against the network in
torch, on synthetic micrographs or on those given with --calibrate.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nanomorph.cli.options import option
from nanomorph.errors import ConfigurationError

if TYPE_CHECKING:
    from nanomorph.micrograph import Micrograph

CALIBRATION_CLASSES = ("singular", "dispersed", "network", "bundle", "particles")
CALIBRATION_EACH = 5
# Far from any seed a person would train with.
CALIBRATION_SEED = 900_000


@dataclass(frozen=True)
class Options:
    head: list[Path] = option("runs of fit-head", type=Path, many=True, metavar="RUN")
    segmenter: Path = option("run of fit-segmenter, whose encoder the heads were fitted on", type=Path, metavar="RUN")
    out: Path = option("folder of the bundle", type=Path, metavar="BUNDLE")
    name: str = option("name of the bundle (default: of its folder)", default="")
    calibrate: list[Path] | None = option(
        "micrographs to prove the graph on (default: synthetic ones)", default=None, type=Path, many=True
    )


def run(options: Options, report: Callable[[str], None] = print) -> int:
    """Export, prove, write; 0 when the bundle is there."""
    from nanomorph.prepare import InputSpec
    from nanomorph_export.write_bundle import write_bundle
    from nanomorph_training import heads
    from nanomorph_training.segmenter import foreground_threshold, load_backbone

    gates = write_bundle(
        options.out,
        options.name or options.out.resolve().name,
        load_backbone(options.segmenter),
        [heads.load(run) for run in options.head],
        InputSpec(),
        calibration(options.calibrate),
        provenance(options.segmenter),
        foreground_threshold(options.segmenter),
    )
    for gate in gates:
        report(f"{gate.name}: {gate.value:.3g} (limit {gate.limit:g})")
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    report(f"the bundle is in {options.out} ({size / 1e6:.1f} MB)")
    return 0


def calibration(paths: Sequence[Path] | None) -> "list[Micrograph]":
    """The given micrographs, or a few synthetic ones of every class."""
    if paths:
        return _read(paths)
    from nanomorph.micrograph import Calibration, Micrograph
    from nanomorph_training.synthesis import synthesize_field

    fields = [
        synthesize_field(label, CALIBRATION_SEED + n, 384)
        for label in CALIBRATION_CLASSES
        for n in range(CALIBRATION_EACH)
    ]
    return [
        Micrograph(field.image, (field.nm_per_px, field.nm_per_px), Calibration.METADATA, field.label)
        for field in fields
    ]


def _read(paths: Sequence[Path]) -> "list[Micrograph]":
    from nanomorph.micrograph import ReadError
    from nanomorph.readers import read_path
    from nanomorph_training.data import collect

    try:
        return [read_path(sample.path) for sample in collect(paths)]
    except ReadError as error:
        raise ConfigurationError(f"--calibrate: {error}") from error


def provenance(segmenter: Path) -> dict[str, Any]:
    """Where the weights came from: settings, data fingerprints, versions and validation of each stage."""
    from nanomorph_training.checkpoint import load_checkpoint

    state = load_checkpoint(segmenter).state
    pretraining = state.get("pretrained_from") or {}
    kept = (
        "encoder",
        "settings",
        "data_fingerprint",
        "n_images",
        "n_validation",
        "total_steps",
        "best",
        "threshold",
        "versions",
    )
    return {
        "segmenter": {key: state[key] for key in kept if key in state},
        "pretraining": {key: pretraining[key] for key in (*kept, "loss", "spread") if key in pretraining},
    }
