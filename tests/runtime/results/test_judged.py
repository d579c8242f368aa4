"""Rows of domains.csv judged anew: cells come back as they were written, with or without quotes."""

import csv
import io
import zlib

import numpy as np
import pytest

from nanomorph.journal.rows import Measured, packed
from nanomorph.results.cells import number
from nanomorph.results.judged import JudgedDomains, numbers_and_truths

COLUMNS = ("micrograph", "domain", "touches_edge", "ecd_nm", "shape", "shape_confidence")


def measured(lines: str, columns: tuple[str, ...] = COLUMNS) -> Measured:
    return Measured("a", "", "", "", "", "", "", "{}", "[]", columns, packed(lines), "{}", b"")


def unpacked(table: JudgedDomains) -> str:
    return zlib.decompress(table.packed()).decode()


@pytest.mark.parametrize("cell", ["a.tif", '"a,""b""\n.tif"'])
def test_what_was_measured_stays_and_what_was_said_goes(cell):
    table = JudgedDomains.of(measured(f"{cell},1,false,2.5,disc,0.9\n{cell},2,true,,rod,0.5\n"), {"shape"})
    assert table.columns == COLUMNS[:4]
    assert table.lines == [f"{cell},1,false,2.5", f"{cell},2,true,"]
    again = table.judged("shape", np.array(["rod", "disc"]), np.array([0.25, 0.75]))
    assert again.columns == COLUMNS
    assert unpacked(again) == f"{cell},1,false,2.5,rod,0.25\n{cell},2,true,,disc,0.75\n"


def test_what_heads_said_may_stand_in_the_middle():
    columns = ("micrograph", "shape", "shape_confidence", "domain")
    table = JudgedDomains.of(measured("a,disc,0.9,1\n", columns), {"shape"})
    assert (table.columns, table.lines) == (("micrograph", "domain"), ["a,1"])


def test_what_other_heads_said_stays():
    table = JudgedDomains.of(measured("a,1,false,2.5,disc,0.9\n"), {"phase"})
    assert (table.columns, table.lines) == (COLUMNS, ["a,1,false,2.5,disc,0.9"])


def test_numbers_of_several_micrographs_are_read_at_once():
    contents = ['"a,""b""\n.tif",1,false,2.5,disc,1\nb,2,true,,rod,1\n', "", "c,3,true,1e-05,rod,1\n"]
    tables = [JudgedDomains.of(measured(content), {"shape"}) for content in contents]
    numbers, truths = numbers_and_truths(tables, ["ecd_nm", "domain"], "touches_edge")
    assert [one.dtype for one in numbers] == [np.float32] * 3
    for found, expected in zip(numbers, ([[2.5, 1], [np.nan, 2]], np.empty((0, 2)), [[1e-5, 3]]), strict=True):
        np.testing.assert_array_equal(found, np.array(expected, np.float32))
    assert [one.tolist() for one in truths] == [[False, True], [], [True]]


def test_cells_are_read_to_the_bit():
    random = np.random.default_rng(0)
    cells = [number(value) for value in (10 ** random.uniform(-12, 9, 10_000)).tolist()]
    table = JudgedDomains.of(measured("".join(f"a,1,false,{cell},disc,1\n" for cell in cells)), {"shape"})
    ((found,), _) = numbers_and_truths([table], ["ecd_nm"], "touches_edge")
    assert found[:, 0].tolist() == [float(np.float32(float(cell))) for cell in cells]


def test_a_class_with_a_comma_is_quoted():
    table = JudgedDomains.of(measured("a,1,false,2.5,disc,0.9\n"), {"shape"})
    judged = table.judged("shape", np.array(["disc, flat"]), np.array([1.0]))
    (row,) = csv.reader(io.StringIO(unpacked(judged), newline=""))
    assert row == ["a", "1", "false", "2.5", "disc, flat", "1"]


def test_no_domain_is_no_row():
    table = JudgedDomains.of(measured(""), {"shape"})
    ((numbers,), (truths,)) = numbers_and_truths([table], ["ecd_nm"], "touches_edge")
    assert (numbers.shape, truths.shape) == ((0, 1), (0,))
    assert unpacked(table.judged("shape", np.array([]), np.array([]))) == ""
