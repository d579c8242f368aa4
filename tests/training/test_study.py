"""The few-label study on numbers whose answer is known by hand, and through its command."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nanomorph.bundle import EMBEDDED
from nanomorph.errors import ConfigurationError
from nanomorph_training.data import is_held_out
from nanomorph_training.features import Table, turns
from nanomorph_training.heads.head import Features
from nanomorph_training.scores import NOTHING, balanced_accuracy
from nanomorph_training.study import contestants, report
from nanomorph_training.study.classify import Entrant, HeadJudge, Outcome, outcomes
from nanomorph_training.study.draws import Draw, draws, possible_sizes
from nanomorph_training.study.outcome import Compared, Line, Study
from nanomorph_training.study.segmentation import steps_by_size
from nanomorph_training.study.settings import StudySettings
from nanomorph_training.study.statistics import Difference, Spread, difference, mean_difference

Y = np.array([0] * 12 + [1] * 12)
GROUPS = [f"g{n // 2}" for n in range(24)]


def test_a_draw_never_has_a_group_on_both_sides() -> None:
    for draw in draws(Y, GROUPS, 10, 0.25, seed=0):
        labelled = {GROUPS[n] for members in draw.order for n in members}
        tested = {GROUPS[n] for n in draw.test}
        assert not labelled & tested
        assert labelled | tested == set(GROUPS)
        # A quarter of twelve is three, in groups of two: four of each class.
        assert np.bincount(Y[draw.test]).tolist() == [4, 4]


def test_more_labels_hold_the_fewer_and_the_same_seed_the_same_draws() -> None:
    first, again = draws(Y, GROUPS, 3, 0.25, seed=1), draws(Y, GROUPS, 3, 0.25, seed=1)
    for a, b in zip(first, again, strict=True):
        assert a.labelled(4).tolist() == b.labelled(4).tolist()
        assert set(a.labelled(2)) < set(a.labelled(4))
        assert np.bincount(Y[a.labelled(4)]).tolist() == [4, 4]
    assert first[0].labelled(4).tolist() != first[1].labelled(4).tolist()
    assert possible_sizes(first, (1, 2, 4, 8, 16)) == [1, 2, 4, 8]


def test_held_out_groups_are_the_test_of_every_draw() -> None:
    groups = [f"article-{n}" for n in range(24)]
    held_out = {n for n, group in enumerate(groups) if is_held_out(group)}
    for draw in draws(np.arange(24) % 2, groups, 3, None, seed=0, held_out=[is_held_out(group) for group in groups]):
        assert set(draw.test) == held_out


def test_a_class_of_one_group_cannot_be_studied() -> None:
    with pytest.raises(ConfigurationError, match="both learned and tested"):
        draws(np.array([0, 0, 1, 1]), ["a", "b", "c", "c"], 1, 0.25, seed=0)


def field_table(seed: int = 0) -> Table:
    """The class is the sign of the first of eight numbers."""
    x = np.random.default_rng(seed).normal(size=(24, 8))
    x[:, 0] = np.where(Y == 1, 3.0, -3.0) + 0.1 * x[:, 0]
    return Table(Features(x, pd.DataFrame(index=range(24))), np.arange(24))


def test_balanced_accuracy_weighs_classes_alike():
    truth = np.array(["sphere"] * 8 + ["cube"] * 2)
    assert balanced_accuracy(truth, np.array(["sphere"] * 10)) == 0.5
    assert balanced_accuracy(truth, truth) == 1.0


def test_a_head_learns_from_the_labelled_alone_and_judges_the_tested() -> None:
    table = field_table()
    judge = HeadJudge(table, table, Y, GROUPS, uses_embedding=True)
    done = list(outcomes(Entrant("e", 0, "field", "embedding"), judge, draws(Y, GROUPS, 4, 0.25, 0), (2, 8)))
    assert [(one.per_class, one.draw.number) for one in done] == [(s, d) for s in (2, 8) for d in range(4)]
    assert np.mean([balanced_accuracy(Y[one.draw.test], one.guess) for one in done if one.per_class == 8]) > 0.95


def test_a_micrograph_takes_its_domains_majority_and_an_empty_one_is_wrong() -> None:
    # Micrographs 0 to 3 have three domains of aspect 1 (class 0) or 4 (class 1); the last has two of three like class
    # 1; one is empty.
    aspect = [1, 1.1, 0.9, 4, 4.1, 3.9, 1, 1.2, 1.1, 4, 4.2, 4.1, 4, 1, 4]
    sample = np.repeat([0, 1, 2, 3, 4], 3)
    table = Table(Features(None, pd.DataFrame({"aspect_ratio": aspect})), sample)
    y = np.array([0, 1, 0, 1, 1, 0])
    judge = HeadJudge(table, table, y, list("abcdef"), False, ("aspect_ratio",), by_domain=True)
    assert judge(np.array([0, 1, 2, 3]), np.array([4, 5])).tolist() == [1, NOTHING]
    # No domain in any example of class 0: nothing can be said.
    assert judge(np.array([5, 1]), np.array([4])).tolist() == [NOTHING]


def outcome(number: int, tested: list[int], guess: list[int], replica: int = 0) -> Outcome:
    draw = Draw(number, (), np.array(tested))
    return Outcome(Entrant("e", replica, "field", "embedding"), draw, 1, np.array(guess))


def test_differences_are_paired() -> None:
    # A is right where B is, and once more in each draw: of two per class, so +.25 in balanced accuracy.
    y, groups = np.array([0, 0, 1, 1]), ["a", "b", "c", "d"]
    a = [outcome(n, [0, 1, 2, 3], [0, 0, 1, 0]) for n in range(5)]
    b = [outcome(n, [0, 1, 2, 3], [0, 1, 1, 0]) for n in range(5)]
    found = difference(a, b, y, groups)
    assert found.value == pytest.approx(0.25)
    # A is never behind: no resample of groups makes it so, whatever it does to each score by itself.
    assert 0 <= found.low < 0.25 < found.high
    assert (found.n_draws, found.n_groups) == (5, 4)
    same = difference(a, a, y, groups)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_seeds_of_one_training_are_averaged_before_they_are_paired() -> None:
    y, groups = np.array([0, 1]), ["a", "b"]
    a = [outcome(0, [0, 1], [0, 1]), outcome(0, [0, 1], [1, 0], replica=1)]
    b = [outcome(0, [0, 1], [0, 0])]
    assert difference(a, b, y, groups).value == pytest.approx(0.0)  # (1 + 0) / 2 - 1 / 2


def test_difference_of_means_by_hand() -> None:
    draw = Draw(0, (), np.array([0, 1]))
    found = mean_difference([(draw, np.array([0.9, 0.7]))], [(draw, np.array([0.6, 0.6]))], ["a", "b"])
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == (pytest.approx(0.1), pytest.approx(0.3))


def test_the_table_shows_median_and_quartiles() -> None:
    assert Spread.of([0.1, 0.2, 0.3, 0.4, 0.5]) == Spread(0.3, 0.2, 0.4)
    study = Study(
        "t",
        "balanced accuracy",
        "labels per class",
        [{"draw": 0, "balanced_accuracy": 1 / 3}],
        [Line("e", {1: [0.1, 0.2, 0.3], 2: [0.5]})],
        [Compared("e", "random", 2, Difference(0.1, -0.05, 0.25, 20, 7))],
        ["a note"],
    )
    text = report.markdown(study)
    assert "| e | 0.20 (0.15-0.25) | 0.50 (0.50-0.50) |" in text
    assert "| e - random |  | +0.10 [-0.05, +0.25] |" in text
    assert text.endswith("- a note\n")


def test_turns_are_the_eight_of_a_square() -> None:
    pixels = np.arange(6).reshape(2, 3)
    views = [view for same in turns(pixels) for view in same]
    assert len({view.tobytes() + bytes(view.shape) for view in map(np.ascontiguousarray, views)}) == 8
    assert all(len({view.shape for view in same}) == 1 for same in turns(pixels))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"task": "segmentation"}, "--steps"),
        ({"test": "1.5"}, "between 0 and 1"),
        ({"test": "some"}, "held-out"),
        ({"views": 3}, "--views 3"),
    ],
)
def test_settings_that_cannot_be_are_refused(changed: dict, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        StudySettings(**changed)


def test_a_segmenter_learns_as_long_as_its_size_says() -> None:
    assert steps_by_size([4, 16], [300]) == {4: 300, 16: 300}
    assert steps_by_size([4, 16], [300, 600]) == {4: 300, 16: 600}
    with pytest.raises(ConfigurationError, match="--steps has 2 numbers; give one, or one each for 4, 16, 79 masks"):
        steps_by_size([4, 16, 79], [300, 600])
    with pytest.raises(ConfigurationError, match="--steps"):
        StudySettings(task="segmentation", steps=(300, 0))


def test_domains_of_given_masks_need_the_masks(pool: Path) -> None:
    from nanomorph_training.study.run import studied_samples

    lines = [line.split(",") for line in pool.read_text().splitlines()]
    pool.write_text("\n".join(",".join([file, "" if file == "3.png" else mask, *rest]) for file, mask, *rest in lines))
    assert len(studied_samples([pool], StudySettings())) == 8
    with pytest.raises(ConfigurationError, match=r"1 have none, such as .*3\.png"):
        studied_samples([pool], StudySettings(judged=("field", "given")))


def test_encoders_by_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    found = contestants.contestants([f"s={tmp_path}/a", f"s={tmp_path}/b", f"{tmp_path}/b"], "resnet18", 1, tmp_path)
    assert [(one.name, one.replica, one.path.name) for one in found] == [("s", 0, "a"), ("s", 1, "b"), ("b", 0, "b")]
    (installed,) = contestants.contestants(["shipped=embedded"], "resnet18", 1, tmp_path)
    assert (installed.name, installed.path) == ("shipped", EMBEDDED)
    with pytest.raises(ConfigurationError, match="no run and no bundle"):
        contestants.contestants(["x=nowhere"], "resnet18", 1, tmp_path)


@pytest.mark.usefixtures("offline")
def test_the_command_on_tiny_micrographs(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from nanomorph.cli.main import main

    out = tmp_path / "study"
    line = f"evaluate --data {pool} --encoder random --out {out} --cache {tmp_path / 'cache'} --threads 1 --draws 3"
    line += " --random-seeds 2 --views 1 --judged field given --supervised-steps 1 --window 32 --batch 2"
    assert main(line.split()) == 0
    said = capsys.readouterr()
    assert "goes on without the imagenet encoder: ImageNet weights of resnet18" in said.err
    with open(out / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    # Two random seeds, three classical, supervised and given masks: 7 entrants, sizes 1 and 2 of four a class, 3 draws.
    assert len(rows) == 7 * 2 * 3
    assert {row["labels_per_class"] for row in rows} == {"1", "2"}
    assert {row["n_test"] for row in rows} == {"2"}
    assert {path.name for path in out.iterdir()} >= {"table.md", "study.png", "differences.csv", "repeat.txt"}
    assert (out / "table.md").read_text() in said.out
    # A study that was stopped goes on: what supervised networks said is not learned anew.
    monkeypatch.setattr("nanomorph_training.study.supervised.SupervisedJudge._train", None)
    assert main(line.replace(str(out), str(tmp_path / "again")).split()) == 0
    assert (tmp_path / "again" / "scores.csv").read_text() == (out / "scores.csv").read_text()


def test_segmentation_through_the_command(pool: Path, tmp_path: Path) -> None:
    from nanomorph.cli.main import main

    out, drawn = tmp_path / "study", tmp_path / "drawn"
    assert main(f"synthesize --out {drawn} --count 2 --size 96 --classes particles --seed 5".split()) == 0
    line = (
        f"evaluate --task segmentation --data {pool} --encoder random --random-seeds 1 --baselines classical "
        f"--out {out} --cache {tmp_path / 'cache'} --threads 1 --draws 1 "
        f"--labels-per-class 2 --steps 1 --window 32 --batch 2 --drawn {drawn / 'labels.csv'}"
    )
    assert main(line.split()) == 0
    said = (out / "runs" / "random-0" / "2-images" / "draw-0" / "log.txt").read_text()
    # Of two given masks one chooses the best epoch; beside the other two drawn fields are learned from.
    assert "segmenter on 3 micrographs, 1 real and 0 synthetic ones for validation" in said
    assert f"half of its windows from drawn fields: {drawn / 'labels.csv'}" in (out / "table.md").read_text()
    with open(out / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    # A fifth of eight micrographs, so two, is tested: 2 and all 6 of the others are learned from.
    assert [(row["entrant"], row["labelled_images"], row["n_test"]) for row in rows] == [
        ("random", "2", "2"), ("random", "6", "2"),
        ("Otsu, border decides the sign", "2", "2"), ("Otsu, border decides the sign", "6", "2"),
    ]  # fmt: skip
    assert float(rows[2]["dice"]) > 0.5  # dark discs on a film
