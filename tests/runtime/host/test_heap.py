"""Freed memory goes back to the system, not more often than asked for."""

import sys
from pathlib import Path

import numpy as np
import pytest

from nanomorph.host.heap import LARGE_PX, Trim, _malloc_trim

needs_glibc = pytest.mark.skipif(_malloc_trim() is None, reason="this allocator gives nothing back on request")


def _resident_mib() -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


@needs_glibc
def test_what_was_freed_goes_back():
    # Of 64 KiB each, below what is mapped by itself; every hundredth stays, so that the heap cannot shrink at its end.
    held = [np.ones(8192) for _ in range(3200)]
    kept = held[::100]
    del held
    before = _resident_mib()
    assert Trim()(LARGE_PX)
    assert before - _resident_mib() > 100
    assert len(kept) == 32


@needs_glibc
def test_it_is_done_once_in_so_many_seconds():
    now = [5.0]
    trim = Trim(seconds=1.0, clock=lambda: now[0])
    done = []
    for now[0] in (5.0, 5.9, 6.0, 6.5, 7.5):
        done.append(trim(LARGE_PX))
    assert done == [True, False, True, False, True]


@needs_glibc
def test_small_frames_are_not_worth_it():
    trim = Trim()
    assert not trim(LARGE_PX - 1)
    assert trim(LARGE_PX)


def test_other_systems_have_nothing_to_call(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not Trim()(LARGE_PX)
