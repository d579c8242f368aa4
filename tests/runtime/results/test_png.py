import cv2
import imagecodecs
import numpy as np
import pytest

from nanomorph.results.png import png_of


@pytest.mark.parametrize("shape", [(1, 1, 3), (37, 20, 3)])
def test_what_is_written_is_read_back(shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    assert np.array_equal(imagecodecs.png_decode(png_of(picture)), picture)
    assert np.array_equal(cv2.imdecode(np.frombuffer(png_of(picture), np.uint8), cv2.IMREAD_COLOR), picture[..., ::-1])
