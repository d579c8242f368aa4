"""The tutorial of training/README.md, command by command as it is printed there, on tiny micrographs."""

from __future__ import annotations

import csv
import shlex
from pathlib import Path
from string import Template

import cv2
import numpy as np
import pytest

from nanomorph.bundle import load_bundle
from nanomorph.cli.main import main
from nanomorph_training.heads.head import load_head

README = Path(__file__).parents[2] / "training" / "README.md"
SIZES = {"STEPS": "1", "COUNT": "1", "DRAWS": "1"}


def commands(mark: str) -> list[list[str]]:
    """The commands between `<!-- mark -->` and the end of its block, with their variables filled in."""
    block = README.read_text(encoding="utf-8").split(f"<!-- {mark} -->")[1].split("```")[1].removeprefix("sh\n")
    return [shlex.split(Template(line).substitute(SIZES)) for line in block.splitlines() if line and line[0] != "#"]


def micrographs(folder: Path) -> None:
    """images/, 12 labels of two classes (discs, bars) and 6 masks, all of their own groups."""
    (folder / "images").mkdir()
    (folder / "masks").mkdir()
    labels, masks = [], []
    for number in range(12):
        rng = np.random.default_rng(number)
        image, kind = rng.normal(170, 12, (64, 64)), ("disc", "bar")[number % 2]
        rows, columns = np.indices(image.shape)
        y, x = rng.integers(24, 40, 2)
        long, wide = (10, 10) if kind == "disc" else (20, 4)
        inside = ((rows - y) / long) ** 2 + ((columns - x) / wide) ** 2 <= 1
        image[inside] -= 90
        cv2.imwrite(str(folder / "images" / f"{number}.png"), np.clip(image, 0, 255).astype(np.uint8))
        cv2.imwrite(str(folder / "masks" / f"{number}.png"), inside.astype(np.uint8) * 255)
        row = {"file": f"images/{number}.png", "group": f"specimen-{number}"}
        labels.append(row | {"label": kind})
        masks.append(row | {"mask": f"masks/{number}.png"})
    for name, listed in (("labels", labels), ("masks", masks[:6])):
        with open(folder / f"{name}.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, list(listed[0]))
            writer.writeheader()
            writer.writerows(listed)


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("offline")
def test_the_tutorial_from_unlabelled_images_to_a_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    micrographs(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for program, *arguments in commands("tutorial"):
        assert program == "nanomorph"
        assert main(arguments) == 0, shlex.join(arguments)
    assert [head.labels for head in load_bundle("my-bundle").heads] == [("bar", "disc")]
    assert (tmp_path / "runs" / "study" / "table.md").is_file()
    with open("results/labels.csv", newline="") as file:
        judged = list(csv.DictReader(file))
    assert len(judged) == 12
    assert {row["bundle"] for row in judged} == {load_bundle("my-bundle").fingerprint}


def test_the_tutorial_names_every_stage() -> None:
    named = [arguments[0] for _, *arguments in commands("tutorial")]
    assert named[:5] == ["pretrain", "evaluate", "synthesize", "fit-segmenter", "fit-head"]
    assert named[5:] == ["export", "batch", "fit-head", "export", "relabel"]


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("offline")
def test_the_embedded_bundle_learns_from_a_few_masks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the export, which is the tutorial's."""
    micrographs(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fits = [["1" if word == "300" else word for word in arguments] for _, *arguments in commands("further")]
    assert [arguments[0] for arguments in fits] == ["fit-segmenter", "fit-head", "export"]
    for arguments in fits[:2]:
        assert main(arguments) == 0, shlex.join(arguments)
    assert load_head(tmp_path / "runs" / "my-head").labels == ("bar", "disc")
