"""Compare encoders by how few labels they need, beside random, ImageNet and classical features.

    nanomorph evaluate --data labels.csv --out study
        --encoder simclr=runs/a simclr=runs/b runs/segmenter
    nanomorph evaluate --task segmentation --data masks.csv --out study
        --encoder runs/a --steps 1000

Writes scores.csv (a row per draw), differences.csv (paired, with intervals over groups), table.md and study.png.
Every encoder gets the same draws, and no group lies on both sides of one. Runs of one NAME are seeds of one training
and share a line. Features are cached: twenty draws of every size cost seconds once they are there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nanomorph.cli.options import option
from nanomorph_training.study.settings import StudySettings


@dataclass(frozen=True)
class Inputs:
    data: list[Path] = option("a folder per class, or CSV lists (file,label|mask[,group])", type=Path, many=True)
    encoder: list[str] = option(
        "runs or bundles, also as NAME=RUN; `random` and `imagenet` are encoders too", type=str, many=True
    )
    out: Path = option("folder of the study", type=Path)


# --help shows the last base's options first.
@dataclass(frozen=True)
class Options(StudySettings, Inputs):
    cache: Path | None = option("folder of cached features (default: the user's cache)", default=None, type=Path)


def run(options: Options, report: Callable[[str], None] = print) -> int:
    """Compare, write, print the table; 0 when done."""
    from nanomorph_training.micrographs.cache import default_folder
    from nanomorph_training.runs.run_folder import plain
    from nanomorph_training.study.report import markdown
    from nanomorph_training.study.run import study

    cache = options.cache or default_folder()
    found = study(options.data, options.encoder, options.out, options, cache, plain(options))
    report(markdown(found))
    return 0
