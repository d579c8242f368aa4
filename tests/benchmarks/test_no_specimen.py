"""Shares of frames without a specimen on which something was found, counted by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nanomorph_benchmarks.no_specimen import as_markdown, scores


def case(group: str, covered: int, decision: str) -> Any:
    """A frame of 100 px of which `covered` are material."""
    mask = (np.arange(100) < covered).reshape(10, 10).astype(np.int32)
    judged = SimpleNamespace(task="shape", decision=decision)
    gray = np.tile(np.linspace(0, 255, 10), (10, 1)).astype(np.uint8)
    return SimpleNamespace(
        sample=SimpleNamespace(group=group), analysis=SimpleNamespace(mask=mask, labels=(judged,)), gray=gray
    )


def test_accepted_labels_and_much_material_are_counted() -> None:
    cases = [
        case("a", 0, "unknown"), case("b", 1, "uncertain"), case("c", 2, "accepted"), case("d", 60, "accepted"),
    ]  # fmt: skip
    found = scores(cases)
    assert found["shape accepted"]["value"] == 0.5
    assert found["material on over 1%, nanomorph"]["value"] == 0.5
    assert found["material on over 1%, Otsu"]["value"] == 1.0
    assert found["shape accepted"]["low"] <= 0.5 <= found["shape accepted"]["high"]
    assert as_markdown({"kinds": {"empty": {"shape accepted": found["shape accepted"] | {"low": 0, "high": 1}}}}) == (
        "| share of frames | shape accepted |\n|---|---|\n| empty (n 4) | 0.50 [0.00, 1.00] |"
    )


def test_a_list_without_such_frames_is_refused(tmp_path: Any) -> None:
    from nanomorph_benchmarks.no_specimen import Options, evaluate

    (tmp_path / "a.tif").write_bytes(b"")
    (tmp_path / "labels.csv").write_text("file,label\na.tif,network\n")
    with pytest.raises(SystemExit, match="draw them with --classes empty foreign"):
        evaluate(Options(fields=tmp_path / "labels.csv"))
