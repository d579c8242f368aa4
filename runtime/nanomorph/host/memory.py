"""A limit on the memory that images in work take, and the refusal of one that alone would exceed it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nanomorph.readers.strict import FrameGate, frame_gate

GIB = 1024**3
# Peaks of resident memory in bytes a pixel, with what is held of the frame, of 16 Mpx: reading and preparing took 5 of
# 16-bit TIFFs and 8 of 8-bit ones (colour takes more); measuring 20 where there are few wires or particles, 23 on a
# network, 37 where packed particles are cut apart. Both have room to spare.
READING, MEASURING = 25, 75
# What waits to be read, bytes a byte of its file, whose pixels nobody knows yet (as for 8 bits a pixel, uncompressed).
READ_BYTE = 5
_WAITING_SHARE = 1 / 12
_CGROUP = Path("/sys/fs/cgroup/memory.max")
_UNKNOWN = 8 * GIB


def shares(limit: int) -> tuple[int, int]:
    """Of the bytes that all frames may take: those for frames in work, and for those at each of three stages."""
    waiting = int(limit * _WAITING_SHARE)
    return limit - 3 * waiting, waiting


def most_pixels(limit: int) -> int:
    """Of the largest frame that a run measures where all frames may take `limit` bytes."""
    return shares(limit)[0] // MEASURING


class Memory:
    """Bytes that frames being read and measured may take together. Tasks wait for room, holding none."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._used = 0
        self._changed = threading.Condition()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Within, a reader waits for room before it decodes, and refuses what would never fit."""
        gate = _Gate(self)
        token = frame_gate.set(gate)
        try:
            yield
        finally:
            frame_gate.reset(token)
            self._give(gate.taken)

    @contextmanager
    def measuring(self, pixels: int) -> Iterator[None]:
        """Room to measure a frame of so many pixels."""
        self.take(pixels * MEASURING)
        try:
            yield
        finally:
            self._give(pixels * MEASURING)

    def take(self, amount: int) -> None:
        """Wait until `amount` bytes fit, or nothing else is in work."""
        with self._changed:
            self._changed.wait_for(lambda: not self._used or self._used + amount <= self.limit)
            self._used += amount

    def _give(self, amount: int) -> None:
        with self._changed:
            self._used -= amount
            self._changed.notify_all()


class _Gate(FrameGate):
    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.taken = 0
        super().__init__(memory.limit // MEASURING, f"{memory.limit / GIB:.3g} GiB of memory allow")

    def enter(self, pixels: int) -> None:
        # A file may hold several frames, decoded one after the other: the largest counts.
        more = pixels * READING - self.taken
        if more > 0:
            self._memory._give(self.taken)
            self.taken = 0
            self._memory.take(pixels * READING)
            self.taken = pixels * READING


def default_limit() -> int:
    """Half of the machine's memory, or of what its container may use."""
    return min(_physical(), _container()) // 2


def _container() -> int:
    try:
        return int(_CGROUP.read_text())
    except (OSError, ValueError):
        return sys.maxsize


def _physical() -> int:
    if sys.platform == "win32":
        return _windows_physical()
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return _UNKNOWN


def _windows_physical() -> int:
    """MEMORYSTATUSEX.ullTotalPhys (learn.microsoft.com, sysinfoapi.h)."""
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong), ("sizes", ctypes.c_ulonglong * 7)]

    status = Status(length=ctypes.sizeof(Status))
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):  # type: ignore[attr-defined,unused-ignore]
        return _UNKNOWN
    return int(status.sizes[0])
