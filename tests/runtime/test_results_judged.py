"""Rows of domains.csv judged anew: cells come back as they were written, with or without quotes."""

import csv
import io
import zlib

import numpy as np
import pytest

from nanomorph.journal.rows import Measured, packed
from nanomorph.results.judged import JudgedDomains

COLUMNS = ("micrograph", "domain", "touches_edge", "ecd_nm", "shape", "shape_confidence")


def measured(lines: str) -> Measured:
    return Measured("a", "", "", "", "", "", "", "{}", "[]", COLUMNS, packed(lines), "{}", b"")


def unpacked(table: JudgedDomains) -> str:
    return zlib.decompress(table.packed()).decode()


@pytest.mark.parametrize(("name", "cell"), [("a.tif", "a.tif"), ('a,"b"\n.tif', '"a,""b""\n.tif"')])
def test_what_was_measured_stays_and_what_was_said_goes(name, cell):
    table = JudgedDomains.of(measured(f"{cell},1,false,2.5,disc,0.9\n{cell},2,true,,rod,0.5\n"), {"shape"})
    assert table.columns == COLUMNS[:4]
    assert [row[0] for row in table.rows] == [name, name]
    assert table.numbers(["ecd_nm", "domain"]).dtype == np.float32
    np.testing.assert_array_equal(table.numbers(["ecd_nm", "domain"]), [[2.5, 1], [np.nan, 2]])
    np.testing.assert_array_equal(table.truths("touches_edge"), [False, True])
    again = table.judged("shape", np.array(["rod", "disc"]), np.array([0.25, 0.75]))
    assert again.columns == COLUMNS
    assert unpacked(again) == f"{cell},1,false,2.5,rod,0.25\n{cell},2,true,,disc,0.75\n"


def test_a_class_with_a_comma_is_quoted():
    table = JudgedDomains.of(measured("a,1,false,2.5,disc,0.9\n"), {"shape"})
    judged = table.judged("shape", np.array(["disc, flat"]), np.array([1.0]))
    (row,) = csv.reader(io.StringIO(unpacked(judged), newline=""))
    assert row == ["a", "1", "false", "2.5", "disc, flat", "1"]


def test_no_domain_is_no_row():
    table = JudgedDomains.of(measured(""), {"shape"})
    assert table.numbers(["ecd_nm"]).shape == (0, 1)
    assert table.truths("touches_edge").shape == (0,)
    assert unpacked(table.judged("shape", np.array([]), np.array([]))) == ""
