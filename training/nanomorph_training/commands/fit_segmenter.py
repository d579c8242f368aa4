"""Train foreground and interior maps from masks, on a pretrained encoder."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from nanomorph.cli.options import option
from nanomorph_training.runs.run_folder import require_new
from nanomorph_training.segmentation.settings import SegmenterSettings


@dataclass(frozen=True)
class Inputs:
    data: list[Path] = option(
        "CSV lists (file, mask or instance_mask[, group]) or folders with images/ and masks/", type=Path, many=True
    )
    out: Path = option("folder of the run", type=Path)
    start: str = option(
        "a pretrain run, a segmenter to train further (a run, a bundle, or `embedded`), or `random`",
        default="random",
        metavar="RUN",
        flag="--encoder",
    )


# --help shows the last base's options first.
@dataclass(frozen=True)
class Options(SegmenterSettings, Inputs):
    device: str = option("auto, cpu or cuda", default="auto", choices=("auto", "cpu", "cuda"))
    cache: Path | None = option("folder of decoded images (default: the user's cache)", default=None, type=Path)
    resume: str = option("auto: go on from the checkpoint in --out", default="no", choices=("no", "auto"))


def run(options: Options, report: Callable[[str], None] = print) -> int:
    """Train; 0 when done."""
    from nanomorph_training.micrographs.cache import Cache, default_folder
    from nanomorph_training.segmentation.run import fit_segmenter

    require_new(options.out, options.resume)
    settings = SegmenterSettings(**{field.name: getattr(options, field.name) for field in fields(SegmenterSettings)})
    start = None if options.start == "random" else Path(options.start)
    cache = Cache(options.cache or default_folder())
    state = fit_segmenter(options.data, start, options.out, settings, cache, options.resume == "auto", options.device)
    step, dice, iou = (state["best"][name] for name in ("step", "dice", "iou"))
    validated = state["n_validation"] or state["n_synthetic_validation"]
    where = "validation groups" if validated else "the micrographs that it learned from: nothing was validated"
    report(f"best at step {step}: Dice {dice:.3f}, IoU {iou:.3f} at 0.5 ({where}); in {options.out}")
    return 0
