"""Presets, the exactness of accumulation and of several processes, monitors, and a run killed for real."""

from __future__ import annotations

import csv
import math
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nanomorph.cli.main import _parse, main
from nanomorph.errors import ConfigurationError, FatalError
from nanomorph_training import data
from nanomorph_training.commands import pretrain as command
from nanomorph_training.micrographs.cache import Cache
from nanomorph_training.pretraining import embedding_map
from nanomorph_training.pretraining.batches import Batches
from nanomorph_training.pretraining.monitors import check, knn_balanced_accuracy
from nanomorph_training.pretraining.objective import objective
from nanomorph_training.pretraining.projectors import NotebookProjector
from nanomorph_training.pretraining.settings import PRESETS, PretrainSettings, from_preset
from nanomorph_training.pretraining.trainer import Trainer, _parts, _whole
from nanomorph_training.runs.checkpoint import load_checkpoint
from nanomorph_training.runs.run_folder import command_line, plain

TINY = PretrainSettings(window=32, batch=8, steps=2, hidden=16, dim=8, threads=1)


def settings_of(line: str) -> PretrainSettings:
    return command.settings_of(_parse("pretrain", command.Options, command.__doc__, shlex.split(line)))  # type: ignore[arg-type]


def images(n: int = 10) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (48, 64), dtype=np.uint8) for _ in range(n)]


def trainer(settings: PretrainSettings) -> Trainer:
    return Trainer.start(settings, images(), ["here"] * 10)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_repeated_by_its_repeat_line(name: str) -> None:
    settings = settings_of(f"--data d --out o --preset {name}")
    assert settings == from_preset(name, {})
    _, _, line = command_line("pretrain", {"data": ["d"], "out": "o", **plain(settings)}).split(" ", 2)
    assert settings_of(line) == settings


def test_presets_say_what_the_reference_says() -> None:
    paper = settings_of("--data d --out o --preset paper-2022 --method barlow-twins")
    assert (paper.encoder, paper.weights, paper.window, paper.batch, paper.epochs) == (
        "resnet50",
        "imagenet",
        224,
        64,
        200,
    )
    assert (paper.method, paper.variant) == ("barlow-twins", "notebook")
    assert settings_of("--data d --out o") == PretrainSettings()
    # A length that is given replaces the preset's, in whatever unit that is.
    short = settings_of("--data d --out o --preset paper-2022 --steps 3")
    assert (short.steps, short.epochs) == (3, 0)


def test_the_notebooks_head_scales_and_shifts_but_never_counts() -> None:
    head = NotebookProjector(32)
    assert [(type(layer).__name__, getattr(layer, "out_features", None)) for layer in head] == [
        ("Linear", 128), ("ReLU", None), ("BatchNorm1d", None), ("Linear", 64), ("ReLU", None), ("BatchNorm1d", None),
        ("Linear", 1024), ("BatchNorm1d", None),
    ]  # fmt: skip
    before = head.state_dict()["2.running_mean"].clone()
    x = torch.randn(4, 32)
    torch.testing.assert_close(head.train()(x)[:2], head(x[:2]))  # a row does not depend on the others
    assert torch.equal(head.state_dict()["2.running_mean"], before)


def test_a_loss_lies_between_its_collapse_and_its_floor() -> None:
    simclr = objective(replace(TINY, batch=64, temperature=0.1))
    assert simclr.collapse == pytest.approx(math.log(127))
    assert simclr.floor == pytest.approx(0.0048689172, rel=1e-7)
    assert (simclr.share(simclr.collapse), simclr.share(simclr.floor)) == (1, 0)
    twins = objective(replace(TINY, method="barlow-twins", batch=64, dim=1024))
    assert twins.collapse == 1024
    assert twins.floor == pytest.approx(0.005 * 15620, rel=1e-4)
    notebook = objective(replace(TINY, variant="notebook", batch=64, temperature=0.1))
    assert notebook.collapse == pytest.approx(math.log(64))
    z = torch.ones(64, 4)
    assert notebook.loss(z, z).item() == pytest.approx(notebook.collapse)


