"""`inspect` and `doctor` through the real program."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from nanomorph import __version__
from nanomorph.cli.main import main


@pytest.fixture
def calibrated(tmp_path):
    path = tmp_path / "frame.tif"
    pixels = np.random.default_rng(0).integers(0, 4000, (40, 60), dtype=np.uint16)
    tifffile.imwrite(path, pixels, resolution=(1e7 / 0.5, 1e7 / 2), resolutionunit="CENTIMETER")
    return path


def test_a_micrograph(calibrated, capsys):
    assert main(["inspect", str(calibrated), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["width_px"], facts["height_px"], facts["type"]) == (60, 40, "uint16")
    assert facts["nm_per_px_x"] == pytest.approx(0.5)
    assert facts["nm_per_px_y"] == pytest.approx(2)
    assert facts["calibration"] == "metadata"
    assert facts["format"] == "TIFF"
    assert not {"why_not_calibrated", "orientation"} & set(facts)


def test_for_people_none_reads_as_unknown(tmp_path, capsys):
    path = tmp_path / "bare.tif"
    tifffile.imwrite(path, np.arange(2500, dtype=np.uint16).reshape(50, 50))
    assert main(["inspect", str(path)]) == 0
    said = capsys.readouterr().out
    assert "nm_per_px_x: unknown" in said
    assert "why_not_calibrated: the file holds no pixel size" in said


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_a_file_that_asks_viewers_to_turn_it_is_measured_as_recorded(tmp_path, capsys, suffix):
    path, exif = tmp_path / f"turned{suffix}", Image.Exif()
    exif[274] = 6  # a quarter turn
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60), dtype=np.uint8)).save(path, exif=exif)
    assert main(["inspect", str(path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["width_px"], facts["height_px"], facts["orientation"]) == (60, 40, 6)
    assert "as recorded" in facts["why_viewers_differ"]


def test_a_damaged_note_for_viewers_asks_for_nothing(tmp_path, capsys):
    path = tmp_path / "odd.png"
    Image.fromarray(np.arange(2400, dtype=np.uint8).reshape(40, 60)).save(path, exif=b"Exif\0\0II not a TIFF")
    assert main(["inspect", str(path), "--json"]) == 0
    assert "orientation" not in json.loads(capsys.readouterr().out)


def test_a_bundle(tiny_bundle, capsys):
    assert main(["inspect", str(tiny_bundle)]) == 0
    card = capsys.readouterr().out
    assert "name: tiny" in card
    assert "labels: sparse, full" in card
    assert main(["inspect", str(tiny_bundle), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == 1


def test_the_embedded_bundle_by_its_name(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["inspect", "embedded"]) == 0
    assert "name: embedded" in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, b"not an image at all"])
def test_what_cannot_be_read_is_one_sentence(tmp_path, capsys, content):
    path = tmp_path / "thing.tif"
    if content is not None:
        path.write_bytes(content)
    assert main(["inspect", str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"nanomorph: {path}")


def test_doctor_names_versions_and_providers(capsys):
    assert main(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["nanomorph"] == __version__
    assert "CPU" in facts["providers"]
    assert facts["extras"]["cpu"].startswith("installed")
    assert "--device openvino" in facts["extras"]["openvino"]
    assert "scale bars" in facts["extras"]["scalebar"]
    assert main(["doctor"]) == 0
    assert "python:" in capsys.readouterr().out
