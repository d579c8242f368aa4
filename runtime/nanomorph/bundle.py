"""The bundle: the one contract between training, export and runtime. Read here, written by export.

A folder with `bundle.json` (its keys: bundles/SCHEMA.md) and the ONNX files it
names. Every file's sha256 is checked at load, so that a truncated copy never computes anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from nanomorph.bundle_files import State, read_again, state, verify
from nanomorph.errors import BundleError as BundleError
from nanomorph.manifest import OLDEST_VERSION, SCHEMA_VERSION, Problem, check
from nanomorph.prepare import InputSpec

MANIFEST = "bundle.json"
EMBEDDED = Path(__file__).parent / "bundles" / "embedded"
# Folders that are given for one, by a file in them.
_NOT_BUNDLES = {
    "journal.sqlite": "It holds results: `nanomorph status` and `report` read those",
    "head.json": "It holds a head: `nanomorph export --head RUN --into embedded --out BUNDLE` makes a bundle of it",
    "checkpoint.safetensors": "It holds a training run: `nanomorph export` makes a bundle of it",
}


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
    """A verified bundle on disk. `backbones` maps a precision to its file, `graphs` a head's file to its bytes.

    states: of every file, what the disk said of it when it was verified.
    """

    path: Path
    manifest: dict[str, Any]
    fingerprint: str
    graphs: dict[str, bytes]
    states: dict[str, State] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.manifest["name"]

    @cached_property
    def input(self) -> InputSpec:
        """What the backbone accepts."""
        return InputSpec(**self.manifest["input"])

    @property
    def foreground_threshold(self) -> float:
        """The probability from which on a pixel is material."""
        return float(self.manifest["foreground_threshold"])

    @property
    def backbones(self) -> dict[str, Path]:
        """Graphs by precision."""
        return {precision: self.path / file for precision, file in self.manifest["backbone"].items()}

    @property
    def embedder(self) -> Path | None:
        """The graph of the embedding, where heads were fitted on another encoder than the segmenter's."""
        file = self.manifest.get("embedder")
        return None if file is None else self.path / file

    @property
    def proof(self) -> list[Path]:
        """Micrographs that a compiled engine is held against the fp32 graph on."""
        return [self.path / file for file in self.manifest.get("proof", [])]

    @property
    def measures(self) -> str:
        """Fingerprint of how a bundle sees and measures: two bundles that share it differ in their heads alone."""
        fp32 = self.manifest["files"][self.manifest["backbone"]["fp32"]]
        ways = [fp32, asdict(self.input), self.foreground_threshold]
        if self.embedder is not None:
            ways.append(self.manifest["files"][self.manifest["embedder"]])
        return hashlib.sha256(json.dumps(ways, sort_keys=True).encode()).hexdigest()[:12]

    def read(self, file: str) -> bytes:
        """A file's bytes as they were verified. Raises BundleError where they are others by now."""
        return read_again(self.path, file, self.manifest["files"][file])

    def require_unchanged(self, files: Iterable[str]) -> None:
        """Raises BundleError where a file that was opened by its name is not what was verified together with the heads.

        It is read again only where the disk says something else of it than before.
        """
        for file in files:
            if state(self.path / file) != self.states.get(file):
                self.read(file)

    @cached_property
    def heads(self) -> tuple[HeadSpec, ...]:
        """In the manifest's order."""
        return tuple(_head(entry) for entry in self.manifest["heads"])


def bundle_folder(path: str | Path | None) -> Path:
    """Where a bundle lies. None is the embedded one, and so is its name, where no file or folder has it."""
    if path is None or (str(path) == EMBEDDED.name and not Path(path).exists()):
        return EMBEDDED
    return Path(path)


def load_bundle(path: str | Path | None = None) -> Bundle:
    """Load and verify a bundle; None, or `embedded`, gives the embedded one (`bundle_folder`).

    Raises BundleError naming the file that is missing, truncated, altered, swapped or not understood. Where a
    head is replaced at this very moment, what is loaded is wholly the old bundle or wholly the new one.
    """
    folder = bundle_folder(path)
    while True:
        manifest, text = _read_manifest(folder)
        try:
            states = {file: state(folder / file) for file in manifest["files"]}
            heads = verify(folder, manifest)
        except BundleError:
            # bundle.json is replaced last: if it is another one now, the file was cleared away, not lost.
            if _read_manifest(folder)[1] != text:
                continue
            raise
        return Bundle(folder, manifest, hashlib.sha256(text).hexdigest()[:12], heads, states)


def _read_manifest(folder: Path) -> tuple[dict[str, Any], bytes]:
    file = folder / MANIFEST
    try:
        text = file.read_bytes()
        manifest = json.loads(text)
        schema = int(manifest["schema"])
    except (FileNotFoundError, NotADirectoryError):
        raise BundleError(f"{folder} is no bundle: {_what_it_is(folder)}.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{file} cannot be read as a bundle ({error}); copy the bundle anew.") from error
    if schema > SCHEMA_VERSION:
        raise BundleError(f"{file} has schema {schema}, this nanomorph reads up to {SCHEMA_VERSION}: update nanomorph.")
    if schema < OLDEST_VERSION:
        raise BundleError(f"{file} has schema {schema}, which no nanomorph ever wrote; copy the bundle anew.")
    try:
        check(manifest)
    except Problem as problem:
        raise BundleError(f"{file} is no manifest of a bundle: {problem}; copy the bundle anew.") from problem
    return manifest, text


def _what_it_is(path: Path) -> str:
    """What lies there in place of a bundle, and what to give or do."""
    if path.is_file():
        return f"it is a file; give the folder that holds {MANIFEST}"
    if not path.is_dir():
        return "there is no such folder"
    for file, what in _NOT_BUNDLES.items():
        if (path / file).is_file():
            return f"it has no {MANIFEST}. {what}"
    return f"it has no {MANIFEST}; give the folder that `nanomorph export` wrote"


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