def gradients(one: Trainer) -> list[Tensor]:
    modules = (one.encoder, one.projector)
    return [p.grad.clone() for module in modules for p in module.parameters() if p.grad is not None]


@pytest.mark.parametrize("method", ["simclr", "barlow-twins"])
def test_accumulation_has_the_loss_and_gradient_of_the_whole_batch(method: str) -> None:
    """Against one graph through both parts: more memory, no second pass."""
    settings = replace(TINY, method=method, accumulate=2)
    cached, plain_ = trainer(settings), trainer(settings)
    loss, _ = cached.backward(0)
    whole = plain_.contrast(_whole([plain_.embed(part) for part in plain_.views(0)]))
    whole.backward()
    assert loss.item() == pytest.approx(whole.item(), rel=1e-6)
    for ours, theirs in zip(gradients(cached), gradients(plain_), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    # Running statistics count each image once.
    for name, buffer in plain_.encoder.state_dict().items():
        torch.testing.assert_close(cached.encoder.state_dict()[name], buffer)


def test_parts_come_apart_as_they_were_joined() -> None:
    parts = [torch.tensor([[1.0], [2], [11], [12]]), torch.tensor([[3.0], [4], [13], [14]])]
    whole = _whole(parts)
    assert whole.flatten().tolist() == [1, 2, 3, 4, 11, 12, 13, 14]
    assert all(torch.equal(a, b) for a, b in zip(_parts(whole, 2), parts, strict=True))


def test_a_batch_that_cannot_be_cut_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"--batch 8 cannot be cut into 3 equal parts"):
        trainer(replace(TINY, accumulate=3))


def test_threads_that_cut_ahead_change_nothing() -> None:
    now, ahead = Batches(TINY, images(), ["a"] * 10), Batches(TINY, images(), ["a"] * 10, workers=2)
    for step in range(3):
        assert torch.equal(now.views(step), ahead.views(step))
    ahead.close()


def test_parts_show_the_images_of_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[int] = []
    monkeypatch.setattr(data, "draw", lambda _shares, size, _rng: np.arange(size))
    whole = Batches(TINY, [np.full((40, 40), n, np.uint8) for n in range(8)], ["a"] * 8, parts=4)
    for part in range(4):
        shown += whole.cut(0, part)[0, :, 0, 0, 0].tolist()
    assert shown == list(range(8))


@pytest.mark.parametrize("amp", ["bf16", "fp16"])
def test_half_precision_learns_the_same(amp: str) -> None:
    exact, half = trainer(TINY), trainer(replace(TINY, amp=amp))
    loss, width = half.step(0, 1e-3)
    assert loss == pytest.approx(exact.step(0, 1e-3)[0], rel=0.05)
    assert 0 < width < 2
    assert all(p.dtype == torch.float32 for p in half.encoder.parameters())
    assert ("scaler" in half.checkpoint({}).state) == (amp == "fp16")


def test_neighbours_by_hand() -> None:
    east, north = [1.0, 0.0], [0.0, 1.0]
    embeddings = np.array([east, east, east, north, north, east])
    labels = ["a", "a", "a", "b", "b", "b"]
    # All of a are right, two of three b (the last lies among a): (1 + 2/3) / 2.
    assert knn_balanced_accuracy(embeddings, labels, list("123456")) == pytest.approx(5 / 6)
    # One group: nobody has a neighbour.
    assert knn_balanced_accuracy(embeddings, labels, ["1"] * 6) == 0


def test_collapse_and_nan_say_what_to_do() -> None:
    check(1.0, 0.001, 5, TINY)  # too early to tell
    with pytest.raises(FatalError, match=r"collapsed to one point at step 21 .* smaller --lr than 0.001"):
        check(1.0, 0.001, 20, TINY)
    with pytest.raises(FatalError, match="the loss became nan at step 1"):
        check(math.nan, 1.0, 0, TINY)


