"""Show a micrograph's size, pixel size and where that came from, or a bundle's card."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nanomorph.bundle import MANIFEST, Bundle, bundle_folder, load_bundle
from nanomorph.cli.bundle_card import bundle_card
from nanomorph.cli.options import argument, option
from nanomorph.errors import ConfigurationError

if TYPE_CHECKING:
    from nanomorph.micrograph import Micrograph

# Where neither file nor picture says how large a pixel is; by whether burnt-in bars are read here.
UNCALIBRATED = {
    True: "the file holds no pixel size, and no scale bar in it is read beyond doubt; give one with --nm-per-px",
    False: "the file holds no pixel size; give one with --nm-per-px, or have burnt-in scale bars read: "
    'pip install "nanomorph[scalebar]"',
}
# Where the file has an orientation for viewers.
TURNED = (
    "the file asks viewers to turn or mirror the picture; masks, overlays, coordinates and pixel sizes in x and y are "
    "of rows and columns as recorded, which ImageJ and napari show"
)


@dataclass(frozen=True)
class Options:
    path: Path = argument("path", "a micrograph, or a bundle's folder (`embedded`: the installed one)", type=Path)
    json: bool = option("print JSON for programs", default=False, type=bool)


def run(options: Options) -> int:
    """Print the card of a micrograph or a bundle."""
    if bundle_folder(options.path).is_dir():
        bundle = load_bundle(options.path)
        print(json.dumps(bundle_facts(bundle), indent=2) if options.json else bundle_card(bundle))
    else:
        facts = micrograph_facts(options.path)
        print(json.dumps(facts, indent=2) if options.json else card(facts))
    return 0


def micrograph_facts(path: Path) -> dict[str, Any]:
    """Size, type and calibration of one file. Raises ConfigurationError where it cannot be read."""
    from nanomorph.calibrate import with_scale_bar
    from nanomorph.readers.formats import identify
    from nanomorph.readers.orientation import UPRIGHT, asked_orientation
    from nanomorph.scalebar import installed

    data, micrograph = _read(path)
    format_ = identify(path.name, data)
    asked = asked_orientation(data, format_)
    reads_bars = installed()
    if reads_bars:
        micrograph = with_scale_bar(micrograph)
    height, width = micrograph.pixels.shape
    share = micrograph.calibration_error
    x, y = micrograph.nm_per_px or (None, None)
    return {
        "micrograph": micrograph.source,
        "format": str(format_),
        "width_px": width,
        "height_px": height,
        "type": str(micrograph.pixels.dtype),
        "n_frames": micrograph.n_frames,
        "n_other_images": micrograph.n_other_images,
        "nm_per_px_x": x,
        "nm_per_px_y": y,
        "calibration": str(micrograph.calibration),
        "calibration_error_percent": None if share is None else 100 * share,
        **({} if micrograph.nm_per_px else {"why_not_calibrated": UNCALIBRATED[reads_bars]}),
        **({} if asked == UPRIGHT else {"orientation": asked, "why_viewers_differ": TURNED}),
    }


def _read(path: Path) -> "tuple[bytes, Micrograph]":
    from nanomorph.micrograph import ReadError
    from nanomorph.readers import read_micrograph

    try:
        data = path.read_bytes()
        return data, read_micrograph(path.name, data, path)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror} (a bundle is a folder with {MANIFEST}).") from error
    except ReadError as error:
        raise ConfigurationError(f"{path}: {error.reason}: {error.detail}") from error


def bundle_facts(bundle: Bundle) -> dict[str, Any]:
    """The manifest of a verified bundle, with its fingerprint."""
    return {"path": str(bundle.path), "fingerprint": bundle.fingerprint, **bundle.manifest}


def card(facts: dict[str, Any], indent: str = "") -> str:
    """`key: value` lines, nested ones indented; None reads as unknown."""
    lines = []
    for key, value in facts.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}:", card(value, indent + "  ")]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [f"{indent}{key}:"] + [card(entry, indent + "  ") + "\n" for entry in value]
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else "unknown" if value is None else value
            lines.append(f"{indent}{key}: {shown}")
    return "\n".join(lines)
