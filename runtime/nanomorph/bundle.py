"""The bundle: the one contract between training, export and runtime. Read here, written by export.

A folder with `bundle.json` (its keys: bundles/SCHEMA.md) and the ONNX files it
names. Every file's sha256 is checked at load, so that a truncated copy never computes anything.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nanomorph.errors import ConfigurationError
from nanomorph.prepare import InputSpec

SCHEMA_VERSION = 1
MANIFEST = "bundle.json"
EMBEDDED = Path(__file__).parent / "bundles" / "embedded"


class BundleError(ConfigurationError):
    """A bundle that is missing, damaged, tampered with or too new, named with its file."""


@dataclass(frozen=True)
class HeadSpec:
    """One task of a bundle.

    level: `field` (judges the micrograph) or `domain` (judges every domain).
    descriptors: names of measured columns, in the order of the head's input.
    uncertain_below: a confidence under this is `uncertain`; novelty above 1 is `unknown`.
    """

    task: str
    level: str
    file: str
    labels: tuple[str, ...]
    uses_embedding: bool
    descriptors: tuple[str, ...]
    uncertain_below: float
    metrics: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Bundle:
    """A verified bundle on disk. `backbones` maps a precision to its file."""

    path: Path
    manifest: dict[str, Any]
    fingerprint: str

    @property
    def name(self) -> str:
        return self.manifest["name"]

    @cached_property
    def input(self) -> InputSpec:
        return InputSpec(**self.manifest["input"])

    @property
    def foreground_threshold(self) -> float:
        return float(self.manifest["foreground_threshold"])

    @property
    def backbones(self) -> dict[str, Path]:
        return {precision: self.path / file for precision, file in self.manifest["backbone"].items()}

    @cached_property
    def heads(self) -> tuple[HeadSpec, ...]:
        return tuple(_head(entry) for entry in self.manifest["heads"])


def load_bundle(path: str | Path | None = None) -> Bundle:
    """Load and verify a bundle; None gives the embedded one.

    Raises BundleError naming the file that is missing, truncated, altered or not understood.
    """
    folder = EMBEDDED if path is None else Path(path)
    manifest, text = _read_manifest(folder)
    for file, expected in manifest["files"].items():
        _verify(folder / file, expected)
    return Bundle(folder, manifest, hashlib.sha256(text).hexdigest()[:12])


def _read_manifest(folder: Path) -> tuple[dict[str, Any], bytes]:
    file = folder / MANIFEST
    try:
        text = file.read_bytes()
        manifest = json.loads(text)
        schema = int(manifest["schema"])
    except FileNotFoundError:
        raise BundleError(f"{folder} is no bundle: it has no {MANIFEST}.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{file} cannot be read as a bundle ({error}); copy the bundle anew.") from error
    if schema > SCHEMA_VERSION:
        raise BundleError(f"{file} has schema {schema}, this nanomorph reads up to {SCHEMA_VERSION}: update nanomorph.")
    return manifest, text


def _verify(file: Path, expected: str) -> None:
    try:
        with open(file, "rb") as stream:
            actual = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise BundleError(f"{file} cannot be read ({error.strerror}); copy the bundle anew.") from error
    if actual != expected:
        raise BundleError(f"{file} is not the file this bundle was made with (sha256 differs); copy the bundle anew.")


def _head(entry: dict[str, Any]) -> HeadSpec:
    return HeadSpec(
        task=entry["task"],
        level=entry["level"],
        file=entry["file"],
        labels=tuple(entry["labels"]),
        uses_embedding=bool(entry["uses_embedding"]),
        descriptors=tuple(entry["descriptors"]),
        uncertain_below=float(entry["uncertain_below"]),
        metrics=entry.get("metrics", {}),
    )
