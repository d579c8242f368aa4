"""The race: figures by hand, and the whole comparison on tiny frames with the tiny bundle's kind of work."""

import numpy as np
import pytest

from nanomorph_benchmarks.contestants import Turn
from nanomorph_benchmarks.races import LEAST_DICE, agreement, compare, race, summary


def test_ratios_are_taken_round_by_round():
    """The baseline takes 4 and 6 s, the other 2 and 2 s: 2 and 3 times as fast."""
    rows = summary(
        {"a": [(4.0, 8.0), (6.0, 8.0)], "b": [(2.0, 2.0), (2.0, 4.0)], "bare": [(1.0, 2.0)] * 2}, 10, "a", "bare"
    )
    assert (rows["b"]["times_baseline"], rows["b"]["times_least"], rows["b"]["times_most"]) == (2.5, 2.0, 3.0)
    assert (rows["a"]["images_per_s"], rows["a"]["least"], rows["a"]["most"]) == (2.0, 10 / 6, 2.5)
    assert (rows["b"]["cpu_s"], rows["b"]["times_bare"], rows["b"]["n"]) == (0.3, pytest.approx(1.5), 2)


def test_dice_and_cosine_by_hand():
    half, whole = np.zeros((4, 4), bool), np.ones((4, 4), bool)
    half[:2] = True
    found = compare({"f": np.array([1.0, 0.0])}, {"f": half}, {"f": np.array([1.0, 1.0])}, {"f": whole})
    assert found == {"dice": pytest.approx(2 * 8 / 24), "cosine": pytest.approx(2**-0.5), "n": 1}


def writer(value):
    """A job that finds one domain of the upper rows."""

    def job(files, out):
        import tifffile

        (out / "masks").mkdir(parents=True)
        for file in files:
            mask = np.zeros((20, 20), np.uint16)
            mask[:value] = 1
            tifffile.imwrite(out / "masks" / f"{file.name}.tif", mask)
        return Turn({file.name: np.ones(3) for file in files}, wall=2.0, cpu=1.0)

    return job


def test_who_does_another_job_is_not_timed(tmp_path):
    files = [tmp_path / "a.tif"]
    same = agreement({"base": writer(10), "same": writer(10)}, files, tmp_path, "base")
    assert same["same"] == {"dice": 1.0, "cosine": pytest.approx(1.0), "n": 1}
    with pytest.raises(AssertionError, match="other"):
        agreement({"base": writer(10), "other": writer(8)}, files, tmp_path, "base")
    assert LEAST_DICE > 2 * 8 / 18


def test_everybody_gets_the_same_number_of_turns(tmp_path):
    rows = race({"a": writer(5), "b": writer(5)}, {"bare": dict}, [tmp_path / "a.tif"], tmp_path, 3)
    assert {name: row["n"] for name, row in rows.items()} == {"a": 3, "b": 3, "bare": 3}
    assert (rows["a"]["images_per_s"], rows["a"]["cpu_s"]) == (0.5, 1.0)


def test_the_script_measures_a_square(tmp_path):
    """A dark square of 60 px on 400 x 300 px: its area, and a mask in recorded pixels."""
    import pandas as pd
    import tifffile

    from nanomorph.prepare import InputSpec
    from nanomorph_benchmarks.scientist import Script

    pixels = np.full((300, 400), 40000, np.uint16)
    pixels[100:160, 200:260] = 10000
    tifffile.imwrite(tmp_path / "square.tif", pixels)

    def network(batch):
        return {"embedding": np.ones((len(batch), 8), np.float32), "foreground": (batch < 128).astype(np.float32)}

    script = Script(network, InputSpec(max_side=400, low=0, high=100), 0.5)
    embeddings = script.run([tmp_path / "square.tif"], tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "domains.csv")
    assert embeddings["square.tif"].shape == (8,)
    assert table["area"].tolist() == [3600]
    mask = tifffile.imread(tmp_path / "out" / "masks" / "square.tif.tif")
    assert mask.shape == (300, 400)
    assert (mask[100:160, 200:260] == 1).all()
