"""Most domains name a micrograph; where equally many say two things, the surer ones do."""

import numpy as np
import pytest

from nanomorph.majority import majority, voters


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
    vote = majority(np.array(best), np.array(sureness, np.float32), 3)
    assert vote.winner == winner
    assert vote.fractions == pytest.approx(np.array(fractions))
    assert vote.confidence == pytest.approx(confidence)


@pytest.mark.parametrize(
    ("novelty", "vote"),
    [([0.2, 1.0, 1.01], [True, True, False]), ([1.5, 3.0], [True, True]), ([], [])],
)
def test_the_known_vote_while_there_are_any(novelty, vote):
    assert voters(np.array(novelty)).tolist() == vote
