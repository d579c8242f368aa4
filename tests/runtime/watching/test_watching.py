"""A whole watch, stepped by hand: every wait of the watcher lets the fake microscope do its next step."""

import hashlib
import itertools
import os
import shutil
import threading
import zipfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
import tifffile

from fake_microscope import FORMATS, MODES, acquire, lose_share
from micrograph_files import emi, rod_image, rod_of, ser, tiff
from nanomorph.bundle import load_bundle
from nanomorph.engines.onnx_runtime import OnnxRuntimeEngine
from nanomorph.errors import FatalError
from nanomorph.journal import JournalReader, locate
from nanomorph.model import Model
from nanomorph.running.run import Run
from nanomorph.running.work import Settings
from nanomorph.watching import BundleFollower, Clock, Rules, Watcher, watch
from nanomorph.watching import watcher as watcher_module
from runs import rows

SIDE = 64


class SteppedClock(Clock):
    """Time stands still but for waits; before each, everything in flight is settled and `steps` does one step."""

    def __init__(self, steps, patience):
        super().__init__()
        self._steps, self._now, self._patience = iter(steps), 0.0, patience
        self.calm = threading.Event()

    def now(self):
        return self._now

    def wait(self, seconds):
        if threading.current_thread() is not threading.main_thread():
            self.calm.wait(self._patience)  # for the FLUSH that goes before every wait to come out
            self.calm.clear()
        next(self._steps, None)
        self._now += seconds


class CalmWatcher(Watcher):
    """Tells its clock when the pipeline is empty."""

    def lull(self):
        super().lull()
        self.clock.calm.set()


@pytest.fixture
def scene(tiny_bundle, tmp_path):
    """Call it with steps to watch them to the end; gives events, tables and the journal's story."""
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()

    def run(steps=(), bundle=tiny_bundle, patience=60, journal=None, **rules):
        clock = SteppedClock(steps, patience)
        loaded = load_bundle(bundle)
        events = []
        with Run(out, Model(loaded, "cpu"), Settings(workers=2, copies=False), "watch", journal, bundle) as run_:
            watcher = CalmWatcher(folder, out, Rules(idle_exit=60, **rules), run_.journal, clock)
            follower = BundleFollower(bundle, loaded.fingerprint, lambda bundle: Model(bundle, "cpu"))
            watch(run_, watcher, follower, events.append)
        fields = {row["micrograph"]: row for row in rows(out, "fields")}
        with JournalReader.open(locate(out)) as journal:
            story = {name: [event for _, event, _ in journal.history(name)] for name in fields}
        return SimpleNamespace(
            events=events,
            outcomes=Counter(event.outcome for event in events),
            fields=fields,
            labels=rows(out, "labels"),
            domains=rows(out, "domains"),
            quarantine={row["input"]: row["reason"] for row in rows(out, "quarantine")},
            story=story,
        )

    return SimpleNamespace(run=run, folder=folder, out=out)


def actions(*calls):
    """One call a wait."""
    for call in calls:
        yield call()


def writings(folder, *wanted):
    """Files (name -> content) and the interleaved steps of writing (mode, format) pairs."""
    begun = [acquire(folder, n, mode, format_, SIDE) for n, (mode, format_) in enumerate(wanted)]
    files = {name: data for files, _ in begun for name, data in files.items()}
    return files, itertools.chain.from_iterable(itertools.zip_longest(*(steps for _, steps in begun)))


def areas(result, name):
    return [float(row["area_px"]) for row in result.domains if row["micrograph"] == name]


def area_of(number):
    length, width = rod_of(number, SIDE)
    return [length * width]


@pytest.mark.parametrize("format_", FORMATS)
def test_however_it_is_written_it_is_measured_once_and_whole(scene, format_):
    if format_ in {"dm", "pair"}:
        pytest.importorskip("rsciio")
    files, steps = writings(scene.folder, *((mode, format_) for mode in MODES))
    result = scene.run(steps, settle=3, poll=1)
    assert result.quarantine == {}
    assert set(result.fields) == set(files)
    for name, data in files.items():
        if name.endswith(".emi"):
            assert result.fields[name]["duplicate_of"] == name.replace(".emi", "_1.ser")
            continue
        number = int(name.rpartition(".")[0].removesuffix("_1").rpartition("_")[2])
        assert result.fields[name]["sha256"] == hashlib.sha256(data).hexdigest()
        assert areas(result, name) == area_of(number)
        assert sum(row["micrograph"] == name for row in result.labels) == 2  # two tasks
        if "rewrite" not in name:
            assert result.story[name] == ["done"]


