"""Every kind of damage to a bundle is refused, in one sentence that names it, before anything is computed."""

import hashlib
import json
import shutil

import onnx
import pytest

from nanomorph.bundle import BundleError, load_bundle
from nanomorph.errors import ConfigurationError
from nanomorph.model import Model


def flip(file, at=-1):
    def damage(folder):
        data = bytearray((folder / file).read_bytes())
        data[at] ^= 1
        (folder / file).write_bytes(bytes(data))

    return damage


def cut(file, share):
    def damage(folder):
        data = (folder / file).read_bytes()
        (folder / file).write_bytes(data[: int(share * len(data))])

    return damage


def lose(file):
    return lambda folder: (folder / file).unlink()


def say(text):
    return lambda folder: (folder / "bundle.json").write_text(text)


def swap(folder):
    a, b = folder / "heads" / "density.onnx", folder / "heads" / "shape.onnx"
    first, second = a.read_bytes(), b.read_bytes()
    a.write_bytes(second)
    b.write_bytes(first)


def edit(change):
    """A manifest changed on purpose, so with hashes that fit."""

    def damage(folder):
        manifest = json.loads((folder / "bundle.json").read_text())
        change(manifest)
        (folder / "bundle.json").write_text(json.dumps(manifest))

    return damage


def without(key):
    return edit(lambda manifest: manifest.pop(key))


def setting(key, value):
    return edit(lambda manifest: manifest.update({key: value}))


def head(number, key, value):
    return edit(lambda manifest: manifest["heads"][number].update({key: value}))


def put_head_in_place_of_the_backbone(folder):
    edit(lambda manifest: manifest["backbone"].update(fp32="heads/density.onnx"))(folder)


def no_onnx_at_all(folder):
    text = b"a text with a right hash"
    (folder / "heads" / "density.onnx").write_bytes(text)
    edit(lambda m: m["files"].update({"heads/density.onnx": hashlib.sha256(text).hexdigest()}))(folder)


def point_outside(folder):
    shutil.copy(folder / "heads" / "density.onnx", folder.parent / "outside.onnx")
    sha256 = hashlib.sha256((folder.parent / "outside.onnx").read_bytes()).hexdigest()
    edit(lambda m: (m["files"].update({"../outside.onnx": sha256}), m["heads"][0].update(file="../outside.onnx")))(
        folder
    )


