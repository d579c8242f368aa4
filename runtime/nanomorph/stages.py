"""Joining stages so that they overlap, keep their order and hold a bounded number of micrographs.

A live source has lulls, and a stage that waits for its next piece would hold back what it has. So a source may
say FLUSH between two pieces: every stage first lets go of all that it has begun, then passes FLUSH on. When it
comes out at the end, nothing is in flight.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future
from enum import Enum
from typing import Final, TypeVar

T = TypeVar("T")
R = TypeVar("R")
_END = object()


class Flush(Enum):
    """The type of FLUSH."""

    FLUSH = "flush"


FLUSH: Final = Flush.FLUSH


def ordered_map(
    executor: Executor,
    function: Callable[[T], R],
    work: Iterable[T | Flush],
    ahead: int,
    weigh: Callable[[T], float] = lambda _: 0.0,
    most: float = 0.0,
) -> Iterator[R | Flush]:
    """`map` on an executor with at most `ahead` results begun before the first is taken; order is kept.

    weigh, most: nor does what is begun weigh more than `most` together (one piece alone may).
    `Executor.map` submits all of `work` at once: with 50,000 micrographs that is the whole archive in memory.
    """
    begun: deque[tuple[Future[R], float]] = deque()
    try:
        for piece in work:
            weight = 0.0 if piece is FLUSH else weigh(piece)
            while begun and (piece is FLUSH or weight + sum(held for _, held in begun) > most):
                yield begun.popleft()[0].result()
            if piece is FLUSH:
                yield FLUSH
                continue
            begun.append((executor.submit(function, piece), weight))
            while len(begun) >= ahead:
                yield begun.popleft()[0].result()
        while begun:
            yield begun.popleft()[0].result()
    finally:
        for future, _ in begun:
            future.cancel()


def prefetch(work: Iterable[T], ahead: int) -> Generator[T]:
    """Iterate `work` in a thread of its own, at most `ahead` pieces before they are taken.

    An exception in `work` is raised here. Leaving early stops the thread.
    """
    waiting: queue.Queue[object] = queue.Queue(maxsize=ahead)
    stopped = threading.Event()

    def put(piece: object) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(piece, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            if all(put(piece) for piece in work):
                put(_END)
        except BaseException as error:  # noqa: BLE001 (handed to the consumer, which raises it)
            put(_Failure(error))

    thread = threading.Thread(target=produce, name="prefetch", daemon=True)
    thread.start()
    try:
        while (piece := waiting.get()) is not _END:
            if isinstance(piece, _Failure):
                raise piece.error
            yield piece  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error
