import cv2
import numpy as np
import pytest

from nanomorph.measure.pieces import few_true, greatest_of, pieces_of, runs_of

MASK = np.array(
    [
        [1, 1, 0, 0, 1],
        [0, 0, 1, 0, 1],
        [1, 0, 0, 0, 0],
    ],
    bool,
)


def test_pieces_have_area_box_and_greatest_value() -> None:
    pieces = pieces_of(MASK, 8)
    assert pieces.area.tolist() == [3, 2, 1]
    assert pieces.boxes.tolist() == [[0, 0, 2, 3], [0, 4, 2, 5], [2, 0, 3, 1]]
    assert pieces.touches_edge.all()
    assert pieces.greatest(np.arange(15.0).reshape(3, 5)).tolist() == [7, 9, 10]
    assert pieces.painted(np.array([5, 6, 7])).tolist() == [[5, 5, 0, 0, 6], [0, 0, 5, 0, 6], [7, 0, 0, 0, 0]]


def test_parts_know_whose_they_are() -> None:
    parts = pieces_of(MASK, 4)  # the first piece falls apart at a corner
    assert pieces_of(MASK, 8).owner(parts).tolist() == [0, 0, 1, 2]


def test_corners_join_only_where_eight_neighbours_count() -> None:
    assert len(pieces_of(MASK, 8)) == 3
    assert len(pieces_of(MASK, 4)) == 4


def test_the_ends_of_neighbouring_rows_do_not_touch() -> None:
    assert len(pieces_of(np.array([[0, 0, 1], [1, 0, 0]], bool), 8)) == 2


def test_a_piece_inside_does_not_touch_the_edge() -> None:
    mask = np.zeros((5, 5), bool)
    mask[1:4, 1:4] = True
    assert not pieces_of(mask, 8).touches_edge.any()


@pytest.mark.parametrize("mask", [np.zeros((3, 4), bool), np.zeros((0, 4), bool)])
def test_no_piece(mask: np.ndarray) -> None:
    pieces = pieces_of(mask, 8)
    assert len(pieces) == len(pieces.area) == len(pieces.boxes) == len(pieces.greatest(mask.astype(np.float32))) == 0
    assert not pieces.labels.any()


@pytest.mark.parametrize("seed", range(20))
def test_numbers_and_boxes_are_those_of_opencv(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = cv2.GaussianBlur(rng.standard_normal((40, 33)), (0, 0), rng.uniform(0.3, 2)) > 0
    pieces = pieces_of(mask, 8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    assert np.array_equal(pieces.labels, labels)
    left, top, width, height, area = stats[1:].T
    assert pieces.area.tolist() == area.tolist()
    assert pieces.boxes.tolist() == np.stack([top, left, top + height, left + width], axis=1).tolist()
    assert len(pieces_of(mask, 4)) == cv2.connectedComponents(mask.view(np.uint8), connectivity=4)[0] - 1


def test_one_piece_by_itself() -> None:
    pieces = pieces_of(MASK, 8)
    for number in range(len(pieces)):
        assert np.array_equal(pieces.only(number), pieces.labels == number + 1)


def test_the_greatest_value_under_every_label() -> None:
    labels = np.array([[0, 2, 2], [2, 0, 4]])
    values = np.array([[0.9, 0.1, 0.3], [0.2, 0.8, 0.5]])
    assert greatest_of(labels, values).tolist() == [0.9, 0.0, 0.3, 0.0, 0.5]
    assert greatest_of(np.zeros((2, 3), int), values).tolist() == [0.9]


def test_runs_begin_where_values_change_and_where_rows_do() -> None:
    assert runs_of(np.array([[1, 1, 2], [2, 2, 0], [0, 0, 0]], np.int32)).tolist() == [0, 2, 3, 5, 6]


def test_a_pixel_is_found_in_its_piece() -> None:
    assert pieces_of(MASK, 8).at(np.array([0, 4, 7, 9, 10])).tolist() == [0, 1, 0, 1, 2]


@pytest.mark.parametrize("size", [1, 7, 8, 9, 100])
def test_few_places_are_found_in_words_and_behind_the_last_whole_one(size: int) -> None:
    for mask in (np.random.default_rng(size).random(size) < 0.2, np.zeros(size, bool), np.ones(size, bool)):
        assert few_true(mask).tolist() == np.flatnonzero(mask).tolist()
