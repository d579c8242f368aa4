"""How much of a field its foreground covers, spans from edge to edge, and encloses."""

from __future__ import annotations

import cv2
import numpy as np

GAP_PX = 2  # background of at most so many px between two pieces still joins them


def measure_spans(labels: np.ndarray) -> dict[str, float]:
    """How much of the field the foreground of `labels` (int (H, W)) covers, spans and encloses."""
    foreground = (labels != 0).view(np.uint8)
    return {
        "foreground_fraction": cv2.countNonZero(foreground) / foreground.size,
        **percolation(foreground),
        "hole_fraction": hole_fraction(foreground),
    }


def percolation(foreground: np.ndarray) -> dict[str, float]:
    """Whether one piece, gaps of up to GAP_PX px closed, spans the field in x, in y, and in both.

    As in the paper's criterion (one DBSCAN cluster that spans at least width - 2 in x and in y), with
    connected components; also the largest spans as fractions of the field's sides.
    """
    height, width = foreground.shape
    # With room around it, dilation adds as much to every side of a piece: no part of its span.
    room = GAP_PX // 2
    padded = cv2.copyMakeBorder(foreground, room, room, room, room, cv2.BORDER_CONSTANT, value=0)
    joined = cv2.dilate(padded, np.ones((GAP_PX + 1, GAP_PX + 1), np.uint8))
    # Of pieces that lie in another's holes none spans more.
    contours = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
    sides = [cv2.boundingRect(contour)[2:] for contour in contours]
    spans_x, spans_y = np.array([*sides, (2 * room, 2 * room)]).T - 2 * room
    x, y = spans_x >= width - 2, spans_y >= height - 2
    return {
        "percolates": bool((x & y).any()),
        "percolates_x": bool(x.any()),
        "percolates_y": bool(y.any()),
        "span_x": float(spans_x.max() / width),
        "span_y": float(spans_y.max() / height),
    }


def hole_fraction(foreground: np.ndarray) -> float:
    """Share of the field that foreground encloses (4-connected background that does not reach the edge)."""
    outside = 2
    padded = cv2.copyMakeBorder(foreground, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cv2.floodFill(padded, None, (0, 0), outside, flags=4)
    return (padded.size - cv2.countNonZero(padded)) / foreground.size
