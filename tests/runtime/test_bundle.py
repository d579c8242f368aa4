"""A bundle is verified before anything is computed with it."""

import json
import shutil

import pytest

from nanomorph.bundle import EMBEDDED, BundleError, load_bundle


@pytest.fixture
def copy(tiny_bundle, tmp_path):
    return shutil.copytree(tiny_bundle, tmp_path / "copy")


def test_loads_what_the_manifest_says(tiny_bundle):
    bundle = load_bundle(tiny_bundle)
    assert bundle.name == "tiny"
    assert bundle.path == tiny_bundle
    assert [head.task for head in bundle.heads] == ["density", "shape"]
    assert bundle.heads[0].labels == ("sparse", "full")
    assert bundle.input.max_side == 512
    assert len(bundle.fingerprint) == 12


def test_the_embedded_bundle_is_whole_and_fits_the_repository():
    bundle = load_bundle()
    assert {head.task: head.level for head in bundle.heads} == {
        "nanowire-morphology": "field",
        "nanoparticle-shape": "domain",
    }
    assert sum(path.stat().st_size for path in EMBEDDED.rglob("*")) < 40e6


@pytest.mark.parametrize("file", ["backbone.onnx", "heads/density.onnx"])
@pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
def test_damage_is_refused_with_the_name_of_the_file(copy, file, damage):
    path = copy / file
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(data[:-1] if damage == "truncated" else data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(BundleError, match=path.name):
        load_bundle(copy)


def test_a_newer_schema_is_refused_with_advice(copy):
    manifest = json.loads((copy / "bundle.json").read_text())
    (copy / "bundle.json").write_text(json.dumps(manifest | {"schema": 99}))
    with pytest.raises(BundleError, match="update nanomorph"):
        load_bundle(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_broken_manifest_is_refused(copy, text):
    (copy / "bundle.json").write_text(text)
    with pytest.raises(BundleError, match=r"bundle\.json"):
        load_bundle(copy)


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match=r"is no bundle: it has no bundle\.json; give the folder"):
        load_bundle(tmp_path)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nowhere", "there is no such folder"),
        ("x/backbone.onnx", "it is a file; give the folder that holds bundle.json"),
        ("results", "It holds results: `nanomorph status` and `report` read those"),
        ("head", "It holds a head: `nanomorph export --head RUN --into embedded --out BUNDLE` makes a bundle of it"),
        ("run", "It holds a training run: `nanomorph export` makes a bundle of it"),
    ],
)
def test_what_is_given_for_a_bundle_is_named(tmp_path, path, said):
    for file in ("x/backbone.onnx", "results/journal.sqlite", "head/head.json", "run/checkpoint.safetensors"):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).touch()
    with pytest.raises(BundleError) as caught:
        load_bundle(tmp_path / path)
    assert str(caught.value).startswith(f"{tmp_path / path} is no bundle: ")
    assert str(caught.value).endswith(f"{said}.")
