"""One documented table: the page, the tables and the headers of a run's files name the same columns."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from nanomorph.cli.main import main
from nanomorph.measure import DOMAIN_COLUMNS, FIELD_COLUMNS, WIRE_COLUMNS
from nanomorph.measure.columns.document import markdown

PAGE = Path(__file__).parents[3] / "docs" / "descriptors.md"
SUFFIX = {
    "px": "_px", "nm": "_nm", "nm2": "_nm2", "1/um2": "_um2", "1/px": "_per_px", "1/um": "_per_um", "deg": "_deg",
}  # fmt: skip


def test_the_page_is_written_from_the_tables() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), (
        "python -m nanomorph.measure.columns.document > docs/descriptors.md"
    )


@pytest.mark.parametrize("columns", [DOMAIN_COLUMNS, WIRE_COLUMNS, FIELD_COLUMNS])
def test_every_column_is_defined_once_and_ends_in_its_unit(columns: tuple) -> None:
    assert len({c.name for c in columns}) == len(columns)
    for c in columns:
        assert c.formula
        assert not c.unit or c.name.endswith(SUFFIX[c.unit]), c.name


def header_and_rows(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
        return list(reader.fieldnames or ()), rows


def test_files_of_a_run_have_exactly_the_documented_columns(tmp_path, tiny_bundle) -> None:
    cross = np.full((256, 256), 220, np.uint8)
    cv2.line(cross, (20, 128), (235, 128), 20, 9)
    cv2.line(cross, (100, 20), (160, 235), 20, 9)
    cv2.imwrite(str(tmp_path / "cross.png"), cross)
    out = tmp_path / "out"
    arguments = ["batch", str(tmp_path / "cross.png"), "--out", str(out), "--bundle", str(tiny_bundle)]
    assert main([*arguments, "--device", "cpu", "--no-overlays", "--nm-per-px", "0.5"]) == 0
    columns, domains = header_and_rows(out / "domains.csv")
    assert columns == ["micrograph", *(c.name for c in DOMAIN_COLUMNS), "shape", "shape_confidence"]
    columns, wires = header_and_rows(out / "wires.csv")
    assert columns == ["micrograph", *(c.name for c in WIRE_COLUMNS)]
    columns, (field,) = header_and_rows(out / "fields.csv")
    assert {c.name for c in FIELD_COLUMNS} < set(columns)
    assert [(w["micrograph"], w["domain"], w["wire"]) for w in wires] == [
        ("cross.png", "1", "1"),
        ("cross.png", "1", "2"),
    ]
    assert [d["n_wires"] for d in domains] == ["2"]
    assert field["n_wires"] == "2"
    assert (
        float(domains[0]["width_low_nm"]) <= float(domains[0]["width_median_nm"]) <= float(domains[0]["width_high_nm"])
    )
    assert (out / "wires" / "cross.png.csv").is_file()
