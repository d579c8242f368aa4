"""What options may be: names of networks and the like, and numbers, told in a sentence where one is out of range."""

from __future__ import annotations

import math

from nanomorph.errors import ConfigurationError

ENCODERS = ("resnet18", "resnet34", "resnet50")
OPTIMISERS = ("adamw", "sgd", "lars")
PRECISIONS = ("fp32", "bf16", "fp16")
ANY = math.inf


def require_ranges(options: object, *ranges: tuple[str, float, float]) -> None:
    """Each range: an attribute, its least and its greatest value; None stands for a default.

    Raises ConfigurationError with the option's name for the first that is outside.
    """
    for name, low, high in ranges:
        value = getattr(options, name)
        if value is not None and not low <= value <= high:
            flag, most = "--" + name.replace("_", "-"), "" if math.isinf(high) else f" to {high:g}"
            raise ConfigurationError(f"{flag} {value}: give a number from {low:g}{most or ' on'}.")
