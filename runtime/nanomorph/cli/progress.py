"""Progress for people (a bar with rate and time left), for a log (what is set aside), or for programs (JSON lines)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from nanomorph.naming import printable
from nanomorph.running.work import Event

Show = Callable[[Event], None]


@contextmanager
def progress(total: int | None, as_json: bool) -> Iterator[Show]:
    """Yields the function that shows an event. `total` None: how many there are is not known before the end."""
    if as_json:
        yield _print_json
    elif sys.stderr.isatty():
        with _bar(total) as show:
            yield show
    else:
        yield _print_quarantined


def _print_json(event: Event) -> None:
    print(json.dumps(asdict(event)), file=sys.stdout, flush=True)


def _print_quarantined(event: Event) -> None:
    if event.outcome == "quarantined":
        print(_set_aside(event), file=sys.stderr)


def _set_aside(event: Event) -> str:
    """With the detail: it says what to do, such as which extra reads the file."""
    return printable(f"quarantined: {event.name} ({event.reason}): {event.detail}")


@contextmanager
def _bar(total: int | None) -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("micrographs"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("micrographs", total=total, rate="")

        def show(event: Event) -> None:
            bar.advance(task)
            speed = bar.tasks[0].speed
            bar.update(task, rate=f"{speed:.1f}/s" if speed else "")
            if event.outcome == "quarantined":
                console.print(_set_aside(event), markup=False, highlight=False)

        yield show
