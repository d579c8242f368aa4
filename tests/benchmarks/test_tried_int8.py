"""Rows for an int8 file that no bundle ships: named as such, and none where nothing was tried."""

import pytest

from nanomorph.bundle import load_bundle
from nanomorph_benchmarks import engines, parity
from nanomorph_benchmarks.options import parse
from nanomorph_benchmarks.tried_int8 import TriedInt8


@pytest.fixture
def bundle(tiny_bundle):
    return load_bundle(tiny_bundle)


@pytest.fixture
def tried(bundle):
    """The tiny bundle has no layer to quantise: its own graph stands for the file."""
    return TriedInt8(bundle.backbones["fp32"], ("decoder.out",), 3, 48)


def test_parity_has_a_row_for_what_was_tried(bundle, tried):
    pytest.importorskip("openvino")
    rows = dict(parity.engines(bundle, tried))
    here = ["fp32", "int8 (tried, not shipped)"]
    assert list(rows) == [*here, *(f"OpenVINO, {name}" for name in here)]
    assert [engine.precision for engine in rows.values()] == ["fp32", "int8"] * 2
    assert list(dict(parity.engines(bundle))) == ["fp32", "OpenVINO, fp32"]


def test_engines_have_a_row_for_what_was_tried(bundle, tried, monkeypatch):
    pytest.importorskip("openvino")
    monkeypatch.setattr(engines, "_torch", lambda *_: len)
    rows = ["torch eager fp32", "nanomorph fp32", "nanomorph on OpenVINO fp32"]
    assert list(engines.contestants(bundle, 1)) == rows
    ours, others = (f"{name} int8 (tried, not shipped)" for name in ("nanomorph", "nanomorph on OpenVINO"))
    assert list(engines.contestants(bundle, 1, tried)) == [*rows[:2], ours, rows[2], others]


def test_parity_tries_where_it_is_told_to(monkeypatch):
    monkeypatch.setattr("sys.argv", ["parity", "--data", "micrographs", "--try-int8"])
    assert parse(parity.Options, None).try_int8
    monkeypatch.setattr("sys.argv", ["parity", "--data", "micrographs"])
    assert not parse(parity.Options, None).try_int8


def test_tables_say_how_much_of_it_is_int8(tried):
    said = "int8 (tried, not shipped): 1 of 3 layers stayed fp32, ranges from 48 micrographs"
    assert str(tried) == said
    assert parity.as_markdown({"micrographs": 1, "precisions": {}, "tried": said}).endswith(said)
    assert engines.as_markdown({"tables": {}, "tried": said}) == said
    assert said not in engines.as_markdown({"tables": {}, "tried": None})
