"""One watch from start to stop: a run fed by a watcher, its bundle followed, outages of the output sat out."""

from __future__ import annotations

from collections.abc import Callable

from nanomorph.errors import OutputError
from nanomorph.journal import is_output
from nanomorph.outages import writable
from nanomorph.running.run import Run
from nanomorph.running.work import Event
from nanomorph.watching.follow import BundleFollower
from nanomorph.watching.watcher import Watcher


def watch(run: Run, watcher: Watcher, follower: BundleFollower, show: Callable[[Event], None]) -> None:
    """Process a folder until stopped or idle for too long."""

    def lull() -> None:
        watcher.lull()
        if (model := follower.check()) is not None:
            run.use(model)

    while not watcher.clock.stopped:
        try:
            for event in run.process(watcher.discover(), lull):
                watcher.settle(event)
                show(event)
            break
        except OutputError as error:
            _sit_out(run, watcher, error)
            watcher.restart()
    watcher.status.be("stopped", "on request" if watcher.clock.stopped else "nothing new came", watcher.clock.now())


def _sit_out(run: Run, watcher: Watcher, error: OutputError) -> None:
    """Wait until results can be written again; what was in flight is found again afterwards."""
    watcher.status.be("paused", f"{error} Trying again by itself.", watcher.clock.now())
    watcher.clock.wait(watcher.poll)
    while not watcher.clock.stopped and not (is_output(run.out) and writable([run.out, run.journal.path.parent])):
        watcher.status.be("paused", str(error), watcher.clock.now())
        watcher.clock.wait(watcher.poll)
