"""Ctrl-C, SIGTERM and a terminal that is closed: tables and report are written before a command ends."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from nanomorph.cli.main import INTERRUPTED

# SIGHUP: the terminal was closed. SIGBREAK: Ctrl-Break, and what a Windows service manager sends.
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
_Handler = Callable[[int, FrameType | None], None]


@contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Within, a signal calls `stop`; a second one ends the process, which loses nothing: the journal knows."""
    asked = False

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        nonlocal asked
        if asked:
            os._exit(INTERRUPTED)
        asked = True
        with suppress(OSError):  # the terminal may be gone
            print("stopping after the image in hand; once more stops at once", file=sys.stderr, flush=True)
        stop()

    with _handling(handle):
        yield


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Within, each of them is what Ctrl-C is to Python: KeyboardInterrupt."""
    with _handling(signal.default_int_handler):
        yield


@contextmanager
def _handling(handle: _Handler) -> Iterator[None]:
    wanted = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    # What is ignored stays so: `nohup` begins a command that outlives its terminal.
    before = {one: signal.signal(one, handle) for one in wanted if signal.getsignal(one) != signal.SIG_IGN}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
