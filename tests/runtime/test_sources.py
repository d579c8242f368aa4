"""What is found in folders and archives, and what hostile ones are denied."""

import bz2
import gzip
import io
import lzma
import os
import shutil
import struct
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

from nanomorph.micrograph import ReadError
from nanomorph.naming import natural_key
from nanomorph.sources import Item, Rejected, discover, unique_names

MIB = 1024**2
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX links, pipes and modes")


def run(*inputs: Path, **options) -> tuple[dict[str, bytes], dict[str, str]]:
    """Contents of items and reasons of rejections by name, loading as a pipeline does."""
    contents, reasons = {}, {}
    for entry in discover(inputs, **options):
        assert entry.name not in contents
        assert entry.name not in reasons
        if isinstance(entry, Rejected):
            reasons[entry.name] = entry.reason
            continue
        try:
            contents[entry.name] = entry.load()
        except ReadError as error:
            reasons[entry.name] = error.reason
    return contents, reasons


def tar_of(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def zip_of(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_natural_order():
    names = ["b10.tif", "b2.tif", "a/z.tif", "B1.tif", "a.tif", "b02.tif", "b/1.tif"]
    assert sorted(names, key=natural_key) == [
        "a/z.tif", "a.tif", "b/1.tif", "B1.tif", "b02.tif", "b2.tif", "b10.tif",
    ]  # fmt: skip


def test_folder_in_natural_order_without_hidden_and_temporary_files(tmp_path):
    for name in ("run10.tif", "run2.tif", "sub/x.PNG", ".hidden.tif", "y.tif.tmp", "z.tif~", "Thumbs.db"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "notes.txt").write_text("hello")
    found = list(discover([tmp_path]))
    assert [entry.name for entry in found] == ["notes.txt", "run2.tif", "run10.tif", "sub/x.PNG"]
    assert isinstance(found[0], Rejected)
    assert found[0].reason == "not-an-image"
    assert isinstance(found[1], Item)
    assert (found[1].size, found[1].path, found[1].load()) == (8, tmp_path / "run2.tif", b"run2.tif")


def test_stamp_follows_the_file(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(b"1234")
    os.utime(path, ns=(1, 1))
    (before,) = discover([tmp_path])
    os.utime(path, ns=(2, 2))
    (after,) = discover([tmp_path])
    assert before.stamp != after.stamp


def test_single_file_is_taken_whatever_its_suffix(tmp_path):
    (tmp_path / "image.dat").write_bytes(b"x")
    assert run(tmp_path / "image.dat") == ({"image.dat": b"x"}, {})


def test_missing_input_is_refused_before_anything_starts(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere.*no such file or folder.*needs quotes"):
        discover([tmp_path, tmp_path / "nowhere"])


def test_several_inputs_get_names_apart(tmp_path):
    for folder in ("mon/grid", "tue/grid"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "1.tif").write_bytes(folder.encode())
    (tmp_path / "single.tif").write_bytes(b"s")
    inputs = [
        tmp_path / "mon/grid",
        tmp_path / "tue/grid",
        tmp_path / "single.tif",
        tmp_path / "mon" / "grid",
    ]
    contents, reasons = run(*inputs)
    assert contents == {"mon/grid/1.tif": b"mon/grid", "tue/grid/1.tif": b"tue/grid", "single.tif": b"s"}
    assert not reasons


def test_output_folders_are_no_input(tmp_path):
    for name in ("a.tif", "out/overlays/a.tif.png", "older/overlays/a.tif.png", "older/journal.sqlite"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert run(tmp_path, exclude=tmp_path / "out") == ({"a.tif": b"x"}, {})


def test_input_folder_that_is_the_output_folder(tmp_path):
    for name in (
        "a.tif",
        "journal.sqlite",
        "journal.sqlite-wal",
        "labels.csv",
        "report.html",
        "masks/a.tif.tif",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert run(tmp_path, exclude=tmp_path) == ({"a.tif": b"x"}, {})


def test_emi_names_its_ser(tmp_path):
    for name in ("scan_1.ser", "scan.emi", "alone.emi"):
        (tmp_path / name).write_bytes(b"x")
    expected = {"alone.emi": None, "scan.emi": "scan_1.ser", "scan_1.ser": None}
    assert {entry.name: entry.companion for entry in discover([tmp_path])} == expected
    members = dict.fromkeys(("d/scan.emi", "d/alone.emi", "d/scan_1.ser"), b"x")
    for archive in (zip_of(tmp_path / "z.zip", members), tar_of(tmp_path / "t.tgz", members, "w:gz")):
        found = {entry.name: entry.companion for entry in discover([archive])}
        assert found == {
            f"{archive.name}!/d/alone.emi": None,
            f"{archive.name}!/d/scan.emi": f"{archive.name}!/d/scan_1.ser",
            f"{archive.name}!/d/scan_1.ser": None,
        }


@posix_only
def test_links_pipes_and_bad_names(tmp_path):
    outside, folder = tmp_path / "outside", tmp_path / "in"
    outside.mkdir()
    folder.mkdir()
    (outside / "real.tif").write_bytes(b"r")
    (folder / "linked.tif").symlink_to(outside / "real.tif")
    (folder / "linked").symlink_to(outside)
    (folder / "gone.tif").symlink_to(tmp_path / "nowhere.tif")
    (folder / "self.tif").symlink_to(folder / "self.tif")
    (folder / "up").symlink_to(folder)
    os.mkfifo(folder / "pipe.tif")
    with open(os.fsencode(folder) + b"/\xff.tif", "wb") as file:
        file.write(b"f")
    contents, reasons = run(folder)
    assert contents == {"linked.tif": b"r", "linked/real.tif": b"r", "\\xff.tif": b"f"}
    assert reasons == {
        "gone.tif": "broken-link",
        "pipe.tif": "not-a-regular-file",
        "self.tif": "symlink-loop",
        "up": "symlink-loop",
    }


@pytest.fixture
def ordinary_user():
    """A folder of a user who may not read everything, also where the tests run as root."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        shutil.rmtree(folder)


@posix_only
def test_no_permission(ordinary_user):
    names = ("a.tif", "locked/b.tif", "z.zip", "t.tar")
    for name in names:
        (ordinary_user / name).parent.mkdir(exist_ok=True)
        (ordinary_user / name).write_bytes(b"x")
    for name in ("a.tif", "z.zip", "t.tar", "locked"):
        (ordinary_user / name).chmod(0)
    try:
        assert run(ordinary_user) == ({}, dict.fromkeys(("a.tif", "locked/", "t.tar", "z.zip"), "no-access"))
        with pytest.raises(FileNotFoundError, match="may not be read"):
            discover([ordinary_user / "locked" / "b.tif"])
    finally:
        (ordinary_user / "locked").chmod(0o700)


def test_file_that_vanishes_or_exceeds_the_limit(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"x" * 11)
    assert run(tmp_path, limit=10) == ({}, {"a.tif": "too-large"})
    (item,) = discover([tmp_path])
    (tmp_path / "a.tif").unlink()
    with pytest.raises(ReadError, match="no-access"):
        item.load()


def test_hostile_zip(tmp_path):
    """Issue 2: five good members, a text file, a zip-slip name and a bomb, among others."""
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            archive.writestr(f"good/{number}.tif", f"image {number}")
        archive.writestr("notes.txt", "hello")
        archive.writestr("../../evil.tif", "x")
        archive.writestr("/etc/evil.tif", "x")
        archive.writestr("C:\\evil.tif", "x")
        archive.writestr("inner.zip", "x")
        archive.writestr(".DS_Store", "x")
        archive.writestr("__MACOSX/._0.tif", "x")
        with archive.open("bomb.tif", "w") as bomb:
            for _ in range(300):
                bomb.write(bytes(MIB))
    assert path.stat().st_size < MIB
    contents, reasons = run(path, limit=100 * MIB)
    assert contents == {f"archive.zip!/good/{n}.tif": f"image {n}".encode() for n in range(5)}
    assert reasons == {
        "archive.zip!/notes.txt": "not-an-image",
        "archive.zip!/../../evil.tif": "unsafe-path",
        "archive.zip!//etc/evil.tif": "unsafe-path",
        "archive.zip!/C:\\evil.tif": "unsafe-path",
        "archive.zip!/inner.zip": "nested-archive",
        "archive.zip!/bomb.tif": "decompression-bomb",
    }
    assert [entry.name for entry in tmp_path.iterdir()] == ["archive.zip"]


def test_zip_that_lies_about_sizes(tmp_path):
    """A header that declares 1000 bytes for 3 MiB: no more than declared is unpacked, and that is damaged."""
    path = zip_of(tmp_path / "a.zip", {"a.tif": bytes(3 * MIB)})
    data = path.read_bytes().replace(struct.pack("<I", 3 * MIB), struct.pack("<I", 1000))
    path.write_bytes(data)
    assert run(path, limit=MIB) == ({}, {"a.zip!/a.tif": "corrupt-member"})


def test_many_members_that_each_stay_below_the_limit(tmp_path):
    """16 times the limit is unpacked in all, then no more."""
    path = zip_of(tmp_path / "a.zip", {f"{n:02}.tif": bytes(MIB) for n in range(20)})
    contents, reasons = run(path, limit=MIB)
    assert list(contents) == [f"a.zip!/{n:02}.tif" for n in range(16)]
    assert set(reasons.values()) == {"decompression-bomb"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_encrypted_linked_and_repeated_members(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.tif", "first")
        archive.writestr("a.tif", "second")
        archive.writestr("secret.tif", "x")
        link = zipfile.ZipInfo("link.tif")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.index(b"secret.tif", data.index(signature)) - (30 if offset == 6 else 46)
        while data[start : start + 4] != signature:
            start = data.index(b"secret.tif", start + 47) - (30 if offset == 6 else 46)
        data[start + offset] |= 1
    path.write_bytes(data)
    contents, reasons = run(path)
    assert contents == {"a.zip!/a.tif": b"first"}
    assert reasons == {
        "a.zip!/a.tif (2)": "duplicate-name",
        "a.zip!/secret.tif": "encrypted",
        "a.zip!/link.tif": "link",
    }


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".tgz"])
def test_tar(tmp_path, suffix):
    path = tmp_path / f"run{suffix}"
    mode = {".tar": "w", ".tgz": "w:gz"}.get(suffix) or "w:" + suffix.rpartition(".")[2]
    with tarfile.open(path, mode) as tar:
        for name, kind in (("d", tarfile.DIRTYPE), ("l.tif", tarfile.SYMTYPE), ("p.tif", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
        for name in ("d/2.tif", "d/1.tif", "../evil.tif", "big.tif", "notes.txt", "d/1.tif"):
            info = tarfile.TarInfo(name)
            data = bytes(3000) if name == "big.tif" else name.encode()
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    contents, reasons = run(path, limit=2000)
    assert contents == {f"{path.name}!/d/2.tif": b"d/2.tif", f"{path.name}!/d/1.tif": b"d/1.tif"}
    assert reasons == {
        f"{path.name}!/l.tif": "link",
        f"{path.name}!/p.tif": "not-a-regular-file",
        f"{path.name}!/../evil.tif": "unsafe-path",
        f"{path.name}!/big.tif": "decompression-bomb",
        f"{path.name}!/notes.txt": "not-an-image",
        f"{path.name}!/d/1.tif (2)": "duplicate-name",
    }


def test_tar_that_unpacks_without_end(tmp_path):
    """16 MiB of zeros behind the first member, 1 MiB allowed in all: the good one is kept."""
    members = {"a.tif": b"good", "bomb.tif": bytes(16 * MIB), "b.tif": b"lost"}
    path = tar_of(tmp_path / "a.tar.bz2", members, "w:bz2")
    contents, reasons = run(path, limit=MIB // 16)
    assert contents == {"a.tar.bz2!/a.tif": b"good"}
    assert reasons == {"a.tar.bz2!/bomb.tif": "decompression-bomb", "a.tar.bz2": "decompression-bomb"}


def test_tar_with_a_huge_header(tmp_path):
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 10**9
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf() + bytes(MIB)))
    assert run(path) == ({}, {"a.tar.gz": "decompression-bomb"})


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_truncated_tar_keeps_what_is_whole(tmp_path, pack, keep):
    noise = os.urandom(200_000)
    plain = tar_of(tmp_path / "plain.tar", {"a.tif": noise, "b.tif": noise[::-1]}).read_bytes()
    path = tmp_path / "a.tar.any.tar"
    packed = pack(plain)
    path.write_bytes(packed[: int(len(packed) * keep)])
    contents, reasons = run(path)
    assert set(contents.values()) <= {noise, noise[::-1]}
    assert reasons["a.tar.any.tar"] == "corrupt-archive"


def test_damaged_tar_header_is_not_the_end(tmp_path):
    """tarfile itself would stop in silence here."""
    path = tar_of(tmp_path / "a.tar", {"a.tif": b"a", "b.tif": b"b", "c.tif": b"c"})
    data = bytearray(path.read_bytes())
    data[1024:1100] = b"\x55" * 76
    path.write_bytes(data)
    assert run(path) == ({"a.tar!/a.tif": b"a"}, {"a.tar": "corrupt-archive"})


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no zip", b"\x1f\x8b", os.urandom(3000)])
def test_not_an_archive_after_all(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    assert run(tmp_path) == ({}, {name: "corrupt-archive"})


def test_tar_item_loaded_too_late_is_a_defect_not_wrong_data(tmp_path):
    path = tar_of(tmp_path / "a.tar.gz", {"a.tif": b"a" * 5000, "b.tif": b"b"}, "w:gz")
    found = discover([path])
    first = next(found)
    next(found).load()
    with pytest.raises(RuntimeError, match="after the next one"):
        first.load()


def test_archive_below_a_folder_and_after_a_change(tmp_path):
    (tmp_path / "sub").mkdir()
    path = zip_of(tmp_path / "sub" / "a.zip", {"x/1.tif": b"1", "x/2.tif": b"2"})
    before = {entry.name: entry.stamp for entry in discover([tmp_path])}
    assert list(before) == ["sub/a.zip!/x/1.tif", "sub/a.zip!/x/2.tif"]
    zip_of(path, {"x/1.tif": b"1", "x/2.tif": b"3"})
    after = {entry.name: entry.stamp.split()[0] for entry in discover([tmp_path])}
    assert [before[name].split()[0] == after[name] for name in before] == [True, False]


def test_a_name_that_leaves_no_room_for_its_partners_ends_no_scan(tmp_path):
    # `x_1.ser` would be two characters longer than the file system takes, and asking for it an error.
    long = "x" * (255 - len(".emi")) + ".emi"
    try:
        (tmp_path / long).write_bytes(b"<ObjectInfo>")
    except OSError:
        pytest.skip("names of 255 characters do not fit here")
    (tmp_path / "y.tif").write_bytes(b"")
    assert [entry.name for entry in discover([tmp_path])] == [long, "y.tif"]


@pytest.mark.parametrize(
    ("inputs", "names"),
    [
        (("p/run", "q/run"), ["p/run", "q/run"]),
        (("p/run", "q/other"), ["run", "other"]),
        (("p/run", "q/run/b.png", "r/other/b.png"), ["p/run", "q/run/b.png", "other/b.png"]),
        (("x/c1/out", "y/c1/out"), ["x/c1/out", "y/c1/out"]),
    ],
)
def test_inputs_have_names_apart(inputs, names):
    """Nor may a file's name be one that a folder's content has: `run/b.png` may lie in `run`."""
    assert unique_names([Path(one) for one in inputs]) == names
