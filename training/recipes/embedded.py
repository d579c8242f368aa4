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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nanomorph.cli.options import option

EMBEDDED = Path(__file__).parents[2] / "runtime" / "nanomorph" / "bundles" / "embedded"
MORPHOLOGIES = ("singular", "dispersed", "network", "bundle")
SHAPES = ("sphere", "cube", "rod", "polyhedron")


@dataclass(frozen=True)
class Options:
    data: Path = option("the folder of real micrographs (shared/data)", type=Path)
    work: Path = option("folder for synthetic images, runs and caches", type=Path)
    out: Path = option("where the bundle goes", default=EMBEDDED, type=Path)
    amp: str = option(
        "precision of the forward passes of both long fits", default="fp32", choices=("fp32", "bf16", "fp16")
    )
    scale: float = option("share of every stage's size: 0.01 tries the recipe in minutes", default=1.0, type=float)

    def scaled(self, number: int) -> str:
        """So many steps or fields, in the share that is asked for."""
        return str(max(8, round(number * self.scale)))


@dataclass(frozen=True)
class Step:
    """One command, done when the file `done` is there."""

    done: Path
    command: list[str]


def drawn(options: Options) -> list[tuple[Path, list[Any]]]:
    """The synthetic fields that are learned from."""
    work = options.work
    # fmt: off
    return [
        (work / "fields" / "labels.csv",
         ["synthesize", "--out", work / "fields", "--count", options.scaled(400), "--seed", 1, "--workers", 2,
          "--classes", *MORPHOLOGIES, "particles"]),
        # Only for the segmenter: which of two phases is the material.
        (work / "textures" / "labels.csv",
         ["synthesize", "--out", work / "textures", "--count", options.scaled(120), "--seed", 3, "--workers", 2,
          "--classes", "grid", "texture"]),
        # Fields that the segmenter never saw: a head must learn from masks as they will be, not as they were learnt.
        (work / "labelled" / "labels.csv",
         ["synthesize", "--out", work / "labelled", "--count", options.scaled(300), "--seed", 2, "--workers", 2]),
        (work / "labelled-too" / "labels.csv",
         ["synthesize", "--out", work / "labelled-too", "--count", options.scaled(300), "--seed", 7, "--workers", 2]),
        # What is no wire, beside the real particles: the morphology head is to say so.
        (work / "others" / "labels.csv",
         ["synthesize", "--out", work / "others", "--count", options.scaled(100), "--seed", 2, "--workers", 2,
          "--classes", "particles"]),
        (work / "empties" / "labels.csv",
         ["synthesize", "--out", work / "empties", "--count", options.scaled(200), "--seed", 21, "--workers", 2,
          "--classes", "empty"]),
        (work / "foreign" / "labels.csv",
         ["synthesize", "--out", work / "foreign", "--count", options.scaled(200), "--seed", 22, "--workers", 2,
          "--classes", "foreign"]),
        # For the second fit, what the first lacked: particles that are hollow or have crumbs beside them.
        (work / "crumbs" / "labels.csv",
         ["synthesize", "--out", work / "crumbs", "--count", options.scaled(400), "--seed", 6_000_000, "--workers", 2,
          "--classes", "particles"]),
        # For the third and fourth, thick meshes: their bright windows are easily taken for cubes.
        (work / "meshes" / "labels.csv",
         ["synthesize", "--out", work / "meshes", "--count", options.scaled(150), "--seed", 3_000_003, "--workers", 2,
          "--classes", "grid", "--width-px", 9, 25]),
        (work / "meshes-too" / "labels.csv",
         ["synthesize", "--out", work / "meshes-too", "--count", options.scaled(300), "--seed", 3_000_004,
          "--workers", 2, "--classes", "grid", "--width-px", 9, 25]),
        # For the fifth, frames that show nothing: something was found on three of five.
        (work / "empties-too" / "labels.csv",
         ["synthesize", "--out", work / "empties-too", "--count", options.scaled(300), "--seed", 23, "--workers", 2,
          "--classes", "empty"]),
    ]
    # fmt: on


