"""Files are whole or absent."""

import errno

import pytest

from nanomorph.atomic import TEMPORARY_SUFFIX, atomic_open, remove_leftovers


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "new" / "table.csv"
    with atomic_open(path, "w") as file:
        file.write("a,b\n")
        assert not path.exists()
    assert path.read_bytes() == b"a,b\n"
    assert [p.name for p in path.parent.iterdir()] == ["table.csv"]


def test_an_error_leaves_what_was_there(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(TypeError), atomic_open(path) as file:
        file.write("text where bytes are due")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_an_error_names_the_file_that_was_wanted(tmp_path, monkeypatch):
    """Not the temporary one, of which nobody has heard."""

    def refuse(path, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(PermissionError) as raised, atomic_open(tmp_path / "report.html"):
        pass
    assert raised.value.filename == str(tmp_path / "report.html")


def test_names_as_long_as_the_file_system_allows(tmp_path):
    with atomic_open(tmp_path / ("n" * 255)) as file:
        file.write(b"x")
    assert (tmp_path / ("n" * 255)).read_bytes() == b"x"


def test_leftovers_of_a_killed_run_are_removed_and_nothing_else(tmp_path):
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / f".123-4{TEMPORARY_SUFFIX}").write_text("half")
    (tmp_path / "masks" / "whole.tif").write_text("whole")
    assert remove_leftovers(tmp_path) == 1
    assert [p.name for p in (tmp_path / "masks").iterdir()] == ["whole.tif"]
