"""Reading a suspect in a process of its own: what was in hand when processes died may be what killed them.

A defect in a codec's native code, or memory that runs out, ends a process without an exception. The pipeline
knows from the journal which images were in hand, and tries those here first.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from nanomorph.micrograph import ReadError

SECONDS = 300


def try_apart(name: str, data: bytes, path: Path | None) -> None:
    """Read a file in a child process; raises ReadError `crashes-reader` where that does not survive it."""
    command = [sys.executable, "-m", "nanomorph.readers.trial", name, *([str(path)] if path else [])]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise ReadError("crashes-reader", f"reading {name} did not end within {SECONDS} s") from None
    if done.returncode:
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise ReadError("crashes-reader", f"reading {name} ended the process ({how}); please report it")


def main() -> None:
    """The child: its only answer is whether it survives."""
    from nanomorph.readers import read_micrograph

    name, *path = sys.argv[1:]
    with suppress(ReadError):  # a reason is for the parent to find
        read_micrograph(name, sys.stdin.buffer.read(), Path(path[0]) if path else None)


if __name__ == "__main__":
    main()
