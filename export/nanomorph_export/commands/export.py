"""Write a bundle from a segmenter and heads, proven equal to what training computed.

    nanomorph export --head RUN... --segmenter RUN --out BUNDLE
        [--precisions fp32 int8 fp16 --calibrate PATH...]
    nanomorph export --head RUN --into BUNDLE [--out BUNDLE [--only]]
        replace or add one head, in place or in a copy; the
        backbone stays as it is. `embedded` is a BUNDLE, too
    nanomorph export --head RUN --segmenter RUN --standalone --out FILE.onnx
        image -> class, for other tools

Gates: tensors, mask Dice, label agreement and domain width against the network in torch, on synthetic micrographs and
on those given with --calibrate. Where fp32 fails one, nothing is written; a reduced precision that fails one is left
out, and the bundle's card says which and by how much. Micrographs of held-out groups are never touched.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nanomorph.cli.options import option
from nanomorph.errors import ConfigurationError

if TYPE_CHECKING:
    from nanomorph_export.write_bundle import Parts

PRECISIONS = ("fp32", "int8", "fp16")


@dataclass(frozen=True)
class Options:
    head: list[Path] = option("runs of fit-head", type=Path, many=True, metavar="RUN")
    segmenter: Path | None = option(
        "run of fit-segmenter, whose encoder the heads were fitted on", default=None, type=Path, metavar="RUN"
    )
    embedder: Path | None = option(
        "run whose encoder the heads were fitted on, where it is not the segmenter's: a second graph",
        default=None,
        type=Path,
        metavar="RUN",
    )
    out: Path | None = option("folder of the new bundle", default=None, type=Path, metavar="BUNDLE")
    into: Path | None = option(
        "bundle in which the task's head is replaced or added; with --out, in a copy of it",
        default=None,
        type=Path,
        metavar="BUNDLE",
    )
    only: bool = option("with --into and --out: without the other heads", default=False, type=bool)
    standalone: bool = option("one ONNX file, from image to class, instead of a bundle", default=False, type=bool)
    name: str = option("name of the bundle (default: of its folder)", default="")
    precisions: list[str] | None = option(
        "fp32 (always), int8 for CPUs (needs --calibrate), fp16 for GPUs",
        default=None,
        type=str,
        choices=PRECISIONS,
        many=True,
    )
    calibrate: list[Path] | None = option(
        "real micrographs: folders, files or CSV lists with a group", default=None, type=Path, many=True
    )

    def __post_init__(self) -> None:
        if self.into is None and self.out is None:
            raise ConfigurationError("give --out for a new bundle, or --into for a bundle that is there")
        if self.into is None and self.segmenter is None:
            raise ConfigurationError("--out needs --segmenter, the run whose encoder the heads were fitted on")
        others = (self.segmenter, self.embedder, self.standalone, self.precisions, self.name, self.calibrate)
        if self.into is not None and any(others):
            raise ConfigurationError("--into replaces a head and nothing else: leave out the other options")
        if self.only and (self.into is None or self.out is None):
            raise ConfigurationError("--only is for a copy: give --into and --out, too")
        if "int8" in (self.precisions or ()) and not self.calibrate:
            raise ConfigurationError("int8 needs --calibrate: real micrographs that show which values occur")
        if self.standalone and set(self.precisions or ()) - {"fp32"}:
            raise ConfigurationError("--standalone writes the fp32 graph: leave out --precisions")
        if (self.standalone or self.into is not None) and len(self.head) != 1:
            raise ConfigurationError("give one --head at a time")


def run(options: Options, report: Callable[[str], None] = print) -> int:
    """Export, prove, write; 0 when what was asked for is there, 1 where a precision was left out."""
    _require_there(options)
    if options.into is not None:
        return _into(options.head[0], options.into, options.out, options.only, report)
    from nanomorph_export.calibration import gather
    from nanomorph_export.standalone import write_standalone
    from nanomorph_export.write_bundle import write_bundle

    assert options.out is not None
    parts, micrographs = _parts(options), gather(options.calibrate, report, "int8" in (options.precisions or ()))
    if options.standalone:
        write_standalone(options.out, parts, micrographs, report)
        return 0
    tried = write_bundle(options.out, parts, micrographs, report)
    for one in tried:
        report(f"{one.precision}: {'written' if one.passed else 'NOT written'}")
        for gate in one.gates:
            report(f"  {gate}")
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    report(f"the bundle is in {options.out} ({size / 1e6:.1f} MB)")
    return 0 if all(one.passed for one in tried) else 1


def _require_there(options: Options) -> None:
    """A place that is taken, and what is named and is not there, are said before torch is asked for."""
    from nanomorph_export.place import require_file_place, require_room
    from nanomorph_training.heads.head import STATE

    if options.out is not None:
        (require_file_place if options.standalone else require_room)(options.out)
    for run_ in options.head:
        if not (run_ / STATE).is_file():
            raise ConfigurationError(f"{run_} holds no head that can be read: it has no {STATE}")
    for run_ in filter(None, (options.segmenter, options.embedder)):
        if not run_.is_dir():
            raise ConfigurationError(f"{run_}: there is no such folder of a run")


def _into(run_: Path, into: Path, out: Path | None, only: bool, report: Callable[[str], None]) -> int:
    from nanomorph.bundle import EMBEDDED, load_bundle
    from nanomorph_export.replace_head import copy_with_head, replace_head
    from nanomorph_training.heads.head import load_head

    head, bundle = load_head(run_), load_bundle(into)
    if out is None and bundle.path.resolve() == EMBEDDED.resolve():
        raise ConfigurationError("the embedded bundle belongs to the installation: add --out FOLDER for a copy of it")
    known = {spec.task: spec.level for spec in bundle.heads}
    now = replace_head(bundle.path, head) if out is None else copy_with_head(bundle, out, head, only)
    was = f"replaced (it was of level {known[head.task]})" if head.task in known else "added"
    report(f"{head.task}, level {head.level}: {was}")
    report(f"{now.path} is now {now.fingerprint}, tasks: {', '.join(spec.task for spec in now.heads)}")
    return 0


def _parts(options: Options) -> "Parts":
    from nanomorph_export.runs import parts_of

    assert options.out is not None
    assert options.segmenter is not None
    name, precisions = options.name or options.out.resolve().name, options.precisions or ["fp32"]
    return parts_of(options.head, options.segmenter, options.embedder, name, precisions)
