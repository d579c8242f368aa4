"""Analyses drawn by hand, for tests of what is done with them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from nanomorph.analysis import Analysis, Judgement
from nanomorph.journal import Journal
from nanomorph.micrograph import Calibration, Micrograph

FIELD_TASK, DOMAIN_TASK = "nanowire-morphology", "nanoparticle-shape"
TASKS = {FIELD_TASK: ("singular", "network"), DOMAIN_TASK: ("sphere", "cube")}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Open, in a folder of its own."""
    with Journal.open(tmp_path / "journal.sqlite") as opened:
        yield opened


@pytest.fixture(scope="session")
def tasks() -> dict[str, tuple[str, ...]]:
    """Classes by task of the analyses that `make_analysis` makes."""
    return TASKS


@pytest.fixture(scope="session")
def make_analysis() -> Callable[..., Analysis]:
    """Two square domains of 10 and 20 px on 100 x 150 px; 0.5 nm/px unless told otherwise."""
    return _analysis


def _analysis(
    name: str = "a.tif",
    *,
    nm_per_px: tuple[float, float] | None = (0.5, 0.5),
    label: str = "network",
    decision: str = "accepted",
    confidence: float = 0.9,
    sides: tuple[int, ...] = (10, 20),
    n_frames: int = 1,
    shape_decision: str = "accepted",
) -> Analysis:
    mask = np.zeros((100, 150), np.int32)
    for number, side in enumerate(sides, start=1):
        mask[20 : 20 + side, 40 * number : 40 * number + side] = number
    pixels = np.random.default_rng(0).integers(90, 160, mask.shape).astype(np.uint8)
    pixels[mask > 0] //= 2
    calibration = Calibration.NONE if nm_per_px is None else Calibration.METADATA
    probabilities = dict.fromkeys(TASKS[FIELD_TASK], 1 - confidence) | ({label: confidence} if label else {})
    labels = (
        Judgement(FIELD_TASK, label, confidence, decision, 0.4, probabilities),
        Judgement(DOMAIN_TASK, "cube", 0.8, shape_decision, 0.7, {"sphere": 0.5, "cube": 0.5}),
    )
    return Analysis(
        micrograph=Micrograph(pixels, nm_per_px, calibration, name, n_frames),
        sha256=f"{abs(hash(name)):064x}"[:64],
        labels=labels,
        mask=mask,
        domain_table=_domains(sides, nm_per_px[0] if nm_per_px else float("nan")),
        wire_table={"domain": np.zeros(0, np.int32), "wire": np.zeros(0, np.int32)},
        field={
            "foreground_fraction": 1 / 30,
            "n_domains": len(sides),
            "percolates": False,
            "mean_solidity": 1.0,
        },
        embedding=np.arange(4, dtype=np.float32),
        bundle="b1",
        provider="cpu",
        precision="fp32",
    )


def _domains(sides: tuple[int, ...], nm: float) -> dict[str, np.ndarray]:
    side = np.array(sides, dtype=float)
    return {
        "domain": np.arange(1, len(sides) + 1),
        "touches_edge": np.zeros(len(sides), bool),
        "area_px": side**2,
        "ecd_nm": side * nm * 2 / np.sqrt(np.pi),
        "width_median_px": side,
        "width_median_nm": side * nm,
        "length_px": side,
        "length_nm": side * nm,
        "ecd_px": side * 2 / np.sqrt(np.pi),
        DOMAIN_TASK: np.array(["sphere", "cube"] * (len(sides) // 2) + ["cube"] * (len(sides) % 2)),
        f"{DOMAIN_TASK}_confidence": np.full(len(sides), 0.75),
    }
