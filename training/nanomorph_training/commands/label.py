"""Label micrographs in the browser, one key each: the list that fit-head learns from.

The first micrographs asked about are those that teach most: with --results the least sure of each class in turn.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nanomorph.cli.options import argument, option
from nanomorph.errors import ConfigurationError
from nanomorph_training.ranges import require_ranges

if TYPE_CHECKING:
    from nanomorph_training.labelling.session import Session


@dataclass(frozen=True)
class Options:
    images: list[Path] = argument("images", "folders, files, archives or lists of micrographs", type=Path, many=True)
    out: Path = option("CSV list for the labels (file,label,group); an existing one is continued", type=Path)
    labels: list[str] | None = option(
        "classes in the order of their keys (default: those of the list and of --results; more can be added)",
        default=None,
        type=str,
        many=True,
    )
    results: Path | None = option(
        "results of a batch or watch: what it was least sure of is asked about first",
        default=None,
        type=Path,
        metavar="DIR",
    )
    task: str | None = option("task of --results that is meant (default: the only one)", default=None, type=str)
    group_by: str = option(
        "folder: what lies in one folder is one specimen, and is not split between learning and test",
        default="none",
        choices=("none", "folder"),
    )
    port: int = option("of the page, 0 for any that is free", default=0, type=int)
    no_browser: bool = option("only print the page's address", default=False, type=bool)

    def __post_init__(self) -> None:
        require_ranges(self, ("port", 0, 65535))
        if self.task is not None and self.results is None:
            raise ConfigurationError("--task says whose answers of --results are meant: give --results, too")
        if self.out.suffix.lower() != ".csv":
            raise ConfigurationError(f"--out {self.out} is a list of labels: give it a name that ends in .csv")
        if not all(label.strip() for label in self.labels or ()):
            raise ConfigurationError("--labels: a class needs a name, and one of these is empty")


def _say(text: str) -> None:
    print(text, flush=True)


def run(options: Options, report: Callable[[str], None] = _say) -> int:
    """Serve the page until Ctrl-C; 0, as every label is kept once it is given."""
    import webbrowser

    from nanomorph_training.labelling.server import LabelServer

    session = session_of(options)
    try:
        server = LabelServer(session, options.port)
    except OSError as error:
        raise ConfigurationError(f"--port {options.port} cannot be had ({error.strerror}): give another one") from error
    with server:
        report(f"{len(session.samples)} micrographs to label at {server.url}")
        report(f"Labels go to {options.out}. Ctrl-C ends; the same command goes on.")
        if not options.no_browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            report("")
    report(summary(session.sheet.counts(), options.out))
    return 0


def session_of(options: Options) -> "Session":
    """Everything that the page needs. Raises ConfigurationError where nothing is to be labelled."""
    from nanomorph_training.data import collect
    from nanomorph_training.heads.remarks import check_labels
    from nanomorph_training.labelling.guesses import Guesses
    from nanomorph_training.labelling.session import Session
    from nanomorph_training.labelling.sheet import Sheet, groups_of

    samples = collect(options.images)
    guesses = Guesses({}, ()) if options.results is None else Guesses.of_run(options.results, options.task)
    groups, sheet = groups_of(samples, options.group_by == "folder"), Sheet(options.out)
    # What fit-head would refuse after all the labelling.
    check_labels([*(options.labels or ()), *sheet.classes()])
    return Session(samples, groups, sheet, options.labels or guesses.classes, guesses.of(samples))


def summary(counts: Mapping[str, int], out: Path) -> str:
    """What there is now, and what to do with it."""
    if not counts:
        return "No label was given."
    each = ", ".join(f"{label} {n}" for label, n in counts.items())
    return f"{out}: {each}. Next: nanomorph fit-head --data {out} --encoder embedded --task NAME --out RUN"
