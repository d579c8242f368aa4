"""Memory over many images: the slope by hand, and a real run that is watched."""

import sys

import pytest

from nanomorph_benchmarks.steadiness import Options, as_markdown, growth, memory


def test_growth_is_that_of_the_second_half():
    """100 MiB to fill caches, then 1 MiB every 100 images: 10 MiB a thousand."""
    assert growth({100: 300.0, 200: 400.0, 300: 401.0, 400: 402.0}) == pytest.approx(10.0)
    assert growth({100: 300.0}) == 0.0


@pytest.mark.skipif(sys.platform != "linux", reason="memory of another process is read from /proc")
def test_a_run_is_watched(tiny_bundle, tmp_path):
    found = memory(Options(bundle=tiny_bundle, many=4, small=96, every=2), tmp_path)
    assert (found["images"], list(found["mib_after"])) == (4, [2, 4])
    assert 50 < found["mib_after"][4] <= found["peak_mib"]
    scaling = {"cores": 2, "times_median": 1.9, "times_least": 1.8, "times_most": 2.0, "n": 3}
    shown = as_markdown({"scaling": scaling, "memory": found})
    assert "2 cores do 1.90 times [1.80, 2.00] what one does (n = 3 turns each)." in shown
