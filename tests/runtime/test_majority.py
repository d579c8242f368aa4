"""Most domains name a micrograph; where equally many say two things, the surer ones do."""

import numpy as np
import pytest

from nanomorph.majority import OTHER, is_unknown, majority, voters


@pytest.mark.parametrize(
    ("best", "sureness", "winner", "fractions", "confidence"),
    [
        ([1, 1, 0], [0.5, 0.5, 0.99], 1, [1 / 3, 2 / 3, 0], 3 / 6),
        ([0, 2], [0.6, 0.9], 2, [0.5, 0, 0.5], 2 / 5),
        ([2, 0], [0.6, 0.9], 0, [0.5, 0, 0.5], 2 / 5),
        ([0, 0, 1, 1], [0.9, 0.4, 0.7, 0.7], 1, [0.5, 0.5, 0], 3 / 7),
        ([2], [0.4], 2, [0, 0, 1], 2 / 4),  # one alone is all of them, and proves little
        ([2] * 97, [0.4] * 97, 2, [0, 0, 1], 98 / 100),
    ],
)
def test_majority(best, sureness, winner, fractions, confidence):
    vote = majority(np.array(best), np.array(sureness, np.float32), ("a", "b", "c"))
    assert vote.winner == winner
    assert vote.fractions == pytest.approx(np.array(fractions))
    assert vote.confidence == pytest.approx(confidence)


@pytest.mark.parametrize(
    ("labels", "confidence"),
    # Two of three: of two named classes 3 / 5, of three 3 / 6; OTHER is none, and one class alone counts as two.
    [(("a", "b"), 3 / 5), (("a", "b", "c"), 3 / 6), (("a", "b", OTHER), 3 / 5), (("a", OTHER), 3 / 5)],
)
def test_how_sure_a_majority_is_counts_named_classes(labels, confidence):
    vote = majority(np.array([0, 0, 1]), np.ones(3), labels)
    assert vote.confidence == pytest.approx(confidence)
    assert len(vote.fractions) == len(labels)


LABELS = ("particle", OTHER)


@pytest.mark.parametrize(
    ("best", "novelty", "vote", "unknown"),
    [
        ([0, 0, 0], [0.2, 1.0, 1.01], [1, 1, 0], False),
        ([0, 0], [1.5, 3.0], [1, 1], True),
        ([1, 0, 0, 0], [0.2, 0.3, 0.4, 1.5], [0, 1, 1, 0], False),  # beside particles dirt has no vote
        ([1, 1, 0], [0.2, 0.3, 0.4], [0, 0, 1], True),  # of mostly dirt the rest is a guess
        ([1, 0, 0], [0.2, 0.3, 1.5], [0, 1, 0], True),  # two of three are unknown
        ([1, 0], [0.2, 1.5], [1, 0], True),  # dirt, and what is unlike everything: dirt
        ([1, 0], [1.2, 1.3], [1, 1], True),
        ([0, 0], [0.9, 1.3], [1, 0], True),  # the typical domain is unlike everything
    ],
)
def test_the_known_vote_while_there_are_any(best, novelty, vote, unknown):
    assert voters(np.array(best), np.array(novelty), LABELS).tolist() == [bool(one) for one in vote]
    assert is_unknown(np.array(best), np.array(novelty), LABELS) is unknown
