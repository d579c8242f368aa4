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
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from nanomorph.cli.options import option
from nanomorph_training.study.settings import BASELINES, CLASSIFICATION, FEATURES, JUDGED, SEGMENTATION, StudySettings


@dataclass(frozen=True)
class Options:
    data: list[Path] = option("a folder per class, or CSV lists (file,label|mask[,group])", type=Path, many=True)
    encoder: list[str] = option(
        "runs or bundles, also as NAME=RUN; `random` and `imagenet` are encoders too", type=str, many=True
    )
    out: Path = option("folder of the study", type=Path)
    task: str = option("what is compared", default=CLASSIFICATION, choices=(CLASSIFICATION, SEGMENTATION))
    judged: tuple[str, ...] = option(
        "what is labelled: the field, or its domains from masks that are given, from predicted ones, or learned from "
        "given and tested on predicted ones (given-to-predicted)",
        default=("field",),
        type=str,
        choices=JUDGED,
        metavar="JUDGED",
        many=True,
    )
    features: tuple[str, ...] = option(
        f"what a head of the field sees: {', '.join(FEATURES)}; descriptors need a segmenter",
        default=("embedding",),
        type=str,
        choices=FEATURES,
        metavar="FEATURES",
        many=True,
    )
    views: int = option(
        "8: embeddings are the mean of all turns and flips; 1: of the micrograph as it is, as the runtime sees it",
        default=8,
        type=int,
    )
    labels: tuple[str, ...] | None = option("classes, in this order (default: all)", default=None, type=str, many=True)
    labels_per_class: tuple[int, ...] = option(
        "sizes tried, of them those that the data allow; labelled images for segmentation, where all are tried too "
        "(default: 1 2 4 8 16 32 80, or 4 16 64)",
        default=(),
        type=int,
        metavar="N",
        many=True,
    )
    draws: int = option("draws of each size (default: 20, or 3 for segmentation)", default=0, type=int)
    test: str = option(
        "share of each class kept for the test in whole groups, drawn anew; or held-out: the groups that no encoder of "
        "this project has seen",
        default="0.2",
    )
    baselines: tuple[str, ...] = option(
        f"always beside the encoders, of {', '.join(BASELINES)}",
        default=BASELINES,
        type=str,
        choices=BASELINES,
        metavar="BASELINE",
        many=True,
    )
    random_seeds: int = option("random encoders", default=3, type=int)
    network: str = option("of the untrained encoders", default="resnet18", choices=("resnet18", "resnet34", "resnet50"))
    supervised_steps: int = option(
        "classification: also train the whole network on the labels alone, so many steps a draw (long; 0: left out)",
        default=0,
        type=int,
    )
    steps: tuple[int, ...] = option(
        "segmentation: training steps of each segmenter, or a number for each size, all masks last",
        default=(),
        type=int,
        many=True,
    )
    encoder_lr: float = option(
        "segmentation: factor on the encoder's learning rate, 0 freezes it", default=0.3, type=float
    )
    window: int = option("side of a training window in px", default=224, type=int)
    batch: int = option("windows a step", default=8, type=int)
    amp: str = option("segmentation: precision of the forward pass", default="fp32", choices=("fp32", "bf16", "fp16"))
    seed: int = option("of the draws", default=0, type=int)
    threads: int = option("CPU threads", default=2, type=int)
    cache: Path | None = option("folder of cached features (default: the user's cache)", default=None, type=Path)


def run(options: Options, report: Callable[[str], None] = print) -> int:
    """Compare, write, print the table; 0 when done."""
    from nanomorph_training.cache import default_folder
    from nanomorph_training.run_folder import plain
    from nanomorph_training.study.report import markdown
    from nanomorph_training.study.run import study

    named: dict[str, Any] = {f.name: getattr(options, f.name) for f in fields(StudySettings) if f.name != "n_draws"}
    named = {name: tuple(value) if isinstance(value, list) else value for name, value in named.items()}
    settings = StudySettings(**named, n_draws=options.draws)
    cache = options.cache or default_folder()
    found = study(options.data, options.encoder, options.out, settings, cache, plain(options))
    report(markdown(found))
    return 0
