"""The paragraph for a methods section, and sizes by pixel size."""

import re
from dataclasses import replace

import pytest

from nanomorph import __version__
from nanomorph.journal import Journal
from nanomorph.journal.kept import threshold_key
from nanomorph.report import write_report
from nanomorph.report.collect import collect
from nanomorph.report.folders import magnification_section
from nanomorph.report.methods import methods, settings_of
from nanomorph.results import rows_of
from nanomorph.sources import Item, Rejected


@pytest.fixture
def journal(tmp_path):
    with Journal.open(tmp_path / "journal.sqlite") as opened:
        yield opened


def record(journal, analysis, **cells):
    name = analysis.micrograph.source
    rows = rows_of(replace(analysis, field=analysis.field | cells))
    journal.record(Item(name, 10, None, bytes, "1"), rows)


def test_a_methods_section_says_what_was_done_with_which_n(journal, tmp_path, make_analysis):
    """Two measured, of 2 and 3 domains, of which 1 and 3 count; one repeats, two cannot be used."""
    record(journal, make_analysis("a.tif"), n_sized=1, left_out_fraction=0.01)
    record(journal, make_analysis("b.tif", nm_per_px=(1.0, 1.0), sides=(10, 20, 30)), n_sized=3)
    journal.alias(Item("c.emi", 10, None, bytes, "1"), of="a.tif")
    journal.quarantine(Rejected("d.tif", "truncated", ""))
    journal.quarantine(Rejected("e.tif", "truncated", ""))
    for key, value in (("outline", "half-contrast"), ("detail", "auto"), ("edges", "leave-out")):
        journal.remember(key, value)
    journal.remember(threshold_key("b1"), "0.5")
    text = methods(collect(journal, tmp_path), settings_of(journal), "1.2")
    assert "measured with nanomorph 1.2 (bundle b1, cpu, fp32)." in text
    assert (
        "Of 5 inputs 2 were measured, 2 could not be used (truncated 2) and 1 belonged to others or repeated them."
        in text
    )
    assert "Pixel sizes (0.500 to 1.00 nm) came from the files' metadata (2 micrographs)." in text
    assert "probability is at least 0.5; outlines lie where" in text
    assert "(--outline half-contrast, --detail auto)" in text
    assert "the edge of the field cuts are left out of the sizes (4 of 5 domains counted)." in text
    assert "In 1 micrograph debris beside particles was left out." in text
    assert "wires" not in text
    page = write_report(journal, tmp_path).read_text(encoding="utf-8")
    assert f"measured with nanomorph {__version__} (bundle b1, cpu, fp32)." in page


def test_a_journal_that_knows_no_threshold_claims_none(journal, tmp_path, make_analysis):
    record(journal, make_analysis("a.tif", nm_per_px=None), n_wires=3)
    text = methods(collect(journal, tmp_path), settings_of(journal), "1.2")
    assert "Material is what the network takes for it." in text
    assert "1 micrograph without a pixel size: sizes in px." in text
    assert "3 wires" in text


def test_wires_among_particles_are_not_spoken_of(journal, tmp_path, make_analysis):
    record(journal, make_analysis("a.tif", decision="unknown"), n_wires=3)
    assert "wires" not in methods(collect(journal, tmp_path), settings_of(journal), "1.2")


def test_an_empty_run_has_no_methods(journal, tmp_path):
    assert "For a methods section" not in write_report(journal, tmp_path).read_text(encoding="utf-8")


def test_sizes_by_pixel_size(journal, tmp_path, make_analysis):
    """Domains of 10 and 20 px at two magnifications; .501 nm, read off a bar, is .5 nm."""
    for name, nm in (("a.tif", 0.5), ("b.tif", 0.501), ("c.tif", 2.0), ("d.tif", None)):
        record(journal, make_analysis(name, nm_per_px=nm and (nm, nm)))
    text = magnification_section(collect(journal, tmp_path))
    rows = re.findall(r"<i></i>([^<]+)</th><td>(\d+)</td><td>(\d+)</td><td><b>([\d.]+)</b>", text)
    assert rows == [("0.5 nm per px", "4", "2", "7.50"), ("2 nm per px", "2", "1", "30.0")]


def test_one_magnification_needs_no_table_of_its_own(journal, tmp_path, make_analysis):
    for name, nm in (("a.tif", 0.5), ("b.tif", 0.9)):
        record(journal, make_analysis(name, nm_per_px=(nm, nm)))
    assert not magnification_section(collect(journal, tmp_path))


@pytest.mark.parametrize(
    ("field", "shape", "quantity"), [("unknown", "accepted", "ecd"), ("accepted", "unknown", "width_median")]
)
def test_of_particles_the_diameter_is_drawn_and_of_wires_the_width(
    journal, tmp_path, make_analysis, field, shape, quantity
):
    record(journal, make_analysis("a.tif", decision=field, shape_decision=shape))
    assert collect(journal, tmp_path).main_quantity == quantity
