"""Make the embedded bundle, from micrographs to bundle.json, in one command.

    python training/recipes/embedded.py --data ../shared/data --work runs/embedded

Needs the extras training, export, cpu and microscopes. About four hours on two idle CPU cores that have
AVX512-BF16 (`--amp bf16`), twice as long without it. A run that was stopped goes on where it was. What comes out is
--out, by default the bundle inside the runtime package.

Articles with `nanomorph_training.data.is_held_out(doi)` are seen by no stage; the four exemplars of the reference
paper (nanowires/exemplars) are in no list. Both are for `benchmarks` alone.
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nanomorph.cli.options import option
from nanomorph_training.kinds import CLASSES as MORPHOLOGIES
from nanomorph_training.ranges import PRECISIONS

EMBEDDED = Path(__file__).parents[2] / "runtime" / "nanomorph" / "bundles" / "embedded"
SHAPES = ("sphere", "cube", "rod", "polyhedron")
# The segmenter of the last fit, on whose masks the heads learn.
SEGMENTER = "segmenter-empties"


@dataclass(frozen=True)
class Options:
    data: Path = option("the folder of real micrographs (shared/data)", type=Path)
    work: Path = option("folder for synthetic images, runs and caches", type=Path)
    out: Path = option("where the bundle goes", default=EMBEDDED, type=Path)
    amp: str = option("precision of the forward passes of both long fits", default="fp32", choices=PRECISIONS)
    scale: float = option("share of every stage's size: 0.01 tries the recipe in minutes", default=1.0, type=float)

    def scaled(self, number: int) -> str:
        """So many steps or fields, in the share that is asked for."""
        return str(max(8, round(number * self.scale)))

    def fields(self, name: str) -> Path:
        """The list of the synthetic fields of that name."""
        return self.work / name / "labels.csv"

    @property
    def particles(self) -> Path:
        """The list of real particles with labels and masks."""
        return self.data / "nanoparticles" / "nanoparticles.csv"

    @property
    def unlabeled(self) -> Path:
        """The list of other real micrographs."""
        return self.data / "unlabeled" / "unlabeled.csv"

    @property
    def pool(self) -> list[Path]:
        """What encoder and segmenter see: all real micrographs, and drawn fields."""
        real = [self.particles, self.unlabeled, self.data / "nanowires" / "other.csv"]
        return [*real, self.data / "nanoparticles" / "msa_bf_tem" / "train", self.fields("fields")]

    @property
    def cached(self) -> list[Any]:
        """Options of every long training."""
        return ["--cache", self.work / "cache", "--resume", "auto"]


@dataclass(frozen=True)
class Step:
    """One command, in words of any type, done when the file `done` is there."""

    done: Path
    command: Sequence[Any]


def trained(out: Path, command: str, *words: Any) -> Step:
    """A training that is done when its folder says so."""
    return Step(out / "DONE", (command, "--out", out, *words))


def recipe(options: Options) -> list[Step]:
    """Every step in order."""
    learned = [encoder(options), *segmenters(options), morphology(options), shape(options)]
    return [*drawn(options), *learned, bundle(options)]


def drawn(options: Options) -> list[Step]:
    """The synthetic fields that are learned from."""

    def fields(name: str, count: int, seed: int, *classes: str, width_px: tuple[int, ...] = ()) -> Step:
        folder = options.work / name
        command = ["synthesize", "--out", folder, "--count", options.scaled(count), "--seed", seed, "--workers", 2]
        command += ["--classes", *classes] if classes else []
        return Step(options.fields(name), [*command, *(["--width-px", *width_px] if width_px else [])])

    return [
        fields("fields", 400, 1, *MORPHOLOGIES, "particles"),
        # Only for the segmenter: which of two phases is the material.
        fields("textures", 120, 3, "grid", "texture"),
        # Fields that the segmenter never saw: a head must learn from masks as they will be, not as they were learnt.
        fields("labelled", 300, 2),
        fields("labelled-too", 300, 7),
        # What is no wire, beside the real particles: the morphology head is to say so.
        fields("others", 100, 2, "particles"),
        fields("empties", 200, 21, "empty"),
        fields("foreign", 200, 22, "foreign"),
        # For the second fit, what the first lacked: particles that are hollow or have crumbs beside them.
        fields("crumbs", 400, 6_000_000, "particles"),
        # For the third and fourth, thick meshes: their bright windows are easily taken for cubes.
        fields("meshes", 150, 3_000_003, "grid", width_px=(9, 25)),
        fields("meshes-too", 300, 3_000_004, "grid", width_px=(9, 25)),
        # For the fifth, frames that show nothing: something was found on three of five.
        fields("empties-too", 300, 23, "empty"),
    ]


# fmt: off
def encoder(options: Options) -> Step:
    """The encoder, from pictures alone."""
    return trained(
        options.work / "pretrain", "pretrain", "--data", *options.pool, "--method", "simclr", "--encoder", "resnet18",
        "--batch", 64, "--steps", options.scaled(600), "--seed", 1, "--amp", options.amp, *options.cached
    )


def segmenters(options: Options) -> list[Step]:
    """Fit after fit: the first on the encoder; each later one learns what was lacking and keeps a share of that."""

    def fit(start: str, name: str, lists: Sequence[str], steps: int, *more: Any) -> Step:
        return trained(
            options.work / name, "fit-segmenter", "--data", *options.pool, *map(options.fields, lists),
            "--encoder", options.work / start, "--steps", options.scaled(steps), *more,
            "--synthetic", 0.5, "--amp", options.amp, "--validate-every", 200, *options.cached
        )

    def again(start: str, name: str, *lists: str, steps: int, seed: int, keep: float) -> Step:
        return fit(start, name, ("textures", "crumbs", *lists), steps, "--lr", 5e-4, "--seed", seed, "--keep", keep)

    meshes = ("meshes", "meshes-too")
    return [
        fit("pretrain", "segmenter", ["textures"], 5000),
        again("segmenter", "segmenter-again", steps=2400, seed=11, keep=0.5),
        again("segmenter-again", "segmenter-meshes", *meshes[:1], steps=1600, seed=12, keep=0.5),
        again("segmenter-meshes", "segmenter-meshes-too", *meshes, steps=1200, seed=13, keep=0.3),
        again("segmenter-meshes-too", SEGMENTER, *meshes, "empties-too", steps=1000, seed=14, keep=0.5),
    ]


def morphology(options: Options) -> Step:
    """The head for nanowires."""
    return trained(
        options.work / "morphology", "fit-head", "--data", *map(options.fields, ("labelled", "labelled-too")),
        "--encoder", options.work / SEGMENTER, "--task", "nanowire-morphology", "--level", "field",
        "--labels", *MORPHOLOGIES, "--other", options.particles, *map(options.fields, ("others", "empties", "foreign"))
    )


def shape(options: Options) -> Step:
    """The head for particles."""
    return trained(
        options.work / "shape", "fit-head", "--data", options.particles, "--encoder", options.work / SEGMENTER,
        # Given masks teach what shapes are, predicted ones how they will look; dirt and letters, what is none.
        "--task", "nanoparticle-shape", "--level", "domain", "--labels", *SHAPES, "--masks", "both",
        "--other", *map(options.fields, ("empties", "foreign"))
    )


def bundle(options: Options) -> Step:
    """All in one folder, in the precisions that prove equal to it."""
    return Step(options.out / "bundle.json", (
        "export", "--head", options.work / "morphology", options.work / "shape",
        "--segmenter", options.work / SEGMENTER, "--calibrate", options.particles, options.unlabeled,
        "--precisions", "fp32", "int8", "--name", "embedded", "--out", options.out
    ))
# fmt: on


def main() -> int:
    """Run every step that is not done; returns the exit code of the first that fails."""
    from argparse_dataclass import ArgumentParser

    options = ArgumentParser(Options, description=__doc__).parse_args()
    for step in recipe(options):
        # The bundle is always written anew: its parts may have been made again.
        if step.done.exists() and step.done.name != "bundle.json":
            continue
        print("nanomorph", *step.command, file=sys.stderr, flush=True)
        program = [sys.executable, "-m", "nanomorph.cli.main"]
        code = subprocess.run([*program, *map(str, step.command)], check=False).returncode
        if code:
            return code
        step.done.touch()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
