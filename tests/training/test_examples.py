"""Which rows a head learns from, counted by hand."""

import numpy as np
import pandas as pd

from nanomorph_training.features import Table
from nanomorph_training.heads.examples import thinned
from nanomorph_training.heads.head import Features


def test_of_many_rows_some_are_left_spread_over_all() -> None:
    sample = np.array([3] * 2 + [5] * 9 + [7] * 4)
    rows = np.arange(15)
    table = Table(Features(rows[:, None].astype(np.float32), pd.DataFrame({"x": rows})), sample)
    few = thinned(table, 4)
    assert few.sample.tolist() == [3] * 2 + [5] * 4 + [7] * 4
    # Of the nine from 2 on: where 4 n / 9 steps over a whole number, which it does from its beginning to its end.
    assert few.features.descriptors["x"].tolist() == [0, 1, 2, 5, 7, 9, 11, 12, 13, 14]
    assert few.features.embedding is not None
    assert few.features.embedding[:, 0].tolist() == few.features.descriptors["x"].tolist()
