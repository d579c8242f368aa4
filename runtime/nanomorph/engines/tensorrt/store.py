"""Engines on disk: each beside a JSON file that says what it was built from and that it passed the gates.

A mismatch in anything (graph, TensorRT, GPU, profile; workspace, where one was asked for) builds it anew, loudly:
onnxruntime's own cache does not (onnxruntime#22244).
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nanomorph.atomic import atomic_open
from nanomorph.bundle import Bundle
from nanomorph.engine import GPU_BATCH_PIXELS
from nanomorph.engines.memory import DeviceMemory
from nanomorph.engines.proof import prove
from nanomorph.engines.tensorrt.build import Profile, build, profile_of
from nanomorph.engines.tensorrt.library import load
from nanomorph.engines.tensorrt.run import TensorRtEngine
from nanomorph.errors import FatalError
from nanomorph.inference.gates import as_metrics

logger = logging.getLogger(__name__)

WORKSPACE_MIB = 2048


def open_proven(
    bundle: Bundle, precision: str, workspace_mib: int | None = None, memory: DeviceMemory | None = None
) -> TensorRtEngine:
    """The bundle's engine for this machine, built and proven where there is none that fits.

    workspace_mib: None takes an engine of any, and builds with WORKSPACE_MIB.
    Raises ConfigurationError without TensorRT or a GPU, FatalError where an engine does not build or fails a gate.
    """
    trt = load()
    memory = memory or DeviceMemory()
    profile = profile_of(bundle.input, _batch(bundle))
    wanted = {
        "onnx_sha256": bundle.manifest["files"][bundle.manifest["backbone"][precision]],
        "precision": precision,
        "tensorrt": trt.__version__,
        "device": memory.device_name(),
        "profile": {name: list(shape) for name, shape in asdict(profile).items()},
    }
    if workspace_mib is not None:
        wanted["workspace_mib"] = workspace_mib
    file = engines_folder(bundle) / f"{precision}.engine"
    plan, why = kept(file, wanted)
    if plan is not None:
        return TensorRtEngine(plan, precision, profile, memory)
    logger.warning("%s: %s; building it for this machine, which takes minutes", file, why)
    return _build_and_prove(bundle, file, wanted, profile, memory)


def engines_folder(bundle: Bundle) -> Path:
    """Inside the bundle; where that cannot be written (an installed package), in the user's cache."""
    if os.access(bundle.path, os.W_OK):
        return bundle.path / "engines"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache")
    return cache / "nanomorph" / "engines" / bundle.measures


def kept(file: Path, wanted: dict[str, Any]) -> tuple[bytes | None, str]:
    """The engine on disk where it is the one wanted; else None, and why not in one clause."""
    try:
        known = json.loads(_card(file).read_text(encoding="utf-8"))
        plan = file.read_bytes()
    except FileNotFoundError:
        return None, "there is no engine yet"
    except (OSError, ValueError) as error:
        return None, f"its fingerprint cannot be read ({error})"
    if known.get("engine_sha256") != hashlib.sha256(plan).hexdigest():
        return None, "it is not the engine that was proven (sha256 differs)"
    differing = [f"{key} was {known.get(key)}, is {value}" for key, value in wanted.items() if known.get(key) != value]
    return (None if differing else plan), "; ".join(differing)


def _build_and_prove(
    bundle: Bundle, file: Path, wanted: dict[str, Any], profile: Profile, memory: DeviceMemory
) -> TensorRtEngine:
    precision = wanted["precision"]
    wanted = {"workspace_mib": WORKSPACE_MIB} | wanted
    graph, name = bundle.read(bundle.manifest["backbone"][precision]), str(bundle.backbones[precision])
    plan = build(graph, name, profile, file.with_suffix(".timing"), wanted["workspace_mib"])
    engine = TensorRtEngine(plan, precision, profile, memory)
    found = prove(bundle, engine)
    failed = [str(gate) for gate in found if not gate.passed]
    if failed:
        raise FatalError(
            f"the TensorRT engine ({precision}) does not compute what the bundle's fp32 graph computes: "
            f"{'; '.join(failed)}. It was not kept; use --precision fp32, or --device cuda."
        )
    with atomic_open(file) as stream:
        stream.write(plan)
    with atomic_open(_card(file), "w") as stream:
        described = wanted | {"engine_sha256": hashlib.sha256(plan).hexdigest(), "gates": as_metrics(found)}
        stream.write(json.dumps(described, indent=2) + "\n")
    return engine


def _batch(bundle: Bundle) -> int:
    return max(1, GPU_BATCH_PIXELS // bundle.input.max_side**2)


def _card(file: Path) -> Path:
    return file.with_suffix(".json")