def test_a_writer_that_stalls_for_longer_than_the_settle_time_is_waited_for(scene):
    (files, writing) = acquire(scene.folder, 7, "slow", "mrc", SIDE)
    steps = itertools.chain.from_iterable((step, None, None, None, None) for step in writing)
    result = scene.run(steps, settle=2, poll=1)
    (name,) = files
    assert result.outcomes["held"] >= 1
    assert {event.reason for event in result.events if event.outcome == "held"} == {"truncated"}
    assert result.story[name] == ["done"]
    assert areas(result, name) == area_of(7)


def test_a_file_that_stays_unfinished_is_quarantined_and_read_again_when_it_changes(scene):
    data = tiff(rod_image(1, SIDE))
    path = scene.folder / "a.tif"
    path.write_bytes(data[: len(data) // 2])
    wait = [lambda: None] * 60
    result = scene.run(actions(*wait, lambda: path.write_bytes(data)), settle=2, poll=1, tries=3)
    assert result.outcomes == {"held": 2, "quarantined": 1, "done": 1}
    assert result.quarantine == {}
    assert areas(result, "a.tif") == area_of(1)
    assert result.story["a.tif"] == ["quarantined", "superseded", "done"]


def test_the_quarantine_counts_every_reading(scene):
    """Of a member of an archive, too, which is opened again as a whole."""
    data = tiff(rod_image(1, SIDE))
    (scene.folder / "a.tif").write_bytes(data[: len(data) // 2])
    with zipfile.ZipFile(scene.folder / "day.zip", "w") as archive:
        archive.writestr("b.tif", data[: len(data) // 2])
        archive.writestr("c.tif", data)
    outcomes = scene.run(settle=2, poll=1, tries=3).outcomes
    assert (outcomes["held"], outcomes["quarantined"], outcomes["done"]) == (4, 2, 1)
    tries = {row["input"]: row["tries"] for row in rows(scene.out, "quarantine")}
    assert tries == {"a.tif": "3", "day.zip!/b.tif": "3"}


def test_rewritten_in_place_supersedes_and_both_are_on_record(scene):
    path = scene.folder / "a.tif"
    path.write_bytes(tiff(rod_image(1, SIDE)))
    wait = [lambda: None] * 20
    result = scene.run(actions(*wait, lambda: path.write_bytes(tiff(rod_image(2, SIDE)))), settle=2, poll=1)
    assert result.outcomes == {"done": 2}
    assert areas(result, "a.tif") == area_of(2)
    assert result.story["a.tif"] == ["done", "superseded", "done"]


def test_the_same_content_under_a_second_name_is_listed_and_not_measured(scene):
    data = tiff(rod_image(3, SIDE))
    for name in ("a.tif", "b.tif", "c.tif"):
        (scene.folder / name).write_bytes(data)
    wait = [lambda: None] * 20
    steps = actions(*wait, lambda: shutil.copy(scene.folder / "a.tif", scene.folder / "late.tif"))
    result = scene.run(steps, settle=2, poll=1)
    assert result.outcomes == {"done": 1, "alias": 3}
    assert {name: row["duplicate_of"] for name, row in result.fields.items()} == {
        "a.tif": "",
        "b.tif": "a.tif",
        "c.tif": "a.tif",
        "late.tif": "a.tif",
    }
    assert {row["micrograph"] for row in result.domains} == {"a.tif"}


def test_a_copy_whose_original_is_rewritten_gets_a_measurement_of_its_own(scene):
    original, copy = scene.folder / "a.tif", scene.folder / "b.tif"
    for path in (original, copy):
        path.write_bytes(tiff(rod_image(1, SIDE)))
    wait = [lambda: None] * 20
    result = scene.run(actions(*wait, lambda: original.write_bytes(tiff(rod_image(2, SIDE)))), settle=2, poll=1)
    assert areas(result, "a.tif") == area_of(2)
    assert areas(result, "b.tif") == area_of(1)
    assert result.story["b.tif"] == ["alias", "released", "done"]


def test_a_new_time_alone_measures_nothing_again(scene):
    path = scene.folder / "a.tif"
    path.write_bytes(tiff(rod_image(1, SIDE)))
    wait = [lambda: None] * 20
    result = scene.run(actions(*wait, lambda: os.utime(path, (1, 1))), settle=2, poll=1)
    assert result.outcomes == {"done": 1, "touched": 1}
    assert result.story["a.tif"] == ["done", "touched"]
    assert scene.run().outcomes == {}  # known under its new time


def test_a_late_description_of_a_pair_is_a_new_micrograph(scene):
    pytest.importorskip("rsciio")
    (scene.folder / "x_1.ser").write_bytes(ser(rod_image(1, SIDE)))
    wait = [lambda: None] * 30
    result = scene.run(actions(*wait, lambda: (scene.folder / "x.emi").write_bytes(emi())), settle=1, poll=1, tries=2)
    assert result.story["x_1.ser"] == ["done", "superseded", "done"]
    assert result.fields["x.emi"]["duplicate_of"] == "x_1.ser"


def test_a_share_that_is_lost_and_returns_loses_nothing(scene, caplog):
    files, steps = writings(scene.folder, *[("slow", "tiff")] * 4)
    wait = [None] * 12
    gone = lose_share(scene.folder)
    script = itertools.chain(itertools.islice(steps, 11), gone_for(gone, 12), steps, wait)
    with caplog.at_level("INFO", "nanomorph"):
        result = scene.run(script, settle=2, poll=1)
    assert set(result.fields) == set(files)
    assert result.quarantine == {}
    states = [record.getMessage().partition(":")[0] for record in caplog.records]
    assert [state for state in states if state in {"watching", "folder lost"}] == [
        "watching",
        "folder lost",
        "watching",
    ]


def gone_for(gone, waits):
    yield next(gone)
    yield from [None] * waits
    yield next(gone, None)


def test_a_mount_point_that_is_suddenly_empty_is_said_aloud(scene, caplog):
    path = scene.folder / "a.tif"
    path.write_bytes(tiff(rod_image(1, SIDE)))
    wait = [lambda: None] * 20
    with caplog.at_level("WARNING", "nanomorph"):
        scene.run(actions(*wait, path.unlink), settle=2, poll=1)
    assert "is the share mounted?" in caplog.text


def test_archives_and_foreign_files(scene, tmp_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "a.tif").write_bytes(tiff(rod_image(1, SIDE)))
    packed = shutil.make_archive(str(tmp_path / "day"), "zip", tmp_path / "pack")
    whole = Path(packed).read_bytes()
    (scene.folder / "notes.txt").write_text("overnight")
    path = scene.folder / "day.zip"
    path.write_bytes(whole[:100])
    wait = [lambda: None] * 4
    result = scene.run(actions(*wait, lambda: path.write_bytes(whole)), settle=2, poll=1)
    assert set(result.fields) == {"day.zip!/a.tif"}
    assert result.quarantine == {"notes.txt": "not-an-image"}
    assert result.outcomes["held"] >= 1


def test_low_disk_pauses_says_so_and_goes_on(scene, monkeypatch, caplog):
    (scene.folder / "a.tif").write_bytes(tiff(rod_image(1, SIDE)))
    free = iter(["out: only 1 MiB free"] * 5)
    monkeypatch.setattr(watcher_module, "shortage", lambda _: next(free, None))
    with caplog.at_level("INFO", "nanomorph"):
        result = scene.run(settle=2, poll=1)
    assert result.outcomes == {"done": 1}
    messages = [record.getMessage() for record in caplog.records]
    assert [message.partition(":")[0] for message in messages] == ["watching", "paused", "watching", "stopped"]


def test_a_full_disk_is_sat_out_and_nothing_is_lost(scene, monkeypatch, caplog):
    for n in range(6):
        (scene.folder / f"{n}.tif").write_bytes(tiff(rod_image(n, SIDE)))
    full = iter([True] * 3)
    real = tifffile.imwrite

    def imwrite(file, *arguments, **options):
        if next(full, False):
            raise OSError(28, "No space left on device")
        real(file, *arguments, **options)

    monkeypatch.setattr("nanomorph.results.masks.tifffile.imwrite", imwrite)
    result = scene.run(settle=2, poll=1, patience=0.2)  # no FLUSH comes out of a pipeline that has failed
    assert "paused" in caplog.text
    assert "No space left on device" in caplog.text
    assert sorted(result.fields) == [f"{n}.tif" for n in range(6)]
    assert all(story.count("done") == 1 for story in result.story.values())


@pytest.mark.parametrize("journal", ["in", "elsewhere"])
def test_results_whose_place_is_gone_for_a_while_are_written_nowhere_else(scene, tmp_path, journal, caplog):
    """A bare mount point takes folders and files, which the share hides when it is back."""
    away, below = tmp_path / "away", tmp_path / "below"

    def place(n):
        (scene.folder / f"{n}.tif").write_bytes(tiff(rod_image(n, SIDE)))

    def unmount():
        scene.out.rename(away)
        scene.out.mkdir()

    def mount():
        scene.out.rename(below)
        away.rename(scene.out)

    wait = [lambda: None] * 8
    steps = actions(lambda: place(0), *wait, unmount, lambda: place(1), *wait, mount, *wait, lambda: place(2))
    path = tmp_path / "local.sqlite" if journal == "elsewhere" else None
    if journal == "in":
        with pytest.raises(FatalError, match=r"journal\.sqlite was deleted or replaced"):
            scene.run(steps, settle=2, poll=1, patience=0.2)
        assert not any(scene.out.iterdir())
        return
    result = scene.run(steps, settle=2, poll=1, patience=0.2, journal=path)
    assert not any(below.iterdir())
    assert sorted(result.fields) == ["0.tif", "1.tif", "2.tif"]
    assert sorted(one.name for one in (scene.out / "masks").iterdir()) == [f"{n}.tif.tif" for n in range(3)]
    assert "out is gone, or its share is" in caplog.text


def test_started_again_it_does_nothing_twice(scene):
    for n in range(3):
        (scene.folder / f"{n}.tif").write_bytes(tiff(rod_image(n, SIDE)))
    assert scene.run().outcomes == {"done": 3}
    assert scene.run().outcomes == {}


def test_a_changed_bundle_is_taken_over_between_images_and_a_broken_one_refused(
    scene, tiny_bundle, tmp_path, caplog, monkeypatch
):
    closed = []
    monkeypatch.setattr(OnnxRuntimeEngine, "close", lambda engine: closed.append(engine))
    bundle = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    manifest = bundle / "bundle.json"
    good = manifest.read_text()

    def place(n):
        (scene.folder / f"{n}.tif").write_bytes(tiff(rod_image(n, SIDE)))

    def export(text):
        (bundle / "new").write_text(text)
        (bundle / "new").replace(manifest)

    wait = [lambda: None] * 20
    steps = actions(
        lambda: place(0), *wait,
        lambda: export(good.replace('"sha256"', '"sha"').replace("0.5", "0.5e")), *wait,
        lambda: place(1), *wait,
        lambda: export(good.replace('"name": "tiny"', '"name": "newer"')), *wait,
        lambda: place(2),
    )  # fmt: skip
    result = scene.run(steps, bundle=bundle, settle=2, poll=1)
    fingerprint = {row["micrograph"]: row["bundle"] for row in result.fields.values()}
    assert fingerprint["0.tif"] == fingerprint["1.tif"] == load_bundle(tiny_bundle).fingerprint
    assert fingerprint["2.tif"] == load_bundle(bundle).fingerprint
    assert caplog.text.count("bundle refused") == 1
    assert f"bundle {fingerprint['2.tif']} from now on" in caplog.text
    assert len(closed) == 1  # the first one's: on a GPU its buffers would stay


def test_a_refused_bundle_is_named_once_while_files_beside_it_change(tiny_bundle, tmp_path, caplog):
    bundle = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    manifest = bundle / "bundle.json"
    good = manifest.read_text()
    follower = BundleFollower(bundle, load_bundle(bundle).fingerprint, lambda loaded: Model(loaded, device="cpu"))
    manifest.write_text(good.replace("0.5", "0.5e"))
    for size in (0, 1, 2):  # a copy that goes on beside it
        assert follower.check() is None
        (bundle / "new").write_bytes(b"x" * size)
    assert caplog.text.count("bundle refused") == 1
    manifest.write_text(good.replace("0.5", "0.5e") + " ")  # exported again with the same fault
    assert follower.check() is None
    assert caplog.text.count("bundle refused") == 2
    manifest.write_text(good.replace('"name": "tiny"', '"name": "newer"'))
    model = follower.check()
    assert model is not None
    assert model.bundle.name == "newer"


def test_a_bundle_whose_engine_fails_is_refused_and_its_engine_closed(tiny_bundle, tmp_path, caplog, monkeypatch):
    bundle = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    follower = BundleFollower(bundle, "another", lambda loaded: Model(loaded, device="cpu"))
    closed = []
    monkeypatch.setattr(OnnxRuntimeEngine, "run", lambda *_: 1 / 0)
    monkeypatch.setattr(OnnxRuntimeEngine, "close", lambda engine: closed.append(engine))
    assert follower.check() is None
    assert "bundle refused, another goes on: CPU failed while it computed (division by zero)" in caplog.text
    assert len(closed) == 1
