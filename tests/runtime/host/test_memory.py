"""Frames wait for room and never for each other; what would never fit is refused before it is decoded."""

import threading
import tracemalloc

import numpy as np
import pytest

from micrograph_files import blank_png, rod_image, tiff
from nanomorph.bundle import load_bundle
from nanomorph.host.memory import MEASURING, READING, Memory, default_limit
from nanomorph.micrograph import Calibration, Micrograph, ReadError
from nanomorph.model import Model
from nanomorph.prepare import prepare
from nanomorph.readers import read_micrograph


def test_thirty_thousand_squared_is_refused_with_the_limit():
    with (
        Memory(16 * 1024**3).reading(),
        pytest.raises(ReadError, match=r"900 Mpx\); 16 GiB of memory allow 229 Mpx") as refused,
    ):
        read_micrograph("huge.png", blank_png(30_000))
    assert refused.value.reason == "too-large"


def test_outside_a_pipeline_the_reader_has_a_limit_of_its_own():
    with pytest.raises(ReadError, match="1600 Mpx"):
        read_micrograph("huge.png", blank_png(40_000))


def test_room_is_given_back():
    memory = Memory(MEASURING * 96 * 96)
    for _ in range(3):
        with memory.reading():
            read_micrograph("a.tif", tiff(rod_image(1)))
            assert memory._used == READING * 96 * 96
        with memory.measuring(96 * 96):
            assert memory._used == memory.limit
    assert memory._used == 0


def test_what_does_not_fit_beside_others_waits_and_goes_alone():
    memory = Memory(100 * MEASURING)
    inside, go, order = threading.Event(), threading.Event(), []

    def large():
        with memory.measuring(90):
            order.append("large")

    def small():
        with memory.measuring(50):
            inside.set()
            assert go.wait(10)
            order.append("small")

    threads = [threading.Thread(target=small), threading.Thread(target=large)]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    go.set()
    for thread in threads:
        thread.join()
    assert order == ["small", "large"]


def test_the_default_is_no_more_than_half_of_a_machine():
    assert 2**28 < default_limit() < 2**45


def test_a_large_frame_takes_few_bytes_a_pixel(tiny_bundle):
    """What is made on the way, and what waits between the stages: two frames of 16 Mpx are to need less than 1.5 GB."""
    model, side = Model(load_bundle(tiny_bundle), "cpu", threads=1), 2048
    pixels = np.full((side, side), 40_000, np.uint16)
    pixels[::64] += 1
    for at in range(100, side - 100, 200):
        pixels[at : at + 40, 50:-50] = pixels[50:-50, at : at + 40] = 10_000
    micrograph = Micrograph(pixels, (1.0, 1.0), Calibration.USER, "network")
    model.conclude(micrograph, "", model.look([(micrograph, prepare(micrograph, model.bundle.input))])[0])  # imports
    tracemalloc.start()
    try:
        frame, preparing, _ = _bytes_a_pixel(lambda: prepare(micrograph, model.bundle.input), pixels.size)
        (seen,), looking, waiting = _bytes_a_pixel(lambda: model.look([(micrograph, frame)]), pixels.size)
        _, measuring, _ = _bytes_a_pixel(lambda: model.conclude(micrograph, "", seen), pixels.size)
    finally:
        tracemalloc.stop()
    assert preparing < 3
    assert looking < 6
    assert waiting < 1
    assert measuring < 15.5


def _bytes_a_pixel(work, pixels):
    """What `work` gives, the most that it held and what is held after it, bytes for every one of `pixels`."""
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    found = work()
    after, most = tracemalloc.get_traced_memory()
    return found, (most - before) / pixels, (after - before) / pixels
