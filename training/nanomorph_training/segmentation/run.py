"""Fine-tunes encoder and decoder on masks, from files to a run.

The best epoch and the threshold are chosen on groups (articles) that are neither trained on nor part of the
held-out test quarter.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nanomorph.errors import ConfigurationError, FatalError
from nanomorph_training import data
from nanomorph_training.micrographs.cache import Cache
from nanomorph_training.models import MEAN, STD, Backbone, build_backbone
from nanomorph_training.optim import learning_rate
from nanomorph_training.predict import best_threshold, evaluate
from nanomorph_training.runs import budget, machine
from nanomorph_training.runs.checkpoint import Checkpoint, save_checkpoint, stopped
from nanomorph_training.runs.resume import begun, must_match, resumed
from nanomorph_training.runs.run_folder import RunFolder, plain
from nanomorph_training.segmentation.settings import SegmenterSettings
from nanomorph_training.segmentation.split import Split, read_split, usable
from nanomorph_training.segmentation.start import start_of, weights_key
from nanomorph_training.segmentation.trainer import SegmenterTrainer


def fit_segmenter(
    paths: Sequence[Path],
    encoder: Path | None,
    out: Path,
    settings: SegmenterSettings,
    cache: Cache,
    resume: bool = False,
    device: str = "auto",
) -> dict[str, Any]:
    """Train and leave the best epoch's backbone in `out`; returns its state.

    encoder: a run; None = random. device: auto, cpu or cuda; ConfigurationError where it is not there.
    """
    place = machine.choose_device(device)
    machine.set_up(settings.threads)
    run = RunFolder(out)
    earlier = stopped(out, resume)
    samples = usable(paths, settings)
    fingerprint = data.fingerprint(samples)
    split = read_split(samples, settings, cache, run)
    start = start_of(encoder, settings, [labelled.image for labelled in split.training])
    trainer = SegmenterTrainer.start(settings, split.training, None if start is None else start.part("model"), place)
    repeat = {"data": [str(p) for p in paths], "encoder": str(encoder or "random"), "out": str(out)}
    run.write_repeat("fit-segmenter", _command_options(repeat, settings), fingerprint)
    begun_from = "random" if encoder is None else weights_key(encoder)
    if earlier is not None and earlier.state.get("begun_from", begun_from) != begun_from:
        raise ConfigurationError(f"the run to resume began from another encoder than {encoder}: give a new --out")
    first, state, best = _resume_or_start(trainer, earlier, fingerprint, split, run)
    if "threshold" in state:
        return state  # done before: what was kept is kept
    state["begun_from"] = begun_from
    state["pretrained_from"] = None if start is None else start.state
    best = _loop(trainer, split, first, state, best, run)
    if settings.keep:
        assert start is not None
        best = blended(start.part("model"), best, settings.keep)
        state["best"] |= _scores_of(best, trainer, split)
    return _choose_threshold(trainer, split, state, best, run)


def _command_options(repeat: dict[str, Any], settings: SegmenterSettings) -> dict[str, Any]:
    options = plain(settings)
    return {**repeat, "network": options.pop("encoder"), **options}


def _resume_or_start(
    trainer: SegmenterTrainer, earlier: Checkpoint | None, fingerprint: str, split: Split, run: RunFolder
) -> tuple[int, dict[str, Any], dict[str, Tensor]]:
    settings = trainer.settings
    if earlier is not None:
        must_match(earlier.state, settings, fingerprint)
        best = trainer.restore(earlier)
        return *resumed(earlier.state, run), best
    run.forget_after(-1)
    n, steps = len(trainer.labelled), _total_steps(trainer)
    apart = f"{len(split.validation)} real and {len(split.synthetic)} synthetic ones"
    run.say(f"segmenter on {n} micrographs, {apart} for validation: {steps} steps of {settings.batch}")
    state = begun("backbone", settings, fingerprint, n, steps) | {
        "mean": MEAN,
        "std": STD,
        "n_validation": len(split.validation),
        "n_synthetic_validation": len(split.synthetic),
        "best": {"step": 0, "dice": -1.0},
    }
    return 0, state, trainer.backbone.state_dict()


def _total_steps(trainer: SegmenterTrainer) -> int:
    def trial_second() -> float:
        trainer.backbone.train()
        return budget.seconds_per_step(lambda k: trainer.loss(k).backward(), [trainer.backbone])

    settings, n = trainer.settings, len(trainer.labelled)
    return budget.total_steps(settings.steps, settings.epochs, settings.minutes, n, settings.batch, trial_second)


def _loop(
    trainer: SegmenterTrainer,
    split: Split,
    first: int,
    state: dict[str, Any],
    best: dict[str, Tensor],
    run: RunFolder,
) -> dict[str, Tensor]:
    """Train to the end; returns the best epoch's weights and leaves its scores in `state`."""
    settings, total = trainer.settings, state["total_steps"]
    warmup = max(1, round(settings.warmup * total))
    began, recent = time.monotonic(), []
    for step in range(first, total):
        loss = trainer.step(step, learning_rate(step, total, warmup, settings.lr))
        if not math.isfinite(loss):
            raise FatalError(
                f"the loss became {loss} at step {step + 1}; start again with a smaller --lr than {settings.lr}"
            )
        recent.append(loss)
        state["step"] = step + 1
        if (step + 1) % settings.validate_every and step + 1 < total:
            continue
        scores = validate(trainer.kept, split)
        speed = (step + 1 - first) * settings.batch / (time.monotonic() - began)
        run.record({"step": step + 1, "loss": float(np.mean(recent)), **scores, "images_per_s": round(speed, 2)})
        run.say(_progress(state, float(np.mean(recent)), scores, speed))
        recent = []
        if scores["mean_dice"] > state["best"].get("mean_dice", state["best"]["dice"]):
            state["best"] = {"step": step + 1, **scores}
            best = {name: tensor.clone() for name, tensor in trainer.kept.state_dict().items()}
        save_checkpoint(run.path, trainer.checkpoint(state, best))
    return best


