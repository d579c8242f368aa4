"""Judge a finished run anew with other heads; no image is read.

For a bundle that shares its backbone with the one that made the run, such as one whose head was relearned
(`nanomorph export --into BUNDLE --head RUN`). Rewrites labels.csv, the label columns of domains.csv and the report;
masks and sizes stay. Overlays keep the colours of the earlier labels: no image is read.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from nanomorph.cli.options import argument, option


@dataclass(frozen=True)
class Options:
    dir: Path = argument("dir", "the folder of a run (--out of batch or watch)", type=Path)
    bundle: Path | None = option("a bundle's folder (default: the embedded one)", default=None, type=Path)


def run(options: Options) -> int:
    """Judge, rewrite the tables and the report; 0 when done."""
    from nanomorph.bundle import load_bundle
    from nanomorph.relabel import relabel

    bundle = load_bundle(options.bundle)
    begun = time.monotonic()
    done = relabel(options.dir, bundle, keep_tasks=options.bundle is None)
    seconds = time.monotonic() - begun
    print(f"{done.micrographs} micrographs judged in {seconds:.1f} s by {bundle.name} ({bundle.fingerprint})")
    for task, count in done.changed.items():
        print(f"{task}: {'a new task' if task in done.new else f'{count} have another label than before'}")
    for task in sorted(done.gone):
        print(f"{task}: its labels are gone, this bundle has no head for it")
    return 0
