"""How sure an answer must be, and what that is worth, from answers that can be counted by hand."""

import numpy as np

from nanomorph_training.heads.out_of_fold import OutOfFold, Rows, believed, out_of_fold


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


def test_how_much_is_other_moves_no_threshold() -> None:
    """Two answers are right, of .6 and .9; of three examples of OTHER two are named, one of these surely."""
    answers = OutOfFold(
        np.arange(5),
        np.array(list("abcde"), object),
        truth=np.array([0, 0, 1, 1, 1]),
        guess=np.array([0, 0, 0, 0, 1]),
        confidence=np.array([0.6, 0.9, 0.55, 0.8, 0.9]),
        novelty=np.zeros(5),
        unknown=np.array([False, False, False, False, True]),
    )
    threshold, scores = believed(answers, ["x", "other"], 1.0)
    assert threshold == 0.6
    assert scores is not None
    assert (scores["accepted_share"], scores["accepted_accuracy"], scores["other_accepted"]) == (0.5, 1, 1 / 3)
    assert (scores["called_unknown"], scores["recall"]) == (0, {"x": 1, "other": 1 / 3})


def test_what_is_other_is_guessed_where_it_is_unknown() -> None:
    """Of i one domain of three is named: it is unknown. Of j two are, and it gets their name."""
    probabilities = np.array([[0.8, 0.2], [0.3, 0.7], [0.2, 0.8], [0.8, 0.2], [0.9, 0.1], [0.2, 0.8]])
    names = np.array(list("iiijjj"), object)
    rows = Rows(probabilities, np.ones(6, int), names, names, np.zeros(6))
    seen_ = out_of_fold(rows, ["x", "other"], by_majority=True)
    assert seen_ is not None
    assert (seen_.guess.tolist(), seen_.unknown.tolist()) == ([1, 0], [True, False])
