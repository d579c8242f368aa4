"""Ctrl-C and SIGTERM: the first asks to finish the image in hand, the second stops at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from nanomorph.cli.main import INTERRUPTED


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Within, a signal calls `stop`; a second one ends the process, which loses nothing: the journal knows."""
    asked = False

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        nonlocal asked
        if asked:
            os._exit(INTERRUPTED)
        asked = True
        print("stopping after the image in hand; once more stops at once", file=sys.stderr, flush=True)
        stop()

    # SIGBREAK: Ctrl-Break, and what a Windows service manager sends.
    names = ("SIGINT", "SIGTERM", "SIGBREAK")
    wanted = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, handle) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
