"""A finished run judged by other heads equals one that those heads judged from the start."""

import hashlib
import json
import os
import shutil

import cv2
import numpy as np
import onnx
import pytest

from nanomorph.bundle import load_bundle
from nanomorph.cli.main import main
from nanomorph.journal import Journal
from runs import batch
from runs import rows as all_rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A rod, a disc, both, and a field of bright specks in which there is no domain."""
    place = tmp_path_factory.mktemp("images")
    frames = [np.full((160, 192), 220, np.uint8) for _ in range(4)]
    frames[3][::16, ::16] = 0
    for frame in (frames[0], frames[2]):
        frame[20:40, 20:140] = 20
    for frame in (frames[1], frames[2]):
        cv2.circle(frame, (96, 110), 25, 20, thickness=-1)
    for n, frame in enumerate(frames):
        assert cv2.imwrite(str(place / f"{n}.png"), frame)
    return place


@pytest.fixture
def relearned(tiny_bundle, tmp_path):
    """The tiny bundle with other boundaries: full from 5 % foreground on, a rod only from an aspect ratio of 100 on."""
    bundle = shutil.copytree(tiny_bundle, tmp_path / "relearned")
    move_boundary(bundle, "density", 0.05)
    move_boundary(bundle, "shape", 100.0)
    return bundle


def move_boundary(bundle, task, boundary):
    path = bundle / "heads" / f"{task}.onnx"
    model = onnx.load(str(path))
    (tensor,) = [one for one in model.graph.initializer if one.name == "boundary"]
    tensor.CopyFrom(onnx.numpy_helper.from_array(np.array([boundary], np.float32), "boundary"))
    onnx.save(model, str(path))
    manifest = json.loads((bundle / "bundle.json").read_text())
    manifest["files"][f"heads/{task}.onnx"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (bundle / "bundle.json").write_text(json.dumps(manifest))


def rows(out, table, without=()):
    return [{k: v for k, v in row.items() if k not in without} for row in all_rows(out, table)]


def test_equals_a_run_with_these_heads(tiny_bundle, relearned, folder, tmp_path, capsys):
    assert batch(tiny_bundle, folder, "--out", tmp_path / "old") == 0
    assert batch(relearned, folder, "--out", tmp_path / "new") == 0
    before = rows(tmp_path / "old", "labels")
    masks = {path.name: path.read_bytes() for path in (tmp_path / "old" / "masks").iterdir()}
    assert main(["relabel", str(tmp_path / "old"), "--bundle", str(relearned)]) == 0
    assert "4 micrographs judged" in capsys.readouterr().out

    assert rows(tmp_path / "old", "labels", {"processed_at"}) == rows(tmp_path / "new", "labels", {"processed_at"})
    assert rows(tmp_path / "old", "domains") == rows(tmp_path / "new", "domains")
    made_by = {"bundle", "processed_at"}
    assert rows(tmp_path / "old", "fields", made_by) == rows(tmp_path / "new", "fields", made_by)
    assert {path.name: path.read_bytes() for path in (tmp_path / "old" / "masks").iterdir()} == masks
    # And something did change: the rod is no rod any more, and a field of discs is full.
    label = {(row["micrograph"], row["task"]): row["label"] for row in before}
    now = {(row["micrograph"], row["task"]): row["label"] for row in rows(tmp_path / "old", "labels")}
    assert (label["0.png", "shape"], now["0.png", "shape"]) == ("rod", "disc")
    assert (label["2.png", "density"], now["2.png", "density"]) == ("sparse", "full")


def test_every_row_says_who_judged_and_who_measured(tiny_bundle, relearned, folder, tmp_path):
    out = tmp_path / "out"
    assert batch(tiny_bundle, folder, "--out", out) == 0
    main(["relabel", str(out), "--bundle", str(relearned)])
    (measured_by,) = {row["bundle"] for row in rows(out, "fields")}
    (judged_by,) = {row["bundle"] for row in rows(out, "labels")}
    assert measured_by == hashlib.sha256((tiny_bundle / "bundle.json").read_bytes()).hexdigest()[:12]
    assert judged_by == hashlib.sha256((relearned / "bundle.json").read_bytes()).hexdigest()[:12]
    # The run goes on with the new bundle, and the next relabelling starts from it.
    assert batch(relearned, folder, "--out", out) == 0
    assert main(["relabel", str(out), "--bundle", str(tiny_bundle)]) == 0
    assert {row["bundle"] for row in rows(out, "labels")} == {measured_by}


def test_a_task_less_leaves_no_column(tiny_bundle, folder, tmp_path):
    assert batch(tiny_bundle, folder, "--out", tmp_path / "out") == 0
    fewer = shutil.copytree(tiny_bundle, tmp_path / "fewer")
    manifest = json.loads((fewer / "bundle.json").read_text())
    manifest["heads"] = manifest["heads"][:1]
    (fewer / "bundle.json").write_text(json.dumps(manifest))
    assert main(["relabel", str(tmp_path / "out"), "--bundle", str(fewer)]) == 0
    assert {row["task"] for row in rows(tmp_path / "out", "labels")} == {"density"}
    assert not {"shape", "shape_confidence"} & set(rows(tmp_path / "out", "domains")[0])


def test_labels_are_not_lost_to_a_forgotten_option(tiny_bundle, folder, tmp_path, capsys, monkeypatch):
    """Without --bundle the embedded one judges: here a bundle without a head for `shape`."""
    out = tmp_path / "out"
    assert batch(tiny_bundle, folder, "--out", out) == 0
    fewer = shutil.copytree(tiny_bundle, tmp_path / "fewer")
    manifest = json.loads((fewer / "bundle.json").read_text())
    manifest["heads"] = manifest["heads"][:1]
    (fewer / "bundle.json").write_text(json.dumps(manifest))
    monkeypatch.setattr("nanomorph.bundle.load_bundle", lambda folder: load_bundle(folder or fewer))
    assert main(["relabel", str(out)]) == 2
    assert "has labels of shape, which would be gone" in capsys.readouterr().err
    assert {row["task"] for row in rows(out, "labels")} == {"density", "shape"}
    assert main(["relabel", str(out), "--bundle", str(fewer)]) == 0
    assert "shape: its labels are gone, this bundle has no head for it" in capsys.readouterr().out


def test_another_backbone_is_refused_and_nothing_changes(tiny_bundle, folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert batch(tiny_bundle, folder, "--out", out) == 0
    other = shutil.copytree(tiny_bundle, tmp_path / "other")
    manifest = json.loads((other / "bundle.json").read_text())
    (other / "bundle.json").write_text(json.dumps(manifest | {"foreground_threshold": 0.4}))
    before = (out / "labels.csv").read_bytes()
    assert main(["relabel", str(out), "--bundle", str(other)]) == 2
    assert "whose backbone or input is not that of bundle tiny" in capsys.readouterr().err
    assert (out / "labels.csv").read_bytes() == before


def test_a_failure_in_the_middle_leaves_every_old_label(tiny_bundle, relearned, folder, tmp_path, monkeypatch):
    out = tmp_path / "out"
    assert batch(tiny_bundle, folder, "--out", out) == 0
    with Journal.open(out / "journal.sqlite") as journal:
        before = [one.labels for one in journal.measured()]
    monkeypatch.setattr("nanomorph.relabel.PAGE", 1)
    calls = iter(range(3))  # the fourth micrograph finds no head any more
    original = __import__("nanomorph.relabel", fromlist=["_judge"])._judge
    monkeypatch.setattr("nanomorph.relabel._judge", lambda *a: (next(calls), original(*a))[1])
    with pytest.raises((StopIteration, RuntimeError)):
        main(["relabel", str(out), "--bundle", str(relearned)])
    with Journal.open(out / "journal.sqlite") as journal:
        assert [one.labels for one in journal.measured()] == before
        assert journal.tasks() == {"density": ("sparse", "full"), "shape": ("disc", "rod")}


def rejudged(run, out, bundle):
    """All that the journal holds of each micrograph of a copy of `run` after it was judged anew."""
    shutil.copytree(run, out)
    assert main(["relabel", str(out), "--bundle", str(bundle)]) == 0
    with Journal.open(out / "journal.sqlite") as journal:
        found = list(journal.measured(domains=True, vectors=True))
    unseen = {"processed_at": ""}
    return [
        (one.name, [cells | unseen for cells in one.labels], one.domain_columns, one.packed_domains) for one in found
    ]


def test_pages_say_what_micrographs_one_by_one_do(tiny_bundle, relearned, folder, tmp_path, monkeypatch):
    assert batch(tiny_bundle, folder, "--out", tmp_path / "run") == 0
    with Journal.open(tmp_path / "run" / "journal.sqlite") as journal, journal._transaction():
        # As if an earlier bundle had another task for the second micrograph: other columns than its neighbours'.
        header = "SELECT replace(columns, '\"shape', '\"form') FROM headers WHERE kind = 'domains'"
        journal._database.execute(f"INSERT INTO headers (kind, columns) VALUES ('domains', ({header}))")
        journal._database.execute("UPDATE inputs SET header = (SELECT max(id) FROM headers) WHERE name = '1.png'")
        journal._database.execute("INSERT INTO tasks (name, labels) VALUES ('form', '[]')")
    found = rejudged(tmp_path / "run", tmp_path / "pages", relearned)
    assert len({columns for _, _, columns, _ in found}) == 1
    for limit in ("PAGE", "PAGE_BYTES"):
        monkeypatch.setattr(f"nanomorph.relabel.{limit}", 1)
        assert rejudged(tmp_path / "run", tmp_path / limit, relearned) == found
        monkeypatch.undo()


def test_a_folder_without_a_run(tmp_path, capsys):
    assert main(["relabel", str(tmp_path)]) == 2
    assert "holds no run" in capsys.readouterr().err


def test_a_run_that_goes_on_is_left_alone(tiny_bundle, folder, tmp_path, capsys):
    assert batch(tiny_bundle, folder, "--out", tmp_path) == 0
    before = (tmp_path / "labels.csv").read_bytes()
    with Journal.open(tmp_path / "journal.sqlite"):
        assert main(["relabel", str(tmp_path), "--bundle", str(tiny_bundle)]) == 2
    assert f"being written by process {os.getpid()}: wait until it ends, or stop it" in capsys.readouterr().err
    assert (tmp_path / "labels.csv").read_bytes() == before


def test_a_run_that_goes_on_after_relabelling_is_of_one_bundle(tiny_bundle, relearned, folder, tmp_path, capsys):
    """Old images were measured by one bundle and judged by another, new ones both by the other: labels compare."""
    manifest = json.loads((relearned / "bundle.json").read_text())
    manifest["heads"][0]["task"] = "crowd"
    (relearned / "bundle.json").write_text(json.dumps(manifest))
    images, out = shutil.copytree(folder, tmp_path / "images"), tmp_path / "out"
    assert batch(tiny_bundle, images, "--out", out) == 0
    assert main(["relabel", str(out), "--bundle", str(relearned)]) == 0
    assert "crowd: a new task\n" in capsys.readouterr().out
    shutil.copy(images / "0.png", images / "more.png")
    assert batch(relearned, images, "--out", out) == 0
    assert len({row["bundle"] for row in rows(out, "labels")}) == 1
    assert len({row["bundle"] for row in rows(out, "fields")}) == 2
    assert "different bundles" not in (out / "report.html").read_text(encoding="utf-8")
    # Two runs of two bundles do not.
    assert batch(tiny_bundle, images, "--out", tmp_path / "other") == 0
    assert main(["report", str(out), str(tmp_path / "other"), "--out", str(tmp_path / "both.html")]) == 0
    assert "The samples were labelled by different bundles." in (tmp_path / "both.html").read_text(encoding="utf-8")
