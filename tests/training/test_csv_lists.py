"""Lists as people and spreadsheets save them: read alike, or refused with the line."""

from pathlib import Path

import pytest

from nanomorph.errors import ConfigurationError
from nanomorph_training.data import from_csv, labelled_samples
from nanomorph_training.micrographs.csv_lists import has_file_column

PLAIN = "file,label,group\na.png,wires,1\nd/b \u00e4.png,particles,2\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "d").mkdir()
    for name in ("a.png", "d/b \u00e4.png"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (PLAIN, "utf-8"),
        (PLAIN.replace("\n", "\r\n").replace(",", ";"), "utf-8-sig"),  # a German Excel
        (PLAIN.replace(",", "\t"), "utf-16"),  # its "Unicode text"
        (PLAIN.replace(",", " , "), "utf-8"),
        (PLAIN.replace("/", "\\"), "utf-8"),
        (PLAIN + "\n,,\n", "utf-8"),
        (PLAIN.replace(",1\n", ",1,a remark\n"), "utf-8"),
    ],
    ids=["plain", "semicolons", "utf-16 and tabs", "blanks", "backslashes", "empty lines", "a cell too many"],
)
def test_one_list_saved_in_many_ways(folder: Path, text: str, encoding: str) -> None:
    (folder / "l.csv").write_bytes(text.encode(encoding))
    first, second = from_csv(folder / "l.csv")
    assert (first.path, first.label, first.group) == (folder / "a.png", "wires", "1")
    assert (second.path, second.label, second.group) == (folder / "d" / "b \u00e4.png", "particles", "2")
    assert has_file_column(folder / "l.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,label\na.png,wires\ngone.png,wires\n", r"l\.csv, line 3: gone\.png does not exist"),
        ("file,label\nd,wires\n", r"l\.csv, line 2: d is a folder, not a file"),
        ("file,label\n,wires\n", r"l\.csv, line 2: the column `file` is empty"),
        ("file,mask\na.png,m.png\n", r"l\.csv, line 2: m\.png does not exist"),
        (
            "name;label\na.png;wires\n",
            r"l\.csv has no column `file`; its first line, which names the columns, is name, label",
        ),
        ("file,label\nb \u00e4.png,wires\n", r"l\.csv is not encoded as UTF-8: save it as `CSV UTF-8`"),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_line(folder: Path, text: str, said: str) -> None:
    (folder / "l.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=said):
        from_csv(folder / "l.csv")


def test_two_labels_of_one_micrograph_contradict(folder: Path) -> None:
    (folder / "l.csv").write_text("file,label\na.png,wires\na.png,\nd/b \u00e4.png,x\na.png,wires\n", encoding="utf-8")
    assert [sample.label for sample in labelled_samples([folder / "l.csv"], None)] == ["wires", "x"]
    (folder / "m.csv").write_text("file,label\na.png,particles\n")
    with pytest.raises(ConfigurationError, match=r"a\.png has two labels, wires and particles: keep one"):
        labelled_samples([folder / "l.csv", folder / "m.csv"], None)
