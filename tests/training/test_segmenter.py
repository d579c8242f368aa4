"""The segmenter's batches, split and scores, and that it learns discs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nanomorph.errors import ConfigurationError
from nanomorph_training import data
from nanomorph_training.data import Sample
from nanomorph_training.micrographs.cache import Cache
from nanomorph_training.micrographs.targets import SEAM
from nanomorph_training.models import build_backbone
from nanomorph_training.optim import learning_rate
from nanomorph_training.predict import Labelled, best_threshold, evaluate, predict
from nanomorph_training.runs.checkpoint import load_checkpoint
from nanomorph_training.scores import overlap
from nanomorph_training.segmentation.run import fit_segmenter, validate
from nanomorph_training.segmentation.settings import SegmenterSettings
from nanomorph_training.segmentation.split import MAX_VALIDATION, Split, synthetic_split, validation_split
from nanomorph_training.segmentation.trained import load_backbone
from nanomorph_training.segmentation.trainer import SegmenterTrainer, moving_average

TINY = SegmenterSettings(window=64, batch=4, steps=4, validate_every=2, threads=1)


def sample(name: str, group: str = "") -> Sample:
    return Sample(Path(name), "list", group=group)


def test_overlap_by_hand() -> None:
    a, b = np.array([1, 1, 0, 0], bool), np.array([0, 1, 1, 1], bool)
    assert overlap(a, b) == (pytest.approx(0.4), pytest.approx(0.25))
    assert overlap(a & False, b & False) == (1.0, 1.0)


def test_validation_takes_whole_real_groups() -> None:
    samples = [sample(f"{n}", f"article-{n // 3}") for n in range(30)] + [
        sample(f"s{n}", f"synthetic-{n}") for n in range(50)
    ]
    chosen = validation_split(samples, 0.2)
    assert chosen[:30].sum() == 6
    assert not chosen[30:].any()
    for article in range(10):
        assert len(set(chosen[3 * article : 3 * article + 3].tolist())) == 1


def test_real_and_synthetic_micrographs_choose_the_epoch_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Labelled(np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8), sample("a"))
    both = Split(training=[one] * 9, validation=[one] * 3, synthetic=[one])
    assert [len(kind) for kind in both.choosing] == [3, 1]
    assert [len(kind) for kind in Split([one] * 90, [], []).choosing] == [MAX_VALIDATION]
    # Dice .9 on three real ones and .5 on one synthetic field: their mean, not the mean over four.
    dice = {3: 0.9, 1: 0.5}
    monkeypatch.setattr("nanomorph_training.segmentation.run.evaluate", lambda _, kind: {"dice": dice[len(kind)]})
    assert validate(build_backbone(), both) == {"dice": 0.9, "mean_dice": pytest.approx(0.7)}


def test_without_groups_every_file_is_one() -> None:
    assert validation_split([sample(str(n)) for n in range(10)], 0.2).sum() == 2
    assert validation_split([sample("only")], 0.2).sum() == 0


def test_a_few_synthetic_fields_help_to_choose_the_threshold() -> None:
    samples = [sample("real", "article")] + [sample(f"s{n}", f"synthetic-{n}") for n in range(50)]
    assert synthetic_split(samples, 3)[1:].sum() == 3
    assert synthetic_split(samples, 40)[1:].sum() == 5  # a tenth at most
    assert not synthetic_split(samples, 3)[0]
    assert not synthetic_split(samples[:1], 3).any()


def test_the_threshold_is_that_of_the_best_mean_over_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    # Foreground probability .62 where one kind has material and .42 where it has none; the other kind .42 and .2.
    truth = np.zeros((32, 32), np.uint8)
    truth[:, :16] = 1
    maps = {"real": (0.62, 0.42), "synthetic": (0.42, 0.2)}
    kinds = [[Labelled(np.full((32, 32), n, np.uint8), truth, sample(name))] for n, name in enumerate(maps)]

    def answer(_: object, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        inside, outside = list(maps.values())[int(image[0, 0])]
        map_ = np.where(truth > 0, inside, outside).astype(np.float32)
        return np.zeros(1), map_, map_

    monkeypatch.setattr("nanomorph_training.predict.predict", answer)
    threshold, table = best_threshold(build_backbone(), kinds)
    # .30-.40: real Dice 2/3, synthetic 1: mean .83. From .45 real 1, synthetic 0: mean .5.
    assert threshold == 0.3
    assert table["0.40"] == [pytest.approx(2 / 3, abs=1e-4), 1.0]
    assert table["0.50"] == [1.0, 0.0]
    assert best_threshold(build_backbone(), kinds[:1])[0] == 0.45


def labelled(pool: Path, tmp_path: Path) -> list[Labelled]:
    cache = Cache(tmp_path / "cache")
    return [Labelled(cache.image(s), cache.target(s), s) for s in data.collect([pool])]


def test_a_batch_is_a_function_of_the_step(pool: Path, tmp_path: Path) -> None:
    trainer = SegmenterTrainer.start(TINY, labelled(pool, tmp_path), None)
    images, target = trainer.batch(0)
    assert images.shape == (4, 1, 64, 64)
    assert target.shape == (4, 3, 64, 64)
    assert set(target.unique().tolist()) <= {0.0, 1.0}
    assert bool((target[:, 1] <= target[:, 0]).all())  # interior lies inside
    assert torch.equal(images, trainer.batch(0)[0])
    assert not torch.equal(images, trainer.batch(1)[0])
    # Image and target were turned together: foreground stays the darker part.
    inside, outside = images[:, 0][target[:, 0] > 0].mean(), images[:, 0][target[:, 0] == 0].mean()
    assert float(inside) < float(outside)


def test_text_is_drawn_over_windows_and_changes_no_target(pool: Path, tmp_path: Path) -> None:
    examples = labelled(pool, tmp_path)
    plain, written = (
        SegmenterTrainer.start(replace(TINY, inscribed=share), examples, None).batch(0) for share in (0.0, 1.0)
    )
    assert torch.equal(plain[1], written[1])
    assert all(not torch.equal(a, b) for a, b in zip(plain[0], written[0], strict=True))


def test_what_lies_between_instances_weighs_more(pool: Path, tmp_path: Path) -> None:
    examples = [replace(x, target=x.target | SEAM) for x in labelled(pool, tmp_path)]
    light, heavy = (
        float(SegmenterTrainer.start(replace(TINY, seam_weight=weight), examples, None).loss(0).detach())
        for weight in (0.0, 9.0)
    )
    assert heavy > light + 1  # an untrained network's cross-entropy is about ln 2, ten times that of a pixel elsewhere


def test_predict_takes_any_size(pool: Path, tmp_path: Path) -> None:
    trainer = SegmenterTrainer.start(TINY, labelled(pool, tmp_path), None)
    embedding, foreground, interior = predict(trainer.backbone, np.zeros((50, 70), np.uint8))
    assert embedding.shape == (512,)
    assert foreground.shape == interior.shape == (50, 70)


def test_it_learns_discs(pool: Path, tmp_path: Path) -> None:
    settings = replace(TINY, encoder_lr=1.0)
    examples = labelled(pool, tmp_path)
    trainer = SegmenterTrainer.start(settings, examples, None)
    for number in range(40):
        trainer.step(number, learning_rate(number, 40, 4, 3e-3))
    scores = evaluate(trainer.backbone, examples)
    assert scores["dice"] > 0.8
    assert scores["iou"] < scores["dice"]


@pytest.mark.parametrize("amp", ["bf16", "fp16"])
def test_half_precision_learns_the_same(amp: str, pool: Path, tmp_path: Path) -> None:
    examples = labelled(pool, tmp_path)
    exact, half = (SegmenterTrainer.start(replace(TINY, amp=name), examples, None) for name in ("fp32", amp))
    losses = [(exact.step(n, 1e-3), half.step(n, 1e-3)) for n in range(3)]
    assert all(b == pytest.approx(a, rel=0.02) for a, b in losses)
    assert ("scaler" in half.checkpoint({}, {}).state) == (amp == "fp16")
    assert all(tensor.dtype != torch.bfloat16 for tensor in half.kept.state_dict().values())


def test_a_gpu_that_is_not_there_is_an_error(pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ConfigurationError, match="finds 0 GPUs; use --device cpu"):
        fit_segmenter([pool], None, tmp_path / "run", TINY, Cache(tmp_path / "cache"), device="cuda")


@pytest.mark.parametrize(("reach", "weight"), [(1, 1.0), (4, 1 / 4), (100, 10 / 51)])
def test_what_is_kept_is_a_moving_average(reach: int, weight: float) -> None:
    backbone = build_backbone()
    averaged = moving_average(backbone, reach)
    bias = backbone.decoder.out.bias.data
    bias.fill_(1.0)
    for _ in range(41):
        averaged.update_parameters(backbone)
    bias.fill_(2.0)
    averaged.update_parameters(backbone)
    assert averaged.module.decoder.out.bias[0].item() == pytest.approx(1 + weight)


def test_a_frozen_encoder_stays_as_it_was(pool: Path, tmp_path: Path) -> None:
    trainer = SegmenterTrainer.start(replace(TINY, encoder_lr=0.0), labelled(pool, tmp_path), None)
    before = {name: tensor.clone() for name, tensor in trainer.backbone.encoder.state_dict().items()}
    trainer.step(0, 1e-2)
    after = trainer.backbone.encoder.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_share_of_the_starting_weights_is_kept(pool: Path, tmp_path: Path) -> None:
    cache, first = Cache(tmp_path / "cache"), tmp_path / "first"
    fit_segmenter([pool], None, first, TINY, cache)
    weights = {}
    for name, keep in (("end", 0.0), ("quarter", 0.25)):
        fit_segmenter([pool], first, tmp_path / name, replace(TINY, seed=1, keep=keep), cache)
        weights[name] = load_checkpoint(tmp_path / name).part("model")
    start = load_checkpoint(first).part("model")
    for name in ("decoder.out.bias", "encoder.bn1.running_mean"):
        mixed = 0.25 * start[name] + 0.75 * weights["end"][name]
        torch.testing.assert_close(weights["quarter"][name], mixed)
        assert not torch.equal(start[name], weights["end"][name])
    # A finished run that is resumed is not blended once more.
    state = fit_segmenter([pool], first, tmp_path / "quarter", replace(TINY, seed=1, keep=0.25), cache, resume=True)
    again = load_checkpoint(tmp_path / "quarter").part("model")
    assert all(torch.equal(again[name], tensor) for name, tensor in weights["quarter"].items())
    assert state["best"]["dice"] == load_checkpoint(tmp_path / "quarter").state["best"]["dice"]


def test_only_a_segmenter_has_weights_to_keep(pool: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--keep needs a segmenter"):
        fit_segmenter([pool], None, tmp_path / "run", replace(TINY, keep=0.5), Cache(tmp_path / "cache"))
    with pytest.raises(ConfigurationError, match="from 0, below 1"):
        replace(TINY, keep=1.0)


def test_resume_is_bit_identical(pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path / "cache")
    fit_segmenter([pool], None, tmp_path / "whole", TINY, cache)
    step = SegmenterTrainer.step

    def until_third(self: SegmenterTrainer, number: int, rate: float) -> float:
        if number == 3:
            raise InterruptedError
        return step(self, number, rate)

    monkeypatch.setattr(SegmenterTrainer, "step", until_third)
    with pytest.raises(InterruptedError):
        fit_segmenter([pool], None, tmp_path / "cut", TINY, cache)
    monkeypatch.setattr(SegmenterTrainer, "step", step)
    fit_segmenter([pool], None, tmp_path / "cut", TINY, cache, resume=True)
    whole, cut = (load_checkpoint(tmp_path / name) for name in ("whole", "cut"))
    assert all(torch.equal(whole.tensors[name], cut.tensors[name]) for name in whole.tensors)
    assert whole.state["best"] == cut.state["best"]
    assert load_backbone(tmp_path / "cut").training is False


def test_no_mask_is_an_error(pool: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no micrograph has a mask"):
        fit_segmenter([pool.parent / "0.png"], None, tmp_path / "run", TINY, Cache(tmp_path / "cache"))
    with pytest.raises(ConfigurationError, match="multiple of 32"):
        SegmenterSettings(window=100)


def test_a_segmenter_can_be_trained_further(pool: Path, tmp_path: Path) -> None:
    trainer = SegmenterTrainer.start(TINY, labelled(pool, tmp_path), None)
    trainer.step(0, 1e-2)
    weights = {name: tensor.clone() for name, tensor in trainer.backbone.state_dict().items()}
    further = SegmenterTrainer.start(replace(TINY, seed=1), trainer.labelled, weights).backbone.state_dict()
    assert all(torch.equal(further[name], weights[name]) for name in weights)
    # Of a pretrain run there is only the encoder: the decoder starts afresh.
    encoder = {name: tensor for name, tensor in weights.items() if name.startswith("encoder.")}
    fresh = SegmenterTrainer.start(replace(TINY, seed=1), trainer.labelled, encoder).backbone.state_dict()
    assert all(torch.equal(fresh[name], weights[name]) for name in encoder)
    assert not torch.equal(fresh["decoder.out.weight"], weights["decoder.out.weight"])


def test_a_run_is_not_resumed_from_another_encoder(pool: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    fit_segmenter([pool], None, tmp_path / "first", TINY, cache)
    fit_segmenter([pool], tmp_path / "first", tmp_path / "second", TINY, cache)
    with pytest.raises(ConfigurationError, match="began from another encoder"):
        fit_segmenter([pool], None, tmp_path / "second", TINY, cache, resume=True)
    fit_segmenter([pool], tmp_path / "first", tmp_path / "second", TINY, cache, resume=True)