def test_a_map_puts_alike_things_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    embeddings = np.concatenate([rng.normal(0, 0.1, (20, 8)) + 3 * np.eye(8)[k] for k in (0, 1)])
    at = embedding_map.lay_out(embeddings)
    assert at.min() == 0
    assert at.max() == 1
    middles = at[:20].mean(axis=0), at[20:].mean(axis=0)
    assert np.linalg.norm(middles[0] - middles[1]) > 4 * np.linalg.norm(at[:20] - middles[0], axis=1).mean()
    picture = embedding_map.draw(at, [np.full((16, 16), 100, np.uint8)] * 40, ["a"] * 20 + ["b"] * 20)
    frames = {tuple(pixel) for pixel in picture.reshape(-1, 3)} - {(255, 255, 255), (100, 100, 100)}
    assert frames == {(0xE6, 0x9F, 0x00), (0x56, 0xB4, 0xE9)}
    embedding_map.write(tmp_path / "map.png", picture, ["a", "b"], 40)
    assert (tmp_path / "map.png").stat().st_size > 10_000


def arguments(pool: Path, tmp_path: Path, out: str, more: str = "") -> list[str]:
    line = f"pretrain --data {pool} --out {tmp_path / out} --cache {tmp_path / 'cache'} --threads 1 --batch 4"
    return shlex.split(f"{line} --window 32 --hidden 16 --dim 8 {more}")


