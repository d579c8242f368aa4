"""What bundle.json must say (bundles/SCHEMA.md), checked key by key so that damage is named, not stumbled over."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import PurePosixPath
from typing import Any

from nanomorph.prepare import InputSpec

SCHEMA_VERSION = 2
# Schema 1 had neither `precisions` nor `proof`; `gates` held the fp32 graph's.
OLDEST_VERSION = 1
PRECISIONS = ("fp32", "fp16", "int8")
LEVELS = ("field", "domain")
# Of a head's metrics, those that are shown to people.
SCORES = ("out_of_fold", "test", "test_predicted")
_SHA256 = re.compile(r"[0-9a-f]{64}")
STRIDE = 32


class Problem(ValueError):
    """One sentence on what is wrong with a manifest."""


def check(manifest: Mapping[str, Any]) -> None:
    """Raises Problem for the first thing that no bundle written by nanomorph could say."""
    _text(manifest, "name")
    _check_input(_of(manifest, "input", dict))
    threshold = _of(manifest, "foreground_threshold", float)
    _require(0 < threshold < 1, f"foreground_threshold is {threshold:g}, a probability lies between 0 and 1")
    _check_backbone(_of(manifest, "backbone", dict))
    if "embedder" in manifest:
        _text(manifest, "embedder")
    for head in _of(manifest, "heads", list):
        _require(isinstance(head, dict), "a head is an object")
        check_head(head)
    _check_unique("heads have the task", (head["task"] for head in manifest["heads"]))
    if "proof" in manifest:
        _texts(manifest, "proof")
    _check_records(manifest)
    _check_files(manifest)


def files_of(manifest: Mapping[str, Any]) -> list[str]:
    """Every file that a manifest names in a role."""
    heads = [head["file"] for head in manifest["heads"]]
    embedder = [manifest["embedder"]] if "embedder" in manifest else []
    return [*manifest["backbone"].values(), *embedder, *heads, *manifest.get("proof", [])]


def _check_input(spec: Mapping[str, Any]) -> None:
    known = {f.name for f in fields(InputSpec)}
    unknown = set(spec) - known
    _require(not unknown, f"input has keys that this nanomorph does not know: {', '.join(sorted(unknown))}")
    values = {name: _of(spec, name, float) for name in spec}
    for name, value in values.items():
        _require(value >= 0 if name == "low" else value > 0, f"input.{name} is {value:g}")
    whole = InputSpec(**spec)
    for name in ("max_side", "multiple"):
        value = getattr(whole, name)
        _require(value % STRIDE == 0, f"input.{name} is {value:g}, the backbone takes multiples of {STRIDE}")
    _require(whole.low < whole.high <= 100, f"input.low {whole.low:g} and input.high {whole.high:g} are no percentiles")


def _check_backbone(backbone: Mapping[str, Any]) -> None:
    _require("fp32" in backbone, "there is no fp32 backbone")
    unknown = set(backbone) - set(PRECISIONS)
    _require(not unknown, f"backbone has a precision {', '.join(sorted(unknown))}; known are {', '.join(PRECISIONS)}")
    for precision in backbone:
        _text(backbone, precision)


def check_head(head: Mapping[str, Any]) -> None:
    """As `check`, of an entry of `heads`."""
    task = _text(head, "task")
    _require(head.get("level") in LEVELS, f"head {task} has the level {head.get('level')!r}, not one of {LEVELS}")
    _text(head, "file")
    labels = _texts(head, "labels")
    _require(len(labels) >= 2, f"head {task} has fewer than two labels")
    _check_unique(f"labels of head {task} are", labels)
    _check_unique(f"descriptors of head {task} are", _texts(head, "descriptors"))
    _require(isinstance(head.get("uses_embedding"), bool), f"head {task}: uses_embedding must be true or false")
    _require(head["uses_embedding"] or head["descriptors"], f"head {task} has no input: no embedding, no descriptor")
    below = _of(head, "uncertain_below", float)
    _require(0 <= below <= 1, f"head {task}: uncertain_below is {below:g}, not a probability")
    if "temperature" in head:
        _of(head, "temperature", float)
    _check_metrics(head)


def _check_records(manifest: Mapping[str, Any]) -> None:
    """What export notes for people; an engine takes its limits from there."""
    _text(manifest, "created")
    _check_gates(manifest.get("gates", []), "gates")
    precisions = _of(manifest, "precisions", dict) if "precisions" in manifest else {}
    for name, entry in precisions.items():
        where = f"precisions.{name}"
        written = entry.get("written") if isinstance(entry, dict) else None
        _require(isinstance(written, bool), f"{where} does not say whether it is written")
        has = "a" if name in manifest["backbone"] else "no"
        _require(written == (has == "a"), f"{where}.written is {written}, and backbone has {has} {name}")
        _require("gates" in entry, f"{where} has no gates")
        _check_gates(entry["gates"], f"{where}.gates")
        if "fp32_layers" in entry:
            _texts(entry, "fp32_layers")
    provenance = _of(manifest, "provenance", dict) if "provenance" in manifest else {}
    for stage in ("segmenter", "pretraining"):
        if stage in provenance:
            versions = _of(provenance, stage, dict).get("versions", {})
            _require(isinstance(versions, dict), f"provenance.{stage}.versions is {_short(versions)}, not an object")


def _check_gates(gates: Any, where: str) -> None:
    _require(isinstance(gates, list), f"{where} is {_short(gates)}, not a list")
    for gate in gates:
        _require(isinstance(gate, dict), f"{where} holds {_short(gate)}, which is no gate")
        _text(gate, "name")
        _of(gate, "value", float)
        _of(gate, "limit", float)
        _require(isinstance(gate.get("passed"), bool), f"{where}: {gate['name']} does not say whether it passed")


def _check_metrics(head: Mapping[str, Any]) -> None:
    metrics = _of(head, "metrics", dict) if "metrics" in head else {}
    for name in SCORES:
        if scores := metrics.get(name):
            _require(isinstance(scores, dict), f"head {head['task']}: {name} is {_short(scores)}, not an object")
            for key in ("accuracy", "balanced_accuracy", "n"):
                _of(scores, key, float)


def _check_files(manifest: Mapping[str, Any]) -> None:
    hashes = _of(manifest, "files", dict)
    for file, sha256 in hashes.items():
        _check_place(file)
        _require(bool(_SHA256.fullmatch(str(sha256))), f"files has no sha256 for {file}")
    for file in files_of(manifest):
        _check_place(file)
        _require(file in hashes, f"{file} is named, but has no sha256 in files")


def _check_place(file: str) -> None:
    path = PurePosixPath(file)
    inside = not path.is_absolute() and ".." not in path.parts and "\\" not in file and ":" not in file
    _require(inside and file != "", f"the file {file!r} lies outside the bundle")


def _check_unique(what: str, names: Iterable[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    _require(not repeated, f"two {what} {', '.join(repeated)}")


def _of(where: Mapping[str, Any], key: str, kind: type) -> Any:
    _require(key in where, f"the key {key} is missing")
    value = where[key]
    accepted = (int, float) if kind is float else kind
    fits = isinstance(value, accepted) and not isinstance(value, bool)
    _require(fits, f"{key} is {_short(value)}, not {_NAMES[kind]}")
    return value


def _text(where: Mapping[str, Any], key: str) -> str:
    value = _of(where, key, str)
    _require(value != "", f"{key} is empty")
    return value


def _texts(where: Mapping[str, Any], key: str) -> Sequence[str]:
    values = _of(where, key, list)
    _require(all(isinstance(value, str) and value for value in values), f"{key} holds something that is no name")
    return values


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 40 else f"{text[:36]}..."


def _require(condition: Any, otherwise: str) -> None:
    if not condition:
        raise Problem(otherwise)


_NAMES = {dict: "an object", list: "a list", str: "a text", float: "a number"}
