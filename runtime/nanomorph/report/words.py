"""Reasons and numbers in words for people."""

from __future__ import annotations

import math

# Reason: what it means, and what helps. Reasons of the reader and of `discover`.
REASONS = {
    "changing": "It was written to while it was read. Run again when it is finished.",
    "companion-missing": "Its second file is missing. Copy the .ser next to the .emi.",
    "corrupt-archive": "The archive is damaged. Copy it again.",
    "corrupt-member": "A file inside the archive is damaged. Pack the archive again.",
    "broken-link": "A link to a file that is not there.",
    "crashes-reader": "Reading it ends the program. Please report this as a defect.",
    "decompression-bomb": "It unpacks to far more than any micrograph holds, so it was not opened.",
    "duplicate-name": "The archive holds this name twice; only the first was measured.",
    "empty": "The file is empty.",
    "encrypted": "It is protected by a password. Unpack it first.",
    "internal-error": "nanomorph failed on it. Please report this as a defect.",
    "link": "Links inside archives are not followed.",
    "needs-extra": "Reading this format needs an extra package that is not installed.",
    "nested-archive": "An archive inside an archive is not opened. Unpack it first.",
    "no-access": "It could not be read: no permission, or the disk did not answer.",
    "no-signal": "It holds no image: all pixels are the same, or not numbers.",
    "not-a-regular-file": "A device or pipe, not a file.",
    "not-an-image": "Not an image of a known format.",
    "symlink-loop": "A link that leads back to itself.",
    "too-large": "Larger than the limit for one image.",
    "too-small": "Too small to measure anything on.",
    "truncated": "The end of the file is missing. Copy it again.",
    "unreadable": "The file is damaged.",
    "unsafe-path": "Its name points outside the archive, so it was not opened.",
    "unsupported-archive": "A packed file that nanomorph does not open. Unpack it, or use .zip or .tar.",
    "unsupported-compression": "Packed by a method that Python cannot unpack. Pack it again as plain zip.",
    "volume": "A volume (tomogram), not a micrograph.",
    "zero-tail": "The end of the file is all zeros: it was never completely written. Copy it again.",
}


def reason_in_words(reason: str) -> str:
    """A sentence for a reason of the quarantine."""
    return REASONS.get(reason, reason.replace("-", " ").capitalize() + ".")


def title(name: str) -> str:
    """`nanowire-morphology` -> `Nanowire morphology`."""
    words = name.replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def count(n: int, one: str, many: str = "") -> str:
    """`1 micrograph`, `2,300 micrographs`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def three_digits(value: float) -> str:
    """Three significant digits without exponent: 0.00123, 12.3, 4560."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"
