"""Tables as INTERFACE.md promises them."""

import csv
import hashlib
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nanomorph.journal import Journal
from nanomorph.results import export_tables, remove_results, result_path, rows_of
from nanomorph.results.cells import cell, line, number, text, truth
from nanomorph.sources import Rejected
from runs import item


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.1, "0.1"),
        (1 / 3, "0.333333"),
        (12.0, "12"),
        (1234567.0, "1234567"),
        (1234567.8, "1.23457e+06"),
        (-0.5, "-0.5"),
        (float("nan"), ""),
        (float("inf"), ""),
        (np.float32(0.1), "0.1"),
        (np.int64(2**40), "1099511627776"),
        (True, "true"),
        (np.False_, "false"),
        (None, ""),
        ("network", "network"),
    ],
)
def test_cells(value, expected):
    assert cell(value) == expected
    if isinstance(value, float):
        assert number(value) == expected


def test_truth_of_a_number():
    assert [truth(1.0), truth(0.0), truth(float("nan"))] == ["true", "false", ""]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_starts_a_formula(start):
    assert text(f"{start}SUM(A1)") == f"'{start}SUM(A1)"
    assert text(f"a{start}") == f"a{start}"


def test_any_name_survives_the_csv():
    names = ["a,b", 'say "x"', "two\nlines", "lone\rreturn", "ü 🙂", " space", "'quoted'", ""]
    (back,) = csv.reader(io.StringIO(line(names), newline=""))
    assert back == names


def test_headers_and_rows(tmp_path, journal, make_analysis):
    journal.record(item("b/2.tif"), rows_of(make_analysis("b/2.tif", decision="uncertain", confidence=0.55)))
    journal.record(item("b/10.tif"), rows_of(make_analysis("b/10.tif", nm_per_px=None, n_frames=3)))
    journal.alias(item("b/2.emi"), of="b/2.tif")
    journal.quarantine(Rejected("=cmd|x.tif", "truncated", "-1 strips"))
    export_tables(journal, tmp_path)

    labels = table(tmp_path / "labels.csv")
    assert list(labels[0]) == [
        "micrograph", "task", "label", "confidence", "decision", "novelty",
        "p_singular", "p_network", "p_sphere", "p_cube", "bundle", "provider", "precision", "processed_at",
    ]  # fmt: skip
    assert [(row["micrograph"], row["task"]) for row in labels] == [
        ("b/2.tif", "nanowire-morphology"),
        ("b/2.tif", "nanoparticle-shape"),
        ("b/10.tif", "nanowire-morphology"),
        ("b/10.tif", "nanoparticle-shape"),
    ]
    assert (labels[0]["p_network"], labels[0]["p_cube"], labels[1]["p_cube"]) == ("0.55", "", "0.5")
    assert (labels[0]["decision"], labels[0]["novelty"], labels[0]["provider"]) == ("uncertain", "0.4", "cpu")
    assert labels[0]["processed_at"].endswith("Z")

    fields = table(tmp_path / "fields.csv")
    assert list(fields[0])[:13] == [
        "micrograph", "sha256", "width_px", "height_px", "nm_per_px_x", "nm_per_px_y", "calibration",
        "foreground_fraction", "n_domains", "percolates", "domain_width_median_nm", "domain_width_ci_low_nm",
        "domain_width_ci_high_nm",
    ]  # fmt: skip
    assert list(fields[0])[13:] == [
        "mean_solidity", "n_frames", "n_other_images", "calibration_error_percent", "duplicate_of",
        "bundle", "provider", "precision", "processed_at",
    ]  # fmt: skip
    assert [row["micrograph"] for row in fields] == ["b/2.emi", "b/2.tif", "b/10.tif"]
    emi, calibrated, bare = fields
    assert emi["duplicate_of"] == "b/2.tif"
    # The same micrograph: its size and pixel size are those of the file that was measured; nothing was measured twice.
    for column in ("width_px", "height_px", "nm_per_px_x", "nm_per_px_y", "calibration"):
        assert emi[column] == calibrated[column] != ""
    assert emi["n_domains"] == ""
    assert (calibrated["width_px"], calibrated["height_px"]) == ("150", "100")
    assert (calibrated["nm_per_px_x"], calibrated["calibration"], calibrated["percolates"]) == (
        "0.5",
        "metadata",
        "false",
    )
    assert (bare["nm_per_px_x"], bare["calibration"], bare["n_frames"]) == ("", "none", "3")

    domains = table(tmp_path / "domains.csv")
    assert list(domains[0])[:4] == ["micrograph", "domain", "touches_edge", "area_px"]
    assert list(domains[0])[-2:] == ["nanoparticle-shape", "nanoparticle-shape_confidence"]
    assert [row["micrograph"] for row in domains] == ["b/2.tif"] * 2 + ["b/10.tif"] * 2
    assert [row["width_median_nm"] for row in domains] == ["5", "10", "", ""]
    assert [row["width_median_px"] for row in domains] == ["10", "20", "10", "20"]
    assert domains[0]["touches_edge"] == "false"

    (bad,) = table(tmp_path / "quarantine.csv")
    assert list(bad) == ["input", "reason", "detail", "first_seen", "tries"]
    assert (bad["input"], bad["reason"], bad["detail"], bad["tries"]) == (
        "'=cmd|x.tif",
        "truncated",
        "'-1 strips",
        "1",
    )