def test_what_is_watched_is_written(pool: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    more = f"--steps 3 --monitor {pool} --monitor-every 2 --tensorboard"
    assert main(arguments(pool, tmp_path, "run", more)) == 0
    with open(tmp_path / "run" / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    asked = [row["knn_balanced_accuracy"] for row in rows]
    assert [bool(text) for text in asked] == [False, True, True]
    assert all(0 <= float(text) <= 1 for text in asked[1:])
    assert {path.name for path in (tmp_path / "run").iterdir()} >= {"map.png", "views.png", "tensorboard"}
    assert len(list((tmp_path / "run" / "tensorboard").iterdir())) == 1
    state = load_checkpoint(tmp_path / "run").state
    assert state["loss_collapse"] == pytest.approx(math.log(7))
    assert state["input"]["max_side"] == 384


def test_watching_changes_nothing_that_is_learned(pool: Path, tmp_path: Path) -> None:
    assert main(arguments(pool, tmp_path, "alone", "--steps 2")) == 0
    assert main(arguments(pool, tmp_path, "watched", f"--steps 2 --monitor {pool} --monitor-every 1")) == 0
    assert_same_run(tmp_path / "alone", tmp_path / "watched")


def assert_same_run(one: Path, other: Path) -> None:
    first, second = load_checkpoint(one), load_checkpoint(other)
    assert first.tensors.keys() == second.tensors.keys()
    assert all(torch.equal(first.tensors[name], second.tensors[name]) for name in first.tensors)


def test_a_run_killed_in_mid_epoch_ends_with_the_same_bits(pool: Path, tmp_path: Path) -> None:
    """kill -9, through the command line, a few steps after the first checkpoint."""
    assert main(arguments(pool, tmp_path, "whole", "--steps 6")) == 0
    line = arguments(pool, tmp_path, "cut", "--steps 6 --save-seconds 0")
    killed = subprocess.Popen(
        [sys.executable, "-m", "nanomorph.cli.main", *line], stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert killed.stderr is not None
    for said in killed.stderr:
        if said.startswith("step 1/6"):
            killed.kill()
            break
    killed.stderr.close()
    assert killed.wait() not in (0, None)
    assert 1 <= load_checkpoint(tmp_path / "cut").state["step"] < 6
    assert main([*line, "--resume", "auto"]) == 0
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


def test_an_older_run_is_resumed_though_options_were_added(pool: Path, tmp_path: Path) -> None:
    from nanomorph_training.runs.checkpoint import Checkpoint, save_checkpoint

    assert main(arguments(pool, tmp_path, "run", "--steps 2 --save-seconds 0")) == 0
    whole = load_checkpoint(tmp_path / "run")
    young = ("variant", "accumulate", "max_side", "nm_per_px", "amp")
    older = {name: value for name, value in whole.state["settings"].items() if name not in young}
    save_checkpoint(tmp_path / "run", Checkpoint(whole.tensors, {**whole.state, "settings": older}))
    assert main(arguments(pool, tmp_path, "run", "--steps 2 --resume auto")) == 0
    with pytest.raises(ConfigurationError, match="other options: accumulate"):
        command.run(
            _parse(
                "pretrain",
                command.Options,
                None,
                arguments(pool, tmp_path, "run", "--steps 2 --accumulate 2 --resume auto")[1:],
            )  # type: ignore[arg-type]
        )


def test_two_processes_learn_what_one_learns_from_the_whole_batch(pool: Path, tmp_path: Path) -> None:
    """torchrun with gloo on the CPU, batch norm included; one process gets the same views in one batch."""
    # Seed 0 has a value so near a kink that rounding alone moves the step by 6 % on some CPUs; seed 1, by 0.005 %.
    line = arguments(pool, tmp_path, "two", "--steps 1 --optimiser sgd --lr 0.05 --device cpu --seed 1")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*torchrun, "-m", "nanomorph.cli.main", *line], capture_output=True, text=True, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("step 1/1") == 1  # one process speaks
    two = load_checkpoint(tmp_path / "two")
    assert two.state["processes"] == 2

    settings = settings_of(shlex.join(line[1:]))
    samples = data.without_held_out(data.collect([pool]))
    frames = [Cache(tmp_path / "cache").image(sample) for sample in samples]
    parts = Batches(settings, frames, [str(pool)] * len(frames), parts=2)
    one = Trainer.start(settings, frames, [str(pool)] * len(frames))
    before = weights(one)
    one.views = lambda step: [_whole([parts.views(step, part) for part in (0, 1)])]  # type: ignore[method-assign]
    loss, _ = one.step(0, settings.lr)
    assert two.state["loss"] == pytest.approx(loss, rel=1e-4)
    saved = two.part("model.encoder") | {f"head.{n}": t for n, t in two.part("projector").items()}
    for name, now in weights(one).items():
        # Rounding grows through 18 layers of batch norm over four images; the step itself is what must agree.
        step = (now - before[name]).norm()
        assert (saved[name].double() - now).norm() <= 2e-3 * step + 1e-6, name


def weights(one: Trainer) -> dict[str, Tensor]:
    named = one.encoder.state_dict() | {f"head.{n}": t for n, t in one.projector.state_dict().items()}
    return {name: tensor.double() for name, tensor in named.items()}


def test_a_gpu_that_is_not_there_is_refused(pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert main(arguments(pool, tmp_path, "run", "--steps 1 --device cuda")) == 2


def test_batch_norm_over_processes_is_batch_norm_where_there_is_one(tmp_path: Path) -> None:
    from nanomorph_training.pretraining.ranks import synchronise

    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1)
    try:
        plain_ = nn.Sequential(nn.Conv2d(1, 3, 1), nn.BatchNorm2d(3))
        synced = nn.Sequential(nn.Conv2d(1, 3, 1), nn.BatchNorm2d(3))
        synced.load_state_dict(plain_.state_dict())
        synchronise(synced)
        x = torch.randn(4, 1, 5, 5)
        torch.testing.assert_close(synced(x), plain_(x))
        for name, value in plain_.state_dict().items():
            torch.testing.assert_close(synced.state_dict()[name], value)
    finally:
        torch.distributed.destroy_process_group()
