"""From files to a run: opens the pool, trains, watches, saves.

Batch and augmentation of a step are functions of (seed, step), the learning rate of the step alone: a run
resumed from any checkpoint ends bit-identical (CPU) to one never stopped.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from nanomorph.atomic import remove_leftovers
from nanomorph.errors import ConfigurationError
from nanomorph_training import data
from nanomorph_training.micrographs.cache import Cache
from nanomorph_training.micrographs.samples import Sample
from nanomorph_training.models import MEAN, STD
from nanomorph_training.optim import learning_rate
from nanomorph_training.pretraining import ranks
from nanomorph_training.pretraining.monitors import check, write_scalars
from nanomorph_training.pretraining.pictures import MAP, VIEWS, write_contact_sheet, write_map
from nanomorph_training.pretraining.settings import UNWATCHED, Conduct, PretrainSettings
from nanomorph_training.pretraining.trainer import Trainer
from nanomorph_training.pretraining.watch import Watch
from nanomorph_training.runs import budget, machine
from nanomorph_training.runs.checkpoint import Checkpoint, save_checkpoint, stopped
from nanomorph_training.runs.resume import begun, must_match, readable, resumed
from nanomorph_training.runs.run_folder import RunFolder, Silent, plain


def pretrain(
    paths: Sequence[Path],
    out: Path,
    settings: PretrainSettings,
    cache: Cache,
    resume: bool = False,
    conduct: Conduct = UNWATCHED,
) -> int:
    """Train and leave a checkpoint in `out`; returns the number of steps done. Raises FatalError on NaN or collapse."""
    machine.set_up(settings.threads)
    with ranks.together(conduct.device) as place:
        run = RunFolder(out) if place.is_first else Silent(out)
        earlier = stopped(out, resume)
        samples, images = _open(paths, settings, replace(cache, spec=settings.input), run)
        fingerprint = data.fingerprint(samples)
        trainer = Trainer.start(settings, images, [sample.source for sample in samples], place, conduct.workers)
        watch = Watch.open(conduct, settings, cache, run, 0 if earlier is None else earlier.state["step"], place)
        first, state = _resume_or_start(trainer, earlier, fingerprint, len(samples), run)
        if place.is_first:
            remove_leftovers(out)
            run.write_repeat("pretrain", _repeat(paths, out, settings, conduct), fingerprint)
            write_contact_sheet(trainer, out / VIEWS)
        _loop(trainer, first, state, run, watch, conduct.save_seconds)
        trainer.batches.close()
        if place.is_first:
            write_map(trainer, samples, images, out / MAP)
        return int(state["total_steps"])


def _open(
    paths: Sequence[Path], settings: PretrainSettings, cache: Cache, run: RunFolder
) -> tuple[list[Sample], list[np.ndarray]]:
    samples = data.collect(paths)
    if not settings.train_on_all:
        samples = data.to_learn_from(samples)
    opened = readable(samples, lambda sample: (sample, cache.image(sample)), run)
    if len(opened) < 2 and not (opened and opened[0][1].size > 4 * settings.window**2):
        raise ConfigurationError("fewer than two readable micrographs: name more with --data")
    return [sample for sample, _ in opened], [image for _, image in opened]


def _repeat(paths: Sequence[Path], out: Path, settings: PretrainSettings, conduct: Conduct) -> dict[str, Any]:
    watched = {"monitor": [str(p) for p in conduct.monitor]} if conduct.monitor else {}
    return {"data": [str(p) for p in paths], "out": str(out), **plain(settings), **watched}


def _resume_or_start(
    trainer: Trainer, earlier: Checkpoint | None, fingerprint: str, n: int, run: RunFolder
) -> tuple[int, dict[str, Any]]:
    settings = trainer.settings
    if earlier is not None:
        must_match(earlier.state, settings, fingerprint)
        trainer.restore(earlier)
        return resumed(earlier.state, run)
    run.forget_after(-1)
    steps, goal = _total_steps(trainer, n), trainer.objective
    run.say(
        f"{settings.method} on {n} micrographs: {steps} steps of {settings.batch} images, {settings.window} px; "
        f"{trainer.ranks.world} x {trainer.ranks.device}; loss {goal.collapse:.4f} collapsed, {goal.floor:.4f} at best"
    )
    return 0, begun("encoder", settings, fingerprint, n, steps) | {
        "mean": MEAN,
        "std": STD,
        "input": asdict(settings.input),
        "processes": trainer.ranks.world,
        "loss_collapse": goal.collapse,
        "loss_floor": goal.floor,
    }


def _total_steps(trainer: Trainer, n: int) -> int:
    def trial_second() -> float:
        seconds = budget.seconds_per_step(trainer.backward, [trainer.encoder, trainer.projector])
        return trainer.ranks.mean([seconds])[0]

    settings = trainer.settings
    return budget.total_steps(settings.steps, settings.epochs, settings.minutes, n, settings.batch, trial_second)


def _loop(
    trainer: Trainer, first: int, state: dict[str, Any], run: RunFolder, watch: Watch, save_seconds: float
) -> None:
    settings, total = trainer.settings, state["total_steps"]
    warmup = max(1, round(settings.warmup * total))
    began = saved = time.monotonic()
    for step in range(first, total):
        rate = learning_rate(step, total, warmup, settings.lr)
        loss, width = trainer.step(step, rate)
        check(loss, width, step, settings)
        speed = (step + 1 - first) * settings.batch / (time.monotonic() - began)
        row = {"step": step + 1, "loss": loss, "lr": rate, "spread": width, "images_per_s": round(speed, 2)}
        row |= {"loss_share": trainer.objective.share(loss)} | watch.figures(trainer, step + 1, total)
        run.record(row)
        if watch.writer is not None:
            write_scalars(watch.writer, row)
        state["step"] = step + 1
        last = step + 1 == total
        if trainer.ranks.is_first and (last or time.monotonic() - saved > save_seconds):
            save_checkpoint(run.path, trainer.checkpoint({**state, "loss": loss, "spread": width}))
            saved = time.monotonic()
        if last or step == first or (step + 1) % 10 == 0 or row.get("knn_balanced_accuracy", "") != "":
            run.say(_progress(row, total, (total - step - 1) * settings.batch / speed))
    if watch.writer is not None:
        watch.writer.close()


def _progress(row: dict[str, Any], total: int, left: float) -> str:
    asked = row.get("knn_balanced_accuracy", "")
    neighbours = f"  kNN {asked:.3f}" if asked != "" else ""
    return (
        f"step {row['step']}/{total}  loss {row['loss']:.4f} ({row['loss_share']:.2f} of collapsed)  "
        f"spread {row['spread']:.2f}{neighbours}  {row['images_per_s']:.1f} images/s  {budget.readable_time(left)} left"
    )
