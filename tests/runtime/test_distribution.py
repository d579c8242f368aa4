"""What is given away: the public names as a type checker sees them, and what the packages hold."""

import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

import nanomorph

CLIENT = """\
import nanomorph

bundle = nanomorph.load_bundle("mine")
result: nanomorph.Analysis = nanomorph.analyze("a.tif", bundle, nm_per_px=0.4)
labels: tuple[str, ...] = tuple(one.label for one in result.labels)
nanomorph.measure_mask(result.mask, nm_per_px=0.5)
wrong: int = bundle.name
nanomorph.analyze("a.tif", nm_per_pixel=0.4)
nanomorph.analyse("a.tif")
nanomorph.load_bundle(3)
"""


def test_a_client_is_told_of_its_errors_and_of_no_others(tmp_path):
    pytest.importorskip("mypy", reason="needs the extra `dev`")
    (tmp_path / "client.py").write_text(CLIENT)
    # Alone with nanomorph: what others define is not followed, which takes a tenth of the time.
    command = [sys.executable, "-m", "mypy", "--strict", "--no-site-packages", "--ignore-missing-imports",
               "--follow-imports", "silent", "--no-error-summary", "--hide-error-context", "client.py"]  # fmt: skip
    path = {"MYPYPATH": str(Path(nanomorph.__file__).parent.parent)}
    done = subprocess.run(command, cwd=tmp_path, env=path, capture_output=True, text=True, check=False)
    found = [(line.split(":")[1], line.rpartition("[")[2]) for line in done.stdout.splitlines() if ": error:" in line]
    assert found == [("7", "assignment]"), ("8", "call-arg]"), ("9", "attr-defined]"), ("10", "arg-type]")], done


def test_every_public_name_is_there_at_run_time():
    assert all(getattr(nanomorph, name) is not None for name in nanomorph.__all__)
    with pytest.raises(AttributeError, match="analyse"):
        nanomorph.analyse  # noqa: B018


@pytest.mark.parametrize("package", ["runtime/nanomorph", "training/nanomorph_training", "export/nanomorph_export"])
def test_packages_say_that_they_are_typed(package):
    assert (Path(nanomorph.__file__).parents[2] / package / "py.typed").is_file()


def test_what_the_readme_shows_is_in_the_source_distribution():
    root = Path(nanomorph.__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = [one.strip("/") for one in project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]]
    links = set(re.findall(r"\]\((?!https?:)([^)#]+)", (root / "README.md").read_text(encoding="utf-8")))
    assert "docs/overlays.jpg" in links
    assert all((root / link).is_file() for link in links)
    left_out = [link for link in links if not any(fnmatch(link.split("/")[0], pattern) for pattern in patterns)]
    assert left_out == []
