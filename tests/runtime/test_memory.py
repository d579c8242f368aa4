"""Frames wait for room and never for each other; what would never fit is refused before it is decoded."""

import threading

import pytest

from micrograph_files import blank_png, rod_image, tiff
from nanomorph.memory import MEASURING, READING, Memory, default_limit
from nanomorph.micrograph import ReadError
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
