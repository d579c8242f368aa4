"""Which overlays a report shows, and how they get into it."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Container, Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np

from nanomorph.majority import OTHER
from nanomorph.report.findings import Example
from nanomorph.report.strip import Link
from nanomorph.report.words import count
from nanomorph.results import legend
from nanomorph.results.colours import UNKNOWN
from nanomorph.results.paths import result_path

MAX_PICTURES, MAX_OTHERS = 24, 36
_DOUBTFUL_SHARE = 0.5
_SIDE_PX = 560
_JPEG_QUALITY = 82


def choose(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """The clearest of each label, then more of each in turn; and the doubtful ones, least sure first."""
    doubtful = [one for one in examples if one.leading.decision != "accepted"]
    # Uncertain before unknown: those a person can decide.
    doubtful.sort(key=lambda one: (one.leading.decision == "unknown", one.leading.confidence))
    by_label: dict[tuple[str, str], list[Example]] = {}
    for one in examples:
        if one.leading.decision == "accepted":
            by_label.setdefault((one.leading.task, one.leading.label), []).append(one)
    for group in by_label.values():
        group.sort(key=lambda one: -one.leading.confidence)
    doubtful = doubtful[: int(MAX_PICTURES * _DOUBTFUL_SHARE)]
    n_clear = min(MAX_PICTURES - len(doubtful), max(8, 2 * len(by_label)))
    return _in_turn(list(by_label.values()))[:n_clear], doubtful


def _in_turn(groups: Sequence[Sequence[Example]]) -> list[Example]:
    longest = max(map(len, groups), default=0)
    return [group[i] for i in range(longest) for group in groups if i < len(group)]


def others(examples: Sequence[Example], shown: Sequence[Example]) -> list[Example]:
    """Pictures that are not in a gallery but that a point may show, spread evenly over the run."""
    known = {one.name for one in shown}
    left = [one for one in examples if one.name not in known]
    return left[:: max(1, -(-len(left) // MAX_OTHERS))]


def links(out: Path, page: Path, inlined: Sequence[Example], apart: Container[str]) -> Link:
    """Where a click on a micrograph leads: to its picture in the page, else to its overlay beside the page.

    Asked for when a point is drawn: of an archive's 50,000 micrographs few are, and each look costs a share a trip.
    apart: names whose files bear a mark, here and below (`twins`).
    """
    here = {one.name for one in inlined}

    def link(name: str) -> str | None:
        overlay = result_path(out, "overlays", name, ".png", name in apart)
        if not overlay.is_file():
            return None
        return f"#{anchor(name, out)}" if name in here else _beside(overlay, page)

    return link


def anchor(name: str, out: Path) -> str:
    """The id of a micrograph's picture."""
    return "m" + hashlib.sha256(f"{out.resolve().name}/{name}".encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _beside(overlay: Path, page: Path) -> str:
    try:
        return quote(Path(os.path.relpath(overlay, page.parent)).as_posix())
    except ValueError:  # Windows: another drive
        return overlay.absolute().as_uri()


def figures(
    out: Path, page: Path, examples: Sequence[Example], colours: Mapping[str, str], apart: Container[str]
) -> str:
    """HTML of the overlays that exist, inlined in `page`; each links to its full picture beside it."""
    return "".join(_figure(out, page, one, colours, one.name in apart) for one in examples)


def _figure(out: Path, page: Path, example: Example, colours: Mapping[str, str], apart: bool) -> str:
    overlay = result_path(out, "overlays", example.name, ".png", apart)
    jpeg = _small_jpeg(overlay)
    if jpeg is None:
        return ""
    link = _beside(overlay, page)
    source = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
    name = escape(example.name)
    facts = f"{example.field_width} · {count(example.n_domains, 'domain')}"
    # The end of a name tells files of a series apart: its beginning gives way (direction in the style sheet).
    return (
        f'<figure class="picture" id="{anchor(example.name, out)}"><a class="open" href="{escape(link)}">'
        f'<img loading="lazy" src="{source}" alt="{name} with outlines">'
        f"<span>{_verdict(example, colours)}</span>"
        f'<span class="file" title="{name}"><bdi>{name}</bdi></span><span class="quiet">{facts}</span></a>'
        '<a class="close" href="#points" aria-label="Close the picture">Close</a></figure>\n'
    )


def _verdict(example: Example, colours: Mapping[str, str]) -> str:
    one = example.leading
    if one.decision == "unknown":
        nearest = f"<small>nearest: {escape(one.label)}</small>" if one.label not in {"", OTHER} else ""
        return f"<i style='--c:{UNKNOWN}'></i><b>unknown</b> {nearest}"
    doubt = "<em>uncertain</em>" if one.decision == "uncertain" else ""
    chip = f"<i style='--c:{colours.get(one.label, UNKNOWN)}'></i>"
    return f"{chip}<b>{escape(one.label)}</b> <small>{one.confidence:.2f}</small> {doubt}"


def _small_jpeg(path: Path) -> bytes | None:
    """The picture at modest size without its legend, or None where there is none (`--no-overlays`, a full disk)."""
    if not path.is_file() or not path.stat().st_size:
        return None
    # Not cv2.imread: on Windows it cannot open every name.
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        return None
    picture = picture[: -legend.HEIGHT]  # too small to read here; the page says the same in text
    scale = min(1.0, _SIDE_PX / max(picture.shape[:2]))
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    encoded, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return jpeg.tobytes() if encoded else None
