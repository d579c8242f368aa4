"""Rebuild a run's report.html, or compare several runs side by side in one page.

One folder: its report.html is written anew. Several: comparison.html (or --out), the first being what the others are
compared with. Only journals and overlays are read.
"""

from dataclasses import dataclass
from pathlib import Path

from nanomorph import __version__
from nanomorph.cli.options import argument, command_line, option
from nanomorph.errors import ConfigurationError


@dataclass(frozen=True)
class Options:
    dirs: list[Path] = argument("dirs", "output folders of runs", type=Path, many=True)
    out: Path | None = option(
        "file for the page (default: report.html in the one folder, comparison.html here for several)",
        default=None,
        type=Path,
        metavar="FILE",
    )


def run(options: Options) -> int:
    """Write the page and say where it is. Raises ConfigurationError where a folder holds no run."""
    from nanomorph.journal import locate
    from nanomorph.outages import writing_to

    for folder in options.dirs:
        if not locate(folder).is_file():
            raise ConfigurationError(f"{folder}: holds no run (no journal.sqlite): give the --out of a batch or watch.")
    if options.out is not None and not options.out.absolute().parent.is_dir():
        raise ConfigurationError(f"--out {options.out}: there is no folder {options.out.absolute().parent}.")
    if options.out is not None and options.out.is_dir():
        raise ConfigurationError(f"--out {options.out}: that is a folder, give the name of a file for the page.")
    with writing_to((options.out or options.dirs[0]).absolute()):
        page = _compare(options) if len(options.dirs) > 1 else _rebuild(options)
    print(page)
    return 0


def _compare(options: Options) -> Path:
    from nanomorph.report.compare import write_comparison

    return write_comparison(options.dirs, options.out or Path("comparison.html"))


def _rebuild(options: Options) -> Path:
    from nanomorph.journal import JournalReader, locate
    from nanomorph.report import write_report

    (folder,) = options.dirs
    about = {"Report rebuilt by": command_line(), "nanomorph": __version__}
    with JournalReader.open(locate(folder)) as journal:
        return write_report(journal, folder, about, options.out)
