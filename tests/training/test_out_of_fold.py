"""How sure an answer must be, and what that is worth, from answers that can be counted by hand."""

import numpy as np

from nanomorph_training.heads.out_of_fold import OutOfFold, believed


def seen(groups: str, right: list[bool], confidence: list[float]) -> OutOfFold:
    truth = np.zeros(len(right), int)
    return OutOfFold(
        np.arange(len(right)),
        np.array(list(groups), object),
        truth,
        np.where(right, 0, 1),
        np.array(confidence),
        np.zeros(len(right)),
        np.zeros(len(right), bool),
    )


def test_what_is_accepted_is_scored_by_thresholds_that_other_groups_choose() -> None:
    """All three together choose .9 and accept b alone, which is right.

    Without a the threshold is .7, and a, wrong at .8, would be accepted; without b it is .79, and b is, rightly;
    without c it is .9, and c is not.
    """
    threshold, scores = believed(seen("abc", [False, True, True], [0.8, 0.9, 0.7]), ["x", "y"], 1.0)
    assert threshold == 0.9
    assert scores is not None
    assert scores["accepted_share"] == 2 / 3
    assert scores["accepted_accuracy"] == 0.5


def test_answers_of_one_group_are_left_out_together() -> None:
    """Of one group alone nothing is known from others: more than half is asked for."""
    _, scores = believed(seen("aaa", [False, True, True], [0.8, 0.9, 0.4]), ["x", "y"], 1.0)
    assert scores is not None
    assert scores["accepted_share"] == 2 / 3
    assert scores["accepted_accuracy"] == 0.5
