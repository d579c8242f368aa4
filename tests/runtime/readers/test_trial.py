"""A file that kills whoever reads it does so once more in a child, and is then left alone."""

import os
import signal
import sys

import pytest

from micrograph_files import rod_image, tiff
from nanomorph.micrograph import ReadError
from nanomorph.readers import trial


def test_a_good_file_and_a_bad_one_survive():
    trial.try_apart("a.tif", tiff(rod_image(1)), None)
    trial.try_apart("a.tif", b"II*\0 no more", None)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGSEGV to send")
def test_a_file_that_ends_the_process_is_refused(tmp_path, monkeypatch):
    codec = tmp_path / "numpy.py"  # found first by the child
    codec.write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    with pytest.raises(ReadError, match=f"signal {signal.SIGSEGV:d}") as refused:
        trial.try_apart("a.tif", b"", None)
    assert refused.value.reason == "crashes-reader"


def test_a_file_that_never_ends_is_refused(monkeypatch):
    monkeypatch.setattr(trial, "SECONDS", 0)
    with pytest.raises(ReadError, match="did not end"):
        trial.try_apart("a.tif", b"", None)
