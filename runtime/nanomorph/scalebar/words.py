"""Text in a micrograph, by RapidOCR (PP-OCR models, Apache-2.0) on onnxruntime; needs the extra `scalebar`.

The models lie inside the wheel and are opened by their path, so that nothing is ever downloaded.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from nanomorph.micrograph import Box

_OPENING = threading.Lock()
_opened: list[Any] = []


@dataclass(frozen=True)
class Word:
    """One line of text as read: its box in px (edges) and how sure the reader is, 0 to 1."""

    text: str
    sure: float
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """In px."""
        return self.bottom - self.top

    @property
    def box(self) -> Box:
        """What it covers."""
        return (self.left, self.top, self.right, self.bottom)


def installed() -> bool:
    """Whether the extra `scalebar` is there."""
    return find_spec("rapidocr") is not None


def read_words(gray: np.ndarray) -> list[Word]:
    """All lines of text in `gray` (uint8 (H, W))."""
    found = _reader()(cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR))
    if found.boxes is None:
        return []
    return [
        Word(text, float(sure), *map(float, box.min(axis=0)), *map(float, box.max(axis=0)))
        for text, sure, box in zip(found.txts, found.scores, np.asarray(found.boxes), strict=True)
    ]


def read_again(gray: np.ndarray, word: Word) -> list[Word]:
    """Second opinions: the word's box alone, close, and with a margin as a negative. A guess comes out otherwise."""
    crops = [_crop(gray, word, 0.08), 255 - _crop(gray, word, 0.25)]
    # Not through the reader's call: its switch for one call would stay, and act on other threads.
    found = _reader().recognize_txt([cv2.cvtColor(crop, cv2.COLOR_GRAY2BGR) for crop in crops])
    return [replace(word, text=text, sure=float(sure)) for text, sure in zip(found.txts, found.scores, strict=True)]


def _crop(gray: np.ndarray, word: Word, margin: float) -> np.ndarray:
    """The word's box with a margin in heights of its letters, twice as much at its sides."""
    reach = round(margin * word.height)
    rows = slice(max(0, round(word.top) - reach), round(word.bottom) + reach)
    return gray[rows, max(0, round(word.left) - 2 * reach) : round(word.right) + 2 * reach]


def _reader() -> Any:
    """The one reader of the process; its sessions may be used from any thread."""
    with _OPENING:
        if not _opened:
            _opened.append(_open())
        return _opened[0]


def _open() -> Any:
    import rapidocr

    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
            "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
            # Text of a figure is read at the size it has: enlarged, small frames cost double and read no better.
            "Det.limit_side_len": 320,
            # Micrographs are read in parallel already.
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
