"""One head is replaced or added; the backbone's bytes stay, and no reader ever sees half of it."""

import hashlib
import json
import shutil
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from nanomorph.bundle import EMBEDDED, BundleError, load_bundle
from nanomorph.cli.main import main
from nanomorph.errors import ConfigurationError, FatalError
from nanomorph.model import Model
from nanomorph_export.manifest import write_manifest
from nanomorph_export.replace_head import replace_head
from nanomorph_training.heads.head import Head, save_head


def density(boundary=0.5, **changes):
    """Full from `boundary` on; inputs as those of the tiny bundle's head."""
    parts = {
        "task": "density", "level": "field", "labels": ("sparse", "full"), "uses_embedding": False,
        "descriptors": ("foreground_fraction",), "mean": np.array([boundary]), "scale": np.array([0.1]),
        "weights": np.array([[-1.0], [1.0]]), "intercept": np.zeros(2), "temperature": 1.0, "uncertain_below": 0.5,
        "centroids": np.zeros((2, 1)), "radius": 10.0,
    }  # fmt: skip
    return Head(**(parts | changes))


@pytest.fixture
def folder(tiny_bundle, tmp_path):
    return shutil.copytree(tiny_bundle, tmp_path / "bundle")


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def judged(folder, fraction):
    head = Model(load_bundle(folder), device="cpu").judge.heads[0]
    probabilities, _ = head(np.array([[fraction]], np.float32))
    return head.spec.labels[int(probabilities[0].argmax())]


def test_by_the_program(folder, tmp_path, capsys):
    save_head(density(0.1), tmp_path / "run")
    before = files(folder)
    assert judged(folder, 0.2) == "sparse"
    assert main(["export", "--head", str(tmp_path / "run"), "--into", str(folder)]) == 0
    assert "tasks: density, shape" in capsys.readouterr().out
    assert judged(folder, 0.2) == "full"
    after = files(folder)
    assert after["backbone.onnx"] == before["backbone.onnx"]
    assert after["heads/shape.onnx"] == before["heads/shape.onnx"]
    # The old head's file is gone, the new one's name holds a part of its sha256, nothing else lies about.
    (new,) = set(after) - set(before)
    assert new == f"heads/density.{hashlib.sha256(after[new]).hexdigest()[:8]}.onnx"
    assert set(before) - set(after) == {"heads/density.onnx"}


def test_in_a_copy_the_bundle_itself_stays(folder, tmp_path, capsys):
    save_head(density(0.1), tmp_path / "run")
    before, copy = files(folder), tmp_path / "new" / "copy"
    into = ["export", "--head", str(tmp_path / "run"), "--into", str(folder), "--out", str(copy)]
    assert main(into) == 0
    assert "tasks: density, shape" in capsys.readouterr().out
    assert files(folder) == before
    assert [judged(folder, 0.2), judged(copy, 0.2)] == ["sparse", "full"]
    assert load_bundle(copy).name == "copy"
    assert load_bundle(copy).measures == load_bundle(folder).measures
    # Over a bundle that is there; the other head is left out, and so is its file.
    assert main([*into, "--only"]) == 0
    assert [head.task for head in load_bundle(copy).heads] == ["density"]
    assert not (copy / "heads" / "shape.onnx").exists()
    assert [path.name for path in copy.parent.iterdir()] == ["copy"]


def test_a_copy_goes_where_there_is_room(folder, tmp_path, capsys):
    save_head(density(0.1), tmp_path / "run")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("all of it")
    into = ["export", "--head", str(tmp_path / "run"), "--into", str(folder)]
    assert main([*into, "--out", str(tmp_path / "full")]) == 2
    assert "is there and no bundle" in capsys.readouterr().err
    assert main([*into, "--only"]) == 2
    assert "give --into and --out" in capsys.readouterr().err


def test_the_embedded_bundle_is_changed_in_copies_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save_head(density(0.1), tmp_path / "run")
    before = files(EMBEDDED)
    assert main(["export", "--head", "run", "--into", "embedded"]) == 2
    assert "add --out FOLDER" in capsys.readouterr().err
    assert main(["export", "--head", "run", "--into", "embedded", "--out", "mine"]) == 0
    assert files(EMBEDDED) == before
    assert [head.task for head in load_bundle("mine").heads] == [*(h.task for h in load_bundle().heads), "density"]
    # A folder of that name is meant where there is one.
    shutil.copytree("mine", "embedded")
    assert load_bundle("embedded").name == "mine"


def test_measures_stay_and_the_fingerprint_changes(folder):
    before = load_bundle(folder)
    after = replace_head(folder, density(0.1))
    assert after.measures == before.measures
    assert after.fingerprint != before.fingerprint
    assert after.manifest["updated"]
    assert after.manifest["heads"][0]["gates"][0]["passed"]


