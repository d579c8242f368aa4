"""Label, segment and measure the micrographs of folders, files and archives.

Finishes what an interrupted run left. Writes to --out: labels.csv, fields.csv, domains.csv,
quarantine.csv, masks/, overlays/, report.html and journal.sqlite.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nanomorph.cli.options import argument, command_line
from nanomorph.cli.run_options import RunOptions
from nanomorph.errors import ConfigurationError

if TYPE_CHECKING:
    from nanomorph.running.run import Run


@dataclass(frozen=True, kw_only=True)
class Options(RunOptions):
    inputs: list[Path] = argument("inputs", "folders, files, .zip or .tar(.gz) archives", type=Path, many=True)


def run(options: Options) -> int:
    """Process every input; returns 0, or 1 where some were quarantined."""
    from nanomorph.bundle import load_bundle
    from nanomorph.cli.progress import progress
    from nanomorph.cli.stopping import interrupted_by_signals
    from nanomorph.running.run import Run
    from nanomorph.sources import count, discover

    try:
        discovered = discover(options.inputs, exclude=options.out)
        total = count(options.inputs, exclude=options.out)
    except FileNotFoundError as error:
        raise ConfigurationError(str(error)) from error
    model = options.open_model(load_bundle(options.bundle))
    settings = options.settings(copies=True)
    with interrupted_by_signals(), Run(options.out, model, settings, command_line(), options.journal) as run_:
        with progress(total, options.json) as show:
            for event in run_.process(discovered):
                show(event)
        print(summary(run_), file=sys.stderr)
        return 1 if run_.journal.counts()["quarantined"] else 0


def summary(run_: "Run") -> str:
    """What a person reads when a run is done."""
    now, all_ = run_.counts, run_.journal.counts()
    rate = f" ({now['done'] / run_.seconds:.2f} a second)" if now["done"] else ""
    lines = [f"{now['done']} micrographs analysed in {run_.seconds:.1f} s{rate}"]
    if not now:
        lines.append(
            "Nothing new was found." if sum(all_.values()) else "Nothing was found there: is it the right folder?"
        )
    if now["replaced"]:
        lines.append(
            f"{now['replaced']} replaced results of other content under the same name: files that have changed, or "
            "another folder's (to keep both give another --out, or all folders at once)"
        )
    if settled := now["skipped"] + now["touched"]:
        lines.append(f"{settled} were settled by an earlier run, and left as they are")
    if others := [one for one in run_.journal.precisions() if one != run_.model.engine.precision]:
        lines.append(
            f"there are results computed in {', '.join(others)}, this run computes in {run_.model.engine.precision} "
            "(to have all alike give another --out)"
        )
    if all_["alias"]:
        lines.append(f"{all_['alias']} belong to another file (see duplicate_of in fields.csv)")
    if all_["quarantined"]:
        lines.append(f"{all_['quarantined']} could not be used: {run_.out / 'quarantine.csv'} says why")
    lines.append(f"Read first: {run_.out / 'report.html'}")
    return "\n".join(lines)
