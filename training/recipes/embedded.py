"""Make the embedded bundle, from micrographs to bundle.json, in one command.

    python training/recipes/embedded.py --data ../shared/data --work runs/embedded

Needs the extras training, export, cpu and microscopes. About an hour and a half on two CPU cores. A run that was
stopped goes on where it was. What comes out is `--out`, by default the bundle inside the runtime package.

Articles with `nanomorph_training.data.is_held_out(doi)` are seen by no stage; the four exemplars of the reference
paper (nanowires/exemplars) are in no list. Both are for `benchmarks` alone.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from nanomorph.cli.options import option

EMBEDDED = Path(__file__).parents[2] / "runtime" / "nanomorph" / "bundles" / "embedded"
CLASSES = ("singular", "dispersed", "network", "bundle")


@dataclass(frozen=True)
class Options:
    data: Path = option("the folder of real micrographs (shared/data)", type=Path)
    work: Path = option("folder for synthetic images, runs and caches", type=Path)
    out: Path = option("where the bundle goes", default=EMBEDDED, type=Path)
    scale: float = option("share of every stage's size: 0.01 tries the recipe in minutes", default=1.0, type=float)


def steps(options: Options) -> list[tuple[Path, list[str]]]:
    """(what shows that a step is done, the command) in order."""
    data, work = options.data, options.work

    def scaled(number: int) -> str:
        return str(max(4, round(number * options.scale)))

    particles, unlabeled = str(data / "nanoparticles/nanoparticles.csv"), str(data / "unlabeled/unlabeled.csv")
    wires, spheres = str(data / "nanowires/other.csv"), str(data / "nanoparticles/msa_bf_tem/train")
    fields, labelled = work / "fields", work / "labelled"
    cache = ["--cache", str(work / "cache")]
    return [
        (
            fields / "labels.csv",
            ["synthesize", "--out", str(fields), "--count", scaled(200), "--seed", "1", "--workers", "2"]
            + ["--classes", *CLASSES, "particles"],
        ),
        # Fields that the segmenter never saw: the head must learn from masks as they will be, not as they were learnt.
        (
            labelled / "labels.csv",
            ["synthesize", "--out", str(labelled), "--count", scaled(150), "--seed", "2", "--workers", "2"],
        ),
        (
            work / "pretrain" / "DONE",
            ["pretrain", "--data", particles, unlabeled, wires, spheres, str(fields / "labels.csv")]
            + ["--out", str(work / "pretrain"), "--method", "simclr", "--encoder", "resnet18"]
            + ["--batch", "64", "--steps", scaled(420), "--resume", "auto", *cache],
        ),
        (
            work / "segmenter" / "DONE",
            ["fit-segmenter", "--data", particles, unlabeled, wires, spheres, str(fields / "labels.csv")]
            + ["--encoder", str(work / "pretrain"), "--out", str(work / "segmenter"), "--steps", scaled(900)]
            + ["--resume", "auto", *cache],
        ),
        (
            work / "morphology" / "DONE",
            ["fit-head", "--data", str(labelled / "labels.csv"), "--encoder", str(work / "segmenter")]
            + ["--task", "nanowire-morphology", "--level", "field", "--out", str(work / "morphology")],
        ),
        (
            work / "shape" / "DONE",
            ["fit-head", "--data", particles, "--encoder", str(work / "segmenter")]
            + ["--task", "nanoparticle-shape", "--level", "domain", "--out", str(work / "shape")]
            + ["--labels", "sphere", "cube", "rod", "polyhedron"],
        ),
        (
            options.out / "bundle.json",
            ["export", "--head", str(work / "morphology"), str(work / "shape"), "--segmenter", str(work / "segmenter")]
            + ["--name", "embedded", "--out", str(options.out)],
        ),
    ]


def main() -> int:
    """Run every step that is not done; returns the exit code of the first that fails."""
    from argparse_dataclass import ArgumentParser

    options = ArgumentParser(Options, description=__doc__).parse_args()
    for done, command in steps(options):
        if done.exists() and done.name != "bundle.json":
            continue
        print("nanomorph", *command, file=sys.stderr, flush=True)
        code = subprocess.run([sys.executable, "-m", "nanomorph.cli.main", *command], check=False).returncode
        if code:
            return code
        done.touch()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