def recipe(options: Options) -> list[Step]:
    """Every step in order."""
    work = options.work

    particles = options.data / "nanoparticles" / "nanoparticles.csv"
    real = [particles, options.data / "unlabeled" / "unlabeled.csv", options.data / "nanowires" / "other.csv"]
    pool = [*real, options.data / "nanoparticles" / "msa_bf_tem" / "train", work / "fields" / "labels.csv"]
    textures = work / "textures" / "labels.csv"
    drawn_later = [textures, work / "crumbs" / "labels.csv"]
    meshes = [work / "meshes" / "labels.csv", work / "meshes-too" / "labels.csv"]
    empties = work / "empties-too" / "labels.csv"
    cached = ["--cache", work / "cache", "--resume", "auto"]
    segmenter = work / "segmenter-empties"
    encoder = ["--encoder", segmenter]

    # fmt: off
    steps = [
        *drawn(options),
        (work / "pretrain" / "DONE",
         ["pretrain", "--data", *pool, "--out", work / "pretrain", "--method", "simclr", "--encoder", "resnet18",
          "--batch", 64, "--steps", options.scaled(600), "--seed", 1, "--amp", options.amp, *cached]),
        (work / "segmenter" / "DONE",
         ["fit-segmenter", "--data", *pool, textures, "--encoder", work / "pretrain", "--out", work / "segmenter",
          "--steps", options.scaled(5000), "--synthetic", 0.5, "--amp", options.amp, "--validate-every", 200, *cached]),
        *(
            (work / name / "DONE",
             ["fit-segmenter", "--data", *pool, *drawn_later, *more, "--encoder", work / start, "--out", work / name,
              "--steps", options.scaled(steps), "--lr", 5e-4, "--seed", seed, "--keep", keep, "--synthetic", 0.5,
              "--amp", options.amp, "--validate-every", 200, *cached])
            for start, name, more, steps, seed, keep in (
                ("segmenter", "segmenter-again", [], 2400, 11, 0.5),
                ("segmenter-again", "segmenter-meshes", meshes[:1], 1600, 12, 0.5),
                ("segmenter-meshes", "segmenter-meshes-too", meshes, 1200, 13, 0.3),
                ("segmenter-meshes-too", "segmenter-empties", [*meshes, empties], 1000, 14, 0.5),
            )
        ),
        (work / "morphology" / "DONE",
         ["fit-head", "--data", work / "labelled" / "labels.csv", work / "labelled-too" / "labels.csv", *encoder,
          "--out", work / "morphology",
          "--task", "nanowire-morphology", "--level", "field", "--labels", *MORPHOLOGIES,
          "--other", particles, work / "others" / "labels.csv", work / "empties" / "labels.csv",
          work / "foreign" / "labels.csv"]),
        (work / "shape" / "DONE",
         ["fit-head", "--data", particles, *encoder, "--out", work / "shape",
          # Given masks teach what shapes are, predicted ones how they will look.
          "--task", "nanoparticle-shape", "--level", "domain", "--labels", *SHAPES, "--masks", "both"]),
        (options.out / "bundle.json",
         ["export", "--head", work / "morphology", work / "shape", "--segmenter", segmenter,
          "--calibrate", particles, options.data / "unlabeled" / "unlabeled.csv",
          "--precisions", "fp32", "int8", "--name", "embedded", "--out", options.out]),
    ]
    # fmt: on
    return [Step(done, [str(word) for word in command]) for done, command in steps]


def main() -> int:
    """Run every step that is not done; returns the exit code of the first that fails."""
    from argparse_dataclass import ArgumentParser

    options = ArgumentParser(Options, description=__doc__).parse_args()
    for step in recipe(options):
        # The bundle is always written anew: its parts may have been made again.
        if step.done.exists() and step.done.name != "bundle.json":
            continue
        print("nanomorph", *step.command, file=sys.stderr, flush=True)
        code = subprocess.run([sys.executable, "-m", "nanomorph.cli.main", *step.command], check=False).returncode
        if code:
            return code
        step.done.touch()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
