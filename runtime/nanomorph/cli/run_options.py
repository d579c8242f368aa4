"""The options that `batch` and `watch` share, and what is made of them."""

import sys
from argparse import ArgumentTypeError
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nanomorph.cli.options import option
from nanomorph.devices import DEVICES, FINEST_DETAIL, PRECISIONS
from nanomorph.errors import ConfigurationError
from nanomorph.pixel_size import given_pixel_size

if TYPE_CHECKING:
    from nanomorph.bundle import Bundle
    from nanomorph.model import Model
    from nanomorph.running.work import Settings

CHOICES_EDGES = ("leave-out", "weight", "count")
CHOICES_OUTLINE = ("half-contrast", "model")
CHOICES_SCALE_BAR = ("auto", "on", "off")


def pixel_size(text: str) -> float | tuple[float, float]:
    """`0.42`, or `0.42,0.4` of pixels that are longer in x. Raises ArgumentTypeError for anything else.

    Two whole numbers are none of both: half of the world writes 1.42 as 1,42.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 2 and all(part.isdigit() for part in parts):
        x, y = parts
        raise ArgumentTypeError(f"{text}: {x}.{y} with a decimal point? If x and y differ, write {x}.0,{y}.0")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2):
        raise ArgumentTypeError(f"{text!r}: give a number of nm, as 0.42, or two for x and y, as 0.42,0.4")
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    out: Path = option("folder for the results", type=Path, metavar="DIR")
    bundle: Path | None = option("a bundle's folder (default: the embedded one)", default=None, type=Path)
    device: str = option("where to compute (default: auto)", default="auto", type=str, choices=DEVICES)
    precision: str = option(
        "precision of the model; int8 is faster, and changes a few labels (default: fp32; on a GPU fp16, where the "
        "bundle has it)",
        default="auto",
        type=str,
        choices=PRECISIONS,
    )
    nm_per_px: float | tuple[float, float] | None = option(
        "pixel size in nm with a decimal point (0.42), or X,Y of oblong pixels (0.42,0.4); overrides the files' own",
        default=None,
        type=pixel_size,
        metavar="X",
    )
    scale_bar: str = option(
        "read burnt-in scale bars where no pixel size is known (default: auto, where the extra scalebar is installed)",
        default="auto",
        type=str,
        choices=CHOICES_SCALE_BAR,
    )
    workers: int | None = option(
        "images in work at once; with 1 a single image gets all cores (default: one a core)", default=None, type=int
    )
    overlays: bool = option("write no overlay pictures", default=True)
    cuda_graphs: bool = option("replay a CUDA graph for every shape of batch (with --device cuda)", default=False)
    detail: str = option(
        "look again in tiles where structures are thin (auto), never (whole), or everywhere so many times finer, "
        f"1 to {FINEST_DETAIL} (no finer than recorded)",
        default="auto",
        type=str,
        metavar="auto|whole|N",
    )
    edges: str = option(
        "domains that the image's edge cuts, in size statistics: leave them out, give the others more weight for them "
        "(Miles-Lantuejoul), or count them as they are",
        default="leave-out",
        type=str,
        choices=CHOICES_EDGES,
    )
    outline: str = option(
        "of domains: where the micrograph's contrast is half (default), or as the model drew it",
        default="half-contrast",
        type=str,
        choices=CHOICES_OUTLINE,
    )
    memory: float | None = option(
        "GiB that images in work may take (default: half of the machine's)", default=None, type=float, metavar="GIB"
    )
    journal: Path | None = option(
        "where to keep the journal, on a local disk (default: in --out)", default=None, type=Path, metavar="PATH"
    )
    json: bool = option("progress as JSON lines on stdout, for programs", default=False)

    def __post_init__(self) -> None:
        if self.nm_per_px is not None:
            try:
                given_pixel_size(self.nm_per_px, "--nm-per-px")
            except ValueError as error:
                raise ConfigurationError(f"{error}.") from error
        if self.workers is not None and self.workers < 1:
            raise ConfigurationError(f"--workers {self.workers}: give 1 or more, or leave it out.")
        if self.memory is not None and not 0 < self.memory < float("inf"):
            raise ConfigurationError(f"--memory {self.memory}: give a positive number of GiB, or leave it out.")
        check_graphs(self.cuda_graphs, self.device)
        from nanomorph.journal import require_folder

        require_folder(self.out)

    def open_model(self, bundle: "Bundle") -> "Model":
        """The bundle ready to work; says on what."""
        from nanomorph.host.cores import cores, share
        from nanomorph.inference.conclude import Ways
        from nanomorph.inference.detail import Detail
        from nanomorph.model import Model

        ways = Ways(Detail.parse(self.detail), self.edges, self.outline)
        threads = share(self.workers or cores())
        model = Model(bundle, self.device, self.precision, threads, ways=ways, cuda_graphs=self.cuda_graphs)
        print(f"bundle {bundle.name} on {model.engine.provider}, {model.engine.precision}", file=sys.stderr)
        return model

    def settings(self, copies: bool) -> "Settings":
        """See `Settings`."""
        from nanomorph.running.work import Settings

        usual = Settings()
        workers, memory = self.workers or usual.workers, int(self.memory * 1024**3) if self.memory else usual.memory
        reads_bars = reads_scale_bars(self.scale_bar)
        return Settings(self.nm_per_px, workers, self.overlays, copies, reads_bars, memory)


def check_graphs(wanted: bool, device: str) -> None:
    """Raises ConfigurationError where CUDA graphs are asked of a device that has none."""
    if wanted and device != "cuda":
        raise ConfigurationError(f"--cuda-graphs goes with --device cuda, not {device} (tensorrt has its own, always).")


def reads_scale_bars(choice: str) -> bool:
    """Whether `--scale-bar` means to read them here; raises ConfigurationError where they cannot be."""
    from nanomorph.scalebar import installed

    if choice == "on" and not installed():
        raise ConfigurationError('--scale-bar on needs the extra scalebar: pip install "nanomorph[scalebar]"')
    return choice != "off" and installed()