def test_pandas_reads_what_was_measured(tmp_path, journal, make_analysis):
    analysis = make_analysis("a.tif", sides=(7, 11, 13))
    journal.record(item("a.tif"), rows_of(analysis))
    export_tables(journal, tmp_path)
    back = pd.read_csv(tmp_path / "domains.csv").drop(columns="micrograph")
    pd.testing.assert_frame_equal(back, analysis.domains, rtol=1e-5, check_dtype=False)


def test_order_of_work_does_not_show(tmp_path, make_analysis):
    names = [f"{n}.tif" for n in range(12)]
    digests = set()
    for run, order in enumerate((names, names[::-1])):
        out = tmp_path / str(run)
        with Journal.open(out / "journal.sqlite") as journal:
            for name in order:
                journal.record(item(name), rows_of(make_analysis(name)))
            export_tables(journal, out)
        text = "".join((out / f"{kind}.csv").read_text() for kind in ("labels", "fields", "domains", "quarantine"))
        rows = [one.rpartition(",")[0] if one[-1:] == "Z" else one for one in text.splitlines()]
        digests.add(hashlib.sha256("\n".join(rows).encode()).hexdigest())
    assert len(digests) == 1


def test_columns_of_an_earlier_bundle_are_kept_in_order(tmp_path, journal, make_analysis):
    old, new = make_analysis("old.tif"), make_analysis("new,1.tif")
    del old.domain_table["length_px"]
    old.domain_table["extra_px"] = np.array([1.5, 2.5])
    journal.record(item("old.tif"), rows_of(old))
    journal.record(item("new,1.tif"), rows_of(new))
    export_tables(journal, tmp_path)
    rows = {(row["micrograph"], row["domain"]): row for row in table(tmp_path / "domains.csv")}
    assert [rows["old.tif", "2"][name] for name in ("extra_px", "length_px", "area_px")] == ["2.5", "", "400"]
    assert [rows["new,1.tif", "2"][name] for name in ("extra_px", "length_px", "area_px")] == [
        "",
        "20",
        "400",
    ]


def test_an_empty_run_has_tables_with_headers(tmp_path, journal):
    export_tables(journal, tmp_path)
    assert (tmp_path / "labels.csv").read_text().startswith("micrograph,task,label,confidence,decision,novelty,bundle")
    assert (tmp_path / "quarantine.csv").read_text() == "input,reason,detail,first_seen,tries\n"
    assert table(tmp_path / "domains.csv") == []


def test_a_micrograph_without_domains(tmp_path, journal, make_analysis):
    journal.record(item("a.tif"), rows_of(make_analysis("a.tif", sides=())))
    export_tables(journal, tmp_path)
    assert table(tmp_path / "domains.csv") == []
    assert table(tmp_path / "fields.csv")[0]["n_domains"] == "0"


def test_result_paths():
    def path(name: str) -> str:
        return result_path(Path("out"), "masks", name, ".tif").as_posix()

    assert path("a.tif") == "out/masks/a.tif.tif"
    assert path("a.png") == "out/masks/a.png.tif"
    assert path("d/e f.tif") == "out/masks/d/e f.tif.tif"
    assert path("con tact.tif") == "out/masks/con tact.tif.tif"
    assert path("x.zip!/d/ü.tif") == "out/masks/x.zip!/d/ü.tif.tif"
    strange = [
        "a:b.tif",
        "a?b.tif",
        "a\nb.tif",
        "con.tif",
        "con .tif",
        "CONIN$.tif",
        "com¹.tif",
        "d/../x.tif",
        "d./x.tif",
        "x" * 250 + ".tif",
        "ü" * 126,
    ]
    paths = [path(name) for name in strange]
    assert len(set(paths)) == len(strange)
    for made in paths:
        for part in made.split("/"):
            assert len(part.encode()) <= 255
            assert part not in ("..", "con.tif.tif", "con .tif.tif", "CONIN$.tif.tif", "com¹.tif.tif")
            assert not set(part) & set('<>:"|?*\\\n')
            assert not part.endswith((".", " "))
        assert made.endswith(".tif")
    # A folder never takes the place of another micrograph's mask.
    assert path("a.tif.tif/b.tif").split("/")[2] != path("a.tif").split("/")[2]


def test_remove_results(tmp_path):
    for kind, suffix in (("masks", ".tif"), ("overlays", ".png")):
        path = result_path(tmp_path, kind, "a.tif", suffix)
        path.parent.mkdir()
        path.write_bytes(b"x")
    remove_results(tmp_path, "a.tif")
    assert not list(tmp_path.rglob("*.*"))
    remove_results(tmp_path, "a.tif")
