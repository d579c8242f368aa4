"""Follow an acquisition folder: label, segment and measure every micrograph as soon as it is complete.

Runs until stopped: Ctrl-C or SIGTERM finishes the image in hand, a second one stops at once. Writes to --out
what `batch` writes. Started again, it goes on where it was. `nanomorph status DIR` shows what it is doing.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from nanomorph.cli.main import INTERRUPTED
from nanomorph.cli.options import argument, command_line, option
from nanomorph.cli.run_options import RunOptions
from nanomorph.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class Options(RunOptions):
    folder: Path = argument("folder", "the folder that the microscope writes to", type=Path)
    settle: float = option("seconds without a change before a file is read (default: 5)", default=5.0, type=float)
    poll: float = option("seconds between two looks at the folder (default: 2)", default=2.0, type=float)
    idle_exit: float | None = option(
        "stop when nothing new came for so many seconds (default: never)", default=None, type=float, metavar="SECONDS"
    )
    include: list[str] = option("only files of these patterns: '*.tif' 'grid 3/*'", default=(), type=str, many=True)
    exclude: list[str] = option("no files of these patterns", default=(), type=str, many=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in (("settle", self.settle), ("poll", self.poll), ("idle-exit", self.idle_exit)):
            if value is not None and not 0 < value < float("inf"):
                raise ConfigurationError(f"--{name} {value}: give a positive number of seconds.")
        if not self.folder.is_dir() and (self.folder.exists() or not self._goes_on()):
            what = "it is a file; give the folder that holds it" if self.folder.exists() else "there is no such folder"
            raise ConfigurationError(f"{self.folder} cannot be watched: {what}.")

    def _goes_on(self) -> bool:
        """Whether --out holds a run: a folder that is not there is then a share that is away, and waited for."""
        from nanomorph.journal.location import locate

        return locate(self.out).is_file()


def run(options: Options) -> int:
    """Watch; returns 0, 1 where inputs were quarantined, or 130 when stopped."""
    from nanomorph.bundle import EMBEDDED, load_bundle
    from nanomorph.cli.batch import summary
    from nanomorph.cli.logs import show_event, start_logging
    from nanomorph.cli.stopping import stopped_by_signals
    from nanomorph.running.run import Run
    from nanomorph.watching import BundleFollower, Clock, Rules, Watcher, watch

    start_logging(options.json)
    bundle = load_bundle(options.bundle)
    folder = bundle.path if options.bundle else EMBEDDED
    rules = Rules(options.settle, options.poll, options.idle_exit, include=options.include, exclude=options.exclude)
    model, clock = options.open_model(bundle), Clock()
    settings = options.settings(copies=False)
    with Run(options.out, model, settings, command_line(), options.journal, follow=folder.resolve()) as run_:

        def stop() -> None:
            clock.stop()
            run_.stop()

        watcher = Watcher(options.folder, options.out, rules, run_.journal, clock)
        follower = BundleFollower(folder, bundle.fingerprint, options.open_model)
        with stopped_by_signals(stop):
            watch(run_, watcher, follower, show_event)
        print(summary(run_), file=sys.stderr)
        quarantined = run_.journal.counts()["quarantined"]
    return INTERRUPTED if clock.stopped else 1 if quarantined else 0