DAMAGES = {
    "a bit of the backbone": (flip("backbone.onnx"), "backbone.onnx is not the file"),
    "a bit in the middle of a head": (flip("heads/shape.onnx", 100), "shape.onnx is not the file"),
    "backbone cut in half": (cut("backbone.onnx", 0.5), "backbone.onnx is not the file"),
    "empty head": (cut("heads/shape.onnx", 0), "shape.onnx is not the file"),
    "backbone missing": (lose("backbone.onnx"), "backbone.onnx cannot be read"),
    "head missing": (lose("heads/density.onnx"), "density.onnx cannot be read"),
    "manifest missing": (lose("bundle.json"), "is no bundle: it has no bundle.json"),
    "manifest cut": (cut("bundle.json", 0.7), r"bundle\.json cannot be read as a bundle"),
    "manifest is a list": (say("[1, 2]"), r"bundle\.json cannot be read as a bundle"),
    "manifest is another program's": (say('{"schema": 1, "name": "x"}'), "the key input is missing"),
    "two heads swapped": (swap, r"density.onnx is not the file .*\(it is heads/shape.onnx\)"),
    "newer schema": (setting("schema", 99), "schema 99, .*: update nanomorph"),
    "schema of no nanomorph": (setting("schema", 0), "schema 0, which no nanomorph ever wrote"),
    "schema is a word": (setting("schema", "one"), r"bundle\.json cannot be read"),
    "no heads": (without("heads"), "the key heads is missing"),
    "no hashes": (without("files"), "the key files is missing"),
    "a hash too few": (edit(lambda m: m["files"].pop("heads/shape.onnx")), "shape.onnx is named, but has no sha256"),
    "a hash that is none": (edit(lambda m: m["files"].update({"backbone.onnx": "abc"})), "no sha256 for backbone.onnx"),
    "no fp32": (setting("backbone", {"int8": "backbone.onnx"}), "there is no fp32 backbone"),
    "unknown precision": (
        edit(lambda m: m["backbone"].update(fp4="backbone.onnx")),
        "backbone has a precision fp4; known are fp32, fp16, int8",
    ),
    "threshold is no probability": (setting("foreground_threshold", 50), "foreground_threshold is 50"),
    "threshold is a word": (setting("foreground_threshold", "high"), "foreground_threshold is 'high', not a number"),
    "input of another nanomorph": (
        edit(lambda m: m["input"].update(gamma=2)),
        "input has keys that this nanomorph does not know: gamma",
    ),
    "input side not a multiple of 32": (
        edit(lambda m: m["input"].update(max_side=500)),
        "input.max_side is 500, the backbone takes multiples of 32",
    ),
    "a label too few": (head(0, "labels", ["only"]), "head density has fewer than two labels"),
    "labels fewer than the head is wide": (
        edit(lambda m: m["heads"][0]["labels"].append("third")),
        "density.onnx tells 2 classes apart, bundle.json names 3 for density: sparse, full, third",
    ),
    "two labels the same": (head(1, "labels", ["rod", "rod"]), "two labels of head shape are rod"),
    "a descriptor too many": (
        head(0, "descriptors", ["foreground_fraction", "n_domains"]),
        "density.onnx takes 1 features, .*2 descriptors",
    ),
    "a descriptor that nobody measures": (
        head(1, "descriptors", ["beauty"]),
        "head shape asks for what is not measured: beauty",
    ),
    "an embedding that the head cannot take": (
        head(0, "uses_embedding", True),
        "density.onnx takes 1 features, .* an embedding of 2 and 1 descriptors",
    ),
    "unknown level": (head(0, "level", "galaxy"), "head density has the level 'galaxy'"),
    "one task twice": (head(1, "task", "density"), "two heads have the task density"),
    "proof is a number": (setting("proof", 5), "proof is 5, not a list"),
    "proof is nothing": (setting("proof", None), "proof is None, not a list"),
    "no date": (without("created"), "the key created is missing"),
    "precisions is a list": (setting("precisions", ["fp32"]), r"precisions is \['fp32'\], not an object"),
    "a precision of no gates": (setting("precisions", {"fp32": {"written": True}}), "precisions.fp32 has no gates"),
    "a precision that is not there": (
        setting("precisions", {"int8": {"written": True, "gates": []}}),
        "precisions.int8.written is True, and backbone has no int8",
    ),
    "a gate of words": (
        setting("precisions", {"fp32": {"written": True, "gates": [{"name": "Dice", "value": "high"}]}}),
        "value is 'high', not a number",
    ),
    "metrics is a list": (head(0, "metrics", [1]), r"metrics is \[1\], not an object"),
    "scores of a word": (head(0, "metrics", {"test": {"accuracy": "good"}}), "accuracy is 'good', not a number"),
    "temperature is a word": (head(1, "temperature", "hot"), "temperature is 'hot', not a number"),
    "a stage without an object": (setting("provenance", {"segmenter": 3}), "segmenter is 3, not an object"),
    "a file outside the bundle": (point_outside, "'../outside.onnx' lies outside the bundle"),
    "a head as backbone": (put_head_in_place_of_the_backbone, "density.onnx is no backbone: it takes features"),
    "a backbone as head": (head(0, "file", "backbone.onnx"), "backbone.onnx is no head: it takes image"),
    "no ONNX, though its hash fits": (no_onnx_at_all, "density.onnx does not open on cpu"),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_is_refused_by_name(tiny_bundle, tmp_path, kind):
    damage, sentence = DAMAGES[kind]
    folder = shutil.copytree(tiny_bundle, tmp_path / "copy")
    damage(folder)
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        Model(load_bundle(folder), device="cpu")
    assert refused.value.exit_code == 2
    assert "\n" not in str(refused.value).strip() or kind.startswith("no ONNX")


def test_there_are_more_than_twenty_kinds():
    assert len(DAMAGES) > 20


def test_the_undamaged_bundle_opens(tiny_bundle):
    assert Model(load_bundle(tiny_bundle), device="cpu").engine.dim == 2


def test_a_file_cleared_away_while_loading_is_looked_for_under_its_new_name(tiny_bundle, tmp_path, monkeypatch):
    """A head is replaced between the reading of bundle.json and of the head: the new bundle is loaded, not none."""
    folder = shutil.copytree(tiny_bundle, tmp_path / "copy")
    from nanomorph import bundle

    verify = bundle.verify

    def replaced_meanwhile(where, manifest):
        if manifest["heads"][0]["file"] == "heads/density.onnx":
            (folder / "heads" / "density.onnx").rename(folder / "heads" / "new.onnx")
            change = manifest | {"heads": [manifest["heads"][0] | {"file": "heads/new.onnx"}, manifest["heads"][1]]}
            change["files"] = {f.replace("density", "new"): sha for f, sha in manifest["files"].items()}
            (folder / "bundle.json").write_text(json.dumps(change))
        return verify(where, manifest)

    monkeypatch.setattr(bundle, "verify", replaced_meanwhile)
    assert load_bundle(folder).heads[0].file == "heads/new.onnx"


def test_a_head_opens_from_what_was_verified(tiny_bundle, tmp_path):
    """Damaged after loading, a head still opens as loaded: the bytes that were checked are those that are used."""
    folder = shutil.copytree(tiny_bundle, tmp_path / "copy")
    loaded = load_bundle(folder)
    (folder / "heads" / "density.onnx").write_bytes(b"gone")
    assert Model(loaded, device="cpu").judge.heads[0].spec.task == "density"
    with pytest.raises(BundleError, match=r"density\.onnx"):
        load_bundle(folder)


def test_a_bundle_replaced_between_loading_and_opening_is_refused(tiny_bundle, tmp_path):
    """Old heads on a new backbone would answer, under the old bundle's name."""
    folder = shutil.copytree(tiny_bundle, tmp_path / "copy")
    loaded = load_bundle(folder)
    graph = onnx.load(str(folder / "backbone.onnx"))
    graph.producer_name = "the next export"
    onnx.save(graph, str(folder / "backbone.onnx"))
    with pytest.raises(BundleError, match=r"copy was changed while it was being opened \(backbone.onnx is another"):
        Model(loaded, device="cpu")
    (folder / "backbone.onnx").unlink()
    with pytest.raises(BundleError, match="was changed while it was being opened"):
        Model(loaded, device="cpu")


def test_a_backbone_of_the_same_bytes_opens_whatever_the_disk_says_of_it(tiny_bundle, tmp_path):
    """A share may give a file another number at every look."""
    folder = shutil.copytree(tiny_bundle, tmp_path / "copy")
    loaded = load_bundle(folder)
    shutil.copy(folder / "backbone.onnx", tmp_path / "same")
    (tmp_path / "same").replace(folder / "backbone.onnx")
    assert Model(loaded, device="cpu").engine.dim == 2
