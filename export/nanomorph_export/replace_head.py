"""One head of a bundle replaced or added; the backbone's bytes, and so compiled engines, stay. No torch."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from nanomorph.atomic import atomic_open
from nanomorph.bundle import MANIFEST, Bundle, load_bundle
from nanomorph.engines.onnx_runtime import OnnxRuntimeEngine
from nanomorph.errors import ConfigurationError
from nanomorph.inference.judge import open_head
from nanomorph_export.manifest import add_head, check_head, write_manifest
from nanomorph_export.place import DRAFTS, put, require_room
from nanomorph_training.heads.head import Head


def replace_head(folder: Path, head: Head) -> Bundle:
    """Put `head` into the bundle in place of one of the same task, or as one more; the bundle as it is now.

    A reader sees the old bundle or the new one: the new head's file has a name of its own, bundle.json is replaced
    after it in one step, and only when all of it has been loaded again the old file goes. Raises ConfigurationError
    where the head was fitted on another encoder, does not fit the backbone, or goes into no bundle; the bundle is then
    as it was.
    """
    check_head(head)
    bundle, text = load_bundle(folder), (folder / MANIFEST).read_bytes()
    _require_same_encoder(bundle, head)
    require_same_threshold(head, bundle.foreground_threshold)
    before = set(bundle.graphs)
    manifest = add_head(folder, bundle.manifest, head) | {"updated": datetime.now(UTC).isoformat(timespec="seconds")}
    after = {entry["file"] for entry in manifest["heads"]}
    try:
        _require_fit(replace(bundle, manifest=manifest, graphs=_graphs(folder, after)), head.task)
        if load_bundle(folder).fingerprint != bundle.fingerprint:
            raise ConfigurationError(f"{folder} has been changed by somebody else meanwhile: give the command again")
        write_manifest(folder, manifest)
        now = _reloaded(folder, text)
    except BaseException:
        _remove(folder, after - before)
        raise
    _remove(folder, before - after)
    return now


def copy_with_head(source: Bundle, folder: Path, head: Head, only: bool) -> Bundle:
    """A copy of a bundle at `folder`, named after it, with `head` as `replace_head` puts it in; `source` stays.

    only: without the other heads. Notes (*.md) and engines are not copied. Raises ConfigurationError as `replace_head`
    and `require_room`.
    """
    folder = folder.resolve()
    require_room(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=DRAFTS, ignore_cleanup_errors=True) as temporary:
        draft = Path(temporary) / "bundle"
        for file in (MANIFEST, *source.manifest["files"]):
            (draft / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.path / file, draft / file)
        manifest = replace_head(draft, head).manifest
        heads = [entry for entry in manifest["heads"] if entry["task"] == head.task or not only]
        write_manifest(draft, manifest | {"name": folder.name, "heads": heads})
        _remove(draft, {entry["file"] for entry in manifest["heads"]} - {entry["file"] for entry in heads})
        put(draft, folder)
    return load_bundle(folder)


def _reloaded(folder: Path, before: bytes) -> Bundle:
    """The bundle as it is now; where it does not load, bundle.json is what it was `before`."""
    try:
        return load_bundle(folder)
    except BaseException:
        with atomic_open(folder / MANIFEST) as stream:
            stream.write(before)
        raise


def _graphs(folder: Path, files: Iterable[str]) -> dict[str, bytes]:
    return {file: (folder / file).read_bytes() for file in files}


def _require_fit(candidate: Bundle, task: str) -> None:
    spec = next(spec for spec in candidate.heads if spec.task == task)
    graph = candidate.embedder or candidate.backbones["fp32"]
    open_head(candidate, spec, OnnxRuntimeEngine(graph, "fp32").dim)


def _remove(folder: Path, files: Iterable[str]) -> None:
    for file in files:
        # Windows keeps a file that someone reads at this moment; no bundle.json names it any more.
        with contextlib.suppress(PermissionError):
            (folder / file).unlink(missing_ok=True)


def require_same_threshold(head: Head, threshold: float) -> None:
    """Descriptors are those of masks: raises ConfigurationError where a head learned from masks cut elsewhere."""
    fitted_at = head.metrics.get("threshold", threshold)
    if head.descriptors and abs(fitted_at - threshold) > 1e-6:
        raise ConfigurationError(
            f"head {head.task} was fitted on masks from probability {fitted_at:g} on, the bundle's begin at "
            f"{threshold:g}: fit it without --threshold"
        )


def _require_same_encoder(bundle: Bundle, head: Head) -> None:
    """A head on embeddings of another encoder would answer, and mean nothing."""
    known = bundle.manifest["provenance"].get("encoder") if "provenance" in bundle.manifest else None
    others = [entry.get("metrics", {}).get("encoder") for entry in bundle.manifest["heads"]]
    encoder = known or next(filter(None, others), None)
    fitted_on = head.metrics.get("encoder")
    # `measures`: what fit-head notes where it took the embeddings from a bundle.
    if head.uses_embedding and encoder and fitted_on and fitted_on not in {encoder, bundle.measures}:
        raise ConfigurationError(
            f"head {head.task} was fitted on the encoder {fitted_on}, the bundle's is {encoder}: "
            "fit it again with the bundle's encoder"
        )
