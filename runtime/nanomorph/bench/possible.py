"""Whether all engines that cases need can be opened, before the first case takes its minutes.

In a process of its own: memory of a device that it takes is given back with it, and counts for no case.

python -m nanomorph.bench.possible < question.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

from nanomorph.bench.child import answered, ask
from nanomorph.errors import ConfigurationError, FatalError


def require_engines(bundle: str | None, wanted: Iterable[tuple[str, str]], cuda_graphs: bool) -> None:
    """Raises ConfigurationError for the first device and precision that are not to be had, as opening them says."""
    question = {"bundle": bundle, "wanted": list(wanted), "cuda_graphs": cuda_graphs}
    try:
        ask("nanomorph.bench.possible", question)
    except FatalError as error:
        # An engine that fails its gates here, say: it was asked for, and nothing has been started.
        raise ConfigurationError(str(error)) from error


def opened(question: dict[str, Any]) -> list[str]:
    """The providers of all engines; each is let go again."""
    from nanomorph.bundle import load_bundle
    from nanomorph.engines.opening import open_engine

    bundle, graphs = load_bundle(question["bundle"]), question["cuda_graphs"]
    return [
        open_engine(bundle, device, precision, cuda_graphs=graphs).provider for device, precision in question["wanted"]
    ]


if __name__ == "__main__":
    raise SystemExit(answered(lambda: opened(json.load(sys.stdin))))
