"""Bounded, ordered, overlapping stages."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from nanomorph.stages import FLUSH, ordered_map, prefetch


def test_ordered_map_keeps_order_whatever_finishes_first():
    gates = [threading.Event() for _ in range(4)]

    def work(n):
        # Each piece waits for the one after it, so they finish in reverse.
        if n < 3:
            assert gates[n + 1].wait(5)
        gates[n].set()
        return n

    with ThreadPoolExecutor(4) as pool:
        assert list(ordered_map(pool, work, range(4), ahead=4)) == [0, 1, 2, 3]


def test_ordered_map_begins_no_more_than_ahead():
    taken = []

    def pieces():
        for n in range(100):
            taken.append(n)
            yield n

    with ThreadPoolExecutor(2) as pool:
        results = ordered_map(pool, lambda n: n, pieces(), ahead=3)
        next(results)
        assert len(taken) == 3
        results.close()


def test_ordered_map_begins_no_more_than_weighs_its_limit():
    held, seen = [], []

    def begin(weight):
        held.append(weight)
        return weight

    with ThreadPoolExecutor(1) as pool:
        for result in ordered_map(pool, begin, [3, 4, 5, 20, 1, 1], ahead=9, weigh=float, most=10):
            pool.submit(int).result()  # the one worker is through with all that was begun
            seen.append((result, sum(held)))
            held.remove(result)
    # 3 and 4 fit together, and 4 and 5; 20 goes alone.
    assert seen == [(3, 7), (4, 9), (5, 5), (20, 20), (1, 2), (1, 1)]


def test_ordered_map_raises_what_the_function_raised():
    with ThreadPoolExecutor(1) as pool, pytest.raises(ZeroDivisionError):
        list(ordered_map(pool, lambda n: 1 // n, [1, 0], ahead=2))


def test_prefetch_yields_everything_in_order():
    assert list(prefetch(range(50), ahead=4)) == list(range(50))


def test_prefetch_hands_on_exceptions():
    def broken():
        yield 1
        raise OSError("share lost")

    pieces = prefetch(broken(), ahead=4)
    assert next(pieces) == 1
    with pytest.raises(OSError, match="share lost"):
        next(pieces)


def test_prefetch_is_bounded_and_stops_when_left():
    made = []

    def endless():
        n = 0
        while True:
            made.append(n)
            yield n
            n += 1

    pieces = prefetch(endless(), ahead=2)
    assert next(pieces) == 0
    pieces.close()  # joins the thread: it must not go on for ever
    assert len(made) <= 5


def test_a_flush_lets_go_of_everything_before_it():
    finished = []

    def pieces():
        yield from (1, 2)
        yield FLUSH
        # Whoever asks for more has been given all of the above, though `ahead` is not reached.
        assert finished == [1, 2, FLUSH]
        yield 3

    with ThreadPoolExecutor(2) as pool:
        for result in ordered_map(pool, lambda n: n, pieces(), ahead=10):
            finished.append(result)
    assert finished == [1, 2, FLUSH, 3]