def validate(backbone: Backbone, split: Split) -> dict[str, float]:
    """Scores of the real micrographs that choose, and `mean_dice`, by which they do: every kind counts the same."""
    kinds = [evaluate(backbone, kind) for kind in split.choosing]
    return {**kinds[0], "mean_dice": float(np.mean([scores["dice"] for scores in kinds]))}


def blended(start: dict[str, Tensor], end: dict[str, Tensor], keep: float) -> dict[str, Tensor]:
    """The weights on the straight line from a fit's end back to its start, `keep` of the way (Wortsman et al. 2022).

    There they know what both knew, because a fit does not leave the valley that it began in. Batch norms too.
    """
    return {
        name: torch.lerp(tensor, start[name].to(tensor.device), keep) if tensor.is_floating_point() else tensor
        for name, tensor in end.items()
    }


def _scores_of(weights: dict[str, Tensor], trainer: SegmenterTrainer, split: Split) -> dict[str, float]:
    backbone = build_backbone(trainer.settings.encoder).to(trainer.device)
    backbone.load_state_dict(weights)
    return validate(backbone, split)


def _choose_threshold(
    trainer: SegmenterTrainer, split: Split, state: dict[str, Any], best: dict[str, Tensor], run: RunFolder
) -> dict[str, Any]:
    """Set the threshold of the best epoch's foreground; real and synthetic micrographs count the same."""
    last = {name: tensor.clone() for name, tensor in trainer.backbone.state_dict().items()}
    trainer.backbone.load_state_dict(best)
    state["threshold"], state["dice_by_threshold"] = best_threshold(trainer.backbone, split.choosing)
    trainer.backbone.load_state_dict(last)
    save_checkpoint(run.path, trainer.checkpoint(state, best))
    run.say(f"foreground from probability {state['threshold']:.2f} on")
    return state


def _progress(state: dict[str, Any], loss: float, scores: dict[str, float], speed: float) -> str:
    left = (state["total_steps"] - state["step"]) * state["settings"]["batch"] / speed
    return (
        f"step {state['step']}/{state['total_steps']}  loss {loss:.4f}  Dice {scores['dice']:.4f} "
        f"(of kinds {scores['mean_dice']:.4f}) IoU {scores['iou']:.4f} "
        f"interior Dice {scores['interior_dice']:.4f}  {speed:.1f} images/s  {left:.0f} s left"
    )
