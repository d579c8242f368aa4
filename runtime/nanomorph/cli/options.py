"""One line an option: dataclass fields that argparse-dataclass turns into flags."""

from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from dataclasses import MISSING, field
from typing import Any


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a number; write it with a decimal point, as 0.5") from None


# What argparse would say of a wrong one ("invalid int value") is for programmers.
_NUMBERS: dict[Any, Callable[[str], Any]] = {int: _whole_number, float: _number}


def option(
    help: str,
    *,
    default: Any = MISSING,
    type: type | Any = None,
    choices: Sequence[str] | None = None,
    metavar: str | None = None,
    many: bool = False,
) -> Any:
    """A `--flag VALUE`; required where it has no default. `many` takes one or more values."""
    metadata = {"help": help, "type": _NUMBERS.get(type, type), "choices": choices, "metavar": metavar}
    if many:
        metadata["nargs"] = "+"
    metadata = {key: value for key, value in metadata.items() if value is not None}
    return field(default=default, metadata=metadata) if default is not MISSING else field(metadata=metadata)


def commas(kind: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    """The type of an option that takes a list, `512,1024`."""

    one = _NUMBERS.get(kind, kind)

    def values(text: str) -> tuple[Any, ...]:
        return tuple(one(part.strip()) for part in text.split(","))

    return values


def argument(name: str, help: str, *, type: type | Any, many: bool = False) -> Any:
    """A positional argument; `many` takes one or more."""
    metadata = {"args": [name], "help": help, "type": type, "metavar": name.upper()}
    return field(metadata=metadata | ({"nargs": "+"} if many else {}))
