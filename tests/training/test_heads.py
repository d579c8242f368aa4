"""Heads on features whose right answer is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nanomorph.errors import ConfigurationError
from nanomorph_training import scores
from nanomorph_training.heads import logistic
from nanomorph_training.heads.fitting import Design, Examples, fit_head, upper_limit
from nanomorph_training.heads.head import Features, Head, load_head, save_head

NAMES = ("left", "middle", "right")


def side_by_side(x: Iterable[float], labels: Iterable[str], groups: Iterable[str], **more: Any) -> Examples:
    """One descriptor, `x`."""
    return Examples(Features(None, pd.DataFrame({"x": x})), list(labels), list(groups), **more)


BY_X = Design("t", descriptors=("x",), uses_embedding=False)


def problem(n: int = 180, seed: int = 0) -> tuple[Features, list[str], list[str]]:
    """Three classes in a row along `x`; `y` and the embedding are noise; groups of six."""
    rng = np.random.default_rng(seed)
    k = np.arange(n) % 3
    frame = pd.DataFrame({"x": 3.0 * k + rng.normal(size=n), "y": 100 * rng.normal(size=n)})
    features = Features(rng.normal(size=(n, 20)).astype(np.float32), frame)
    return features, [NAMES[c] for c in k], [f"group {i // 6}" for i in range(n)]


@pytest.fixture(scope="module")
def head() -> Head:
    return fit_head(Examples(*problem()), Design("side", classes=NAMES, descriptors=("x", "y"))).head


def test_a_head_finds_what_tells_classes_apart(head: Head) -> None:
    features, labels, _ = problem(seed=1)
    probabilities, novelty = head(features)
    guess = [NAMES[k] for k in probabilities.argmax(axis=1)]
    # Neighbours 3 standard deviations apart: the best boundary gets about 91 % right.
    assert np.mean([a == b for a, b in zip(guess, labels, strict=True)]) > 0.85
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert np.mean(novelty > 1) < 0.2
    assert head.metrics["out_of_fold"]["balanced_accuracy"] > 0.85
    assert head.labels == NAMES


def test_what_is_far_away_is_novel(head: Head) -> None:
    matrix = np.full((1, 22), 50.0)
    matrix[0, :20] = 4.0
    assert head(matrix)[1][0] > 1


def test_an_unmeasured_value_counts_as_the_mean(head: Head) -> None:
    features, _, _ = problem()
    matrix = features.matrix(True, ("x", "y"))[:1]
    unmeasured, mean = matrix.copy(), matrix.copy()
    unmeasured[0, -1], mean[0, -1] = np.nan, head.mean[-1]
    np.testing.assert_allclose(head(unmeasured)[0], head(mean)[0])
    # One absurd value cannot outweigh everything: it counts as `clip` standard deviations.
    far, farther = matrix.copy(), matrix.copy()
    far[0, -1], farther[0, -1] = 1e6, np.inf
    np.testing.assert_allclose(head(far)[0], head(farther)[0])


def test_saved_and_loaded_it_is_the_same_head(head: Head, tmp_path: Path) -> None:
    save_head(head, tmp_path)
    again = load_head(tmp_path)
    features, _, _ = problem(seed=2)
    for a, b in zip(head(features), again(features), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert (again.labels, again.descriptors, again.metrics) == (head.labels, head.descriptors, head.metrics)
    with pytest.raises(ConfigurationError, match="holds no head"):
        load_head(tmp_path / "nothing")


def cut_the_tensors(run: Path) -> None:
    (run / "head.safetensors").write_bytes((run / "head.safetensors").read_bytes()[:200])


def forget_the_radius(run: Path) -> None:
    state = json.loads((run / "head.json").read_text())
    (run / "head.json").write_text(json.dumps({key: value for key, value in state.items() if key != "radius"}))


def forget_a_class(run: Path) -> None:
    state = json.loads((run / "head.json").read_text())
    (run / "head.json").write_text(json.dumps(state | {"labels": state["labels"][:2]}))


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (cut_the_tensors, "deserializing"),
        (forget_the_radius, "'radius'"),
        (forget_a_class, "weights, intercept, centroids not of 2 classes and 22 features"),
    ],
)
def test_a_damaged_head_is_one_sentence(head: Head, tmp_path: Path, damage: Callable[[Path], None], why: str) -> None:
    save_head(head, tmp_path)
    damage(tmp_path)
    with pytest.raises(ConfigurationError, match=f"holds no head that can be read .*{why}"):
        load_head(tmp_path)


@pytest.mark.parametrize("classes", [("left", "right"), NAMES])
def test_one_label_per_class_is_enough(classes: tuple[str, ...]) -> None:
    frame = pd.DataFrame({"x": [0.0, 5.0, 10.0][: len(classes)]})
    head = fit_head(side_by_side(frame["x"], classes, "g" * len(classes)), BY_X).head
    assert [head.labels[k] for k in head(Features(None, frame))[0].argmax(axis=1)] == sorted(classes)
    assert head.metrics["out_of_fold"] is None
    assert head.uncertain_below == 0.5
    # One example says nothing of how far its like may lie: what lies between the classes is not called unknown.
    assert head(Features(None, frame + 1.0))[1].max() < 1
    assert head(Features(None, frame + 100.0))[1].min() > 1


def test_one_class_is_no_task() -> None:
    with pytest.raises(ConfigurationError, match="needs two"):
        fit_head(side_by_side([1.0, 2.0], "aa", "gh"), BY_X)
    with pytest.raises(ConfigurationError, match="not measured: z"):
        fit_head(side_by_side([1.0, 2.0], "ab", "gh"), replace(BY_X, descriptors=("z",)))


def test_classes_weigh_the_same_however_many_they_are() -> None:
    y = np.array([0, 0, 0, 1])
    weight = logistic.balanced(y, np.ones(4), 2)
    np.testing.assert_allclose(weight, [2 / 3, 2 / 3, 2 / 3, 2])
    # A micrograph of a hundred domains counts as one: its rows share its weight.
    weight = logistic.balanced(np.array([0, 0, 0, 1]), np.array([1, 0.5, 0.5, 1]), 2)
    np.testing.assert_allclose(weight, [1, 0.5, 0.5, 2])


def test_confidence_is_that_of_rows_like_those_it_will_judge() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 100)
    clean, noisy = 8.0 * y + rng.normal(size=200), rng.normal(size=200)  # given masks, and masks that say nothing
    groups = [str(n) for n in range(200)] * 2
    both = side_by_side(np.concatenate([clean, noisy]), np.array(["a", "b"])[np.tile(y, 2)], groups, micrographs=groups)
    scored = [
        fit_head(replace(both, as_used=used), replace(BY_X, level="domain")).head.metrics["out_of_fold"]["accuracy"]
        for used in (np.arange(400) < 200, np.arange(400) >= 200)
    ]
    assert scored[0] > 0.9
    assert scored[1] < 0.65


def test_the_rare_class_is_found() -> None:
    rng = np.random.default_rng(0)
    y = np.array([0] * 190 + [1] * 10)
    labels = np.array(["common", "rare"])[y]
    head = fit_head(side_by_side(2.5 * y + rng.normal(size=200), labels, map(str, range(200))), BY_X).head
    assert head.metrics["out_of_fold"]["recall"]["rare"] >= 0.7


def test_temperature_of_overconfident_logits() -> None:
    # Right in 3 of 4: the calibrated confidence is .75, so logits +-10 over T must give ln 3 = 1.0986.
    logits = np.tile([[10.0, 0.0]], (4000, 1))
    y = (np.arange(4000) % 4 == 0).astype(int)
    t = logistic.best_temperature(logits, y, np.ones(4000))
    assert logistic.softmax(logits / t)[0, 0] == pytest.approx(0.75, abs=1e-3)
    assert t == pytest.approx(10 / np.log(3), rel=1e-2)


def test_four_right_answers_make_no_head_certain() -> None:
    few, many = (
        logistic.best_temperature(np.tile([[1.0, 0.0]], (n, 1)), np.zeros(n, int), np.ones(n)) for n in (4, 4000)
    )
    assert many == pytest.approx(0.1, abs=0.01)
    assert 0.4 < few < 1


def test_a_limit_keeps_its_promise_to_the_next_one() -> None:
    # Of 19 values the largest is passed by a twentieth with a chance of 1 in 20; of 39 the 38th; of 4 no limit can say.
    assert upper_limit(np.arange(19.0), 0.05) == 18
    assert upper_limit(np.arange(39.0), 0.05) == 37
    assert upper_limit(np.arange(4.0), 0.05) == 3


def test_few_numbers_stand_for_many_features() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(5, 40))
    basis = logistic.row_space(z)
    assert basis is not None
    np.testing.assert_allclose(z @ basis @ basis.T, z, atol=1e-12)
    assert logistic.row_space(z.T) is None
    # The same regression, solved among 40 numbers by scikit-learn alone.
    from sklearn.linear_model import LogisticRegression

    y = np.array([0, 1, 0, 1, 2])
    problem_ = logistic.Problem(z, y, np.ones(5), y.astype(object), 3, 0, 5, 1.0, 0)
    model = logistic.fit(problem_, np.arange(5), 0.5)
    alone = LogisticRegression(C=0.5, tol=1e-8, max_iter=5000).fit((z - z.mean(axis=0)) / z.std(axis=0), y)
    np.testing.assert_allclose(model.weights, alone.coef_, atol=2e-3)


def test_uncertain_is_the_lowest_threshold_that_keeps_the_promise() -> None:
    confidence = np.array([0.55, 0.6, 0.7, 0.8, 0.9])
    right = np.array([False, True, False, True, True])
    assert scores.uncertain_threshold(right, confidence, 1.0) == pytest.approx(0.8)
    assert scores.uncertain_threshold(right, confidence, 0.6) == pytest.approx(0.55)
    assert scores.uncertain_threshold(right, confidence, 0.7) == pytest.approx(0.6)
    assert scores.uncertain_threshold(~right, confidence, 1.0) == pytest.approx(0.86)  # the surest tenth
    assert scores.uncertain_threshold(np.array([True]), np.array([0.3]), 0.9) == 0.5


def test_a_micrograph_is_judged_by_the_majority_of_its_domains() -> None:
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.1, 0.9], [0.9, 0.1], [0.9, 0.1]])
    # Two of the three domains of j are unlike everything and have no vote.
    domains = scores.Domains(np.array(["i", "i", "i", "j", "j", "j"]), np.array([0, 0, 0, 1, 1.1, 2]), ("a", "b"))
    truth, guess, confidence = scores.verdicts(probabilities, np.array([0, 0, 0, 1, 1, 1]), domains)
    assert (truth.tolist(), guess.tolist()) == ([0, 1], [0, 1])
    assert confidence.tolist() == pytest.approx([3 / 5, 2 / 3])


def test_domains_that_are_other_name_their_micrograph_only_where_all_are() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.2, 0.8], [0.1, 0.9]])
    domains = scores.Domains(np.array(["i", "i", "i", "j", "j"]), np.zeros(5), ("a", "other"))
    truth, guess, confidence = scores.verdicts(probabilities, np.array([0, 0, 0, 1, 1]), domains)
    assert (truth.tolist(), guess.tolist()) == ([0, 1], [0, 1])
    assert confidence.tolist() == pytest.approx([2 / 3, 3 / 4])


def test_scores_by_hand() -> None:
    got = scores.score(np.array([0, 0, 0, 1]), np.array([0, 0, 1, scores.NOTHING]), ("a", "b"))
    assert got["accuracy"] == 0.5
    assert got["balanced_accuracy"] == pytest.approx((2 / 3 + 0) / 2)
    assert got["confusion"] == [[2, 1], [0, 0]]
    assert got["nothing_found"] == 1


def test_heads_need_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, nanomorph_training.heads.fitting; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