def test_a_head_of_a_new_task_is_added(folder):
    bundle = replace_head(folder, density(task="crowding"))
    assert [head.task for head in bundle.heads] == ["density", "shape", "crowding"]


def test_the_same_head_again_changes_no_file(folder):
    replace_head(folder, density(0.1))
    before = files(folder)
    replace_head(folder, density(0.1))
    assert files(folder).keys() == before.keys()


@pytest.mark.parametrize(
    ("head", "error", "sentence"),
    [
        (density(descriptors=("beauty",)), ConfigurationError, "asks for what is not measured: beauty"),
        (density(uses_embedding=True), ConfigurationError, "takes 1 features, .* an embedding of 2"),
        (density(weights=np.array([[np.nan], [1.0]])), FatalError, "head density: largest difference"),
    ],
)
def test_a_head_that_does_not_fit_leaves_the_bundle_as_it_was(folder, head, error, sentence):
    before = files(folder)
    with pytest.raises(error, match=sentence):
        replace_head(folder, head)
    assert files(folder) == before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"task": "a/b"}, "'a/b' goes into no bundle: .* it names files and columns"),
        ({"task": "../evil"}, "it names files and columns"),
        ({"task": ""}, "it names files and columns"),
        ({"task": "area_px"}, "domains.csv has a column of that name"),
        ({"labels": ("sparse", "")}, "labels holds something that is no name"),
        ({"labels": ("full", "full")}, "two labels of head density are full"),
        ({"labels": ("full", "unknown")}, "a class named `unknown`"),
        ({"uncertain_below": 1.2}, "uncertain_below is 1.2, not a probability"),
        ({"uncertain_below": float("nan")}, "uncertain_below is nan, not a probability"),
    ],
)
def test_a_head_that_no_bundle_takes_is_refused_before_anything_is_written(folder, changes, sentence):
    before = files(folder.parent)
    with pytest.raises(ConfigurationError, match=sentence):
        replace_head(folder, density(**changes))
    assert files(folder.parent) == before


def test_what_no_nanomorph_would_load_is_not_published(folder):
    manifest, before = json.loads((folder / "bundle.json").read_text()), files(folder)
    with pytest.raises(ConfigurationError, match="would be no manifest of a bundle: foreground_threshold is 50"):
        write_manifest(folder, manifest | {"foreground_threshold": 50})
    assert files(folder) == before


def test_a_bundle_that_does_not_load_again_is_put_back_with_its_old_head(folder, monkeypatch):
    before = files(folder)

    def load(path):
        if (folder / "bundle.json").read_bytes() != before["bundle.json"]:
            assert (folder / "heads" / "density.onnx").exists()
            raise BundleError("a disk that loses bits")
        return load_bundle(path)

    monkeypatch.setattr("nanomorph_export.replace_head.load_bundle", load)
    with pytest.raises(BundleError, match="a disk that loses bits"):
        replace_head(folder, density(0.1))
    assert files(folder) == before


def test_a_head_of_another_encoder_is_refused(folder):
    manifest = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps(manifest | {"provenance": {"encoder": "aaaa"}}))
    head = density(metrics={"encoder": "bbbb"})
    replace_head(folder, head)  # it looks at descriptors alone
    wide = {"uses_embedding": True, "mean": np.zeros(3), "scale": np.ones(3), "centroids": np.zeros((2, 3))}
    with pytest.raises(ConfigurationError, match="fitted on the encoder bbbb, the bundle's is aaaa"):
        replace_head(folder, replace(head, **wide, weights=np.zeros((2, 3))))


def test_readers_see_the_old_bundle_or_the_new_one(folder):
    """Thirty heads in a row while another thread loads and judges: never an error, never a mixture."""
    boundaries = [0.1, 0.9]
    failures, seen, done = [], set(), threading.Event()

    def read():
        while not done.is_set():
            try:
                bundle = load_bundle(folder)
                Model(bundle, device="cpu")
                seen.add(bundle.fingerprint)
            except Exception as error:  # noqa: BLE001 (any failure is what this test looks for)
                failures.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    written = {replace_head(folder, density(boundaries[n % 2], temperature=1 + n)).fingerprint for n in range(30)}
    done.set()
    reader.join()
    assert not failures
    assert len(written) == 30
    assert len(seen) > 1


def test_no_torch_is_needed(folder, tmp_path):
    save_head(density(0.1), tmp_path / "run")
    code = (
        "import sys\nsys.modules['torch'] = None\nfrom nanomorph.cli.main import main\n"
        f"assert main(['export', '--head', {str(tmp_path / 'run')!r}, '--into', {str(folder)!r}]) == 0"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
