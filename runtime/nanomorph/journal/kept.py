"""Under which names a journal keeps how its results were made, see `Journal.remember`."""

# Whether bars were read: rows of frames without a pixel size depend on it.
SCALE_BARS = "scale bars"
BUNDLE, FOLLOWS = "bundle", "follows"
# What a user chooses of the way of measuring.
WAYS = ("nm_per_px", SCALE_BARS, "detail", "edges", "outline")


def measures_key(fingerprint: str) -> str:
    """How a bundle that wrote into it measures; `relabel` asks."""
    return f"measures.{fingerprint}"


def threshold_key(fingerprint: str) -> str:
    """The probability from which on a bundle that wrote into it takes for material; the report says it."""
    return f"threshold.{fingerprint}"
